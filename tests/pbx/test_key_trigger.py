"""Tests of the trigger for keys in real automations."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.updates import CallState, Side
from custom_components.pbx.key_trigger import MAX_PAUSE, KeyPressedTrigger

from .common import lift_limits, pass_time, settle
from .people import contact, device_of, phone, set_up
from .reporting import add_other_pbx, automate, begin_call, observe
from .toy import Toys

MUM = "09121234567"
DIGITS = ("digit", "digits")


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Return what the toys can do."""
    return (Feature.KEYS,)


@pytest.fixture
async def house(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> MockConfigEntry:
    """Return a PBX with contacts."""
    assert toys.made
    hass.config.country = "IR"
    await hass.config_entries.async_unload(toy_entry.entry_id)
    people = (
        contact("Mum", MUM, person="person.mum"),
        phone("Kitchen", "101"),
        phone("Hall", "102"),
    )
    entry = await set_up(hass, toy_entry, *people)
    await lift_limits(hass, entry)
    return entry


def pressed(**options: object) -> dict[str, Any]:
    """Return the trigger with these options."""
    return {"trigger": "pbx.key_pressed", "options": options}


async def talk(
    hass: HomeAssistant,
    toys: Toys,
    entry: MockConfigEntry,
    callee: str = MUM,
    **facts: str,
) -> str:
    """Connect a call that takes keys, and return its id."""
    call_id = await begin_call(hass, entry, callee=callee, keys=True)
    await observe(hass, toys.latest, call_id, CallState.CONNECTED, **facts)
    return call_id


async def press(
    hass: HomeAssistant, toys: Toys, keys: str, side: Side = Side.CALLEE
) -> None:
    """Report keys in the call that was requested last."""
    for key in keys:
        toys.latest.press(key, side)
        await settle(hass)


async def test_variables(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """Without an option, each key triggers, with who has pressed it."""
    reports = await automate(
        hass,
        pressed(),
        *DIGITS,
        "side",
        "number",
        "name",
        "contact",
        "person",
        "originated_call_id",
        "config_entry_id",
        "description",
    )

    call_id = await talk(hass, toys, house)
    await press(hass, toys, "9")
    await press(hass, toys, "#", Side.CALLER)

    common = {
        "originated_call_id": call_id,
        "config_entry_id": house.entry_id,
        "description": "pressed key",
    }
    assert [report.data for report in reports] == [
        {
            "digit": 9,
            "digits": 9,
            "side": "callee",
            "number": MUM,
            "name": "Mum",
            "contact": device_of(hass, house, "Mum"),
            "person": "person.mum",
            **common,
        },
        {
            "digit": "#",
            "digits": "#",
            "side": "caller",
            "number": 101,
            "name": "Kitchen",
            "contact": device_of(hass, house, "Kitchen"),
            "person": None,
            **common,
        },
    ]


async def test_key_of_an_ended_call(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """A key that is reported after the end of its call does not trigger."""
    reports = await automate(hass, pressed(), *DIGITS)
    await talk(hass, toys, house)

    toys.latest.end()
    await press(hass, toys, "9")

    assert reports == []


async def test_unknown_number(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """A number without a contact has no name."""
    reports = await automate(hass, pressed(), "number", "name", "contact")

    await talk(hass, toys, house, "300")
    await press(hass, toys, "9")

    assert [report.data for report in reports] == [
        {"number": 300, "name": None, "contact": None}
    ]


async def test_phone_that_answered(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """In place of a ring group, the phone that answered has pressed the key."""
    reports = await automate(hass, pressed(contact="Hall"), "number", "name")

    await talk(hass, toys, house, "600", answered_by="102")
    await press(hass, toys, "9")

    assert [report.data for report in reports] == [{"number": 102, "name": "Hall"}]


@pytest.mark.parametrize(
    ("options", "sides"),
    [
        ({"contact": "Mum"}, ["callee"]),
        ({"contact": ["Kitchen", "Hall"]}, ["caller"]),
        ({"contact": ["Mum", "Kitchen"]}, ["caller", "callee"]),
        ({"number": "0912*"}, ["callee"]),
        ({"number": "Kitchen"}, ["caller"]),
        ({"number": "300"}, []),
        ({"contact": "Mum", "digits": "8"}, []),
    ],
)
async def test_who(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    options: dict[str, object],
    sides: list[str],
) -> None:
    """Contact and number are about who has pressed the key."""
    reports = await automate(hass, pressed(**options), "side")

    await talk(hass, toys, house)
    await press(hass, toys, "9", Side.CALLER)
    await press(hass, toys, "9", Side.CALLEE)

    assert [report.data["side"] for report in reports] == sides


async def test_of_one_pbx(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """Keys in calls of another PBX do not trigger."""
    reports = await automate(hass, pressed(config_entry_id=house.entry_id), *DIGITS)
    other = await add_other_pbx(hass, house)

    await talk(hass, toys, other)
    await press(hass, toys, "9")

    assert reports == []


@pytest.mark.parametrize(
    ("digits", "keys", "found"),
    [
        ("9", "1989", ["9", "9"]),
        (9, "9", ["9"]),
        (0, "0", ["0"]),
        (["1", "*"], "2*1#", ["*", "1"]),
        (["a", "D"], "AD", ["A", "D"]),
        (["*۷۱", "٢"], "*712", ["*71", "2"]),
        # Without any, as the editor leaves it, each key.
        ([], "12", ["1", "2"]),
        ("*71", "*71", ["*71"]),
        ("*71", "*7*71", ["*71"]),
        ("*71", "**71", ["*71"]),
        ("1213", "121213", ["1213"]),
        # Each key counts once,
        ("11", "1111", ["11", "11"]),
        ("11", "111", ["11"]),
        ("121", "12121", ["121"]),
        # and the longest sequence.
        (["9", "19"], "19", ["19"]),
        (["19", "9"], "199", ["19", "9"]),
        # A longer sequence goes on with the keys of a shorter one.
        (["1", "12"], "12", ["1", "12"]),
        (["12", "1234"], "1234", ["12", "1234"]),
        (["2", "123"], "123", ["2", "123"]),
        (["11", "111"], "1111", ["11", "111"]),
    ],
)
async def test_digits(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    digits: object,
    keys: str,
    found: list[str],
) -> None:
    """A key or a sequence triggers with its last key."""
    reports = await automate(hass, pressed(digits=digits), *DIGITS)

    await talk(hass, toys, house)
    await press(hass, toys, keys)

    assert [str(report.data["digits"]) for report in reports] == found
    assert [str(report.data["digit"]) for report in reports] == [
        each[-1] for each in found
    ]


async def test_pause(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The keys of a sequence are pressed soon after each other."""
    reports = await automate(hass, pressed(digits=["12", "3456"]), *DIGITS)
    await talk(hass, toys, house)

    await press(hass, toys, "1")
    await pass_time(hass, freezer, MAX_PAUSE + 1)
    await press(hass, toys, "2")
    assert reports == []

    # Each pause counts, and not the whole time.
    for key in "3456":
        await press(hass, toys, key)
        await pass_time(hass, freezer, MAX_PAUSE)
    assert [report.data["digits"] for report in reports] == [3456]


async def test_one_party_of_one_call(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """The keys of different parties or calls are no sequence."""
    reports = await automate(hass, pressed(digits="12"), "side")

    await talk(hass, toys, house)
    await press(hass, toys, "1", Side.CALLER)
    await press(hass, toys, "2", Side.CALLEE)
    await press(hass, toys, "1", Side.CALLEE)
    await talk(hass, toys, house, "300")
    await press(hass, toys, "2", Side.CALLEE)
    assert reports == []

    await press(hass, toys, "1", Side.CALLER)
    await press(hass, toys, "1", Side.CALLEE)
    await press(hass, toys, "2", Side.CALLER)
    assert [report.data["side"] for report in reports] == ["caller"]


@pytest.mark.parametrize(
    "digits", ["", "E", "1 2", "1,2", True, 1.5, -1, [None], "1" * 33]
)
@pytest.mark.usefixtures("toy_entry")
async def test_invalid(hass: HomeAssistant, digits: object) -> None:
    """Anything but keys is refused when the automation is saved."""
    with pytest.raises(vol.Invalid):
        await KeyPressedTrigger.async_validate_config(
            hass, {"options": {"digits": digits}}
        )


async def test_missing_contact(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A contact that is in no phone book is reported; no key is in the log."""
    caplog.set_level("DEBUG", "custom_components.pbx")
    await automate(hass, pressed(contact="Dad", digits="7654"), "side")

    await talk(hass, toys, house)
    await press(hass, toys, "7654")

    (issue,) = ir.async_get(hass).issues.values()
    assert (issue.translation_placeholders or {})["contact"] == "Dad"
    assert "7654" not in caplog.text
