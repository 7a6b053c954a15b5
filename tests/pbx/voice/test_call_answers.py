"""Tests of asking who called, through Assist itself."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.const import GROUP_ID_ADMIN
from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.pbx.backends.updates import CallResult, Direction

from ..common import set_options, settle
from ..logs import MUM, calls, row
from ..people import contact, set_up
from ..toy import Toys
from .test_sentence_triggers import say

pytest.importorskip("hassil")

PEOPLE = (contact("Mum", MUM, "مامان"), contact("Paul", "09130000000"))


@pytest.fixture(autouse=True)
async def _assist(hass: HomeAssistant) -> None:
    """Have an Assist to speak to."""
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "conversation", {})
    await hass.async_block_till_done()


@pytest.fixture
async def house(
    hass: HomeAssistant, new_toy: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> MockConfigEntry:
    """Return a PBX with a family, at eight in the morning."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to("2027-11-28 08:00:00+00:00")
    made = await set_up(hass, new_toy, *PEOPLE)
    await settle(hass)
    freezer.tick(3600)
    return made


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "who called?"),
        ("en", "Who has called me today?"),
        ("en", "who just rang"),
        ("en", "did I miss any calls"),
        ("en", "which calls have we missed?"),
        ("fa", "کی زنگ زد؟"),
        ("fa", "امروز چه کسی تماس گرفته"),
        ("fa", "تماس بی‌پاسخ دارم؟"),
    ],
)
async def test_who_called(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    language: str,
    text: str,
) -> None:
    """The answer names the callers of the last day, the latest first, each once."""
    del house
    hass.config.language = language
    nobody = {
        "en": "Nobody has called in the last day.",
        "fa": "در یک روز گذشته کسی تماس نگرفته است.",
    }
    hass.bus.async_fire("core_config_updated", {})
    await settle(hass)
    assert await say(hass, text, language) == nobody[language]
    now = dt_util.utcnow().timestamp()
    updates = (
        row("1", caller="09130000000", at=now - 900),
        row("2", caller="", at=now - 600),
        row("3", CallResult.ANSWERED, "09130000000", at=now - 60, talk_time=0.0),
        row("4", caller="101", direction=Direction.INTERNAL, at=now),
    )
    for each in updates:
        toys.latest.sink.call(each)
    assert (
        await say(hass, text, language)
        == {
            "en": "Called: Paul at 08:59, a withheld number at 08:50, missed.",
            "fa": (
                "تماس گرفته‌اند: \u2068\u2068Paul\u2069 ساعت \u206808:59\u2069، "
                "\u2068شمارهٔ پنهان\u2069 ساعت \u206808:50\u2069، بی‌پاسخ\u2069."
            ),
        }[language]
    )
    assert toys.latest.requests == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "did mum call?"),
        ("en", "Has my Mum called today?"),
        ("fa", "مامان زنگ زد؟"),
        ("fa", "آیا مامان تماس گرفته؟"),
    ],
)
async def test_did_call(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    language: str,
    text: str,
) -> None:
    """The answer says when a contact has called last."""
    del house
    hass.config.language = language
    hass.bus.async_fire("core_config_updated", {})
    await settle(hass)
    sink = toys.latest.sink
    sink.call(row("0", caller="0914"))
    no = {"en": "No, Mum has not called.", "fa": "نه، \u2068Mum\u2069 تماس نگرفته است."}
    assert await say(hass, text, language) == no[language]
    sink.call(row("1"))
    missed = {
        "en": "Yes, Mum called at 09:00, and nobody answered.",
        "fa": "بله، \u2068Mum\u2069 ساعت \u206809:00\u2069 تماس گرفت و کسی پاسخ نداد.",
    }
    assert await say(hass, text, language) == missed[language]
    sink.call(row("1", CallResult.ANSWERED))
    freezer.tick(86_400)
    answered = {
        "en": "Yes, Mum called at 2027-11-28 09:00.",
        "fa": "بله، \u2068Mum\u2069 ساعت \u20682027-11-28 09:00\u2069 تماس گرفت.",
    }
    assert await say(hass, text, language) == answered[language]
    assert toys.latest.requests == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "call back Mum"),
        ("en", "call mum back please"),
        ("fa", "به مامان دوباره زنگ بزن"),
        ("fa", "دوباره زنگ بزن به مامان"),
    ],
)
async def test_call_back(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry, language: str, text: str
) -> None:
    """Calling back is calling; the call log says that a voice asked for it."""
    del house
    hass.config.language = language
    hass.bus.async_fire("core_config_updated", {})
    await settle(hass)
    await say(hass, text, language)
    assert [each.callee for each in toys.latest.requests] == [MUM]
    (call,) = await calls(hass)
    assert call["asked_by"] == {"type": "voice", "name": None}


async def test_private(hass: HomeAssistant, toys: Toys, house: MockConfigEntry) -> None:
    """A log for administrators is not read to a voice device, where anybody speaks."""
    toys.latest.sink.call(row("1"))
    await set_options(hass, house, log_readers="administrators")
    private = "Only administrators may ask about calls."
    assert await say(hass, "who called?") == private
    assert await say(hass, "did mum call?") == private
    admin = await hass.auth.async_create_user("Paul", group_ids=[GROUP_ID_ADMIN])
    context = Context(user_id=admin.id)
    heard = await say(hass, "who called?", context=context)
    assert heard == "Called: Mum at 09:00, missed."


async def test_who_may_not_see_the_pbx(
    hass: HomeAssistant, hass_owner_user: User, toys: Toys, house: MockConfigEntry
) -> None:
    """A voice does not tell a user what they may not read themselves."""
    del house
    assert hass_owner_user.is_owner
    toys.latest.sink.call(row("1"))
    user = MockUser()
    user.mock_policy({"entities": {"entity_ids": {"light.hall": True}}})
    context = Context(user_id=user.add_to_hass(hass).id)
    private = "Only administrators may ask about calls."
    assert await say(hass, "who called?", context=context) == private
    user.mock_policy(
        {"entities": {"entity_ids": {"binary_sensor.toy_connected": True}}}
    )
    heard = await say(hass, "who called?", context=context)
    assert heard == "Called: Mum at 09:00, missed."


async def test_outgoing_calls_are_not_theirs(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """Calling somebody is not being called."""
    del house
    await say(hass, "call mum")
    assert len(toys.latest.requests) == 1
    assert await say(hass, "did mum call") == "No, Mum has not called."
    assert await say(hass, "who called") == "Nobody has called in the last day."
