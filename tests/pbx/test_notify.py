"""Tests of the notify entities, which call a contact and speak."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)

from custom_components.pbx.backends.announcement import Played
from custom_components.pbx.backends.base import CallRequest, Feature
from custom_components.pbx.backends.errors import (
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallResult, CallState
from scripts.support.tones import say

from .calls.messages import raises
from .common import let_time_pass, place_call, run_pending, set_options, until
from .people import contact, entity_of, set_up
from .reporting import state_of
from .speech.engines import Engine
from .toy import SPEECH, Toys

MUM = contact("Mum", "09121234567", timeout=45, repeat=3, language="fa")
CAREFUL = contact("Careful", "09127654321", confirm_key="1")
TEXT = "Dinner is ready"


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Return the features of a PBX that can speak."""
    return (Feature.HANG_UP, *SPEECH, Feature.OPTIONAL_TRUNK)


@pytest.fixture
async def house(
    hass: HomeAssistant, new_toy: MockConfigEntry, engine: Engine
) -> MockConfigEntry:
    """Return a PBX with two contacts."""
    assert engine.asked == []
    return await set_up(hass, new_toy, MUM, CAREFUL)


async def send(
    hass: HomeAssistant,
    entity_ids: str | list[str],
    context: Context | None = None,
    **data: object,
) -> None:
    """Send a message."""
    await hass.services.async_call(
        "notify",
        "send_message",
        {"entity_id": entity_ids, "message": TEXT, **data},
        blocking=True,
        context=context,
    )


async def begin(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    toys: Toys,
    name: str = "Mum",
    **data: Any,  # noqa: ANN401 - data of the action
) -> asyncio.Task[None]:
    """Send a message until its contact is called, and return it.

    Home Assistant waits for the actions of entities: nothing else may wait for it.
    """
    entity_id = entity_of(hass, entry, name, "announcement")
    running = asyncio.create_task(send(hass, entity_id, None, **data))
    await until(lambda: toys.latest.requests)
    await run_pending()
    return running


