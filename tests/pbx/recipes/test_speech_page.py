"""Tests of the page that tests speech, with the boxes of the sandbox."""

import asyncio
from dataclasses import replace
from typing import Any

from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.pbx.const import DOMAIN
from sandbox import Box, Fault, Phone, Speech

from ..calls.messages import raises
from ..common import until
from ..dialog import Dialog
from ..speech.engines import Engine
from .conftest import ANNOUNCEMENT, MOBILE, House
from .test_blueprints_alarm import SMOKE, use_alarm

NUMBER = "8801"
ANSWERS = Phone("*", after=2, keys="5")
SILENT = Phone("*", after=2)
# Seconds in which a phone rings, a message is heard, and a key is pressed.
ENOUGH = 75
# Seconds that a call lasts at most, and between two looks at the page.
LONGEST, STEP = 300, 10


async def draw(house: House, phone: Phone = ANSWERS, **changes: Any) -> None:  # noqa: ANN401 - any field of it
    """Draw speech in the PBX, and enter it in Home Assistant."""
    events = house.sandbox.config.events
    assert events is not None
    drawn = {"number": NUMBER, "url": events.url, **changes}
    house.sandbox.configure(speech=Speech(**drawn), external=(phone,))
    house.hass.config_entries.async_update_entry(
        house.entry,
        options={**house.entry.options, "speech_number": NUMBER, "test_phone": "Mom"},
    )
    await house.settle()


async def run_test(house: House) -> Dialog:
    """Run the test of the page, and wait for its result."""
    flows = house.hass.config_entries.options
    dialog = Dialog(house.hass, await flows.async_init(house.entry.entry_id))
    flow_id = dialog.result["flow_id"]
    dialog.result = await flows.async_configure(
        flow_id, {"next_step_id": "test_speech"}
    )
    await house.settle()
    for _ in range(0, LONGEST, STEP):
        await house.live(STEP)
        dialog.result = await flows.async_configure(flow_id)
        if dialog.result["type"] is FlowResultType.FORM:
            return dialog
    pytest.fail("The test never ended")


async def test_works(house: House) -> None:
    """All that is drawn is used: a voice of the PBX speaks, and a key arrives."""
    await draw(house)
    dialog = await run_test(house)
    dialog.expect_form("speech_works")
    assert house.rung == [(MOBILE, NUMBER)]
    assert [each.box for each in house.sandbox.questions] == ["say", "key"]
    assert "digits:123" in house.sandbox.heard(MOBILE)


async def test_one_box(house: House) -> None:
    """With one box, nothing is asked, and it is enough that it has asked."""
    await draw(house, SILENT, key=None)
    options = {**house.entry.options, "speech_boxes": "say"}
    house.hass.config_entries.async_update_entry(house.entry, options=options)
    await house.settle()
    dialog = await run_test(house)
    dialog.expect_form("speech_works")


@pytest.mark.parametrize(
    ("phone", "changes", "error"),
    [
        (SILENT, {}, "speech_no_key"),
        (ANSWERS, {"answer": "answer"}, "speech_answer_type"),
        (ANSWERS, {"answer": "progress"}, "speech_answer_type"),
        (ANSWERS, {"say": Box("say", {"next": "hang_up"})}, "speech_key_missing"),
        (ANSWERS, {"key": Box("say", {"done": "hang_up"})}, "speech_same_name"),
        (ANSWERS, {"url": "http://127.0.0.1:9/nobody"}, "speech_no_request"),
        (ANSWERS, {"number": "8802"}, "speech_no_request"),
        (replace(SILENT, behavior="no_answer"), {}, "speech_no_answer"),
    ],
)
async def test_step_missing(
    house: House, phone: Phone, changes: dict[str, Any], error: str
) -> None:
    """Each fault in the drawing has its own error."""
    await draw(house, phone, **changes)
    dialog = await run_test(house)
    dialog.expect_form("speech_fails", {"base": error})


async def test_not_played(house: House) -> None:
    """A box whose answer is an error leaves by the output `e`."""
    await draw(house)
    house.sandbox.faults.set("/box/say", Fault("wrong_shape"))
    dialog = await run_test(house)
    dialog.expect_form("speech_fails", {"base": "speech_box_failed"})


