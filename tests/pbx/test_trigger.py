"""Tests of the triggers in real automations."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.trigger import async_get_all_descriptions
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
)
from custom_components.pbx.trigger import CallEndedTrigger, IncomingCallTrigger

from .common import set_options, settle
from .reporting import add_other_pbx, automate, begin_call, end_call, observe
from .toy import ToyBackend, Toys


def ended(**options: object) -> dict[str, Any]:
    """Return the trigger for the end of a call."""
    return {"trigger": "pbx.call_ended", "options": options}


def incoming(**options: object) -> dict[str, Any]:
    """Return the trigger for an incoming call."""
    return {"trigger": "pbx.incoming_call", "options": options}


async def ring_up(
    hass: HomeAssistant,
    toy: ToyBackend,
    caller: str = "",
    *,
    direction: Direction = Direction.INCOMING,
    state: CallState = CallState.PLACED,
    trunk: str = "",
) -> None:
    """Report a call that Home Assistant did not place."""
    toy.sink.call(
        CallUpdate(
            state=state,
            call_id=f"{direction}-{caller}",
            direction=direction,
            caller=caller,
            callee="101",
            trunk=trunk,
            result=CallResult.ANSWERED if state is CallState.ENDED else None,
        )
    )
    await settle(hass)


@pytest.mark.usefixtures("toy_entry")
async def test_described(hass: HomeAssistant) -> None:
    """The triggers and all their options have descriptions."""
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


async def test_call_ended(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Only the end of a call triggers, with all variables."""
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
        "cause",
        "description",
    )

    call_id = await begin_call(hass, toy_entry)
    await observe(hass, toy, call_id, CallState.CONNECTED)
    assert reports == []
    await end_call(hass, toy, call_id, ring_time=4.0)

    (report,) = reports
    assert report.data == {
        "id": "mine",
        "config_entry_id": toy_entry.entry_id,
        # A template in an automation makes numbers of what looks like one.
        "caller": 101,
        "callee": 200,
        "originated_call_id": call_id,
        "result": "answered",
        "caller_answered": True,
        "ring_time": 4.0,
        "talk_time": None,
        "cause": None,
        "description": "end of a call: answered",
    }


async def test_end_of_others(
    hass: HomeAssistant,
    toy: ToyBackend,
) -> None:
    """The end of a call that Home Assistant did not place does not trigger."""
    reports = await automate(hass, ended())

    for state in (CallState.PLACED, CallState.CONNECTED, CallState.ENDED):
        await ring_up(hass, toy, "09121234567", state=state)

    assert reports == []


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
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    wanted: str | list[str],
    fitting: set[str],
    result: CallResult,
) -> None:
    """Only the configured results trigger."""
    reports = await automate(hass, ended(result=wanted), "result")

    await end_call(hass, toy, await begin_call(hass, toy_entry), result)

    expected = [result.value] if result in fitting else []
    assert [report.data["result"] for report in reports] == expected


async def test_ended_of_one_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """Two PBXs are distinguished."""
    other = await add_other_pbx(hass, toy_entry)
    reports = await automate(
        hass, ended(config_entry_id=other.entry_id), "config_entry_id"
    )

    for entry, toy in zip((toy_entry, other), toys.made, strict=True):
        await end_call(hass, toy, await begin_call(hass, entry))

    assert [report.data["config_entry_id"] for report in reports] == [other.entry_id]


