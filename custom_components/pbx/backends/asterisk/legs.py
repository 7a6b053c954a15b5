"""Follow all calls of an Asterisk by its events.

A call is identified by its first leg: the channel of the party that calls, or that
rings first. The legs that the dialplan creates from there are its callees, reported by
`Dial` events that contain both channels. This module does no I/O: it takes events and
returns updates.

Source: Asterisk's documentation of ARI's events, and recorded events of an Asterisk 22
with real phones (`tests/pbx/backends/asterisk/recorded`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from ..base import CallRequest, OpenCall
from ..updates import CallState, CallUpdate, ExtensionState, ExtensionUpdate
from .causes import ANSWER, UNKNOWN_CAUSE, cause_name
from .channels import ChannelTemplates, endpoint_of_channel, is_local, is_media
from .fields import mapping_in, number_in, running_app, text_in
from .leg import DIALING_SUFFIX, UNKNOWN_CHANNEL, Conversation, Leg
from .leg_result import cause_of, result_of
from .models import is_line, rings_into_application, unix_time

# The maximum number of calls that are followed; older ones are forgotten.
MAX_CALLS: Final = 1024


class Forwarded(NamedTuple):
    """The caller's phone forwards the call: Asterisk rings another channel instead.

    That channel must be hung up, as a party that was not requested could answer.
    """

    channel_id: str


type Fact = CallUpdate | ExtensionUpdate | Forwarded
type _Event = Mapping[str, Any]


# The states of a channel that was created by a phone or a trunk.
_FIRST_LEG_STATES: Final = frozenset({"Ring", "Up"})
# Applications on channels that Asterisk itself has created.
_DIALPLAN_APPS: Final = frozenset({"AppDial", "AppDial2", "AppQueue"})
# Prefix of channels of calls that were placed by this or another Home Assistant.
_OWN_PREFIX: Final = "ha-"


class Legs:
    """Follows the calls of one Asterisk by its events.

    Args:
        templates: distinguish extensions from trunks.
    """

    def __init__(self, templates: ChannelTemplates) -> None:
        """Initialize without calls."""
        self._templates = templates
        self._legs: dict[str, Leg] = {}
        # The first leg of the call, by the channel id of a callee's leg.
        self._first_legs: dict[str, Leg] = {}
        # The endpoint and the number of the remote party, by channel id.
        self._remote_parties: dict[str, tuple[str, str]] = {}
        # How often the state of each extension was reported.
        self.states_heard: Counter[str] = Counter()
        # Channels that have ended, newest last. A list of channels may be older.
        self._ended: dict[str, None] = {}

    def __iter__(self) -> Iterator[Leg]:
        """Return the calls, oldest first."""
        return iter(tuple(self._legs.values()))

    def get(self, channel_id: str) -> Leg | None:
        """Return a call by the id of its channel."""
        return self._legs.get(channel_id)

    def expect(self, request: CallRequest) -> None:
        """Follow a call that is about to be placed."""
        leg = Leg(
            id=request.call_id,
            request=request,
            caller=request.caller,
            callee=request.callee,
            is_waiting=rings_into_application(request),
            dialing_id=request.call_id + DIALING_SUFFIX if is_line(request) else "",
        )
        self._add(leg)

    def restore(self, call: OpenCall, clock_offset: float) -> None:
        """Follow an open call of this integration after a reload.

        Args:
            call: in its last known state.
            clock_offset: seconds that the PBX's clock is ahead of the local clock.
        """
        if call.request is None or call.call_id in self._legs:
            return
        self.expect(call.request)
        leg = self._legs[call.request.call_id]
        leg.is_partial = True
        leg.began_at = call.began_at + clock_offset
        if call.state is CallState.PLACED:
            return
        leg.up_at, leg.up_since = call.since + clock_offset, call.since
        if leg.is_announcement:
            # A list of channels shows whether the second party is connected.
            return
        leg.is_waiting = False
        if call.state is CallState.RINGING_CALLEE:
            leg.rung_at = call.since + clock_offset
            leg.dialed[UNKNOWN_CHANNEL] = "RINGING"
            leg.ringing_since[UNKNOWN_CHANNEL] = call.since
        else:
            leg.answer(call.since, leg.up_at)

    def discover(
        self, channel: _Event, conversation: Conversation | None, now: float
    ) -> CallUpdate | None:
        """Follow an incoming call that began before the event stream was connected.

        Args:
            channel: from a list of channels.
            conversation: that the channel is part of; None if none.
            now: Unix time by the local clock.

        Returns:
            The state of the call; None if it is already known, or not from a trunk.
        """
        channel_id, state = text_in(channel, "id"), text_in(channel, "state")
        endpoint = endpoint_of_channel(text_in(channel, "name"))
        is_known = channel_id in self._legs or channel_id in self._ended
        if (
            is_known
            or state not in _FIRST_LEG_STATES
            or running_app(channel) in _DIALPLAN_APPS
        ):
            return None
        is_own = is_local(endpoint) or is_media(endpoint)
        is_inside = is_own or self._templates.extension(endpoint)
        if is_inside or channel_id.startswith(_OWN_PREFIX):
            return None
        began_at = unix_time(channel.get("creationtime"))
        leg = Leg(
            id=channel_id,
            caller=number_in(channel, "caller"),
            callee=text_in(mapping_in(channel, "dialplan"), "exten"),
            trunk=_resource(endpoint),
            is_incoming=True,
            began_at=began_at,
            up_at=began_at if state == "Up" else None,
            up_since=now if state == "Up" else None,
            is_partial=True,
        )
        self._remember_party(channel)
        self._add(leg)
        if conversation is None:
            return leg.update(CallState.PLACED, began_at)
        leg.answer(conversation.since, conversation.at)
        return leg.update(CallState.CONNECTED, conversation.at)

    def has_ended(self, channel_id: str) -> bool:
        """Return whether the end of a channel was reported."""
        return channel_id in self._ended

    def forget(self, channel_id: str) -> None:
        """Forget a channel that was not created, or has ended."""
        self._remote_parties.pop(channel_id, None)
        if (leg := self._legs.pop(channel_id, None)) is not None:
            for callee in leg.dialed:
                self._first_legs.pop(callee, None)

    def mark_events_missed(self) -> None:
        """Record that events were missed: callees may have been dialed since."""
        for leg in self:
            leg.no_callee_since = leg.no_callee_until = None

    @property
    def other_channel_ids(self) -> set[str]:
        """The ids of channels of calls that this integration did not place."""
        own = {leg.id for leg in self if leg.request is not None}
        return (self._legs.keys() | self._remote_parties.keys()) - own

    def handle_event(self, event: _Event, now: float) -> Iterator[Fact]:
        """Handle an event, and yield its facts. Never raises, whatever its content.

        Args:
            event: as received.
            now: Unix time by the local clock.
        """
        kind = event.get("type")
        for name in ("channel", "caller", "peer"):
            self._remember_party(mapping_in(event, name))
        match kind:
            case "ChannelCreated":
                yield from self._created(event)
            case "ChannelStateChange":
                yield from self._changed(event, now)
            case "Dial":
                yield from self._dialed(event, now)
            case "ChannelHangupRequest":
                self._hung_up(event)
            case "ChannelDestroyed":
                yield from self._destroyed(event, now)
            case "DeviceStateChanged":
                yield from self._device(event)

    def _remember_party(self, channel: _Event) -> None:
        """Record the remote party of a channel."""
        if channel_id := text_in(channel, "id"):
            endpoint = endpoint_of_channel(text_in(channel, "name"))
            other = number_in(channel, "connected")
            self._remote_parties[channel_id] = endpoint, other
            if len(self._remote_parties) > 2 * MAX_CALLS:
                del self._remote_parties[next(iter(self._remote_parties))]

    def _created(self, event: _Event) -> Iterator[Fact]:
        channel = mapping_in(event, "channel")
        channel_id, time = text_in(channel, "id"), unix_time(event.get("timestamp"))
        if (leg := self._legs.get(channel_id)) is not None:
            leg.began_at = time
            return
        endpoint = endpoint_of_channel(text_in(channel, "name"))
        # The state is `Ring` if a phone or a trunk created the channel, and `Down` if
        # Asterisk did. Local channels are internal to Asterisk.
        if text_in(channel, "state") != "Ring" or is_local(endpoint):
            return
        leg = Leg(
            id=channel_id,
            caller=number_in(channel, "caller"),
            callee=text_in(mapping_in(channel, "dialplan"), "exten"),
            began_at=time,
        )
        self._add(leg)
        if not self._templates.extension(endpoint):
            leg.trunk, leg.is_incoming = _resource(endpoint), True
            yield leg.update(CallState.PLACED, time)

    def _changed(self, event: _Event, now: float) -> Iterator[Fact]:
        channel = mapping_in(event, "channel")
        leg = self._legs.get(text_in(channel, "id"))
        if leg is None or leg.up_since is not None:
            return
        state, time = text_in(channel, "state"), unix_time(event.get("timestamp"))
        leg.has_rung = leg.has_rung or state == "Ringing"
        if leg.is_announcement:
            leg.rung_at = leg.rung_at or time
        if state == "Up":
            leg.up_at, leg.up_since = time, now
            leg.no_callee_since = None if leg.is_waiting else now
            if leg.is_announcement:
                yield leg.update(CallState.CONNECTED, time)

    def _hung_up(self, event: _Event) -> None:
        """Record that a phone has hung up, or has declined the call."""
        if event.get("soft"):
            # Asterisk itself hangs up, possibly at the request of a client.
            return
        channel = mapping_in(event, "channel")
        channel_id = text_in(channel, "id")
        leg = self._legs.get(channel_id)
        if leg is None and (leg := self._first_legs.get(channel_id)) is not None:
            leg.set_callee_cause(channel_id, _cause(event))
        if leg is not None and text_in(channel, "state") == "Up":
            leg.is_hung_up = True

    def _dialed(self, event: _Event, now: float) -> Iterator[Fact]:
        caller, peer = mapping_in(event, "caller"), mapping_in(event, "peer")
        if not caller and text_in(peer, "id") in self._legs:
            if forwarded := text_in(mapping_in(event, "forwarded"), "id"):
                yield Forwarded(forwarded)
            return
        leg = self._leg_dialing_from(text_in(caller, "id"))
        peer_id, time = text_in(peer, "id"), unix_time(event.get("timestamp"))
        if leg is None or not peer_id:
            return
        status = text_in(event, "dialstatus")
        is_first = leg.update_callee(peer_id, status, now, time)
        self._first_legs[peer_id] = leg
        endpoint = endpoint_of_channel(text_in(peer, "name"))
        if is_first:
            leg.callee = leg.callee or text_in(mapping_in(caller, "dialplan"), "exten")
            extension = self._templates.extension(endpoint)
            if not (extension or leg.is_incoming or is_local(endpoint)):
                leg.trunk = _resource(endpoint)
            yield leg.update(CallState.RINGING_CALLEE, time)
        if status == ANSWER and not leg.is_answered:
            leg.answer(now, time)
            leg.answered_by = self._templates.extension(endpoint)
            yield leg.update(CallState.CONNECTED, time)

    def _destroyed(self, event: _Event, now: float) -> Iterator[Fact]:
        channel_id = text_in(mapping_in(event, "channel"), "id")
        time = unix_time(event.get("timestamp"))
        self._remote_parties.pop(channel_id, None)
        self._end(channel_id)
        if (first_leg := self._first_legs.pop(channel_id, None)) is not None:
            # The event for the end of its ringing may have been missed.
            first_leg.stop_ringing(channel_id, now, time)
            first_leg.set_callee_cause(channel_id, _cause(event))
        if (update := self.finish(channel_id, _cause(event), time)) is not None:
            yield update

    def finish(self, call_id: str, cause: int, time: float | None) -> CallUpdate | None:
        """End a call, whether or not its first leg has ended, and return the update.

        Args:
            call_id: of the first leg.
            cause: hangup cause of the call.
            time: Unix time of the end, by the PBX's clock.

        Returns:
            None if there is no such call.
        """
        if (leg := self._legs.get(call_id)) is None:
            return None
        self._end(call_id)
        self.forget(call_id)
        result = result_of(leg, cause)
        return replace(
            leg.update(CallState.ENDED, time),
            result=result,
            is_unattended=not leg.is_answered,
            cause=cause_name(cause_of(leg, cause)),
            ring_time=leg.ring_time(time),
            talk_time=leg.talk_time(result, time),
        )

    def _leg_dialing_from(self, channel_id: str) -> Leg | None:
        """Return the call whose callees the dialplan dials from a channel."""
        leg = self._legs.get(channel_id.removesuffix(DIALING_SUFFIX))
        return leg if leg is not None and leg.dialing_id == channel_id else None

    def _device(self, event: _Event) -> Iterator[Fact]:
        device = mapping_in(event, "device_state")
        endpoint = text_in(device, "name")
        state = _DEVICE_STATES.get(text_in(device, "state"))
        extension = self._templates.extension(endpoint)
        if not extension or state is None:
            return
        self.states_heard[extension] += 1
        participant = (
            "" if state in _WITHOUT_PARTICIPANT else self._remote_party(endpoint)
        )
        yield ExtensionUpdate(extension, state, participant)

    def _remote_party(self, endpoint: str) -> str:
        """Return the number of the remote party of an endpoint's latest call."""
        others = [
            other
            for name, other in self._remote_parties.values()
            if name.casefold() == endpoint.casefold()
        ]
        return next(filter(None, reversed(others)), "")

    def _end(self, channel_id: str) -> None:
        self._ended[channel_id] = None
        if len(self._ended) > MAX_CALLS:
            del self._ended[next(iter(self._ended))]

    def _add(self, leg: Leg) -> None:
        self._legs[leg.id] = leg
        if len(self._legs) > MAX_CALLS:
            self.forget(next(iter(self._legs)))


# Source: the device states of Asterisk's `DeviceStateChanged`.
_DEVICE_STATES: Final = {
    "NOT_INUSE": ExtensionState.IDLE,
    "RINGING": ExtensionState.RINGING,
    "INUSE": ExtensionState.IN_USE,
    "BUSY": ExtensionState.IN_USE,
    "RINGINUSE": ExtensionState.IN_USE,
    "ONHOLD": ExtensionState.IN_USE,
    "UNAVAILABLE": ExtensionState.OFFLINE,
    "INVALID": ExtensionState.OFFLINE,
}
_WITHOUT_PARTICIPANT: Final = frozenset({ExtensionState.IDLE, ExtensionState.OFFLINE})


def _cause(event: _Event) -> int:
    cause = event.get("cause")
    return cause if isinstance(cause, int) else UNKNOWN_CAUSE


def _resource(endpoint: str) -> str:
    return endpoint.partition("/")[2]
