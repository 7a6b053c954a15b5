"""Tests of the filter for calls, without automations."""

from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.pbx.backends.updates import Direction
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.manager import DATA_MANAGERS, CallManager
from custom_components.pbx.filters import (
    CallFilter,
    check_options,
    number_given,
    parties,
)

from .people import contact, set_up
from .toy import Toys

MUM = "09121234567"


@pytest.fixture
async def manager(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> CallManager:
    """Return the manager of a PBX with a contact."""
    assert toys.made
    hass.config.country = "IR"
    await hass.config_entries.async_unload(toy_entry.entry_id)
    entry = await set_up(hass, toy_entry, contact("Mum", MUM))
    return hass.data[DATA_MANAGERS][entry.entry_id]


def checked(hass: HomeAssistant, **options: Any) -> CallFilter:  # noqa: ANN401 - any option
    """Return the filter with these options."""
    return CallFilter(check_options(hass, options))


@pytest.mark.parametrize(
    ("value", "number"),
    [("101", "101"), (101, 101), (101.0, 101), ("Mum", "Mum"), (None, "None")],
)
def test_given(value: object, number: str | int) -> None:
    """A number may be a text or an integer."""
    assert number_given(value) == number


@pytest.mark.parametrize("value", [True, 1.5, -1, float("nan"), [], {}])
def test_not_given(value: object) -> None:
    """Anything else is no number."""
    with pytest.raises(vol.Invalid, match="in quotes"):
        number_given(value)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("", "is empty"),
        ("-", "is empty"),
        ("1" * 33, "more than 32 characters"),
        ("+98+912*", "plus sign"),
        ("0912*45*", "at the end"),
        ("+98*45*", "at the end"),
        ("9121234567.0", "in quotes"),
        ("unavailable", "state of an entity"),
        (4917012345678, "in quotes"),
    ],
)
async def test_can_never_fit(
    hass: HomeAssistant, number: str | int, words: str
) -> None:
    """What can never fit is refused in words."""
    with pytest.raises(vol.Invalid, match=words):
        check_options(hass, {"number": [number]})


async def test_any_text_may_be_a_name(hass: HomeAssistant) -> None:
    """A name that no contact has is no error."""
    numbers = [" Mum ", "۰۹۱۲*", "0912 12?", "*21*0912*", "101*2"]
    options = {"number": numbers, "contact": ["Nobody"]}

    assert check_options(hass, options) == {
        "number": ["Mum", "0912*", "091212?", "*21*0912*", "101*2"],
        "contact": ["Nobody"],
    }


def test_parties() -> None:
    """All who take part in a call count, each once."""
    call = Call(began_at=0, deadline=0, direction=Direction.INCOMING)
    assert parties(call) == []

    call.caller, call.callee, call.answered_by = MUM, "101", "101"
    assert parties(call) == [MUM, "101"]


@pytest.mark.parametrize(
    ("options", "numbers", "fits"),
    [
        ({}, [], True),
        ({"number": ["0912*"]}, [MUM], True),
        ({"number": ["0912*"]}, ["101", "+989121234567"], True),
        ({"number": ["0912*"]}, [""], False),
        ({"number": ["0912*"]}, ["withheld"], False),
        ({"number": ["Mum"]}, ["+989121234567"], True),
        # A number that has lost its zero on its way is still the contact's.
        ({"number": ["Mum"]}, ["9121234567"], True),
        ({"number": [MUM]}, ["9121234567"], False),
        ({"contact": ["mum"]}, ["9121234567"], True),
        ({"contact": ["Mum"]}, ["101"], False),
        ({"contact": ["Mum"], "number": ["101"]}, [MUM], False),
        ({"contact": ["Mum"], "number": ["101"]}, [MUM, "101"], True),
    ],
)
def test_matches(
    hass: HomeAssistant,
    manager: CallManager,
    options: dict[str, Any],
    numbers: list[str],
    fits: bool,
) -> None:
    """Numbers, patterns, names and contacts are compared with those of a call."""
    assert checked(hass, **options).matches(manager, numbers, numbers) is fits


async def test_other_pbx(hass: HomeAssistant, manager: CallManager) -> None:
    """The calls of other PBXs do not fit."""
    other = await set_up(hass, manager.entry, title="Other")  # type: ignore[arg-type]
    wanted = checked(hass, config_entry_id=other.entry_id)

    assert not wanted.is_about(manager)
    assert not wanted.matches(manager, [], [])
    assert wanted.is_about(hass.data[DATA_MANAGERS][other.entry_id])


async def test_missing_contacts(hass: HomeAssistant, manager: CallManager) -> None:
    """Contacts are missing if none of the PBXs that count has them."""
    options = {"contact": ["Mum", "Nanny"], "number": ["Nanny", "Dad", "0912*"]}
    assert checked(hass, **options).missing_contacts(hass) == ["Nanny", "Dad"]
    assert checked(hass, number=["0912*"]).missing_contacts(hass) == []

    nanny = contact("Nanny", "101")
    other = await set_up(hass, manager.entry, nanny, title="Other")  # type: ignore[arg-type]
    assert checked(hass, **options).missing_contacts(hass) == ["Dad"]
    for entry, missing in ((manager.entry, ["Nanny", "Dad"]), (other, ["Mum", "Dad"])):
        of_one = checked(hass, config_entry_id=entry.entry_id, **options)
        assert of_one.missing_contacts(hass) == missing
