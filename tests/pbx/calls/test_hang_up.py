"""Tests of hanging up calls of several PBXs, through the action."""

import asyncio
from dataclasses import replace
from typing import Any

from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallState
from custom_components.pbx.calls import calling_off
from custom_components.pbx.const import CONF_KIND, DOMAIN

from ..common import lift_limits, set_options, settle, until
from ..logs import calls, end, report
from ..people import contact, device_of, phone, set_up
from ..reporting import add_other_pbx, begin_call, observe, ring_in
from ..toy import ToyBackend, Toys
from .messages import message, raises

LOST = PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")
MUM = contact("Mum", "09121234567", "Mama")
KITCHEN = phone("Kitchen", "101")
HALL = phone("Hall", "102")


@pytest.fixture
async def other(hass: HomeAssistant, toy_entry: MockConfigEntry) -> MockConfigEntry:
    """Return a second PBX, named Other, which can hang up as well."""
    return await add_other_pbx(hass, toy_entry)


@pytest.fixture
async def unable(
    hass: HomeAssistant,
    toys: Toys,
    toy_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> MockConfigEntry:
    """Return a second PBX, named Unable, which cannot hang up."""
    monkeypatch.setitem(KINDS, "unable", replace(toys.kind(), id="unable"))
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Unable",
        data={**toy_entry.data, CONF_KIND: "unable"},
        options=toy_entry.options,
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)
    return entry