async def test_ended_of_all_pbxs(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """Without a PBX, all PBXs trigger."""
    other = await add_other_pbx(hass, toy_entry)
    reports = await automate(hass, ended(), "config_entry_id")

    for entry, toy in zip((toy_entry, other), toys.made, strict=True):
        await end_call(hass, toy, await begin_call(hass, entry))

    assert [report.data["config_entry_id"] for report in reports] == [
        toy_entry.entry_id,
        other.entry_id,
    ]


async def test_incoming_call(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Only an incoming call triggers, with all variables."""
    reports = await automate(
        hass,
        incoming(),
        "config_entry_id",
        "number",
        "trunk",
        "unique_id",
        "originated_call_id",
        "description",
    )

    await begin_call(hass, toy_entry)
    for direction in Direction:
        for state in (CallState.PLACED, CallState.CONNECTED, CallState.ENDED):
            await ring_up(
                hass,
                toy,
                "anna",
                direction=direction,
                state=state,
                trunk="main",
            )

    assert [report.data for report in reports] == [
        {
            "config_entry_id": toy_entry.entry_id,
            "number": "anna",
            "trunk": "main",
            "unique_id": "incoming-anna",
            "originated_call_id": None,
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
    toy: ToyBackend,
    wanted: object,
    number: str,
    fits: bool,
) -> None:
    """Numbers match in any notation; other numbers do not."""
    hass.config.country = "IR"
    reports = await automate(hass, incoming(number=wanted))

    await ring_up(hass, toy, number)

    assert len(reports) == fits


async def test_withheld(
    hass: HomeAssistant,
    toy: ToyBackend,
) -> None:
    """A call without a number triggers if no number is configured."""
    reports = await automate(hass, incoming(), "number")

    await ring_up(hass, toy)

    assert [report.data for report in reports] == [{"number": None}]


async def test_withheld_is_no_number(
    hass: HomeAssistant,
    toy: ToyBackend,
) -> None:
    """A call without a number does not match a configured number."""
    reports = await automate(hass, incoming(number="0"))

    await ring_up(hass, toy)

    assert reports == []


async def test_incoming_of_one_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """Two PBXs are distinguished."""
    other = await add_other_pbx(hass, toy_entry)
    reports = await automate(
        hass, incoming(config_entry_id=other.entry_id), "config_entry_id"
    )

    for toy in toys.made:
        await ring_up(hass, toy, "0912")

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
    """Invalid options are refused when the automation is saved."""
    with pytest.raises(vol.Invalid):
        await trigger.async_validate_config(hass, {"options": options})


async def test_unquoted(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """An integer that is longer than an extension of the PBX is refused."""
    other = await add_other_pbx(hass, toy_entry)
    await set_options(hass, other, internal_digits=6)

    async def validate(**options: object) -> object:
        config = {"options": options}
        checked = await IncomingCallTrigger.async_validate_config(hass, config)
        return checked["options"]["number"]

    with pytest.raises(vol.Invalid, match="in quotes"):
        await validate(number=4917012345678)
    with pytest.raises(vol.Invalid, match="in quotes"):
        await validate(number=["200", 123456], config_entry_id=toy_entry.entry_id)
    assert await validate(number=123456) == ["123456"]
    assert await validate(number=[1, "+49 (0)30 1"]) == ["1", "+49301"]


@pytest.mark.usefixtures("toy_entry")
async def test_entry_of_another_integration(hass: HomeAssistant) -> None:
    """An entry of another integration is refused."""
    other = MockConfigEntry(domain="sun")
    other.add_to_hass(hass)

    with pytest.raises(vol.Invalid, match="not the id of a PBX"):
        await CallEndedTrigger.async_validate_config(
            hass, {"options": {"config_entry_id": other.entry_id}}
        )


async def test_over_a_reload(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A trigger survives a reload of its PBX."""
    reports = await automate(hass, ended(config_entry_id=toy_entry.entry_id), "result")
    call_id = await begin_call(hass, toy_entry)

    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    await end_call(hass, toys.latest, call_id)

    assert [report.data for report in reports] == [{"result": "answered"}]


async def test_before_the_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A trigger can be set up before its PBX."""
    await hass.config_entries.async_unload(toy_entry.entry_id)
    reports = await automate(hass, ended(config_entry_id=toy_entry.entry_id), "result")

    assert await hass.config_entries.async_setup(toy_entry.entry_id)
    await end_call(hass, toys.latest, await begin_call(hass, toy_entry))

    assert [report.data for report in reports] == [{"result": "answered"}]


@pytest.mark.parametrize("trigger", [ended(), incoming()])
async def test_turned_off(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    trigger: dict[str, Any],
) -> None:
    """A trigger stops when its automation is turned off."""
    reports = await automate(hass, trigger)
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "automation.test"}, blocking=True
    )

    await ring_up(hass, toy, "0912")
    await end_call(hass, toy, await begin_call(hass, toy_entry))

    assert reports == []
