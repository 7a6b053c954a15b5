"""Tests of the triggers, in automations that really run."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.trigger import async_get_all_descriptions
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.backends.updates import CallResult, CallState, PbxEventType
from custom_components.pbx.trigger import CallEndedTrigger, IncomingCallTrigger

from .common import set_options
from .telling import (
    add_other_pbx,
    automate,
    begin_call,
    end_call,
    listeners,
    observe,
    send_event,
)


def ended(**options: object) -> dict[str, Any]:
    """Return the trigger for the end of a call."""
    return {"trigger": "pbx.call_ended", "options": options}


def incoming(**options: object) -> dict[str, Any]:
    """Return the trigger for a call that comes in."""
    return {"trigger": "pbx.incoming_call", "options": options}


@pytest.mark.usefixtures("loaded_entry")
async def test_described(hass: HomeAssistant) -> None:
    """The automation editor knows the triggers and all that they take."""
    descriptions = await async_get_all_descriptions(hass)

    for trigger, kind in (
        ("pbx.call_ended", CallEndedTrigger),
        ("pbx.incoming_call", IncomingCallTrigger),
    ):
        description = descriptions[trigger]
        assert description is not None
        options = kind._schema.schema["options"]  # noqa: SLF001 - what it takes
        assert set(description["fields"]) == {str(name) for name in options}
    results = descriptions["pbx.call_ended"]["fields"]["result"]  # type: ignore[index]
    assert results["selector"]["select"]["options"] == list(CallResult)


async def test_call_ended(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """The end of a call, and nothing before it, runs an automation with all of it."""
    reports = await automate(
        hass,
        {"trigger": "pbx.call_ended", "id": "mine"},
        "id",
        "config_entry_id",
        "caller",
        "callee",
        "originated_call_id",
        "result",
        "caller_answered",
        "ring_time",
        "talk_time",
        "evidence",
        "description",
    )

    call = await begin_call(hass, loaded_entry)
    await observe(hass, loaded_entry, call, CallState.CONNECTED)
    assert reports == []
    await end_call(hass, loaded_entry, call, ring_time=4.0)

    (report,) = reports
    assert report.data == {
        "id": "mine",
        "config_entry_id": loaded_entry.entry_id,
        # A template in an automation makes numbers of what looks like one.
        "caller": 101,
        "callee": 200,
        "originated_call_id": report.data["originated_call_id"],
        "result": "answered",
        "caller_answered": True,
        "ring_time": 4.0,
        "talk_time": None,
        "evidence": "event",
        "description": "end of a call: answered",
    }
    assert str(report.data["originated_call_id"]) == call.originated_call_id


@pytest.mark.parametrize("result", CallResult)
@pytest.mark.parametrize(
    ("wanted", "fitting"),
    [
        ("no_answer", {"no_answer"}),
        (["no_answer", "busy"], {"no_answer", "busy"}),
        ([], set(CallResult)),
    ],
)
async def test_result(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    wanted: str | list[str],
    fitting: set[str],
    result: CallResult,
) -> None:
    """Only results that are wanted run the automation."""
    reports = await automate(hass, ended(result=wanted), "result")

    call = await begin_call(hass, loaded_entry)
    await end_call(hass, loaded_entry, call, result)

    expected = [result.value] if result in fitting else []
    assert [report.data["result"] for report in reports] == expected


async def test_ended_of_one_pbx(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Two PBXs are told apart."""
    other = await add_other_pbx(hass, loaded_entry)
    reports = await automate(
        hass, ended(config_entry_id=other.entry_id), "config_entry_id"
    )

    for entry in (loaded_entry, other):
        await end_call(hass, entry, await begin_call(hass, entry))

    assert [report.data["config_entry_id"] for report in reports] == [other.entry_id]