@pytest.fixture
async def house(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> MockConfigEntry:
    """Return a PBX with contacts."""
    assert toys.made
    hass.config.country = "IR"
    await hass.config_entries.async_unload(toy_entry.entry_id)
    entry = await set_up(hass, toy_entry, MUM, KITCHEN, HALL)
    await lift_limits(hass, entry)
    return entry


async def respond(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Run the action, and return its response."""
    response = await hass.services.async_call(
        DOMAIN, "hang_up", data, blocking=True, return_response=True
    )
    assert response is not None
    return response


async def hang_up(hass: HomeAssistant, **data: object) -> list[str]:
    """Run the action, which does not fail, and return the IDs of its calls."""
    response = await respond(hass, **data)
    assert response["failed"] == []
    hung_up: list[str] = response["hung_up"]
    return hung_up


async def test_all_pbxs(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """Without a field, the calls of all PBXs are hung up."""
    first, second = toys.made
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)

    assert await hang_up(hass) == [one, two]
    assert (first.hung_up, second.hung_up) == ([one], [two])


async def test_named_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """With a PBX, only its calls are hung up."""
    first, _ = toys.made
    await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)

    entry_id = toy_entry.entry_id
    assert await hang_up(hass, config_entry_id=entry_id, originated_call_id=two) == []
    assert await hang_up(hass, config_entry_id=other.entry_id) == [two]
    assert first.hung_up == []


async def test_call_of_any_pbx(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """A call is found by its ID, whichever PBX has it."""
    first, second = toys.made
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)

    assert await hang_up(hass, originated_call_id=two) == [two]
    assert await hang_up(hass, originated_call_id=one) == [one]
    assert (first.hung_up, second.hung_up) == ([one], [two])


@pytest.mark.usefixtures("other")
async def test_nothing_fits(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """If no call fits, as with an unknown ID, nothing is hung up."""
    assert await hang_up(hass) == []
    await begin_call(hass, toy_entry)

    assert await hang_up(hass, originated_call_id="ha-other") == []
    assert await hang_up(hass, callee="300") == []
    assert [toy.hung_up for toy in toys.made] == [[], []]


# --- Calls that were not placed from here ---


async def test_other_call(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """Any call is hung up by the id of its row in the log."""
    toy = toys.latest
    await ring_in(hass, toy, call_id="1.2")
    await ring_in(hass, toy, call_id="1.3")
    placed = await begin_call(hass, toy_entry)
    # Without an id, only what was placed from here is meant.
    assert await hang_up(hass) == [placed]
    assert await hang_up(hass, caller="09121234567") == []
    (row,) = (each for each in await calls(hass, direction="incoming", limit=1))
    call_id = row["id"]
    assert await hang_up(hass, originated_call_id=call_id, callee="300") == []

    assert await hang_up(hass, originated_call_id=call_id) == ["1.3"]
    assert toy.hung_up == [placed, "1.3"]
    await report(hass, toy, end("1.3"))
    assert await hang_up(hass, originated_call_id=call_id) == []


async def test_placed_call_by_its_row(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A call that was placed from here has a row as well."""
    first = await begin_call(hass, toy_entry, callee="200")
    await begin_call(hass, toy_entry, callee="201")
    (row,) = (each for each in await calls(hass) if each["callee"] == "200")
    assert await hang_up(hass, originated_call_id=row["id"]) == [first]
    assert toys.latest.hung_up == [first]


async def test_other_call_of_a_pbx_that_cannot(
    hass: HomeAssistant, toys: Toys, unable: MockConfigEntry
) -> None:
    """It says so, and does not seem to have done it."""
    await ring_in(hass, toys.latest)
    (row,) = await calls(hass, config_entry_id=unable.entry_id)
    with raises("hang_up_not_supported"):
        await hang_up(hass, originated_call_id=row["id"])


# --- By caller and callee ---


@pytest.mark.parametrize(
    ("data", "hung_up"),
    [
        ({"callee": "Mum"}, {"kitchen-mum", "hall-mum"}),
        ({"callee": " mama "}, {"kitchen-mum", "hall-mum"}),
        ({"callee": "+98 912 123 4567"}, {"kitchen-mum", "hall-mum"}),
        ({"callee": "200"}, {"kitchen-200"}),
        ({"callee": 200}, {"kitchen-200"}),
        ({"caller": "Kitchen"}, {"kitchen-mum", "kitchen-200"}),
        ({"caller": 101}, {"kitchen-mum", "kitchen-200"}),
        ({"caller": "Kitchen", "callee": "Mum"}, {"kitchen-mum"}),
        ({"caller": "102", "callee": "(Mum)"}, {"hall-mum"}),
        ({"caller": "Hall", "callee": "200"}, set()),
        ({"caller": "Mum"}, set()),
        ({"callee": "0912*"}, set()),
    ],
)
async def test_parties(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    data: dict[str, object],
    hung_up: set[str],
) -> None:
    """Calls are found by number or contact; with both fields, both fit."""
    calls = {
        "kitchen-mum": await begin_call(hass, house, callee="Mum"),
        "kitchen-200": await begin_call(hass, house),
        "hall-mum": await begin_call(hass, house, caller="Hall", callee="Mum"),
    }

    assert set(await hang_up(hass, **data)) == {calls[name] for name in hung_up}
    assert set(toys.latest.hung_up) == {calls[name] for name in hung_up}


async def test_device(hass: HomeAssistant, house: MockConfigEntry) -> None:
    """A contact may be given as its device."""
    one = await begin_call(hass, house, callee="Mum")

    assert await hang_up(hass, callee=device_of(hass, house, "Mum")) == [one]


async def test_contact_of_one_pbx(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """A contact is only looked up in the phone book of a call's own PBX."""
    first = toys.latest
    other = await set_up(
        hass, house, contact("Dad", "200"), phone("Kitchen", "300"), title="Other"
    )
    await begin_call(hass, house)
    two = await begin_call(hass, other)

    assert await hang_up(hass, callee="Dad") == [two]
    assert await hang_up(hass, caller="Mum") == []
    assert first.hung_up == []
    three = await begin_call(hass, other, caller="300")
    assert await hang_up(hass, caller="Kitchen", callee="Dad") == [three]


async def test_id_and_callee(hass: HomeAssistant, house: MockConfigEntry) -> None:
    """A call has to fit its ID as well."""
    one = await begin_call(hass, house, callee="Mum")

    assert await hang_up(hass, originated_call_id=one, callee="Kitchen") == []
    assert await hang_up(hass, originated_call_id=one, callee="Mum") == [one]


@pytest.mark.parametrize("ringing_only", [True, "true", "on"])
async def test_ringing_only(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry, ringing_only: object
) -> None:
    """Calls continue in which both parties talk."""
    toy = toys.latest
    one = await begin_call(hass, house)
    two = await begin_call(hass, house, callee="201")
    three = await begin_call(hass, house, callee="202")
    await observe(hass, toy, one, CallState.CONNECTED)
    await observe(hass, toy, two, CallState.RINGING_CALLEE)

    assert await hang_up(hass, ringing_only=ringing_only) == [two, three]
    assert await hang_up(hass, callee="200", ringing_only=True) == []
    assert await hang_up(hass, callee="200", ringing_only=False) == [one]


@pytest.mark.parametrize("value", [None, "", " ", [], (), {}, "unknown"])
@pytest.mark.parametrize(
    "field",
    ["originated_call_id", "callee", "caller", "ringing_only", "config_entry_id"],
)
async def test_empty(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry, field: str, value: object
) -> None:
    """A field that is empty is refused: a template that found nothing ends no call."""
    await begin_call(hass, house)
    for more in ({}, {"callee": "200"}):
        with pytest.raises(Exception, match=field) as caught:
            await respond(hass, **more | {field: value})
        assert type(caught.value).__name__ == "ServiceValidationError"

    assert toys.latest.hung_up == []


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (4917012345678, "number_unquoted"),
        ("++49", "number_misplaced_plus"),
        ("Dad", "unknown_contact"),
        (["101", "102"], "given_list"),
        (True, "given_boolean"),
    ],
)
@pytest.mark.parametrize("field", ["caller", "callee"])
async def test_no_party(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    field: str,
    value: object,
    key: str,
) -> None:
    """What is neither a number nor a contact is refused in words."""
    await begin_call(hass, house)
    with raises(key):
        await respond(hass, **{field: value})

    assert toys.latest.hung_up == []


# --- Failures ---


async def test_one_pbx_fails(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry, other: MockConfigEntry
) -> None:
    """What was hung up is returned; it is an error only if nothing was."""
    first, second = toys.made
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)
    first.error = LOST
    error = message("cannot_connect", pbx="Toy", detail="no route")
    assert await respond(hass) == {
        "hung_up": [two],
        "failed": [{"originated_call_id": one, "error": error}],
    }

    second.error = PbxError(PbxErrorCode.REFUSED, "busy")
    with raises("cannot_connect") as caught:
        await respond(hass)
    assert str(caught.value) == error
    # A call that was not hung up rings on, so that it can be tried again.
    first.error = None
    assert (await respond(hass))["hung_up"] == [one]