@pytest.mark.parametrize(
    ("path", "is_rung"),
    [
        ("/call/originate/act", False),
        ("/pbx/announcements/search", False),
        ("/pbx/announcements/upload", False),
        ("/pbx/announcements/add", False),
        ("/pbx/announcements/remove", True),
    ],
)
async def test_missing_right(house: House, path: str, *, is_rung: bool) -> None:
    """A right that the account does not have is named, also in a second test."""
    await draw(house)
    (await run_test(house)).expect_form("speech_works")
    assert not len(house.sandbox.announcements)
    before = len(house.rung)
    account = house.sandbox.config.accounts[0]
    rights = tuple(each for each in account.permissions if each != path)
    house.sandbox.configure(accounts=(replace(account, permissions=rights),))
    dialog = await run_test(house)
    dialog.expect_form("speech_fails", {"base": "simotel_access_denied"})
    assert path in await dialog.error_text()
    assert (len(house.rung) > before) is is_rung


# --- What people get then ---


async def test_message(house: House) -> None:
    """A list is heard in the voice of the PBX, and the key comes back."""
    await draw(house, replace(ANSWERS, keys="1"))
    running = asyncio.create_task(
        house.hass.services.async_call(
            DOMAIN,
            "announce",
            {
                "callee": "Mom",
                "message": [
                    {"number": 21.0},
                    {"time": "14:05"},
                    {"date": "2026-11-27"},
                    {"digits": "۰۰۴۲"},
                    {"duration": {"minutes": 5}},
                ],
                "repeat": 1,
                "confirm_key": "1",
            },
            blocking=True,
            return_response=True,
        )
    )
    await house.settle()
    await house.live(ENOUGH)
    response = await running
    assert response is not None
    assert (response["result"], response["confirmed"]) == ("answered", True)
    assert (response["callee"], response["callee_contact"]) == (MOBILE, "Mom")
    heard = " ".join(house.sandbox.heard(MOBILE))
    for value in ("number:21", "14:05", "2026-11-27", "42"):
        assert value in heard


async def test_notify_entities(house: House) -> None:
    """Contacts can be spoken to as soon as speech is drawn, and no longer."""
    entities = house.hass.states.async_entity_ids
    assert entities("notify") == []
    await draw(house)
    assert "notify.mom_announcement" in entities("notify")
    options = {**house.entry.options, "speech_number": ""}
    house.hass.config_entries.async_update_entry(house.entry, options=options)
    await house.settle()
    states = [house.hass.states.get(each) for each in entities("notify")]
    assert all(each is not None and each.state == "unavailable" for each in states)


@pytest.mark.parametrize("is_played", [True, False])
async def test_alarm(engine: Engine, house: House, *, is_played: bool) -> None:
    """An alarm whose message was not played calls with the announcement."""
    await draw(house, SILENT)
    if not is_played:
        house.sandbox.faults.set("/box/say", Fault("wrong_shape"))
    await use_alarm(house, SMOKE, message="Alarm: {{ name }}.")
    await house.change(SMOKE, "off", "on")
    await until(lambda: house.rung)
    assert engine.asked
    await house.live(ENOUGH)
    plain = [] if is_played else [(MOBILE, ANNOUNCEMENT)]
    assert house.rung == [(MOBILE, NUMBER), *plain]
    assert house.done == ["test.answered"]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"keys": True, "connect_to": "102"}, "speech_without_connect"),
        ({"connect_to": "102"}, "speech_without_connect"),
        ({"send_keys": "1"}, "field_not_supported"),
        ({"confirm_key": "#"}, "hash_not_supported"),
    ],
)
async def test_refused(house: House, data: dict[str, Any], key: str) -> None:
    """What is not drawn, or not possible, is refused before anybody is rung."""
    await draw(house)
    with raises(key):
        await house.hass.services.async_call(
            DOMAIN,
            "announce",
            {"callee": "Mom", "message": [{"number": 1}], **data},
            blocking=True,
        )
    assert house.sandbox.calls == []


async def test_not_set_up(house: House) -> None:
    """A Simotel without a drawing says where to begin."""
    with raises("speech_not_set_up"):
        await house.hass.services.async_call(
            DOMAIN, "announce", {"callee": "Mom", "message": "Hello"}, blocking=True
        )
