"""Tests of the storage: open calls, call history and backend memory."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.pbx.backends.updates import CallResult, CallState

from ..common import pass_time, place_call, set_options, settle, until
from ..reporting import automate, end_call
from ..toy import ToyBackend, Toys

type Storage = dict[str, Any]


def key_of(entry: MockConfigEntry) -> str:
    """Return the storage key of a PBX."""
    return f"pbx.{entry.entry_id}"


def stored(storage: Storage, entry: MockConfigEntry) -> Storage:
    """Return the stored data of a PBX."""
    data: Storage = storage[key_of(entry)]["data"]
    return data


def write(storage: Storage, entry: MockConfigEntry, **data: object) -> None:
    """Write a storage file as an earlier run would have."""
    known = {"address": entry.data["url"], "memory": {"cursor": "row 7"}}
    storage[key_of(entry)] = {
        "version": 1,
        "minor_version": 1,
        "key": key_of(entry),
        "data": known | data,
    }


def open_call(**changes: object) -> Storage:
    """Return a call as stored by an earlier run."""
    now = dt_util.utcnow().timestamp()
    request: Mapping[str, object] = {
        "call_id": "ha-1",
        "caller": "101",
        "callee": "200",
        "context": "main",
        "timeout": 30,
        "call_limit": 60,
    }
    return {
        "request": request,
        "began_at": now,
        "reached_at": now,
        "deadline": now + 130,
        "caller": "101",
        "callee": "200",
        "reached": "placed",
        "provisional": None,
        "originated_call_id": "id-1",
        **changes,
    }


async def start(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set up a PBX."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)


async def test_written(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A call is stored while it is open, even before its request is answered."""
    toy.answers.clear()
    placing = asyncio.ensure_future(place_call(hass, caller="101", callee="200"))
    await until(lambda: toy.requests)
    freezer.tick(2)
    async_fire_time_changed(hass)
    await until(lambda: key_of(toy_entry) in hass_storage)
    (call,) = stored(hass_storage, toy_entry)["calls"]
    assert call["request"]["callee"] == "200"
    assert call["is_requested"]

    toy.answers.set()
    toy.memory.set("cursor", "row 8")
    await placing
    toy.report(CallState.RINGING_CALLEE)
    await pass_time(hass, freezer, 2)
    (call,) = stored(hass_storage, toy_entry)["calls"]
    assert call["originated_call_id"] == toy.requests[0].call_id
    assert call["reached"] == "ringing_callee"
    assert stored(hass_storage, toy_entry)["memory"] == {"cursor": "row 8"}

    toy.end()
    await pass_time(hass, freezer, 2)
    data = stored(hass_storage, toy_entry)
    assert (data["calls"], len(data["history"])) == ([], 1)