@pytest.mark.usefixtures("other")
async def test_failure_beside_a_pbx_without_calls(
    hass: HomeAssistant, toys: Toys, toy_entry: MockConfigEntry
) -> None:
    """A PBX without calls does not hide the failure of another one."""
    await begin_call(hass, toy_entry)
    toys.made[0].error = LOST
    with raises("cannot_connect"):
        await respond(hass)


async def test_one_call_fails(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same applies to the calls of one PBX."""
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, toy_entry, callee="201")
    real = toy.hang_up

    async def fail(call_id: str) -> None:
        if call_id == one:
            raise LOST
        await real(call_id)

    monkeypatch.setattr(toy, "hang_up", fail)
    response = await respond(hass)
    assert response["hung_up"] == [two]
    assert [each["originated_call_id"] for each in response["failed"]] == [one]


async def test_unexpected_error(
    hass: HomeAssistant,
    toys: Toys,
    toy_entry: MockConfigEntry,
    other: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unexpected error is raised, and the calls of the other PBX are hung up."""
    first, second = toys.made
    await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)

    async def fail(_call_id: str) -> None:
        raise LookupError("Unexpected")

    monkeypatch.setattr(first, "hang_up", fail)
    with pytest.raises(LookupError, match="Unexpected"):
        await respond(hass)
    assert second.hung_up == [two]


async def test_unable(
    hass: HomeAssistant, toy_entry: MockConfigEntry, unable: MockConfigEntry
) -> None:
    """The calls of a PBX that cannot hang up fail; without any, it does not matter."""
    assert await hang_up(hass) == []
    one = await begin_call(hass, toy_entry)
    two = await begin_call(hass, unable, callee="201")
    assert await respond(hass) == {
        "hung_up": [one],
        "failed": [
            {
                "originated_call_id": two,
                "error": message("hang_up_not_supported", pbx="Unable"),
            }
        ],
    }

    with raises("hang_up_not_supported") as caught:
        await respond(hass, originated_call_id=two)
    assert "Unable" in str(caught.value)
    assert await hang_up(hass, originated_call_id="ha-other") == []


