"""Tests of who the parties of a call are."""

from typing import Any

from homeassistant.core import HomeAssistant
from hypothesis import given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    ExtensionState,
    ExtensionUpdate,
)
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.contacts import PhoneBook
from custom_components.pbx.calls.manager import CallManager
from custom_components.pbx.calls.people import (
    describe,
    describe_extension,
    other_side,
    party_names,
)

from ..common import settle
from ..people import contact, device_of, phone, set_up
from ..reporting import begin_call, end_call
from ..toy import Toys
from .test_call import call_with

MUM = contact("Mum", "09121234567", person="person.mum")
KITCHEN = phone("Kitchen", "102")
UNKNOWN = {"name": None, "contact": None, "person": None}


async def house(
    hass: HomeAssistant, new_toy: MockConfigEntry
) -> tuple[MockConfigEntry, CallManager]:
    """Return a PBX in Iran with two contacts, and its manager."""
    hass.config.country = "IR"
    made = await set_up(hass, new_toy, MUM, KITCHEN)
    return made, made.runtime_data.manager


def call_of(direction: Direction | None, caller: str, callee: str) -> Call:
    """Return a call that was not placed from here."""
    return Call(
        began_at=1, deadline=9, direction=direction, caller=caller, callee=callee
    )


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize("number", ["09121234567", "+989121234567", "9121234567"])
async def test_known(
    hass: HomeAssistant, new_toy: MockConfigEntry, number: str
) -> None:
    """The other side is known by its number in any form, in both directions."""
    made, manager = await house(hass, new_toy)
    theirs = {
        "number": number,
        "name": "Mum",
        "contact": device_of(hass, made, "Mum"),
        "person": "person.mum",
        "anonymous": False,
    }
    incoming = call_of(Direction.INCOMING, number, "102")
    assert describe(hass, incoming, manager.book) == {
        "caller_contact": "Mum",
        "callee_contact": "Kitchen",
        **theirs,
    }
    outgoing = call_of(Direction.OUTGOING, "102", number)
    placed = call_with()
    placed.caller, placed.callee = "102", number
    for call in (outgoing, placed):
        assert describe(hass, call, manager.book) == {
            "caller_contact": "Kitchen",
            "callee_contact": "Mum",
            **theirs,
        }


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            call_of(Direction.INCOMING, "09120000000", "102"),
            {"number": "09120000000", "anonymous": False},
        ),
        (
            call_of(Direction.INCOMING, "", "102"),
            {"number": None, "anonymous": True},
        ),
        (
            call_of(Direction.OUTGOING, "102", ""),
            {"number": None, "anonymous": False},
        ),
        # An internal call has no party outside.
        (
            call_of(Direction.INTERNAL, "101", "102"),
            {"number": None, "anonymous": False},
        ),
        (call_of(None, "101", "102"), {"number": None, "anonymous": False}),
    ],
)
async def test_unknown(
    hass: HomeAssistant, new_toy: MockConfigEntry, call: Call, expected: dict[str, Any]
) -> None:
    """An unknown number has no name, and a withheld number is reported as such."""
    _, manager = await house(hass, new_toy)
    names = party_names(call, manager.book)
    assert describe(hass, call, manager.book) == names | UNKNOWN | expected


@pytest.mark.usefixtures("toys")
async def test_extension(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """Of an extension, both it and the party at the other end are described."""
    made, manager = await house(hass, new_toy)
    update = ExtensionUpdate(
        "102", ExtensionState.RINGING, "09121234567", Direction.INCOMING
    )
    assert describe_extension(hass, update, manager.book) == {
        "extension": "102",
        "extension_name": "Kitchen",
        "extension_contact": device_of(hass, made, "Kitchen"),
        "direction": "incoming",
        "number": "09121234567",
        "name": "Mum",
        "contact": device_of(hass, made, "Mum"),
        "person": "person.mum",
    }
    update = ExtensionUpdate("103", ExtensionState.RINGING)
    assert describe_extension(hass, update, manager.book) == {
        "extension": "103",
        "extension_name": None,
        "extension_contact": None,
        "direction": None,
        "number": None,
        **UNKNOWN,
    }


async def test_edited_in_mid_call(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Editing a contact ends no call; the names of the end are those of then."""
    made, manager = await house(hass, new_toy)
    call_id = await begin_call(hass, made, caller="102", callee="09121234567")
    (call,) = manager.tracker.open
    mum = next(each for each in made.subentries.values() if each.title == "Mum")
    hass.config_entries.async_update_subentry(made, mum, title="Mother")
    await settle(hass)
    assert list(manager.tracker.open) == [call]
    assert describe(hass, call, manager.book)["name"] == "Mother"

    toys.latest.sink.call(
        CallUpdate(state=CallState.CONNECTED, originated_call_id=call_id)
    )
    data = {**mum.data, "number": "09120000000"}
    hass.config_entries.async_update_subentry(made, mum, data=data)
    await settle(hass)
    assert describe(hass, call, manager.book)["name"] is None
    hass.config_entries.async_remove_subentry(made, mum.subentry_id)
    await end_call(hass, toys.latest, call_id)

    assert call.result is CallResult.ANSWERED
    assert call.callee == "09121234567"
    assert other_side(call, manager.book).contact is None
    # The entry was not reloaded.
    assert len(toys.made) == 1


@pytest.mark.usefixtures("toys")
async def test_any_form(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A number has one owner, however it is stored and however it is reported."""
    hass.config.country = "IR"
    made = await set_up(hass, new_toy, phone("Kitchen", "102"))
    forms = ("0{}", "+98{}", "0098{}")
    (subentry,) = made.subentries.values()

    @settings(deadline=None, max_examples=60)
    @given(
        digits=st.integers(9_120_000_000, 9_129_999_999), stored=st.sampled_from(forms)
    )
    def check(digits: int, stored: str) -> None:
        data = {**subentry.data, "number": stored.format(digits)}
        hass.config_entries.async_update_subentry(made, subentry, data=data)
        book = PhoneBook(hass, made, "IR")
        for form in (*forms, "{}", "98{}"):
            owner = book.owner_of(form.format(digits))
            assert owner is not None, form
            assert owner.name == "Kitchen"
        assert book.owner_of(f"0{digits + 1}") is None
        assert book.owner_of(f"{digits}"[:5]) is None

    check()


@pytest.mark.usefixtures("toys")
async def test_two_fit(hass: HomeAssistant, new_toy: MockConfigEntry) -> None:
    """A number without its zeros that fits two contacts is unknown."""
    hass.config.country = "IR"
    made = await set_up(
        hass, new_toy, contact("Ann", "0441234567"), contact("Bob", "+441234567")
    )
    book = made.runtime_data.manager.book

    assert book.owner_of("441234567") is None
    assert book.owner_of("0441234567") == book.contacts[0]
    assert book.owner_of("") is None
