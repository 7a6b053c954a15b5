"""Tests of the call manager: requests, notifications, reloads and hanging up."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from logging import ERROR, INFO, WARNING
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_HOMEASSISTANT_STOP,
)
from homeassistant.core import CoreState, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.pbx.backends.base import Channel, ChannelState, Feature, Placed
from custom_components.pbx.backends.errors import (
    CallNotFoundError,
    CallUncertainError,
    CredentialsError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    ExtensionState,
    ExtensionUpdate,
)
from custom_components.pbx.calls.changes import CallChanged, Change
from custom_components.pbx.calls.manager import SIGNAL_CHANGE, CallManager
from custom_components.pbx.const import DOMAIN

from ..common import (
    pass_time,
    place_call,
    reauth_flows,
    run_pending,
    set_options,
    settle,
    until,
)
from ..people import contact, entity_of, phone, set_up
from ..reporting import automate, begin_call, end_call, observe, ring_in, state_of
from ..toy import ToyBackend, Toys
from .messages import raises

DATA = {"caller": "101", "callee": "200"}
CONNECTED = "binary_sensor.toy_connected"
ACTIVE = "sensor.toy_active_calls"


def dial(hass: HomeAssistant, **data: object) -> asyncio.Future[dict[str, Any] | None]:
    """Start placing a call."""
    action: Coroutine[Any, Any, Any] = hass.services.async_call(
        DOMAIN, "originate", DATA | data, blocking=True, return_response=True
    )
    return asyncio.ensure_future(action)


async def hang_up(hass: HomeAssistant, **data: object) -> dict[str, Any]:
    """Place a call and return the response."""
    response = await hass.services.async_call(
        DOMAIN, "hang_up", data, blocking=True, return_response=True
    )
    assert response is not None
    return response


def open_ids(toy: ToyBackend) -> list[str]:
    """Return the IDs of the open calls."""
    return [call.call_id for call in toy.sink.open_calls()]


def raising(error: Exception) -> Callable[..., None]:
    """Return a function that raises an error."""

    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.fixture
def steps(hass: HomeAssistant) -> list[CallState]:
    """Return the states of calls that listeners are notified of."""
    seen: list[CallState] = []

    @callback
    def changed(_manager: CallManager, change: Change) -> None:
        if isinstance(change, CallChanged):
            seen.append(change.state)

    async_dispatcher_connect(hass, SIGNAL_CHANGE, changed)
    return seen


async def give_up(hass: HomeAssistant, entry: MockConfigEntry, change: str) -> None:
    """Disable, remove or unload a PBX."""
    if change == "disable":
        user = ConfigEntryDisabler.USER
        await hass.config_entries.async_set_disabled_by(entry.entry_id, user)
    elif change == "remove":
        await hass.config_entries.async_remove(entry.entry_id)
    else:
        assert await hass.config_entries.async_unload(entry.entry_id)


def faults(caplog: pytest.LogCaptureFixture, level: int = ERROR) -> list[str]:
    """Return the log messages of a level or above."""
    return [each.message for each in caplog.records if each.levelno >= level]


# --- Placing ---


async def test_confirmed(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The PBX's ID of the call is returned, and the call is open."""
    toy.placed = Placed("pbx-1")
    response = await dial(hass)
    assert response is not None
    assert response["originated_call_id"] == "pbx-1"
    (call,) = toy.sink.open_calls()

    assert (call.call_id, call.is_requested, call.is_uncertain) == (
        "pbx-1",
        False,
        False,
    )
    assert call.request == toy.requests[0]