async def test_ended_of_all_pbxs(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Without a PBX all of them are meant."""
    other = await add_other_pbx(hass, loaded_entry)
    reports = await automate(hass, ended(), "config_entry_id")

    for entry in (loaded_entry, other):
        await end_call(hass, entry, await begin_call(hass, entry))

    assert [report.data["config_entry_id"] for report in reports] == [
        loaded_entry.entry_id,
        other.entry_id,
    ]


async def test_incoming_call(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """A call that comes in, and no other event, runs an automation with all of it."""
    reports = await automate(
        hass, incoming(), "config_entry_id", "number", "trunk", "description"
    )

    for kind in PbxEventType:
        await send_event(hass, loaded_entry, kind, number="0912", trunk="main")

    assert [report.data for report in reports] == [
        {
            "config_entry_id": loaded_entry.entry_id,
            "number": "0912",
            "trunk": "main",
            "description": "incoming call",
        }
    ]


@pytest.mark.parametrize(
    ("wanted", "number", "fits"),
    [
        ("09121234567", "09121234567", True),
        ("0912 123-4567", "09121234567", True),
        ("۰۹۱۲۱۲۳۴۵۶۷", "09121234567", True),
        ("+989121234567", "00989121234567", True),
        ("09121234567", "+989121234567", True),
        (["200", "09121234567"], "09121234567", True),
        # A number that has lost its zero is another one.
        ("09121234567", "9121234567", False),
        ("0200", "200", False),
        (200.0, "200", True),
        (200, "200", True),
        ([200, 201], "201", True),
        ([], "201", True),
        ("200", "2000", False),
        (["200", "201"], "202", False),
        ("200", "anonymous", False),
    ],
)
async def test_number(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    wanted: object,
    number: str,
    fits: bool,
) -> None:
    """Numbers are the same however they are written; others do not fit."""
    hass.config.country = "IR"
    reports = await automate(hass, incoming(number=wanted))

    await send_event(hass, loaded_entry, PbxEventType.INCOMING, number=number)

    assert len(reports) == fits


async def test_withheld(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """A call without a number fits where none is asked for."""
    reports = await automate(hass, incoming(), "number")

    await send_event(hass, loaded_entry, PbxEventType.INCOMING)

    assert [report.data for report in reports] == [{"number": None}]


async def test_withheld_is_no_number(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """A call without a number does not fit where one is asked for."""
    reports = await automate(hass, incoming(number="0"))

    await send_event(hass, loaded_entry, PbxEventType.INCOMING)

    assert reports == []


async def test_incoming_of_one_pbx(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """Two PBXs are told apart."""
    other = await add_other_pbx(hass, loaded_entry)
    reports = await automate(
        hass, incoming(config_entry_id=other.entry_id), "config_entry_id"
    )

    for entry in (loaded_entry, other):
        await send_event(hass, entry, PbxEventType.INCOMING, number="0912")

    assert [report.data["config_entry_id"] for report in reports] == [other.entry_id]


@pytest.mark.parametrize("trigger", [CallEndedTrigger, IncomingCallTrigger])
@pytest.mark.parametrize(
    "options",
    [
        {"config_entry_id": "nobody"},
        {"config_entry_id": None},
        {"colour": "red"},
        {"result": "abducted"},
        {"result": ["answered", ""]},
        {"number": ""},
        {"number": "door"},
        {"number": [True]},
        {"number": 20.5},
        {"number": "1" * 33},
    ],
)
async def test_invalid(
    hass: HomeAssistant,
    trigger: type[CallEndedTrigger | IncomingCallTrigger],
    options: dict[str, object],
) -> None:
    """What cannot be is refused when the automation is saved."""
    with pytest.raises(vol.Invalid):
        await trigger.async_validate_config(hass, {"options": options})


async def test_unquoted(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """An integer that is longer than an extension of the PBX is refused."""
    other = await add_other_pbx(hass, loaded_entry)
    await set_options(hass, other, internal_digits=6)

    async def validate(**options: object) -> object:
        config = {"options": options}
        checked = await IncomingCallTrigger.async_validate_config(hass, config)
        return checked["options"]["number"]

    with pytest.raises(vol.Invalid, match="in quotes"):
        await validate(number=4917012345678)
    with pytest.raises(vol.Invalid, match="in quotes"):
        await validate(number=["200", 123456], config_entry_id=loaded_entry.entry_id)
    assert await validate(number=123456) == ["123456"]
    assert await validate(number=[1, "+49 (0)30 1"]) == ["1", "+49301"]


@pytest.mark.usefixtures("loaded_entry")
async def test_entry_of_another_integration(hass: HomeAssistant) -> None:
    """Only a PBX is a PBX."""
    other = MockConfigEntry(domain="sun")
    other.add_to_hass(hass)

    with pytest.raises(vol.Invalid, match="not the id of a PBX"):
        await CallEndedTrigger.async_validate_config(
            hass, {"options": {"config_entry_id": other.entry_id}}
        )


async def test_over_a_reload(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """An automation does not notice that its PBX was reloaded."""
    reports = await automate(
        hass, ended(config_entry_id=loaded_entry.entry_id), "result"
    )
    call = await begin_call(hass, loaded_entry)

    assert await hass.config_entries.async_reload(loaded_entry.entry_id)
    await end_call(hass, loaded_entry, call)

    assert [report.data for report in reports] == [{"result": "answered"}]


async def test_before_the_pbx(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """An automation may be there before its PBX is."""
    assert await async_setup_component(hass, "pbx", {})
    await hass.config_entries.async_unload(entry.entry_id)
    reports = await automate(hass, ended(config_entry_id=entry.entry_id), "result")

    assert await hass.config_entries.async_setup(entry.entry_id)
    await end_call(hass, entry, await begin_call(hass, entry))

    assert [report.data for report in reports] == [{"result": "answered"}]


@pytest.mark.parametrize("trigger", [ended(), incoming()])
@pytest.mark.usefixtures("loaded_entry")
async def test_turned_off(hass: HomeAssistant, trigger: dict[str, Any]) -> None:
    """An automation that is turned off leaves nothing behind."""
    before = listeners(hass)
    await automate(hass, trigger)
    assert listeners(hass) == before + 1

    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "automation.test"}, blocking=True
    )

    assert listeners(hass) == before
