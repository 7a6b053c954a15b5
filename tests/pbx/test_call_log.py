"""Tests of the call log as users read it: by the actions and the sensor."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
import json
from pathlib import Path
from threading import Event, get_ident
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.const import GROUP_ID_READ_ONLY, GROUP_ID_USER
from homeassistant.auth.models import User
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol

from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    VoicemailUpdate,
)
from custom_components.pbx.calls.call_log_store import CallLogStore
from custom_components.pbx.calls.log_rows import LogRow
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.diagnostics import async_get_config_entry_diagnostics
from custom_components.pbx.flows.call_log import CALL_LOG_SCHEMA

from .common import pass_time, place_call, set_options, settle
from .dialog import open_options
from .logs import MISSED, MUM, calls, end, mark_seen, report, ring, row
from .people import contact, device_of, entity_of, phone, set_up
from .reporting import add_other_pbx, attributes, begin_call, end_call, state_of
from .toy import ToyBackend, Toys

KEYS = [
    "id",
    "config_entry_id",
    "state",
    "direction",
    "missed",
    "seen",
    "anonymous",
    "result",
    "started_at",
    "ended_at",
    "ring_time",
    "talk_time",
    "caller",
    "caller_contact",
    "callee",
    "callee_contact",
    "number",
    "name",
    "contact",
    "person",
    "answered_by",
    "answered_by_contact",
    "voicemail",
    "asked_by",
]
PEOPLE = (
    contact("Mum", MUM, person="person.mum"),
    contact("Paul", "09130000000", "Pauly"),
    phone("Kitchen", "101"),
)
_IDS = count(100)
# How Home Assistant writes; its test package keeps files in memory.
WRITE = Store._async_write_data  # noqa: SLF001 - as above
REMOVE = Store.async_remove
type Storage = dict[str, Any]


def key_of(entry: MockConfigEntry) -> str:
    """Return the name of the file."""
    return f"{DOMAIN}.{entry.entry_id}.log"


@pytest.fixture
async def house(hass: HomeAssistant, new_toy: MockConfigEntry) -> MockConfigEntry:
    """Return a PBX with a family."""
    return await set_up(hass, new_toy, *PEOPLE)


async def miss(hass: HomeAssistant, toy: ToyBackend, *callers: str) -> None:
    """Let calls come in that nobody answers, of which the report tells."""
    for caller in callers:
        await report(hass, toy, row(f"{next(_IDS)}", caller=caller))


# --- a row ---------------------------------------------------------------------


async def test_row(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A row says who called, when, and what came of it."""
    freezer.move_to("2027-11-28 08:00:00+00:00")
    await report(hass, toys.latest, ring("1.2", ring_time=None))
    (live,) = await calls(hass)
    assert list(live) == KEYS
    assert (live["state"], live["ended_at"], live["missed"]) == ("placed", None, False)
    assert live["started_at"] == "2027-11-28T08:00:00+00:00"
    freezer.tick(9)
    connected = CallUpdate(state=CallState.CONNECTED, call_id="1.2", answered_by="101")
    answered = end("1.2", CallResult.ANSWERED, ring_time=9.0, talk_time=60.0)
    await report(hass, toys.latest, connected)
    # A page that shows it counts from the answer.
    (talking,) = await calls(hass)
    assert (talking["state"], talking["ring_time"]) == ("connected", 9.0)
    freezer.tick(60)
    await report(hass, toys.latest, answered)

    assert await calls(hass) == [
        {
            **live,
            "state": "ended",
            "result": "answered",
            "ended_at": "2027-11-28T08:01:09+00:00",
            "direction": "incoming",
            "seen": True,
            "anonymous": False,
            "ring_time": 9.0,
            "talk_time": 60.0,
            "caller": MUM,
            "caller_contact": "Mum",
            "callee": "101",
            "callee_contact": "Kitchen",
            "number": MUM,
            "name": "Mum",
            "contact": device_of(hass, house, "Mum"),
            "person": "person.mum",
            "answered_by": "101",
            "answered_by_contact": "Kitchen",
            "voicemail": False,
            "asked_by": None,
        }
    ]