async def test_restart(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An open call and the memory are restored, and the call gets its end."""
    write(hass_storage, new_toy, calls=[open_call(reached="ringing_callee")])
    ended = await automate(hass, {"trigger": "pbx.call_ended"}, "result")
    await start(hass, new_toy)
    (call,) = toys.latest.sink.open_calls()
    assert (call.call_id, call.state) == ("id-1", CallState.RINGING_CALLEE)
    assert toys.latest.memory.get("cursor") == "row 7"

    await end_call(hass, toys.latest, "id-1", CallResult.BUSY)
    await pass_time(hass, freezer, 2)
    assert [event.data["result"] for event in ended] == ["busy"]
    assert stored(hass_storage, new_toy)["calls"] == []


async def test_restart_without_an_answer(
    hass: HomeAssistant, toys: Toys, new_toy: MockConfigEntry, hass_storage: Storage
) -> None:
    """A stored call whose request had no answer is uncertain."""
    call = open_call(originated_call_id="", is_requested=True)
    write(hass_storage, new_toy, calls=[call])
    await start(hass, new_toy)

    (known,) = toys.latest.sink.open_calls()
    assert (known.call_id, known.is_uncertain, known.is_requested) == (
        "ha-1",
        True,
        False,
    )


async def test_restart_with_an_uncertain_call(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Such a call counts while its caller may be ringing."""
    call = open_call(originated_call_id="", is_requested=True)
    history = [[call["began_at"], "200"]]
    write(hass_storage, new_toy, calls=[call], history=history)
    await start(hass, new_toy)
    await set_options(hass, new_toy, calls_per_hour=1)
    await pass_time(hass, freezer, 28)
    with pytest.raises(ServiceValidationError) as caught:
        await place_call(hass, caller="101", callee="201")
    assert caught.value.translation_key == "too_many_per_hour"

    await pass_time(hass, freezer, 3)
    await place_call(hass, caller="101", callee="201")


@pytest.mark.parametrize("was_placed", [True, False])
async def test_restart_and_the_hourly_limit(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
    was_placed: bool,
) -> None:
    """Such a call counts for the hourly limit once reported, unless it failed."""
    call = open_call(originated_call_id="", is_requested=True)
    history = [[call["began_at"], "200"]]
    write(hass_storage, new_toy, calls=[call], history=history)
    await start(hass, new_toy)
    await set_options(hass, new_toy, calls_per_hour=1)
    result = CallResult.ANSWERED if was_placed else CallResult.FAILED
    await end_call(hass, toys.latest, "ha-1", result)
    if was_placed:
        await pass_time(hass, freezer, 600)
        with pytest.raises(ServiceValidationError) as caught:
            await place_call(hass, caller="101", callee="201")
        assert caught.value.translation_key == "too_many_per_hour"
    else:
        await place_call(hass, caller="101", callee="201")


async def test_restart_after_the_deadline(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The PBX has a minute after the start to report the end of an overdue call."""
    write(hass_storage, new_toy, calls=[open_call()])
    freezer.tick(timedelta(days=1))
    ended = await automate(hass, {"trigger": "pbx.call_ended"}, "result")
    await start(hass, new_toy)
    await pass_time(hass, freezer, 59)
    assert len(toys.latest.sink.open_calls()) == 1

    await pass_time(hass, freezer, 2)
    assert [event.data["result"] for event in ended] == ["undetermined"]


async def test_restart_with_a_provisional_end(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A stored provisional end is used if no better one follows."""
    end = {"state": "ended", "source": "event", "result": "busy", "direction": None}
    write(hass_storage, new_toy, calls=[open_call(provisional=end)])
    ended = await automate(hass, {"trigger": "pbx.call_ended"}, "result")
    await start(hass, new_toy)
    await pass_time(hass, freezer, 2)

    assert [event.data["result"] for event in ended] == ["busy"]


@pytest.mark.parametrize(
    "broken",
    [
        {"request": None},
        {"request": {}},
        {"surprise": 1},
        {"request": {**open_call()["request"], "timeout": "long"}},
        {"request": {**open_call()["request"], "call_limit": "long"}},
        {"originated_call_id": ["id-2"]},
        {"call_id": None},
        {"callee": ["200"]},
        {"began_at": None},
        {"reached_at": "then"},
        {"deadline": float("nan")},
        {"deadline": "soon"},
        {"reached": "the moon"},
        {"provisional": "happy"},
        {"provisional": {"state": "placed", "source": "event", "result": "busy"}},
        {"result": "answered"},
    ],
    ids=str,
)
async def test_invalid_call(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    caplog: pytest.LogCaptureFixture,
    broken: dict[str, object],
) -> None:
    """An invalid stored call affects nothing else."""
    bad = open_call(**broken)
    calls = [bad, {}, open_call(), "nonsense", bad]
    write(hass_storage, new_toy, calls=calls)
    await start(hass, new_toy)

    (call,) = toys.latest.sink.open_calls()
    assert call.call_id == "id-1"
    assert toys.latest.memory.get("cursor") == "row 7"
    assert caplog.text.count(f"invalid call in storage file {key_of(new_toy)}") == 4


async def test_history(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An invalid history item lifts no limit; an uncertain call counts briefly."""
    now = dt_util.utcnow().timestamp()
    history = [[now - 9, "200"], {"at": now}, ["soon", "202"], [now, "201", now + 30]]
    write(hass_storage, new_toy, history=history)
    await start(hass, new_toy)
    await set_options(hass, new_toy, calls_per_hour=2, cooldown=60)
    with pytest.raises(ServiceValidationError) as caught:
        await place_call(hass, caller="101", callee="202")
    assert caught.value.translation_key == "too_many_per_hour"

    await pass_time(hass, freezer, 31)
    with pytest.raises(ServiceValidationError) as caught:
        await place_call(hass, caller="101", callee="200")
    assert caught.value.translation_key == "called_recently"
    await place_call(hass, caller="101", callee="202")
    assert len(toys.latest.requests) == 1


@pytest.mark.parametrize("name", ["calls", "history"])
@pytest.mark.parametrize("value", [None, 7, "nonsense"])
async def test_invalid_data(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: object,
) -> None:
    """Invalid stored data is ignored, and the PBX is set up."""
    write(hass_storage, new_toy, **{name: value})
    await start(hass, new_toy)

    assert toys.latest.sink.open_calls() == []
    assert toys.latest.memory.get("cursor") == "row 7"
    assert "storage file" in caplog.text


@pytest.mark.parametrize("memory", [None, 7, "nonsense", {"cursor": 7}])
async def test_invalid_memory(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    memory: object,
) -> None:
    """An invalid memory is ignored, and the calls are restored."""
    write(hass_storage, new_toy, calls=[open_call()], memory=memory)
    await start(hass, new_toy)

    assert toys.latest.memory.get("cursor") == ""
    assert [call.call_id for call in toys.latest.sink.open_calls()] == ["id-1"]


async def test_changed_address(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The memory is cleared if the address changes."""
    write(hass_storage, new_toy, history=[])
    await start(hass, new_toy)
    before = toys.latest
    assert before.memory.get("cursor") == "row 7"
    data = {**new_toy.data, "url": "http://other.test"}
    hass.config_entries.async_update_entry(new_toy, data=data)
    await settle(hass)
    # What the old backend stores meanwhile is not used for the new one, either.
    before.memory.set("cursor", "row 8")
    assert toys.latest.memory.get("cursor") == ""

    await pass_time(hass, freezer, 2)
    data = stored(hass_storage, new_toy)
    assert (data["address"], data["memory"]) == ("http://other.test", {})


async def test_removed(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The file is deleted with the PBX, and late updates write no other."""
    await place_call(hass, caller="101", callee="200")
    await pass_time(hass, freezer, 2)
    assert key_of(toy_entry) in hass_storage
    await hass.config_entries.async_remove(toy_entry.entry_id)
    assert key_of(toy_entry) not in hass_storage

    toy.end(CallResult.FAILED, is_provisional=True)
    toy.end(CallResult.BUSY)
    toy.memory.set("cursor", "row 9")
    await pass_time(hass, freezer, 5)
    assert key_of(toy_entry) not in hass_storage


async def test_removed_while_not_loaded(
    hass: HomeAssistant, new_toy: MockConfigEntry, hass_storage: Storage
) -> None:
    """A PBX that was never set up leaves no file."""
    write(hass_storage, new_toy, calls=[])
    await hass.config_entries.async_remove(new_toy.entry_id)
    await hass.async_block_till_done()

    assert key_of(new_toy) not in hass_storage