async def test_no_id(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Without an ID from the PBX, our own ID is used."""
    toy.placed = Placed(None)
    response = await dial(hass)
    assert response is not None
    assert response["originated_call_id"] is None

    assert open_ids(toy) == [toy.requests[0].call_id]


async def test_ended_at_once(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A call that ended before the answer has a result, and is not an error."""
    toy.placed = Placed("pbx-1", CallResult.CALLER_UNREACHABLE)
    ended = await automate(hass, {"trigger": "pbx.call_ended"}, "result")
    response = await dial(hass, wait_until="ended")
    await settle(hass)

    assert response is not None
    assert response["result"] == "caller_unreachable"
    assert [event.data["result"] for event in ended] == ["caller_unreachable"]
    assert open_ids(toy) == []


async def test_refused(
    hass: HomeAssistant, toy: ToyBackend, steps: list[CallState]
) -> None:
    """A refused request is not a call, and listeners are not notified."""
    toy.error = PbxError(PbxErrorCode.REFUSED, "No line")
    with raises("refused") as caught:
        await dial(hass)
    assert caught.value.translation_placeholders == {"pbx": "Toy", "detail": "No line"}
    await settle(hass)

    assert (open_ids(toy), steps) == ([], [])


async def test_uncertain(hass: HomeAssistant, toy: ToyBackend) -> None:
    """An uncertain call is an error, and is tracked anyway."""
    toy.error = CallUncertainError("The line broke", "pbx-1")
    with raises("call_uncertain"):
        await dial(hass)
    toy.error = None
    (call,) = toy.sink.open_calls()
    assert (call.call_id, call.is_uncertain) == ("pbx-1", True)

    ended = await automate(hass, {"trigger": "pbx.call_ended"}, "result")
    await end_call(hass, toy, "pbx-1", CallResult.BUSY)
    assert [event.data["result"] for event in ended] == ["busy"]


async def test_one_request(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A request that fails is never repeated."""
    for error in (
        PbxError(PbxErrorCode.CANNOT_CONNECT, "down"),
        CallUncertainError("lost"),
    ):
        toy.error = error
        with pytest.raises(HomeAssistantError):
            await dial(hass)

    assert len(toy.requests) == 2


async def test_canceled_request(
    hass: HomeAssistant, toy: ToyBackend, steps: list[CallState]
) -> None:
    """Stopping a script does not interrupt its request."""
    toy.answers.clear()
    dialing = dial(hass)
    await until(lambda: toy.requests)
    dialing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialing
    toy.answers.set()
    await settle(hass)

    (call,) = toy.sink.open_calls()
    assert not call.is_requested
    assert steps == [CallState.PLACED]


async def test_refusal_after_cancellation(
    hass: HomeAssistant, toy: ToyBackend, caplog: pytest.LogCaptureFixture
) -> None:
    """An error after cancellation is logged once, without a traceback."""
    toy.answers.clear()
    dialing = dial(hass)
    await until(lambda: toy.requests)
    dialing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialing
    toy.error = PbxError(PbxErrorCode.REFUSED, "No line")
    toy.answers.set()
    await settle(hass)

    (record,) = [each for each in caplog.records if each.levelno >= WARNING]
    assert "Toy" in record.getMessage()
    assert "No line" in record.getMessage()
    assert record.exc_info is None


async def test_unexpected_error(
    hass: HomeAssistant, toy: ToyBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error reaches the action; the call is uncertain."""
    monkeypatch.setattr(toy, "_fail", raising(LookupError("Unexpected")))
    with pytest.raises(LookupError, match="Unexpected"):
        await dial(hass)

    (call,) = toy.sink.open_calls()
    assert (call.is_requested, call.is_uncertain) == (False, True)
    toy.end(CallResult.BUSY)
    assert open_ids(toy) == []


async def test_home_assistant_stops_during_a_request(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A request that is interrupted by the stop of Home Assistant is not lost."""
    toy.answers.clear()
    dialing = dial(hass)
    await until(lambda: toy.requests)
    (request,) = [
        task
        for task in asyncio.all_tasks()
        if task.get_name().startswith("pbx originate")
    ]
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await run_pending()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialing
    await hass.async_block_till_done()
    hass.set_state(CoreState.running)

    (call,) = hass_storage[f"pbx.{toy_entry.entry_id}"]["data"]["calls"]
    assert call["is_requested"]
    assert faults(caplog, WARNING) == []


async def test_two_at_once(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend
) -> None:
    """Of two concurrent requests, one takes the last free slot."""
    await set_options(hass, toy_entry, calls_at_once=1)
    results = await asyncio.gather(
        dial(hass), dial(hass, callee="201"), return_exceptions=True
    )

    assert len(toy.requests) == 1
    (error,) = [each for each in results if isinstance(each, HomeAssistantError)]
    assert error.translation_key == "too_many_at_once"


# --- Notifications ---


async def test_action_continues_first(
    hass: HomeAssistant, toy: ToyBackend, steps: list[CallState]
) -> None:
    """The action continues before listeners are notified."""
    await hass.services.async_call(DOMAIN, "originate", DATA, blocking=True)
    assert (len(toy.requests), steps) == (1, [])

    await settle(hass)
    assert steps == [CallState.PLACED]


async def test_order(
    hass: HomeAssistant, toy: ToyBackend, steps: list[CallState]
) -> None:
    """Updates during the request are processed after the answer, in order."""
    toy.answers.clear()
    dialing = dial(hass)
    await until(lambda: toy.requests)
    happens = [CallState.RINGING_CALLEE, CallState.CONNECTED]
    for state in happens:
        toy.report(state)
    toy.end()
    await run_pending()
    assert steps == []

    toy.answers.set()
    await dialing
    await settle(hass)
    assert steps == [CallState.PLACED, *happens, CallState.ENDED]


async def test_incoming_call_during_a_request(
    hass: HomeAssistant, toy: ToyBackend
) -> None:
    """An incoming call does not wait for the answer to an unrelated request."""
    came_in = await automate(hass, {"trigger": "pbx.incoming_call"}, "number")
    toy.answers.clear()
    dialing = dial(hass)
    await until(lambda: toy.requests)
    toy.sink.call(
        CallUpdate(
            state=CallState.PLACED,
            call_id="1.2",
            caller="0912",
            callee="101",
            direction=Direction.INCOMING,
        )
    )
    await until(lambda: came_in)

    toy.answers.set()
    await dialing
    assert [event.data["number"] for event in came_in] == ["0912"]


async def test_listener_that_fails(
    hass: HomeAssistant,
    toy: ToyBackend,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An error in one listener does not affect the others."""
    broken = "homeassistant.components.sensor.SensorEntity.async_write_ha_state"

    def fail(_entity: object) -> None:
        raise LookupError("Unexpected")

    monkeypatch.setattr(broken, fail)
    ended = await automate(hass, {"trigger": "pbx.call_ended"}, "result")
    call_id = (await dial(hass) or {})["originated_call_id"]
    await end_call(hass, toy, call_id)

    assert [event.data["result"] for event in ended] == ["answered"]
    assert "Error in a listener of Toy" in caplog.text


# --- Reloads and replaced backends ---


async def test_request_over_a_reload(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend, toys: Toys
) -> None:
    """A reload during a request loses neither its answer nor its call."""
    toy.answers.clear()
    dialing = dial(hass)
    await until(lambda: toy.requests)
    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    (call,) = toys.latest.sink.open_calls()
    assert (call.call_id, call.is_requested) == (toy.requests[0].call_id, True)

    toy.answers.set()
    response = await dialing
    assert response is not None
    assert response["originated_call_id"] == toy.requests[0].call_id
    assert toys.latest is not toy
    # Updates of the old backend still count.
    toy.end(CallResult.BUSY)
    assert open_ids(toys.latest) == []


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Return an event until which a backend that is canceled does not end."""
    closed = asyncio.Event()

    async def close_slowly(_toy: ToyBackend) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await closed.wait()

    monkeypatch.setattr(ToyBackend, "run", close_slowly)
    return closed


async def test_during_a_reload(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    toys: Toys,
    closed: asyncio.Event,
) -> None:
    """An action during a reload continues with the new backend."""
    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    old = toys.latest
    reloading = asyncio.ensure_future(
        hass.config_entries.async_reload(toy_entry.entry_id)
    )
    await until(lambda: toy_entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS)
    await run_pending()
    dialing = dial(hass, config_entry_id=toy_entry.entry_id)
    await run_pending()
    is_refused = dialing.done()
    # Release it anyway, or this would wait for the old backend forever.
    closed.set()
    assert not is_refused

    assert await reloading
    assert await dialing
    assert toys.latest is not old
    assert [len(each.requests) for each in (toy, old, toys.latest)] == [0, 0, 1]


async def test_reload_that_takes_too_long(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """An action waits ten seconds for a reload, and is then refused."""
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    toy_entry.mock_state(hass, ConfigEntryState.UNLOAD_IN_PROGRESS)
    dialing = dial(hass)
    await run_pending()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=9))
    await run_pending()
    assert not dialing.done()

    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=11))
    with pytest.raises(HomeAssistantError) as caught:
        await dialing
    assert caught.value.translation_key == "pbx_not_loaded"
    assert toys.latest.requests == []
    toy_entry.mock_state(hass, ConfigEntryState.NOT_LOADED)


@pytest.mark.parametrize("change", ["unload", "disable", "remove"])
async def test_not_loaded(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend, change: str
) -> None:
    """An action does not wait for a PBX that is not loading."""
    await give_up(hass, toy_entry, change)
    for data in ({}, {"config_entry_id": toy_entry.entry_id}):
        with pytest.raises(HomeAssistantError):
            async with asyncio.timeout(1):
                await dial(hass, **data)

    assert toy.requests == []


@pytest.mark.parametrize("change", ["disable", "remove"])
async def test_disabled_or_removed_during_a_reload(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend, change: str
) -> None:
    """Waiting actions are refused when their PBX is disabled or removed."""
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    toy_entry.mock_state(hass, ConfigEntryState.UNLOAD_IN_PROGRESS)
    dialing = dial(hass)
    await run_pending()
    assert not dialing.done()

    toy_entry.mock_state(hass, ConfigEntryState.NOT_LOADED)
    await give_up(hass, toy_entry, change)
    with pytest.raises(HomeAssistantError):
        async with asyncio.timeout(1):
            await dialing
    assert toy.requests == []


async def test_setup_retry(
    hass: HomeAssistant, new_toy: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a setup retry, an action raises the error of the PBX."""
    error = PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")
    monkeypatch.setattr(ToyBackend, "_fail", raising(error))
    assert not await hass.config_entries.async_setup(new_toy.entry_id)
    assert new_toy.state is ConfigEntryState.SETUP_RETRY

    with pytest.raises(HomeAssistantError, match="no route"):
        await dial(hass)


async def test_disabled_during_a_setup_retry(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A late 401 of a PBX disabled during a retry starts no reauthentication."""
    error: PbxError = PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")
    monkeypatch.setattr(ToyBackend, "_fail", raising(error))
    assert not await hass.config_entries.async_setup(new_toy.entry_id)
    toy = toys.latest
    toy.answers.clear()
    dialing = dial(hass)
    await until(lambda: toy.requests)
    await hass.config_entries.async_set_disabled_by(
        new_toy.entry_id, ConfigEntryDisabler.USER
    )

    error = CredentialsError("401")
    monkeypatch.setattr(ToyBackend, "_fail", raising(error))
    toy.sink.health(Channel.STREAM, ChannelState.FAILING, error)
    toy.answers.set()
    with raises("invalid_auth"):
        await dialing
    await settle(hass)
    assert reauth_flows(hass) == []


async def test_disabled_during_the_first_ping(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does one of a PBX that is disabled during its first ping."""
    gate = asyncio.Event()

    async def slow_ping(_toy: ToyBackend) -> None:
        await gate.wait()
        raise CredentialsError("401")

    monkeypatch.setattr(ToyBackend, "ping", slow_ping)
    setting_up = asyncio.ensure_future(
        hass.config_entries.async_setup(new_toy.entry_id)
    )
    await until(lambda: new_toy.state is ConfigEntryState.SETUP_IN_PROGRESS)
    await run_pending()
    disabling = asyncio.ensure_future(
        hass.config_entries.async_set_disabled_by(
            new_toy.entry_id, ConfigEntryDisabler.USER
        )
    )
    await run_pending()
    gate.set()
    assert not await setting_up
    await disabling
    await settle(hass)

    assert new_toy.state is ConfigEntryState.NOT_LOADED
    assert reauth_flows(hass) == []


async def test_home_assistant_stops_during_a_reload(
    hass: HomeAssistant, toy_entry: MockConfigEntry
) -> None:
    """Waiting for a reload ends when Home Assistant stops."""
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    object.__setattr__(toy_entry, "state", ConfigEntryState.UNLOAD_IN_PROGRESS)
    dialing = dial(hass)
    await run_pending()
    assert not dialing.done()

    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await run_pending()
    assert dialing.done()
    with pytest.raises(HomeAssistantError) as caught:
        await dialing
    assert caught.value.translation_key == "stopping"
    object.__setattr__(toy_entry, "state", ConfigEntryState.NOT_LOADED)
    hass.set_state(CoreState.running)


async def test_settings_and_data_at_once(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """An option changes the numbering plan, also together with a new address."""
    hass.config.country = "NO"
    await set_options(hass, toy_entry, cooldown=60)
    await dial(hass, callee="+4702800")
    hass.config_entries.async_update_entry(
        toy_entry,
        data={**toy_entry.data, "url": "http://other.test"},
        options={**toy_entry.options, "internal_digits": 3},
    )
    await settle(hass)
    assert len(toys.made) == 2
    # The call rings no longer.
    toys.made[0].report(CallState.CONNECTED)

    with pytest.raises(HomeAssistantError) as caught:
        await dial(hass, callee="02800")
    assert caught.value.translation_key == "called_recently"


async def test_removed_is_silent(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    steps: list[CallState],
) -> None:
    """Listeners are not notified of late updates of a removed PBX."""
    call_id = await begin_call(hass, toy_entry)
    assert steps == [CallState.PLACED]
    await hass.config_entries.async_remove(toy_entry.entry_id)
    await end_call(hass, toy, call_id)
    await ring_in(hass, toy)

    assert steps == [CallState.PLACED]


async def test_refusal_during_unload(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toys: Toys,
    closed: asyncio.Event,
) -> None:
    """A refusal of an old password by a replaced backend starts no reauthentication."""
    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    reloading = asyncio.ensure_future(
        hass.config_entries.async_reload(toy_entry.entry_id)
    )
    await until(lambda: toy_entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS)
    error = CredentialsError("old password")
    toys.latest.sink.health(Channel.STREAM, ChannelState.FAILING, error)
    await run_pending()
    asked = reauth_flows(hass)
    closed.set()
    assert await reloading

    assert asked == []


async def test_old_backend(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    toys: Toys,
) -> None:
    """Health, extensions and refusals of a replaced backend are ignored."""
    toy.answers.clear()
    dialing = dial(hass)
    await until(lambda: toy.requests)
    assert await hass.config_entries.async_reload(toy_entry.entry_id)
    error = CredentialsError("old password")
    toy.sink.health(Channel.STREAM, ChannelState.FAILING, error)
    toy.sink.extension(ExtensionUpdate("101", ExtensionState.RINGING))
    toy.error = error
    toy.answers.set()
    with pytest.raises(HomeAssistantError):
        await dialing
    await settle(hass)

    assert reauth_flows(hass) == []
    state = hass.states.get(CONNECTED)
    assert state is not None
    assert state.state == "on"
    assert toys.latest is not toy


async def test_old_backend_and_extensions(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Only the current backend reports the state of extensions."""
    made = await set_up(hass, new_toy, phone("Kitchen", "101"))
    old = toys.latest
    assert await hass.config_entries.async_reload(made.entry_id)
    await settle(hass)
    kitchen = entity_of(hass, made, "Kitchen", "extension_state")
    toys.latest.sink.extension(ExtensionUpdate("101", ExtensionState.IDLE))
    await settle(hass)
    old.sink.extension(ExtensionUpdate("101", ExtensionState.RINGING))
    await settle(hass)

    assert state_of(hass, kitchen) == ExtensionState.IDLE


@pytest.mark.parametrize("change", ["async_remove", "async_unload"])
async def test_late_refusal_of_credentials(
    hass: HomeAssistant,
    toy_entry: MockConfigEntry,
    toy: ToyBackend,
    caplog: pytest.LogCaptureFixture,
    change: str,
) -> None:
    """A late 401 of a replaced backend starts no reauthentication."""
    toy.answers.clear()
    dialing = dial(hass)
    await until(lambda: toy.requests)
    await getattr(hass.config_entries, change)(toy_entry.entry_id)
    toy.error = CredentialsError("401")
    toy.answers.set()
    with raises("invalid_auth"):
        await dialing
    await settle(hass)

    assert reauth_flows(hass) == []
    assert faults(caplog) == []


@pytest.mark.parametrize("change", ["disable", "remove", "unload"])
async def test_late_refusal_during_a_setup_retry(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    change: str,
) -> None:
    """Nor does one of a backend that was released during a retry."""
    down = raising(PbxError(PbxErrorCode.CANNOT_CONNECT, "no route"))
    monkeypatch.setattr(ToyBackend, "ping", down)
    assert not await hass.config_entries.async_setup(new_toy.entry_id)
    toy = toys.latest
    toy.answers.clear()
    dialing = dial(hass)
    await until(lambda: toy.requests)
    await give_up(hass, new_toy, change)
    toy.error = CredentialsError("401")
    toy.answers.set()
    with raises("invalid_auth"):
        await dialing
    await settle(hass)

    assert (reauth_flows(hass), faults(caplog)) == ([], [])
    with pytest.raises(HomeAssistantError):
        await dial(hass, config_entry_id=new_toy.entry_id)
    assert len(toy.requests) == 1


async def test_wrong_credentials(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Refused credentials place no call, and start a reauthentication."""
    toy.error = CredentialsError("401")
    with raises("invalid_auth"):
        await dial(hass)
    await settle(hass)

    assert open_ids(toy) == []
    assert len(reauth_flows(hass)) == 1


async def test_edited_contact(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Editing a contact during a call loses neither states nor the result."""
    made = await set_up(hass, new_toy, contact("Mum", "200"), phone("Kitchen", "101"))
    toy = toys.latest
    toy.sink.extension(ExtensionUpdate("101", ExtensionState.RINGING))
    call_id = await begin_call(hass, made)
    kept = [CONNECTED, ACTIVE, entity_of(hass, made, "Kitchen", "extension_state")]
    seen: list[str] = []

    def note(event: Event[Any]) -> None:
        if event.data["entity_id"] in kept:
            seen.append(event.data["entity_id"])

    stop = hass.bus.async_listen("state_changed", note)
    (subentry,) = (each for each in made.subentries.values() if each.title == "Mum")
    hass.config_entries.async_update_subentry(
        made, subentry, title="Mama", data={"number": "201", "aliases": []}
    )
    await settle(hass)
    assert (seen, toys.latest) == ([], toy)

    stop()
    waiting = await automate(hass, {"trigger": "pbx.call_ended"}, "result")
    await end_call(hass, toy, call_id)
    assert [event.data["result"] for event in waiting] == ["answered"]


async def test_long_conversation(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A long conversation on a PBX with an event stream does not expire."""
    call_id = await begin_call(hass, toy_entry)
    await observe(hass, toy, call_id, CallState.CONNECTED)
    await pass_time(hass, freezer, 7200)
    assert open_ids(toy) == [call_id]


# --- Running the backend ---


@pytest.mark.parametrize("returns", [True, False])
async def test_backend_restarts(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    returns: bool,
) -> None:
    """An unexpected error is logged and shown, and the backend restarts in a minute."""
    run = ToyBackend.run

    async def fail(_toy: ToyBackend) -> None:
        if not returns:
            raise ExceptionGroup("Unexpected", [LookupError("this")])

    monkeypatch.setattr(ToyBackend, "run", fail)
    assert await hass.config_entries.async_setup(new_toy.entry_id)
    await settle(hass)
    state = hass.states.get(CONNECTED)
    assert state is not None
    assert state.attributes["stream"] == "failing"
    assert faults(caplog) == ["Unexpected error in the backend of Toy"]
    assert not toys.latest.is_running

    monkeypatch.setattr(ToyBackend, "run", run)
    await pass_time(hass, freezer, 59)
    assert not toys.latest.is_running
    await pass_time(hass, freezer, 2)
    assert toys.latest.is_running


async def test_unload_stops_the_backend(
    hass: HomeAssistant, toy_entry: MockConfigEntry, toy: ToyBackend
) -> None:
    """The backend of an unloaded PBX does not run."""
    assert toy.is_running
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    assert not toy.is_running


async def test_health_log(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The loss of a channel is logged once, and so is its recovery."""

    def logged(state: ChannelState) -> list[str]:
        caplog.clear()
        is_ok = state is ChannelState.OK
        error = PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")
        toy.sink.health(Channel.STREAM, state, None if is_ok else error)
        return faults(caplog, INFO)

    lost = "Event stream of Toy lost, reconnecting: cannot_connect: no route"
    failed = "Event stream of Toy unavailable: cannot_connect: no route"
    back = "Event stream of Toy restored"
    assert logged(ChannelState.RECONNECTING) == [lost]
    assert logged(ChannelState.FAILING) == []
    assert logged(ChannelState.OK) == [back]
    # A flapping channel is not logged again.
    assert logged(ChannelState.RECONNECTING) == []
    assert logged(ChannelState.OK) == []
    assert logged(ChannelState.RECONNECTING) == []
    assert logged(ChannelState.FAILING) == [failed]
    assert logged(ChannelState.OK) == [back]
    await pass_time(hass, freezer, 61)
    assert logged(ChannelState.RECONNECTING) == [lost]


# --- Hanging up ---


@pytest.fixture
async def call_ids(hass: HomeAssistant, toy_entry: MockConfigEntry) -> list[str]:
    """Return the IDs of two active calls."""
    return [await begin_call(hass, toy_entry, callee=each) for each in ("200", "201")]


async def test_hang_up_one(
    hass: HomeAssistant, toy: ToyBackend, call_ids: list[str]
) -> None:
    """Only the given call is hung up."""
    response = await hang_up(hass, originated_call_id=call_ids[1])

    assert response == {"hung_up": [call_ids[1]], "failed": []}
    assert toy.hung_up == [call_ids[1]]


async def test_hang_up_all(
    hass: HomeAssistant, toy: ToyBackend, call_ids: list[str]
) -> None:
    """Without an ID, all calls that we placed are hung up, and no others."""
    await ring_in(hass, toy)
    assert await hang_up(hass) == {"hung_up": call_ids, "failed": []}
    assert toy.hung_up == call_ids


async def test_hang_up_gone(
    hass: HomeAssistant,
    toy: ToyBackend,
    call_ids: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call that ends meanwhile is left out."""
    real = toy.hang_up

    async def gone(call_id: str) -> None:
        if call_id == call_ids[0]:
            raise CallNotFoundError
        await real(call_id)

    monkeypatch.setattr(toy, "hang_up", gone)
    assert await hang_up(hass) == {"hung_up": [call_ids[1]], "failed": []}
    response = await hang_up(hass, originated_call_id=call_ids[0])
    assert response == {"hung_up": [], "failed": []}


@pytest.mark.usefixtures("toy")
async def test_hang_up_none(hass: HomeAssistant) -> None:
    """Without active calls, nothing is hung up, and there is no error."""
    assert await hang_up(hass) == {"hung_up": [], "failed": []}


@pytest.mark.parametrize("call_id", ["ha-other", "1.2", "../asterisk/info"])
@pytest.mark.usefixtures("call_ids")
async def test_hang_up_other_call(
    hass: HomeAssistant, toy: ToyBackend, call_id: str
) -> None:
    """Other calls cannot be hung up."""
    await ring_in(hass, toy)
    response = await hang_up(hass, originated_call_id=call_id)

    assert response == {"hung_up": [], "failed": []}
    assert toy.hung_up == []


@pytest.mark.usefixtures("call_ids")
async def test_hang_up_empty_id(hass: HomeAssistant, toy: ToyBackend) -> None:
    """An empty ID does not mean all."""
    with pytest.raises(HomeAssistantError) as caught:
        await hang_up(hass, originated_call_id="")

    assert caught.value.translation_key == "given_nothing"
    assert toy.hung_up == []


@pytest.mark.parametrize("is_named", [True, False])
async def test_hang_up_fails(
    hass: HomeAssistant, toy: ToyBackend, call_ids: list[str], is_named: bool
) -> None:
    """A failure to hang up is an error that names the PBX."""
    toy.error = PbxError(PbxErrorCode.CANNOT_CONNECT, "no route")
    data = {"originated_call_id": call_ids[0]} if is_named else {}
    with pytest.raises(HomeAssistantError, match="Toy"):
        await hang_up(hass, **data)


async def test_hang_up_unexpected_error(
    hass: HomeAssistant,
    toy: ToyBackend,
    call_ids: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unexpected error is raised, and the other calls are hung up."""
    real = toy.hang_up

    async def fail(call_id: str) -> None:
        if call_id == call_ids[0]:
            raise LookupError("Unexpected")
        await real(call_id)

    monkeypatch.setattr(toy, "hang_up", fail)
    with pytest.raises(LookupError, match="Unexpected"):
        await hang_up(hass)
    assert toy.hung_up == [call_ids[1]]


@pytest.mark.parametrize("toy_features", [()])
@pytest.mark.parametrize("data", [{}, {"originated_call_id": "1.2"}])
@pytest.mark.usefixtures("toy")
async def test_hang_up_not_supported(
    hass: HomeAssistant, toy_features: tuple[Feature, ...], data: dict[str, str]
) -> None:
    """A PBX without the feature raises an error, with or without active calls."""
    assert toy_features == ()
    with pytest.raises(HomeAssistantError) as caught:
        await hang_up(hass, **data)
    assert caught.value.translation_key == "hang_up_not_supported"


async def test_hang_up_with_a_provisional_end(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """A call that only waits for a better result cannot be hung up."""
    await place_call(hass, **DATA)
    toy.end(CallResult.BUSY, is_provisional=True)
    assert await hang_up(hass) == {"hung_up": [], "failed": []}
    await pass_time(hass, freezer, 2)
    async_fire_time_changed(hass)
