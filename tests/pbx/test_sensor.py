"""Tests of the sensors: active calls, and states of extensions."""

import asyncio
from dataclasses import replace

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_STATE_REPORTED
from homeassistant.core import EventStateReportedData, HomeAssistant, callback
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.base import Channel, ChannelState
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    ExtensionState,
    ExtensionUpdate,
)

from .common import let_time_pass, pass_time, settle, until
from .people import contact, entity_of, phone, set_up
from .reporting import (
    add_other_pbx,
    attributes,
    begin_call,
    end_call,
    observe,
    ring_in,
    state_of,
)
from .toy import ToyBackend, Toys

ACTIVE = "sensor.toy_active_calls"
KITCHEN = phone("Kitchen", "101")
IN_USE = ExtensionUpdate("101", ExtensionState.IN_USE, "0912", Direction.INCOMING)


async def test_calls_from_here(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Calls are counted from the PBX's response to the end, without delay."""
    assert state_of(hass, ACTIVE) == "0"
    assert attributes(hass, ACTIVE) == {
        "state_class": "measurement",
        "unit_of_measurement": "calls",
    }

    first = await begin_call(hass, toy_entry)
    assert state_of(hass, ACTIVE) == "1"
    second = await begin_call(hass, toy_entry, callee="201")
    assert state_of(hass, ACTIVE) == "2"
    await observe(hass, toy, first, CallState.CONNECTED)
    assert state_of(hass, ACTIVE) == "2"

    await end_call(hass, toy, first)
    assert state_of(hass, ACTIVE) == "1"
    await end_call(hass, toy, second)
    assert state_of(hass, ACTIVE) == "0"


async def test_calls_of_others(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Other calls are counted, without further updates for up to an hour."""
    await ring_in(hass, toy)
    await ring_in(hass, toy)
    assert state_of(hass, ACTIVE) == "1"
    toy.sink.call(
        CallUpdate(
            state=CallState.CONNECTED,
            call_id="1.3",
            caller="101",
            callee="102",
            direction=Direction.INTERNAL,
        )
    )
    assert state_of(hass, ACTIVE) == "2"
    toy.sink.call(
        CallUpdate(state=CallState.ENDED, call_id="1.2", result=CallResult.ANSWERED)
    )
    assert state_of(hass, ACTIVE) == "1"


@pytest.mark.parametrize("state", [CallState.PLACED, CallState.CONNECTED])
async def test_end_is_lost(
    hass: HomeAssistant,
    toy: ToyBackend,
    freezer: FrozenDateTimeFactory,
    state: CallState,
) -> None:
    """A call that Home Assistant did not place is dropped if its end was lost."""
    toy.sink.call(CallUpdate(state=state, call_id="1.3", direction=Direction.INTERNAL))
    assert state_of(hass, ACTIVE) == "1"
    await pass_time(hass, freezer, 3601)
    assert state_of(hass, ACTIVE) == "0"


async def test_refused_meanwhile(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """A call that is refused while another one ends is not counted."""
    call_id = await begin_call(hass, toy_entry)
    toy.answers.clear()
    placing = asyncio.ensure_future(begin_call(hass, toy_entry, callee="201"))
    await until(lambda: len(toy.requests) == 2)
    assert state_of(hass, ACTIVE) == "1"
    toy.sink.call(
        CallUpdate(
            state=CallState.ENDED,
            originated_call_id=call_id,
            result=CallResult.ANSWERED,
        )
    )
    assert state_of(hass, ACTIVE) == "0"
    toy.error = PbxError(PbxErrorCode.REFUSED, "All lines busy")
    toy.answers.set()
    with pytest.raises(Exception, match="All lines busy"):
        await placing

    assert state_of(hass, ACTIVE) == "0"


async def test_reload_in_the_middle(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """Active calls, including requested ones, stay counted across a reload."""
    call_id = await begin_call(hass, toy_entry)
    toy.answers.clear()
    placing = asyncio.ensure_future(begin_call(hass, toy_entry, callee="201"))
    await until(lambda: len(toy.requests) == 2)

    reloading = asyncio.ensure_future(
        hass.config_entries.async_reload(toy_entry.entry_id)
    )
    await until(lambda: len(toys.made) == 2)
    assert await reloading
    assert state_of(hass, ACTIVE) == "1"
    assert [each.is_requested for each in toys.latest.sink.open_calls()] == [
        False,
        True,
    ]
    toy.answers.set()
    requested = await placing
    assert state_of(hass, ACTIVE) == "2"

    await end_call(hass, toys.latest, call_id)
    await end_call(hass, toys.latest, requested)
    assert state_of(hass, ACTIVE) == "0"


async def test_writes_changes_only(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """An update or a ping that does not change the number writes no state."""
    call_id = await begin_call(hass, toy_entry)
    written: list[str] = []

    @callback
    def note(data: EventStateReportedData) -> bool:
        written.append(data["entity_id"])
        return False

    hass.bus.async_listen(EVENT_STATE_REPORTED, print, event_filter=note)
    for state in (CallState.RINGING_CALLEE, CallState.CONNECTED):
        await observe(hass, toy, call_id, state)
    assert ACTIVE not in written
    written.clear()
    await let_time_pass(hass, 61)

    assert toy.pings == 2
    assert written == []


async def test_two_pbxs(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry, toys: Toys
) -> None:
    """Each PBX has its own calls."""
    other = await add_other_pbx(hass, toy_entry)
    assert toys.latest is not toy

    call_id = await begin_call(hass, other)
    await settle(hass)
    assert state_of(hass, ACTIVE) == "0"
    assert state_of(hass, "sensor.other_active_calls") == "1"
    await end_call(hass, toys.latest, call_id)
    assert state_of(hass, "sensor.other_active_calls") == "0"


# --- What a phone is doing ---


def shown(
    hass: HomeAssistant, entry: MockConfigEntry
) -> tuple[str, str | None, str | None]:
    """Return state, participant and direction of the kitchen's phone."""
    state = hass.states.get(entity_of(hass, entry, "Kitchen", "extension_state"))
    assert state is not None
    attributes = state.attributes
    return state.state, attributes.get("participant"), attributes.get("direction")


async def test_states_of_a_phone(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The state is unknown until the PBX first reports it."""
    made = await set_up(hass, new_toy, KITCHEN)
    assert shown(hass, made) == ("unknown", None, None)
    sink = toys.latest.sink
    for state in ExtensionState:
        sink.extension(ExtensionUpdate("101", state, "0912", Direction.INCOMING))
        # Another phone's is another's.
        sink.extension(ExtensionUpdate("102", ExtensionState.RINGING))
        is_busy = state in {ExtensionState.RINGING, ExtensionState.IN_USE}
        party = ("0912", "incoming") if is_busy else (None, None)
        assert shown(hass, made) == (state, *party)
    sink.extension(ExtensionUpdate("101", None))
    assert shown(hass, made) == ("unknown", None, None)


async def test_name_of_the_other_party(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """The name of the other party is that of the phone book of now."""
    hass.config.country = "IR"
    made = await set_up(hass, new_toy, KITCHEN, contact("Mum", "09121234567"))
    state = entity_of(hass, made, "Kitchen", "extension_state")

    def name() -> str | None:
        found = hass.states.get(state)
        assert found is not None
        value: str | None = found.attributes["participant_name"]
        return value

    assert name() is None
    update = ExtensionUpdate("101", ExtensionState.RINGING, "+989121234567")
    toys.latest.sink.extension(update)
    assert name() == "Mum"
    mum = next(each for each in made.subentries.values() if each.title == "Mum")
    hass.config_entries.async_update_subentry(made, mum, title="Mother")
    await settle(hass)
    assert name() == "Mother"
    toys.latest.sink.extension(update._replace(participant="0912"))
    assert name() is None
    toys.latest.sink.extension(update._replace(participant=""))
    assert name() is None
    toys.latest.sink.extension(update._replace(state=ExtensionState.IDLE))
    assert name() is None


async def test_new_number(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """After a change of its number, an extension has the state of the new one."""
    made = await set_up(hass, new_toy, KITCHEN)
    toys.latest.sink.extension(IN_USE)
    toys.latest.sink.extension(ExtensionUpdate("103", ExtensionState.IDLE))
    (kitchen,) = made.subentries.values()
    data = {**kitchen.data, "number": "103"}
    hass.config_entries.async_update_subentry(made, kitchen, data=data)
    await settle(hass)
    assert shown(hass, made)[0] == "idle"


async def test_state_after_a_reload(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """After a reload, the state is unknown until the new backend reports it."""
    made = await set_up(hass, new_toy, KITCHEN)
    old = toys.latest.sink
    old.extension(IN_USE)
    assert await hass.config_entries.async_reload(made.entry_id)
    await settle(hass)
    assert shown(hass, made)[0] == "unknown"
    old.extension(IN_USE)
    assert shown(hass, made)[0] == "unknown"
    toys.latest.sink.extension(IN_USE)
    assert shown(hass, made)[0] == "in_use"


async def test_not_heard(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Without events, the state is unknown, and also right afterwards."""
    made = await set_up(hass, new_toy, KITCHEN)
    sink = toys.latest.sink
    sink.extension(IN_USE)
    sink.health(Channel.STREAM, ChannelState.RECONNECTING)
    assert shown(hass, made)[0] == "unavailable"
    sink.health(Channel.STREAM, ChannelState.OK)
    assert shown(hass, made)[0] == "unknown"
    sink.extension(IN_USE)
    assert shown(hass, made)[0] == "in_use"

    # The report does not contain states of extensions.
    sink.health(Channel.REPORT, ChannelState.DENIED)
    assert shown(hass, made)[0] == "in_use"


@pytest.mark.parametrize(
    ("channel", "after"), [(Channel.STREAM, "in_use"), (Channel.EVENTS, "unknown")]
)
async def test_pbx_is_away(
    hass: HomeAssistant,
    new_toy: MockConfigEntry,
    toys: Toys,
    monkeypatch: pytest.MonkeyPatch,
    channel: Channel,
    after: str,
) -> None:
    """The state is unavailable while the PBX is unreachable.

    Afterwards, it is unknown if events may have been lost. A stream notices that.
    """
    toy = replace(KINDS["toy"], channels=frozenset({channel}))
    monkeypatch.setitem(KINDS, "toy", toy)
    made = await set_up(hass, new_toy, KITCHEN)
    toys.latest.sink.extension(IN_USE)
    toys.latest.error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    await let_time_pass(hass, 61)
    assert shown(hass, made)[0] == "unavailable"
    toys.latest.error = None
    await let_time_pass(hass, 61)
    assert shown(hass, made)[0] == after


async def test_event_while_the_pbx_is_away(
    hass: HomeAssistant, new_toy: MockConfigEntry, toys: Toys
) -> None:
    """Events that arrive while the API is unreachable are used when it is back."""
    made = await set_up(hass, new_toy, KITCHEN)
    toys.latest.error = PbxError(PbxErrorCode.CANNOT_CONNECT)
    await let_time_pass(hass, 61)
    toys.latest.sink.extension(IN_USE)
    await let_time_pass(hass, 61)
    assert shown(hass, made)[0] == "unavailable"
    toys.latest.error = None
    await let_time_pass(hass, 61)
    assert shown(hass, made)[0] == "in_use"
