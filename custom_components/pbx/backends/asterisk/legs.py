"""What an Asterisk's events say about calls, ours and all others.

A call is known by its first leg: the channel of whoever calls, or of whom we
ring first. The legs that the dialplan makes from there are its callees, told of
by `Dial` events that name both. Pure: events in, facts out.

Source: Asterisk's documentation of ARI's events, and the events of an Asterisk 22
with real phones, which `tests/pbx/asterisk/recorded` holds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from ..base import CallRequest, OpenCall
from ..updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    ExtensionState,
    ExtensionUpdate,
)
from .causes import NORMAL_CLEARING, cause_word
from .channels import ChannelTemplates, endpoint_of_channel
from .models import unix_time

# More calls than this at once are not one home's; the oldest are forgotten.
MAX_CALLS: Final = 1024

_ANSWER: Final = "ANSWER"
# What a callee's leg came to, the better before the worse: where several phones
# were rung, the best of them counts. What is not here is a leg that failed.
_RESULTS: Final = {
    _ANSWER: CallResult.ANSWERED,
    "NOANSWER": CallResult.NO_ANSWER,
    "CANCEL": CallResult.NO_ANSWER,
    # Still ringing when the caller left, or was hung up by somebody.
    "RINGING": CallResult.NO_ANSWER,
    "PROGRESS": CallResult.NO_ANSWER,
    "PROCEEDING": CallResult.NO_ANSWER,
    "": CallResult.NO_ANSWER,
    "BUSY": CallResult.BUSY,
}
_STILL_RINGING: Final = frozenset({"", "RINGING", "PROGRESS", "PROCEEDING"})
# Of a leg that is known to ring, but not by which channel.
_UNKNOWN: Final = ""
_BEST_FIRST: Final = (CallResult.ANSWERED, CallResult.NO_ANSWER, CallResult.BUSY)


class Forwarded(NamedTuple):
    """The phone that was rung first forwards: another channel is rung in its place.

    Two people could answer, one of them unknown to us, so it is to be ended.
    """

    channel_id: str


type Fact = CallUpdate | ExtensionUpdate | Forwarded
type _Event = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Leg:
    """The first leg of a call, with what is known of those that it led to.

    Attributes:
        id: of the channel.
        request: that the call was placed by from here; None for a call of others.
        caller: number of the party that calls, or is rung first.
        callee: number that the dialplan was given; or empty.
        trunk: that the call comes in or goes out by; or empty.
        is_incoming: whether it comes in by that trunk.
        began_at: Unix time by the PBX's clock, as all times here but those `since`.
        up_at: when this leg itself was answered.
        rung_at: when the first callee began to ring.
        rung_until: when the last of them stopped; None while one rings.
        answered_at: when a callee answered; None, too, where that was missed.
        is_answered: whether a callee has answered.
        dialed: what each callee's leg has come to, by its channel's id.
        answered_by: number of the extension that answered; or empty.
        ringing_since: Unix time by our clock, by the id of each leg that rings.
        up_since: likewise, since when this leg has been up.
        answered_since: likewise, since when a callee has been talking.
    """

    id: str
    request: CallRequest | None = None
    caller: str = ""
    callee: str = ""
    trunk: str = ""
    is_incoming: bool = False
    began_at: float | None = None
    up_at: float | None = None
    rung_at: float | None = None
    rung_until: float | None = None
    answered_at: float | None = None
    is_answered: bool = False
    dialed: dict[str, str] = field(default_factory=dict)
    answered_by: str = ""
    ringing_since: dict[str, float] = field(default_factory=dict)
    up_since: float | None = None
    answered_since: float | None = None

    @property
    def direction(self) -> Direction:
        """Whether it uses a trunk, and which way."""
        if not self.trunk:
            return Direction.INTERNAL
        return Direction.INCOMING if self.is_incoming else Direction.OUTGOING

    def result(self, cause: int) -> CallResult:
        """Return what has come of the call, by the cause of its end."""
        if self.is_answered:
            return CallResult.ANSWERED
        if self.dialed:
            results = {
                _RESULTS.get(status, CallResult.FAILED)
                for status in self.dialed.values()
            }
            return next((r for r in _BEST_FIRST if r in results), CallResult.FAILED)
        if self.up_at is None:
            return CallResult.CALLER_UNREACHABLE
        # The dialplan itself has answered, or knew no such number.
        is_normal = cause == NORMAL_CLEARING
        return CallResult.ANSWERED if is_normal else CallResult.FAILED

    def ring_time(self, ended_at: float | None) -> float | None:
        """Return for how many seconds the callee rang.

        What the dialplan plays after a refusal is no ringing.
        """
        return _span(self.rung_at, self.answered_at or self.rung_until or ended_at)

    def talk_time(self, result: CallResult, ended_at: float | None) -> float | None:
        """Return for how many seconds there was something to listen to."""
        if result is not CallResult.ANSWERED:
            return None
        return _span(self.answered_at if self.is_answered else self.up_at, ended_at)


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
        leg.began_at = call.began_at + clock_offset
        if call.state is CallState.PLACED:
            return
        leg.up_at, leg.up_since = call.since + clock_offset, call.since
        if call.state is CallState.RINGING_CALLEE:
            leg.rung_at = call.since + clock_offset
            leg.dialed[_UNKNOWN] = "RINGING"
            leg.ringing_since[_UNKNOWN] = call.since
        else:
            leg.is_answered = True
            leg.answered_at, leg.answered_since = leg.up_at, call.since

    def forget(self, channel_id: str) -> None:
        """Forget a channel: it was not made, or has ended."""
        self._others.pop(channel_id, None)
        if (leg := self._legs.pop(channel_id, None)) is not None:
            for callee in leg.dialed:
                self._first_legs.pop(callee, None)

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
            self._note(_mapping(event, name))
        match kind:
            case "ChannelCreated":
                yield from self._created(event)
            case "ChannelStateChange":
                self._changed(event, now)
            case "Dial":
                yield from self._dialed(event, now)
            case "ChannelDestroyed":
                yield from self._destroyed(event)
            case "DeviceStateChanged":
                yield from self._device(event)

    def _note(self, channel: _Event) -> None:
        """Take note of who is at the other end of a channel."""
        if channel_id := _text(channel, "id"):
            endpoint = endpoint_of_channel(_text(channel, "name"))
            other = _text(_mapping(channel, "connected"), "number")
            self._others[channel_id] = endpoint, other
            if len(self._others) > 2 * MAX_CALLS:
                del self._others[next(iter(self._others))]

    def _created(self, event: _Event) -> Iterator[Fact]:
        channel = _mapping(event, "channel")
        channel_id, time = _text(channel, "id"), unix_time(event.get("timestamp"))
        if (leg := self._legs.get(channel_id)) is not None:
            leg.began_at = time
            return
        endpoint = endpoint_of_channel(_text(channel, "name"))
        # One that was made by a phone or a trunk rings us; one that Asterisk
        # makes is down. Local ones are Asterisk talking to itself.
        if _text(channel, "state") != "Ring" or endpoint.startswith("Local/"):
            return
        leg = Leg(
            id=channel_id,
            caller=_text(_mapping(channel, "caller"), "number"),
            callee=_text(_mapping(channel, "dialplan"), "exten"),
            began_at=time,
        )
        self._add(leg)
        if not self._templates.extension(endpoint):
            leg.trunk, leg.is_incoming = _name(endpoint), True
            yield _update(leg, CallState.PLACED, time)

    def _changed(self, event: _Event, now: float) -> None:
        channel = _mapping(event, "channel")
        leg = self._legs.get(_text(channel, "id"))
        if leg is not None and leg.up_since is None and _text(channel, "state") == "Up":
            leg.up_at, leg.up_since = unix_time(event.get("timestamp")), now

    def _dialed(self, event: _Event, now: float) -> Iterator[Fact]:
        caller, peer = _mapping(event, "caller"), _mapping(event, "peer")
        if not caller and _text(peer, "id") in self._legs:
            if forwarded := _text(_mapping(event, "forwarded"), "id"):
                yield Forwarded(forwarded)
            return
        leg = self._legs.get(_text(caller, "id"))
        peer_id, time = _text(peer, "id"), unix_time(event.get("timestamp"))
        if leg is None or not peer_id:
            return
        leg.dialed.pop(_UNKNOWN, None)
        leg.ringing_since.pop(_UNKNOWN, None)
        status = _text(event, "dialstatus")
        leg.dialed[peer_id] = status
        if status in _STILL_RINGING:
            leg.ringing_since.setdefault(peer_id, now)
        else:
            leg.ringing_since.pop(peer_id, None)
        leg.rung_until = None if leg.ringing_since else time
        self._first_legs[peer_id] = leg
        endpoint = endpoint_of_channel(_text(peer, "name"))
        if leg.rung_at is None:
            leg.rung_at = time
            leg.callee = leg.callee or _text(_mapping(caller, "dialplan"), "exten")
            extension = self._templates.extension(endpoint)
            if not (extension or leg.is_incoming or endpoint.startswith("Local/")):
                leg.trunk = _name(endpoint)
            yield _update(leg, CallState.RINGING_CALLEE, time)
        if status == _ANSWER and not leg.is_answered:
            leg.is_answered = True
            leg.answered_at, leg.answered_since = time, now
            leg.answered_by = self._templates.extension(endpoint)
            yield _update(leg, CallState.CONNECTED, time)

    def _destroyed(self, event: _Event) -> Iterator[Fact]:
        channel_id = _text(_mapping(event, "channel"), "id")
        self._others.pop(channel_id, None)
        self._first_legs.pop(channel_id, None)
        leg = self._legs.get(channel_id)
        if leg is None:
            return
        self.forget(channel_id)
        cause = event.get("cause")
        cause = cause if isinstance(cause, int) else 0
        time = unix_time(event.get("timestamp"))
        result = leg.result(cause)
        yield replace(
            _update(leg, CallState.ENDED, time),
            result=result,
            cause=cause_word(cause),
            ring_time=leg.ring_time(time),
            talk_time=leg.talk_time(result, time),
        )

    def _device(self, event: _Event) -> Iterator[Fact]:
        device = _mapping(event, "device_state")
        endpoint = _text(device, "name")
        state = _DEVICE_STATES.get(_text(device, "state"))
        extension = self._templates.extension(endpoint)
        if not extension or state is None:
            return
        participant = "" if state in _QUIET else self._other(endpoint)
        yield ExtensionUpdate(extension, state, participant)

    def _other(self, endpoint: str) -> str:
        """Return who is at the other end of an endpoint's latest call."""
        others = [other for name, other in self._others.values() if name == endpoint]
        return next(filter(None, reversed(others)), "")

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


def _update(leg: Leg, state: CallState, time: float | None) -> CallUpdate:
    return CallUpdate(
        state=state,
        call_id=leg.id,
        originated_call_id=leg.id if leg.request is not None else "",
        direction=leg.direction,
        caller=leg.caller,
        callee=leg.callee,
        trunk=leg.trunk,
        answered_by=leg.answered_by,
        at=time,
    )


def _name(endpoint: str) -> str:
    return endpoint.partition("/")[2]


def _span(start: float | None, end: float | None) -> float | None:
    """Return the seconds from one time to another, to the millisecond."""
    if start is None or end is None:
        return None
    return round(max(end - start, 0), 3)


def _mapping(fields: _Event, name: str) -> _Event:
    value = fields.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(fields: _Event, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