async def test_names_are_those_of_now(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """A name follows the phone book; that of the time stays where there is none."""
    await miss(hass, toys.latest, MUM, "0912", "")
    withheld, unknown, mum = await calls(hass)
    assert (withheld["anonymous"], withheld["number"]) == (True, None)
    assert (unknown["anonymous"], unknown["name"]) == (False, None)
    (subentry,) = (each for each in house.subentries.values() if each.title == "Mum")
    hass.config_entries.async_update_subentry(house, subentry, title="Mother")
    await settle(hass)
    assert (await calls(hass))[2]["caller_contact"] == "Mother"

    hass.config_entries.async_remove_subentry(house, subentry.subentry_id)
    await settle(hass)
    stored = (await calls(hass))[2]
    assert (stored["name"], stored["contact"]) == (mum["name"], None)


@pytest.mark.parametrize(
    ("callee", "direction"), [("200", "internal"), ("09130000000", "outgoing")]
)
async def test_call_from_here(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry, callee: str, direction: str
) -> None:
    """A call from here is one row, whose number is the one that was called."""
    call_id = await begin_call(hass, house, callee=callee)
    (live,) = await calls(hass)
    assert (live["state"], live["direction"]) == ("placed", direction)
    await end_call(hass, toys.latest, call_id, CallResult.BUSY)
    (ended,) = await calls(hass)
    assert (ended["id"], ended["result"]) == (live["id"], "busy")
    assert ended["number"] == callee
    assert not ended["missed"]


@pytest.mark.usefixtures("house")
async def test_refused_call(hass: HomeAssistant, toys: Toys) -> None:
    """A call that the PBX refused never was."""
    toys.latest.error = PbxError(PbxErrorCode.REFUSED)
    with pytest.raises(HomeAssistantError):
        await place_call(hass, callee="200")
    assert await calls(hass) == []


async def test_voicemail(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """A message that the caller left is a mark at the call."""
    del house
    await miss(hass, toys.latest, MUM)
    toys.latest.sink.voicemail(VoicemailUpdate("101", MUM))
    assert [each["voicemail"] for each in await calls(hass)] == [True]


# --- who asked -------------------------------------------------------------------


async def test_asked_by_a_user(
    hass: HomeAssistant, house: MockConfigEntry, hass_admin_user: MockUser
) -> None:
    """A user's name is shown to themselves and to administrators only."""
    paul, eve = await named_user(hass, "Paul"), await named_user(hass, "Eve")
    context = Context(user_id=paul.id)
    button = {"entity_id": entity_of(hass, house, "Mum", "call")}
    await hass.services.async_call(
        "button", "press", button, blocking=True, context=context
    )
    await hass.services.async_call(
        DOMAIN, "originate", {"callee": "200"}, blocking=True, context=context
    )
    for reader, name in ((paul, "Paul"), (hass_admin_user, "Paul"), (eve, None)):
        assert [each["asked_by"] for each in await calls(hass, reader)] == [
            {"type": "user", "name": name},
            {"type": "button", "name": name},
        ]


async def named_user(
    hass: HomeAssistant, name: str, group: str = GROUP_ID_USER
) -> User:
    """Return a user who is not an administrator."""
    if all(each.system_generated for each in await hass.auth.async_get_users()):
        # The first user is the owner.
        await hass.auth.async_create_user("Owner")
    return await hass.auth.async_create_user(name, group_ids=[group])


@pytest.mark.parametrize("way", ["action", "button"])
async def test_asked_by_an_automation(
    hass: HomeAssistant, house: MockConfigEntry, way: str
) -> None:
    """An automation is named, whichever way it takes."""
    action = {
        "action": {"action": "pbx.originate", "data": {"callee": "200"}},
        "button": {
            "action": "button.press",
            "target": {"entity_id": entity_of(hass, house, "Mum", "call")},
        },
    }[way]
    automation = {
        "id": "bell",
        "alias": "Door bell",
        "triggers": [{"trigger": "event", "event_type": "bell"}],
        "actions": [action],
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    hass.bus.async_fire("bell")
    await settle(hass)
    (call,) = await calls(hass)
    assert call["asked_by"] == {"type": "automation", "name": "Door bell"}


async def test_asked_by_nobody(hass: HomeAssistant, house: MockConfigEntry) -> None:
    """What Home Assistant itself does has no name; a button has its type."""
    button = {"entity_id": entity_of(hass, house, "Mum", "call")}
    await hass.services.async_call("button", "press", button, blocking=True)
    await begin_call(hass, house)
    assert [each["asked_by"] for each in await calls(hass)] == [
        None,
        {"type": "button", "name": None},
    ]


# --- what the action returns -----------------------------------------------------


async def test_filters(
    hass: HomeAssistant,
    toys: Toys,
    house: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Calls are filtered by direction, contact, time and whether they were missed."""
    freezer.move_to("2027-11-28 08:00:00+00:00")
    await miss(hass, toys.latest, MUM, "09130000000")
    freezer.move_to("2027-11-28 09:00:00+00:00")
    await place_call(hass, callee="Mum")
    freezer.move_to("2027-11-28 10:00:00+00:00")
    await report(hass, toys.latest, end("7", CallResult.ANSWERED, "0914", talk_time=1))
    await pass_time(hass, freezer, 5)

    async def numbers(**data: Any) -> list[str]:  # noqa: ANN401 - any field
        return [each["number"] for each in await calls(hass, **data)]

    paul = "09130000000"
    assert await numbers() == ["0914", MUM, paul, MUM]
    assert await numbers(direction="outgoing") == [MUM]
    assert await numbers(missed=True) == [paul, MUM]
    assert await numbers(missed="false") == ["0914", MUM]
    assert await numbers(contact="mum") == [MUM, MUM]
    assert await numbers(contact="Pauly") == [paul]
    assert await numbers(contact=device_of(hass, house, "Paul")) == [paul]
    assert await numbers(contact="Kitchen") == ["0914", MUM, paul, MUM]
    assert await numbers(limit=1) == ["0914"]
    assert await numbers(since="2027-11-28T09:00:00+00:00") == ["0914", MUM]
    at = datetime(2027, 11, 28, 9, 0, 1, tzinfo=UTC)
    assert await numbers(since=at) == ["0914"]
    local = dt_util.as_local(at).replace(tzinfo=None)
    assert await numbers(since=str(local)) == ["0914"]
    assert await numbers(since="2027-11-29") == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"contact": "Nobody"}, "unknown_contact"),
        ({"contact": " "}, "given_nothing"),
        ({"limit": 0}, "given_out_of_range"),
        ({"limit": 501}, "given_out_of_range"),
        ({"direction": "up"}, "given_no_choice"),
        ({"missed": "perhaps"}, "given_no_choice"),
        ({"since": "yesterday"}, "given_no_time"),
        ({"since": "2026-02-30 10:00"}, "given_no_time"),
        ({"since": "9999-12-31T23:59:59-10:00"}, "given_no_time"),
        ({"since": ""}, "given_nothing"),
        ({"config_entry_id": "gone"}, "service_config_entry_not_found"),
    ],
)
@pytest.mark.usefixtures("house")
async def test_invalid_filter(
    hass: HomeAssistant, data: dict[str, Any], error: str
) -> None:
    """What cannot be meant is an error, and not an empty list."""
    with pytest.raises(ServiceValidationError) as caught:
        await calls(hass, **data)
    assert caught.value.translation_key == error


async def test_limits_of_the_action(hass: HomeAssistant, toy: ToyBackend) -> None:
    """It returns 50 calls, and up to 500."""
    for number in range(60):
        toy.sink.call(ring(str(number), caller=str(number)))
    assert len(await calls(hass)) == 50
    assert len(await calls(hass, limit=500)) == 60


async def test_calls_of_two_pbxs(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """The calls of all PBXs are sorted together, unless one is named."""
    first = toys.latest
    other = await add_other_pbx(hass, house)
    for number, backend in enumerate((first, toys.latest, first)):
        await report(hass, backend, ring(str(number), str(number)))
    assert [each["number"] for each in await calls(hass)] == ["2", "1", "0"]
    (call,) = await calls(hass, config_entry_id=other.entry_id)
    assert call["config_entry_id"] == other.entry_id
    assert await calls(hass, contact="Mum") == []


# --- missed calls ------------------------------------------------------------------


async def test_sensor(hass: HomeAssistant, toys: Toys, house: MockConfigEntry) -> None:
    """The sensor counts missed calls until somebody has looked at them."""
    assert (state_of(hass, MISSED), attributes(hass, MISSED)["calls"]) == ("0", [])
    await miss(hass, toys.latest, *map(str, range(5)), MUM)
    assert state_of(hass, MISSED) == "6"
    shown = attributes(hass, MISSED)["calls"]
    assert [each["name"] or each["number"] for each in shown] == [
        "Mum", "4", "3", "2", "1",
    ]  # fmt: skip
    assert list(shown[0]) == KEYS
    state = hass.states.get(MISSED)
    assert state is not None
    assert state.state_info is not None
    assert "calls" in state.state_info["unrecorded_attributes"]
    await calls(hass)
    assert state_of(hass, MISSED) == "6"

    await mark_seen(hass)
    assert (state_of(hass, MISSED), attributes(hass, MISSED)["calls"]) == ("0", [])
    assert {(each["missed"], each["seen"]) for each in await calls(hass)} == {
        (True, True)
    }
    await hass.config_entries.async_reload(house.entry_id)
    assert state_of(hass, MISSED) == "0"


@pytest.mark.usefixtures("house")
async def test_sensor_of_other_calls(
    hass: HomeAssistant, toys: Toys, freezer: FrozenDateTimeFactory
) -> None:
    """The state is written when it has changed, and not at every call."""
    await miss(hass, toys.latest, MUM)
    before = hass.states.get(MISSED)
    assert before is not None
    freezer.tick(60)
    await report(hass, toys.latest, ring("1.2"), end("1.2", CallResult.ANSWERED))
    await place_call(hass, callee="200")
    state = hass.states.get(MISSED)
    assert state is not None
    assert state.last_reported == before.last_reported
    await report(hass, toys.latest, row("1.3", CallResult.BUSY))
    assert state_of(hass, MISSED) == "2"


async def test_sensor_of_a_late_answer(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A call that was answered after all is not missed anymore."""
    await report(hass, toy, row("1.2"), row("1.3"))
    assert state_of(hass, MISSED) == "2"
    await report(hass, toy, row("1.2", CallResult.ANSWERED, talk_time=9.0))
    assert state_of(hass, MISSED) == "1"
    assert [each["missed"] for each in await calls(hass)] == [True, False]


async def test_sensor_of_a_call_that_was_placed(
    hass: HomeAssistant, toy: ToyBackend
) -> None:
    """A call that turns out to be placed from here was not missed."""
    await report(hass, toy, row("1.2"))
    assert state_of(hass, MISSED) == "1"
    await report(hass, toy, row("1.2", originated_call_id="o1"))
    assert state_of(hass, MISSED) == "0"
    assert attributes(hass, MISSED)["calls"] == []


# --- who may read --------------------------------------------------------------------


@pytest.mark.usefixtures("house")
async def test_readers(
    hass: HomeAssistant, toys: Toys, hass_admin_user: MockUser
) -> None:
    """Every user may read, or only administrators: also the sensor's attributes."""
    reader = await named_user(hass, "Eve", GROUP_ID_READ_ONLY)
    await miss(hass, toys.latest, MUM)
    assert len(await calls(hass, reader)) == 1
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    await set_options(hass, entry, log_readers="administrators")  # type: ignore[arg-type]

    with pytest.raises(Unauthorized):
        await calls(hass, reader)
    assert len(await calls(hass, hass_admin_user)) == 1
    assert len(await calls(hass)) == 1
    assert (state_of(hass, MISSED), attributes(hass, MISSED)["calls"]) == ("1", [])


@pytest.mark.usefixtures("house")
async def test_who_marks_calls_as_seen(hass: HomeAssistant, toys: Toys) -> None:
    """That changes something: a user who only reads may not do it."""
    await miss(hass, toys.latest, MUM)
    with pytest.raises(Unauthorized):
        await mark_seen(hass, await named_user(hass, "Eve", GROUP_ID_READ_ONLY))
    assert state_of(hass, MISSED) == "1"
    await mark_seen(hass, await named_user(hass, "Paul"))
    assert state_of(hass, MISSED) == "0"


async def test_not_in_diagnostics(
    hass: HomeAssistant, toys: Toys, house: MockConfigEntry
) -> None:
    """Diagnostics are posted in public."""
    await miss(hass, toys.latest, "09997654321")
    shown = str(await async_get_config_entry_diagnostics(hass, house))
    assert "7654321" not in shown
    assert "asked_by" not in shown
    assert len(await calls(hass)) == 1


# --- the options and the file ----------------------------------------------------


async def test_options(hass: HomeAssistant, house: MockConfigEntry) -> None:
    """The page says how much is kept and who may read it."""
    dialog = await open_options(hass, house)
    await dialog.submit({"next_step_id": "call_log"})
    values = {"log_calls": 10.0, "log_days": 3.0, "log_readers": "administrators"}
    await dialog.submit(values)
    assert {**house.options, **values} == dict(house.options)
    assert isinstance(house.options["log_calls"], int)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("log_calls", 0, 10_000), ("log_days", 0, 3650)]
)
def test_bounds(name: str, low: int, high: int) -> None:
    """The page accepts what the store can hold."""
    values = {"log_calls": 1, "log_days": 1, "log_readers": "everyone"}
    for value in (low, 1, high):
        assert CALL_LOG_SCHEMA({**values, name: value})[name] == value
    for value in (low - 1, high + 1):
        with pytest.raises(vol.Invalid):
            CALL_LOG_SCHEMA({**values, name: value})
    assert CALL_LOG_SCHEMA({})["log_calls"] == 500
    assert CALL_LOG_SCHEMA({})["log_days"] == 90
    assert CALL_LOG_SCHEMA({})["log_readers"] == "everyone"


async def test_written_in_another_thread(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop does not wait until thousands of calls are made into text."""
    hass.config.config_dir = str(tmp_path)
    store = CallLogStore(hass, "pbx1")
    threads = []

    def rows() -> Sequence[LogRow]:
        threads.append(get_ident())
        return [LogRow(id="a", began_at=1.0, caller=MUM)]

    store.rows = rows
    store.async_save()
    with monkeypatch.context() as patched:
        patched.setattr(Store, "_async_write_data", WRITE)
        hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
        await settle(hass)
    assert len(threads) == 1
    assert get_ident() not in threads
    file = tmp_path / ".storage" / f"{DOMAIN}.pbx1.log"
    text = await hass.async_add_executor_job(file.read_text)
    assert [each["caller"] for each in json.loads(text)["data"]["rows"]] == [MUM]
    # Only the user of Home Assistant reads it.
    assert file.stat().st_mode & 0o077 == 0


async def test_deleted_during_a_write(
    hass: HomeAssistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that is under way does not bring the file back."""
    hass.config.config_dir = str(tmp_path)
    store = CallLogStore(hass, "pbx1")
    begun, goes_on = Event(), Event()

    def rows() -> Sequence[LogRow]:
        begun.set()
        goes_on.wait(60)
        return [LogRow(id="a", began_at=1.0, caller=MUM)]

    store.rows = rows
    store.async_save()
    with monkeypatch.context() as patched:
        patched.setattr(Store, "_async_write_data", WRITE)
        patched.setattr(Store, "async_remove", REMOVE)
        hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
        await hass.async_add_executor_job(begun.wait, 60)
        removal = hass.async_create_task(store.async_remove())
        for _ in range(20):
            await asyncio.sleep(0.01)
        goes_on.set()
        await removal
        await settle(hass)
    assert not (tmp_path / ".storage" / f"{DOMAIN}.pbx1.log").exists()


async def test_written_although_calls_never_pause(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is a call every minute, a loss of power costs ten minutes."""
    delays: list[float] = []

    def note(_store: object, _data: object, delay: float) -> None:
        delays.append(delay)

    monkeypatch.setattr(Store, "async_delay_save", note)
    store = CallLogStore(hass, "pbx1")
    for _ in range(15):
        store.async_save()
        freezer.tick(50)
    assert delays == [60] * 11 + [50, 0, 0, 0]


async def test_file(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The file is written a minute after the last change, and deleted at the end."""
    await miss(hass, toy, MUM)
    await pass_time(hass, freezer, 59)
    assert key_of(toy_entry) not in hass_storage
    await pass_time(hass, freezer, 2)
    (stored,) = hass_storage[key_of(toy_entry)]["data"]["rows"]
    # Only what is not the default, and nothing that can be derived.
    assert set(stored) == {
        "id", "began_at", "ids", "result", "ended_at", "direction", "caller", "callee",
    }  # fmt: skip
    await miss(hass, toy, "0913")
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await settle(hass)
    assert len(hass_storage[key_of(toy_entry)]["data"]["rows"]) == 2

    await set_options(hass, toy_entry, log_calls=0)
    await settle(hass)
    assert key_of(toy_entry) not in hass_storage
    assert await calls(hass) == []
    await miss(hass, toy, MUM)
    await pass_time(hass, freezer, 61)
    assert key_of(toy_entry) not in hass_storage

    await set_options(hass, toy_entry, log_calls=5)
    await pass_time(hass, freezer, 1)
    await miss(hass, toy, MUM)
    await pass_time(hass, freezer, 61)
    assert len(hass_storage[key_of(toy_entry)]["data"]["rows"]) == 1
    await hass.config_entries.async_remove(toy_entry.entry_id)
    await report(hass, toy, ring("9"), row("10"))
    await pass_time(hass, freezer, 61)
    assert key_of(toy_entry) not in hass_storage


def stored_row(**changes: Any) -> Storage:  # noqa: ANN401 - any field
    """Return a row as the file has it."""
    began_at = dt_util.utcnow().timestamp() - 60
    made = {"id": "a", "began_at": began_at, "ids": ["1.2"], "direction": "incoming"}
    made |= {"ended_at": began_at + 9, "result": "no_answer", "caller": MUM}
    return made | changes


async def load(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    storage: Storage,
    data: object,
) -> None:
    """Set up a PBX with this file."""
    key = key_of(entry)
    storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass)


async def test_restart(
    hass: HomeAssistant,
    toys: Toys,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Rows are there after a restart; old ones go, and so does each later on."""
    old = stored_row(id="b", ids=[], began_at=1.0, ended_at=2.0)
    asked_by = {"type": "user", "user_id": "1", "name": "Paul"}
    newest = stored_row(id="c", ids=["3"], is_placed=True, asked_by=asked_by)
    rows = [stored_row(is_seen=True), old, newest, newest]
    await load(hass, new_toy, hass_storage, {"rows": rows, "floor": 5.0})

    latest, earlier = await calls(hass)
    assert latest["asked_by"] == {"type": "user", "name": "Paul"}
    assert (earlier["missed"], earlier["seen"]) == (True, True)
    assert state_of(hass, MISSED) == "0"
    await report(hass, toys.latest, row("1.2", CallResult.ANSWERED))
    assert [each["result"] for each in await calls(hass)] == ["no_answer", "answered"]
    await pass_time(hass, freezer, timedelta(days=90).total_seconds())
    assert await calls(hass) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"result": "won"},
        {"result": None},
        {"ended_at": None},
        {"began_at": "now"},
        {"began_at": float("nan")},
        {"began_at": 1e300},
        {"began_at": 10**400},
        {"ended_at": -1e300},
        {"result": ""},
        {"caller": 7},
        {"ids": [7]},
        {"ids": None},
        {"is_seen": 1},
        {"direction": "up"},
        {"direction": {}},
        {"asked_by": {"type": "user"}},
        {"asked_by": {"type": "user", "user_id": 1, "name": "Paul"}},
        {"other": 1},
    ],
)
@pytest.mark.usefixtures("toys")
async def test_invalid_row(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    changes: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A row that somebody has edited is left out, and the others are kept."""
    rows = [stored_row(id="x", **changes), stored_row(ids=["5"])]
    await load(hass, new_toy, hass_storage, {"rows": rows, "floor": "x"})
    assert [each["id"] for each in await calls(hass)] == ["a"]
    name = "custom_components.pbx.calls.call_log_store"
    (warning,) = (each for each in caplog.messages if "invalid call" in each)
    assert warning == f"Ignoring 1 invalid calls in storage file {key_of(new_toy)}"
    assert any(each[0] == name for each in caplog.record_tuples)


@pytest.mark.usefixtures("toys")
async def test_invalid_rows(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    hass_storage: Storage,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However many rows are invalid, one line of the log says so."""
    rows = [stored_row(id=f"{each}", other=1) for each in range(50)]
    await load(hass, new_toy, hass_storage, {"rows": [*rows, stored_row()]})
    assert [each["id"] for each in await calls(hass)] == ["a"]
    (warning,) = (each for each in caplog.messages if "invalid call" in each)
    assert warning.startswith("Ignoring 50 invalid calls")


@pytest.mark.parametrize("data", [{}, {"rows": None}, {"rows": ["a"]}, [], {"rows": 7}])
@pytest.mark.usefixtures("toys")
async def test_invalid_file(
    hass: HomeAssistant, new_toy: MockConfigEntry, hass_storage: Storage, data: object
) -> None:
    """A file that somebody has edited does not stop the PBX."""
    await load(hass, new_toy, hass_storage, data)
    assert await calls(hass) == []


@pytest.mark.usefixtures("toys")
async def test_file_of_a_log_that_is_off(
    hass: HomeAssistant, new_toy: MockConfigEntry, hass_storage: Storage
) -> None:
    """A file that is left although no calls are kept is deleted at the start."""
    await set_options(hass, new_toy, log_days=0)
    await load(hass, new_toy, hass_storage, {"rows": [stored_row()]})
    assert key_of(new_toy) not in hass_storage
    assert await calls(hass) == []