async def test_heard(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """Success is that the message was heard; the contact's own settings apply."""
    entity_id = entity_of(hass, house, "Mum", "announcement")
    assert entity_id == "notify.mum_announcement"
    running = await begin(hass, house, toys)
    (request,) = toys.latest.requests
    assert (request.callee, request.timeout) == ("09121234567", 45)
    assert request.announcement is not None
    assert request.announcement.repeat == 3
    assert engine.asked[0][:2] == (TEXT, "fa")
    toys.latest.announce(Played.FULL)
    await run_pending()
    assert not running.done()
    toys.latest.end()
    await running
    assert state_of(hass, entity_id) != "unknown"


@pytest.mark.parametrize(
    ("title", "said"),
    [("Kitchen", f"Kitchen. {TEXT}"), (" Hurry! ", f"Hurry! {TEXT}"), (" ", TEXT)],
)
async def test_title(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys, title: str, said: str
) -> None:
    """The title is said first."""
    running = await begin(hass, house, toys, title=title)
    (request,) = toys.latest.requests
    assert request.announcement is not None
    assert request.announcement.audio.pcm == say(said)
    toys.latest.announce(Played.FULL)
    toys.latest.end()
    await running


@pytest.mark.parametrize("toy_features", [(Feature.SPEECH, Feature.OPTIONAL_TRUNK)])
async def test_end_is_not_known(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys
) -> None:
    """Where only the beginning of a message is known, that is enough."""
    running = await begin(hass, house, toys)
    toys.latest.announce(Played.PART)
    toys.latest.end()
    await running
    toys.latest.requests.clear()
    running = await begin(hass, house, toys)
    toys.latest.end()
    with raises("message_not_heard"):
        await running


async def test_confirmed(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys
) -> None:
    """With a confirmation key, success is that it was pressed."""
    running = await begin(hass, house, toys, "Careful")
    (request,) = toys.latest.requests
    assert request.announcement is not None
    assert request.announcement.confirm_key == "1"
    toys.latest.announce(Played.PART, confirmed=True)
    toys.latest.end()
    await running


@pytest.mark.parametrize(
    ("name", "outcome", "result", "key"),
    [
        ("Mum", None, CallResult.NO_ANSWER, "contact_no_answer"),
        ("Mum", None, CallResult.BUSY, "contact_busy"),
        ("Mum", None, CallResult.DECLINED, "contact_declined"),
        ("Mum", None, CallResult.FAILED, "contact_call_failed"),
        ("Mum", None, CallResult.UNDETERMINED, "contact_undetermined"),
        ("Mum", {"played": Played.PART}, CallResult.ANSWERED, "message_not_heard"),
        ("Mum", {"played": Played.NONE}, CallResult.ANSWERED, "message_not_heard"),
        (
            "Careful",
            {"played": Played.FULL, "confirmed": False},
            CallResult.ANSWERED,
            "message_not_confirmed",
        ),
    ],
)
async def test_not_heard(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toys: Toys,
    name: str,
    outcome: dict[str, Any] | None,
    result: CallResult,
    key: str,
) -> None:
    """Everything else is an error that names the contact."""
    running = await begin(hass, house, toys, name)
    if outcome is not None:
        toys.latest.announce(**outcome)
    toys.latest.end(result)
    with raises(key) as caught:
        await running
    assert name in str(caught.value)
    assert state_of(hass, entity_of(hass, house, name, "announcement")) == "unknown"


async def test_refused(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys, engine: Engine
) -> None:
    """An error before the call names the contact and the reason."""
    entity_id = entity_of(hass, house, "Mum", "announcement")
    await set_options(hass, house, forbidden_numbers=["0912*"])
    with pytest.raises(ServiceValidationError, match=r"delivered to Mum\..*forbidden"):
        await send(hass, entity_id)
    assert engine.asked == []
    await set_options(hass, house, forbidden_numbers=[])
    toys.latest.speech_error = DeniedError(PbxErrorCode.NO_SPEECH, "No module")
    with pytest.raises(HomeAssistantError, match=r"delivered to Mum\..*No module"):
        await send(hass, entity_id)
    assert toys.latest.requests == []


async def test_removed_while_waiting(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys
) -> None:
    """The removal of the PBX is an error, too."""
    running = await begin(hass, house, toys)
    await house.runtime_data.manager.async_remove()
    with raises("message_not_delivered"):
        await running


async def test_contact_removed(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys
) -> None:
    """An entity whose contact was removed at the same moment says that, and which."""
    component = hass.data["notify"]
    entity = component.get_entity(entity_of(hass, house, "Mum", "announcement"))
    (subentry_id,) = (
        each.subentry_id for each in house.subentries.values() if each.title == "Mum"
    )
    hass.config_entries.async_remove_subentry(house, subentry_id)
    with raises("message_not_delivered") as caught:
        await entity.async_send_message(TEXT)
    assert "Mum" in str(caught.value)
    assert "has been removed" in str(caught.value)
    assert toys.latest.requests == []


async def test_permission(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys
) -> None:
    """The permission for the entity is enough, and necessary."""
    entity_id = entity_of(hass, house, "Mum", "announcement")
    user = MockUser(groups=[]).add_to_hass(hass)
    with pytest.raises(Unauthorized):
        await send(hass, entity_id, Context(user_id=user.id))
    assert toys.latest.requests == []
    user.mock_policy({"entities": {"entity_ids": {entity_id: True}}})
    await set_options(hass, house, admins_only=True)
    running = asyncio.create_task(send(hass, entity_id, Context(user_id=user.id)))
    await until(lambda: toys.latest.requests)
    await run_pending()
    toys.latest.announce(Played.FULL)
    toys.latest.end()
    await running


async def test_unavailable(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys
) -> None:
    """The entity is unavailable while the PBX cannot be reached."""
    entity_id = entity_of(hass, house, "Mum", "announcement")
    assert state_of(hass, entity_id) == "unknown"
    toys.latest.error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    await let_time_pass(hass, 3600)
    assert state_of(hass, entity_id) == STATE_UNAVAILABLE


async def advance(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass while an action of an entity waits."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await run_pending()


@pytest.mark.parametrize("places", [1, 3])
async def test_group(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
    engine: Engine,
    places: int,
) -> None:
    """Ten contacts are all called, although each waits longer than for one place."""
    assert engine.asked == []
    people = [contact(f"Person {number}", f"20{number}") for number in range(10)]
    made = await set_up(hass, new_toy, *people, calls_at_once=places)
    entities = [
        entity_of(hass, made, f"Person {number}", "announcement")
        for number in range(10)
    ]
    running = asyncio.create_task(send(hass, entities))
    heard: list[CallRequest] = []
    while len(heard) < len(people):
        expected = min(len(heard) + places, len(people))
        await until(lambda: len(toys.latest.requests) == expected)  # noqa: B023 - awaited at once
        await run_pending()
        await advance(hass, freezer, 40)
        calling = toys.latest.requests[len(heard) :]
        assert len(calling) <= places
        for request in calling:
            toys.latest.announce(
                Played.FULL,
                state=CallState.ENDED,
                result=CallResult.ANSWERED,
                originated_call_id=request.call_id,
            )
        heard += calling
    await running
    assert len({each.callee for each in heard}) == len(people)


async def test_no_place(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
    engine: Engine,
) -> None:
    """It waits for a place for a minute only."""
    await set_options(hass, house, calls_at_once=1)
    first = await begin(hass, house, toys, "Careful")
    second = await begin(hass, house, toys)
    waiting = house.runtime_data.manager.waiters._futures  # noqa: SLF001 - no other sign
    await until(lambda: len(waiting) == 2)
    assert len(engine.asked) == 2
    for _ in range(5):
        await advance(hass, freezer, 10)
    assert not second.done()
    await advance(hass, freezer, 15)
    with pytest.raises(ServiceValidationError, match=r"Mum.*concurrent"):
        await second
    toys.latest.announce(Played.FULL, confirmed=True)
    toys.latest.end()
    await first
    assert len(toys.latest.requests) == 1


async def test_forbidden_while_waiting(
    hass: HomeAssistant, house: MockConfigEntry, toys: Toys
) -> None:
    """The other rules are checked again when there is a place."""
    await set_options(hass, house, calls_at_once=1)
    first = await begin(hass, house, toys, "Careful")
    second = await begin(hass, house, toys)
    waiting = house.runtime_data.manager.waiters._futures  # noqa: SLF001 - no other sign
    await until(lambda: len(waiting) == 2)
    options = house.options | {"forbidden_numbers": ["09121234567"]}
    hass.config_entries.async_update_entry(house, options=options)
    toys.latest.announce(Played.FULL, confirmed=True)
    toys.latest.end()
    await first
    with pytest.raises(ServiceValidationError, match=r"Mum.*forbidden"):
        await second
    assert len(toys.latest.requests) == 1


async def test_place_lost(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It waits again if another call takes the place in the last moment."""
    await set_options(hass, house, calls_at_once=2)
    first = await begin(hass, house, toys)
    await hass.services.async_call("pbx", "hang_up", {}, blocking=True)
    # The same message: it waits for the end of the call that is hung up.
    second = await begin(hass, house, toys)
    waiting = house.runtime_data.manager.waiters._futures  # noqa: SLF001 - no other sign
    await until(lambda: len(waiting) == 2)
    await place_call(hass, caller="101", callee="200")
    await advance(hass, freezer, 2)
    assert len(toys.latest.requests) == 2
    assert not second.done()
    call_id = toys.latest.requests[0].call_id
    toys.latest.end(CallResult.NO_ANSWER, originated_call_id=call_id)
    with raises("contact_no_answer"):
        await first
    await until(lambda: len(toys.latest.requests) == 3)
    await run_pending()
    toys.latest.announce(Played.FULL)
    toys.latest.end()
    await second


@pytest.mark.parametrize("places", [0, 1])
@pytest.mark.parametrize(
    ("limit", "text"),
    [({"cooldown": 600}, "cooldown"), ({"calls_per_hour": 1}, "per hour")],
)
async def test_limited(
    hass: HomeAssistant,
    house: MockConfigEntry,
    toys: Toys,
    engine: Engine,
    places: int,
    limit: dict[str, int],
    text: str,
) -> None:
    """It does not wait for a place, or for the engine, if another rule refuses it."""
    await set_options(hass, house, **limit, calls_at_once=places)
    running = await begin(hass, house, toys)
    with pytest.raises(ServiceValidationError, match=rf"Mum.*{text}"):
        await send(hass, entity_of(hass, house, "Mum", "announcement"))
    assert len(engine.asked) == 1
    toys.latest.announce(Played.FULL)
    toys.latest.end()
    await running


class TestSilentPbx:
    """A PBX that cannot speak."""

    @pytest.fixture
    def toy_features(self) -> tuple[Feature, ...]:
        """Return no feature for speech."""
        return (Feature.HANG_UP,)

    async def test_no_entity(
        self, hass: HomeAssistant, new_toy: MockConfigEntry
    ) -> None:
        """Its contacts have no notify entity."""
        await set_up(hass, new_toy, MUM)
        assert hass.states.async_entity_ids("notify") == []