async def test_only_calls_that_cannot_be_hung_up(
    hass: HomeAssistant, unable: MockConfigEntry
) -> None:
    """If nothing could be done, the error says why."""
    await begin_call(hass, unable)
    with raises("hang_up_not_supported") as caught:
        await respond(hass)

    assert "Unable" in str(caught.value)


async def test_none_is_able(hass: HomeAssistant, unable: MockConfigEntry) -> None:
    """A PBX that never hangs up says so, even without calls."""
    with raises("hang_up_not_supported"):
        await respond(hass, config_entry_id=unable.entry_id)


@pytest.mark.parametrize("is_disabled", [True, False])
async def test_not_loaded(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    other: MockConfigEntry,
    is_disabled: bool,
) -> None:
    """A PBX that is not loaded does not prevent hanging up the calls of another."""
    await begin_call(hass, toy_entry)
    two = await begin_call(hass, other)
    if is_disabled:
        await hass.config_entries.async_set_disabled_by(
            toy_entry.entry_id, ConfigEntryDisabler.USER
        )
    else:
        assert await hass.config_entries.async_unload(toy_entry.entry_id)

    assert await hang_up(hass) == [two]
    assert await hang_up(hass, originated_call_id=two) == [two]


async def test_none_loaded(hass: HomeAssistant, toy_entry: MockConfigEntry) -> None:
    """If no PBX is loaded, the error says so."""
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    with raises("pbx_not_loaded"):
        await respond(hass)


# --- Calls that are just being requested ---


async def begin_request(
    hass: HomeAssistant, toy: ToyBackend, entry: MockConfigEntry
) -> asyncio.Task[Any]:
    """Request a call that the PBX does not answer yet."""
    toy.answers.clear()
    data = {"config_entry_id": entry.entry_id, "caller": "101", "callee": "200"}
    call = hass.services.async_call(DOMAIN, "originate", data, blocking=True)
    running = asyncio.create_task(call)
    await until(lambda: toy.requests)
    return running


async def test_requested(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A call is hung up after its request was answered: before, the PBX has none."""
    running = await begin_request(hass, toy, toy_entry)
    ending = asyncio.create_task(hang_up(hass, callee="200"))
    await asyncio.sleep(0)
    assert not ending.done()
    toy.answers.set()
    await running

    call_id = toy.requests[0].call_id
    assert await ending == [call_id]
    assert toy.hung_up == [call_id]


async def test_refused_in_the_meantime(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A call that the PBX refuses then has nothing to hang up."""
    running = await begin_request(hass, toy, toy_entry)
    ending = asyncio.create_task(hang_up(hass))
    await asyncio.sleep(0)
    toy.error = PbxError(PbxErrorCode.REFUSED)
    toy.answers.set()
    with raises("refused"):
        await running

    assert await ending == []


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(calling_off, "_UNCERTAIN_PAUSES", (0, 0, 0))
    monkeypatch.setattr(calling_off, "_END_TIMEOUT", 0)


@pytest.mark.usefixtures("_no_pauses")
async def test_uncertain(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call whose answer was lost is tried again, as it may just begin to ring."""
    toy.error = CallUncertainError("reset")
    with raises("call_uncertain"):
        await begin_call(hass, toy_entry)
    toy.error = None
    real, tries = toy.hang_up, []

    async def late(call_id: str) -> None:
        tries.append(call_id)
        await real("unknown" if len(tries) == 1 else call_id)

    monkeypatch.setattr(toy, "hang_up", late)
    assert await hang_up(hass) == []
    await until(lambda: toy.hung_up)
    await settle(hass)
    assert set(toy.hung_up) == {toy.requests[0].call_id}


async def test_ended_in_the_meantime(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call that the PBX no longer has is neither hung up nor a failure."""
    one = await begin_call(hass, toy_entry)
    real = toy.hang_up

    async def gone(_call_id: str) -> None:
        await real("unknown")

    monkeypatch.setattr(toy, "hang_up", gone)
    assert await hang_up(hass, originated_call_id=one) == []


async def test_long_extensions(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """A whole number that is an extension of one PBX has not lost anything."""
    await set_options(hass, house, internal_digits=7)
    one = await begin_call(hass, house, callee="2001234")

    assert await hang_up(hass, callee=2001234) == [one]
    assert toys.latest.hung_up == [one]
