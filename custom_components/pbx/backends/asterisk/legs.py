"""What an Asterisk's events say about calls, ours and all others.

A call is known by its first leg: the channel of whoever calls, or of whom we
ring first. The legs that the dialplan makes from there are its callees, told of
by `Dial` events that name both. Pure: events in, facts out.

Source: Asterisk's documentation of ARI's events, and the events of an Asterisk 22
with real phones, which `tests/pbx/asterisk/recorded` holds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from ..base import CallRequest, OpenCall
from ..updates import CallState, CallUpdate, ExtensionState, ExtensionUpdate
from .causes import UNKNOWN_CAUSE, cause_word
from .channels import ChannelTemplates, endpoint_of_channel, is_local
from .leg import ANSWER, UNKNOWN, Leg, Talk, mapping_in, running, text_in
from .models import unix_time

# More calls than this at once are not one home's; the oldest are forgotten.
MAX_CALLS: Final = 1024


class Forwarded(NamedTuple):
    """The phone that was rung first forwards: another channel is rung in its place.

    Two people could answer, one of them unknown to us, so it is to be ended.
    """

    channel_id: str


type Fact = CallUpdate | ExtensionUpdate | Forwarded
type _Event = Mapping[str, Any]


# A channel that a phone or a trunk has made rings us, or is up.
_FIRST_LEG_STATES: Final = frozenset({"Ring", "Up"})
# What Asterisk calls a leg that it has made itself.
_MADE: Final = frozenset({"AppDial", "AppDial2", "AppQueue"})
# Channels of calls that were placed by a Home Assistant, perhaps by another one.
_PLACED: Final = "ha-"


class Legs:
    """Follows the calls of one Asterisk by its events.

    Args:
        templates: by which phones are told from trunks.
    """

    def __init__(self, templates: ChannelTemplates) -> None:
        """Initialize without any call."""
        self._templates = templates
        self._legs: dict[str, Leg] = {}
        # The first leg that a callee's leg belongs to, by the latter's id.
        self._first_legs: dict[str, Leg] = {}
        # Who is at the other end, by channel, and the endpoint of each.
        self._others: dict[str, tuple[str, str]] = {}
        # Channels that have ended, the latest last: a list may be older than that.
        self._ended: dict[str, None] = {}

    def __iter__(self) -> Iterator[Leg]:
        """Return the calls, the oldest first."""
        return iter(tuple(self._legs.values()))

    def get(self, channel_id: str) -> Leg | None:
        """Return a call by its channel."""
        return self._legs.get(channel_id)

    def expect(self, request: CallRequest) -> None:
        """Take note of a call that is about to be placed from here."""
        leg = Leg(
            id=request.call_id,
            request=request,
            caller=request.caller,
            callee=request.callee,
        )
        self._add(leg)

    def restore(self, call: OpenCall, clock_offset: float) -> None:
        """Take over a call of ours that another connection has followed.

        Args:
            call: as it was known then.
            clock_offset: seconds that the PBX's clock is ahead of ours.
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
        if call.state is CallState.RINGING_CALLEE:
            leg.rung_at = call.since + clock_offset
            leg.dialed[UNKNOWN] = "RINGING"
            leg.ringing_since[UNKNOWN] = call.since
        else:
            leg.answer(call.since, leg.up_at)

    def discover(
        self, channel: _Event, talk: Talk | None, now: float
    ) -> CallUpdate | None:
        """Follow a call of others that was under way before anybody listened.

        Args:
            channel: as a list of channels has it.
            talk: where somebody talks on it.
            now: Unix time by our clock.

        Returns:
            How far it has come; None where it is no call from a trunk, or no news.
        """
        channel_id, state = text_in(channel, "id"), text_in(channel, "state")
        endpoint = endpoint_of_channel(text_in(channel, "name"))
        is_known = channel_id in self._legs or channel_id in self._ended
        if is_known or state not in _FIRST_LEG_STATES or running(channel) in _MADE:
            return None
        is_inside = is_local(endpoint) or self._templates.extension(endpoint)
        if is_inside or channel_id.startswith(_PLACED):
            return None
        began_at = unix_time(channel.get("creationtime"))
        leg = Leg(
            id=channel_id,
            caller=text_in(mapping_in(channel, "caller"), "number"),
            callee=text_in(mapping_in(channel, "dialplan"), "exten"),
            trunk=_name(endpoint),
            is_incoming=True,
            began_at=began_at,
            up_at=began_at if state == "Up" else None,
            up_since=now if state == "Up" else None,
            is_partial=True,
        )
        self._note(channel)
        self._add(leg)
        if talk is None:
            return leg.update(CallState.PLACED, began_at)
        leg.answer(talk.since, talk.at)
        return leg.update(CallState.CONNECTED, talk.at)

    def has_ended(self, channel_id: str) -> bool:
        """Return whether the end of a channel was heard."""
        return channel_id in self._ended

    def forget(self, channel_id: str) -> None:
        """Forget a channel: it was not made, or has ended."""
        self._others.pop(channel_id, None)
        if (leg := self._legs.pop(channel_id, None)) is not None:
            for callee in leg.dialed:
                self._first_legs.pop(callee, None)

    def miss(self) -> None:
        """Take note that events were lost: somebody may be dialed unheard."""
        for leg in self:
            leg.alone_since = leg.alone_until = None

    @property
    def of_others(self) -> set[str]:
        """The channels of calls that were not placed from here."""
        ours = {leg.id for leg in self if leg.request is not None}
        return (self._legs.keys() | self._others.keys()) - ours

    def read(self, event: _Event, now: float) -> Iterator[Fact]:
        """Yield what an event says. Never raises, whatever it carries.

        Args:
            event: as it came.
            now: Unix time by our clock.
        """
        kind = event.get("type")
        for name in ("channel", "caller", "peer"):
            self._note(mapping_in(event, name))
        match kind:
            case "ChannelCreated":
                yield from self._created(event)
            case "ChannelStateChange":
                self._changed(event, now)
            case "Dial":
                yield from self._dialed(event, now)
            case "ChannelHangupRequest":
                self._hung_up(event)
            case "ChannelDestroyed":
                yield from self._destroyed(event, now)
            case "DeviceStateChanged":
                yield from self._device(event)

    def _note(self, channel: _Event) -> None:
        """Take note of who is at the other end of a channel."""
        if channel_id := text_in(channel, "id"):
            endpoint = endpoint_of_channel(text_in(channel, "name"))
            other = text_in(mapping_in(channel, "connected"), "number")
            self._others[channel_id] = endpoint, other
            if len(self._others) > 2 * MAX_CALLS:
                del self._others[next(iter(self._others))]

    def _created(self, event: _Event) -> Iterator[Fact]:
        channel = mapping_in(event, "channel")
        channel_id, time = text_in(channel, "id"), unix_time(event.get("timestamp"))
        if (leg := self._legs.get(channel_id)) is not None:
            leg.began_at = time
            return
        endpoint = endpoint_of_channel(text_in(channel, "name"))
        # One that was made by a phone or a trunk rings us; one that Asterisk
        # makes is down. Local ones are Asterisk talking to itself.
        if text_in(channel, "state") != "Ring" or is_local(endpoint):
            return
        leg = Leg(
            id=channel_id,
            caller=text_in(mapping_in(channel, "caller"), "number"),
            callee=text_in(mapping_in(channel, "dialplan"), "exten"),
            began_at=time,
        )
        self._add(leg)
        if not self._templates.extension(endpoint):
            leg.trunk, leg.is_incoming = _name(endpoint), True
            yield leg.update(CallState.PLACED, time)

    def _changed(self, event: _Event, now: float) -> None:
        channel = mapping_in(event, "channel")
        leg = self._legs.get(text_in(channel, "id"))
        if leg is None or leg.up_since is not None:
            return
        state = text_in(channel, "state")
        leg.has_rung = leg.has_rung or state == "Ringing"
        if state == "Up":
            leg.up_at, leg.up_since = unix_time(event.get("timestamp")), now
            leg.alone_since = now

    def _hung_up(self, event: _Event) -> None:
        """Take note that a phone has hung up, or has refused to be rung."""
        if event.get("soft"):
            # Asterisk itself ends it, or somebody who asked it to.
            return
        channel = mapping_in(event, "channel")
        channel_id = text_in(channel, "id")
        leg = self._legs.get(channel_id)
        if leg is None and (leg := self._first_legs.get(channel_id)) is not None:
            leg.end_of_callee(channel_id, _cause(event))
        if leg is not None and text_in(channel, "state") == "Up":
            leg.is_hung_up = True

    def _dialed(self, event: _Event, now: float) -> Iterator[Fact]:
        caller, peer = mapping_in(event, "caller"), mapping_in(event, "peer")
        if not caller and text_in(peer, "id") in self._legs:
            if forwarded := text_in(mapping_in(event, "forwarded"), "id"):
                yield Forwarded(forwarded)
            return
        leg = self._legs.get(text_in(caller, "id"))
        peer_id, time = text_in(peer, "id"), unix_time(event.get("timestamp"))
        if leg is None or not peer_id:
            return
        status = text_in(event, "dialstatus")
        is_first = leg.ring(peer_id, status, now, time)
        self._first_legs[peer_id] = leg
        endpoint = endpoint_of_channel(text_in(peer, "name"))
        if is_first:
            leg.callee = leg.callee or text_in(mapping_in(caller, "dialplan"), "exten")
            extension = self._templates.extension(endpoint)
            if not (extension or leg.is_incoming or is_local(endpoint)):
                leg.trunk = _name(endpoint)
            yield leg.update(CallState.RINGING_CALLEE, time)
        if status == ANSWER and not leg.is_answered:
            leg.answer(now, time)
            leg.answered_by = self._templates.extension(endpoint)
            yield leg.update(CallState.CONNECTED, time)

    def _destroyed(self, event: _Event, now: float) -> Iterator[Fact]:
        channel_id = text_in(mapping_in(event, "channel"), "id")
        time = unix_time(event.get("timestamp"))
        self._others.pop(channel_id, None)
        self._end(channel_id)
        if (first_leg := self._first_legs.pop(channel_id, None)) is not None:
            # That it rings no more may not have been heard.
            first_leg.ring_no_more(channel_id, now, time)
            first_leg.end_of_callee(channel_id, _cause(event))
        leg = self._legs.get(channel_id)
        if leg is None:
            return
        self.forget(channel_id)
        cause = _cause(event)
        result = leg.result(cause)
        yield replace(
            leg.update(CallState.ENDED, time),
            result=result,
            cause=cause_word(leg.cause(cause)),
            ring_time=leg.ring_time(time),
            talk_time=leg.talk_time(result, time),
        )

    def _device(self, event: _Event) -> Iterator[Fact]:
        device = mapping_in(event, "device_state")
        endpoint = text_in(device, "name")
        state = _DEVICE_STATES.get(text_in(device, "state"))
        extension = self._templates.extension(endpoint)
        if not extension or state is None:
            return
        participant = "" if state in _QUIET else self._other(endpoint)
        yield ExtensionUpdate(extension, state, participant)

    def _other(self, endpoint: str) -> str:
        """Return who is at the other end of an endpoint's latest call."""
        others = [
            other
            for name, other in self._others.values()
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
_QUIET: Final = frozenset({ExtensionState.IDLE, ExtensionState.OFFLINE})


def _cause(event: _Event) -> int:
    cause = event.get("cause")
    return cause if isinstance(cause, int) else UNKNOWN_CAUSE


def _name(endpoint: str) -> str:
    return endpoint.partition("/")[2]
