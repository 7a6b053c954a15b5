"""What an Asterisk's events say about calls, ours and all others.

A call is known by its first leg: the channel of whoever calls, or of whom we
ring first. The legs that the dialplan makes from there are its callees, told of
by `Dial` events that name both. Pure: events in, facts out.

Source: Asterisk's documentation of ARI's events, and the events of an Asterisk 22
with real phones, which `tests/pbx/backends/asterisk/recorded` holds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..base import CallRequest
from ..updates import (
    CallEvidence,
    CallResult,
    CallState,
    EvidenceSource,
    PbxEvent,
    PbxEventType,
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
_BEST_FIRST: Final = (CallResult.ANSWERED, CallResult.NO_ANSWER, CallResult.BUSY)

type Fact = PbxEvent | CallEvidence
type _Event = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Leg:
    """The first leg of a call, with what is known of those that it led to.

    Attributes:
        id: of the channel.
        is_ours: whether the call was placed from here.
        caller: the number of whoever calls, or is rung first.
        callee: the number that the dialplan was given; or empty.
        trunk: the line that the call comes in or goes out by; or empty.
        is_incoming: whether it comes in by that line.
        began_at: Unix time by the PBX's clock, as all times here.
        up_at: when this leg itself was answered.
        rung_at: when the first callee began to ring.
        rung_until: when the last of them stopped; None while one rings.
        answered_at: when a callee answered; None, too, where that was missed.
        is_answered: whether a callee has answered.
        dialled: what each callee's leg has come to, by its channel's id.
        hung_up_by: whose phone ended the call: caller or callee; or empty.
    """

    id: str
    is_ours: bool = False
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
    dialled: dict[str, str] = field(default_factory=dict)
    hung_up_by: str = ""

    @property
    def direction(self) -> str:
        """Whether it goes through a trunk, and which way."""
        if not self.trunk:
            return "local"
        return "incoming" if self.is_incoming else "outgoing"

    def result(self, cause: int) -> CallResult:
        """Return what has come of the call, by the cause of its end."""
        if self.is_answered:
            return CallResult.ANSWERED
        if self.dialled:
            results = {
                _RESULTS.get(status, CallResult.FAILED)
                for status in self.dialled.values()
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
        """Know of no call."""
        self._templates = templates
        self._legs: dict[str, Leg] = {}
        # The first leg that a callee's leg belongs to, by the latter's id.
        self._first_legs: dict[str, Leg] = {}
        # Who is at the other end, by channel, and the endpoint of each.
        self._others: dict[str, tuple[str, str]] = {}

    def expect(self, channel_id: str, request: CallRequest | None = None) -> Leg:
        """Take note of a call of ours that is placed, or was by an earlier run."""
        leg = self._legs.get(channel_id)
        if leg is None:
            leg = Leg(id=channel_id, is_ours=True)
            if request is not None:
                leg.caller, leg.callee = request.caller, request.callee
            self._add(leg)
        return leg

    def forget(self, channel_id: str) -> None:
        """Forget a channel: it was not made, or has ended."""
        self._others.pop(channel_id, None)
        if (leg := self._legs.pop(channel_id, None)) is not None:
            for callee in leg.dialled:
                self._first_legs.pop(callee, None)

    @property
    def of_others(self) -> set[str]:
        """The channels of calls that were not placed from here."""
        ours = {leg.id for leg in self._legs.values() if leg.is_ours}
        return (self._legs.keys() | self._others.keys()) - ours

    def read(self, event: _Event) -> Iterator[Fact]:
        """Yield what an event says. Never raises, whatever it carries."""
        kind = event.get("type")
        for name in ("channel", "caller", "peer"):
            self._note(_mapping(event, name))
        match kind:
            case "ChannelCreated":
                yield from self._created(event)
            case "ChannelStateChange":
                self._changed(event)
            case "Dial":
                yield from self._dialled(event)
            case "ChannelHangupRequest":
                self._hung_up(event)
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
            yield PbxEvent(
                type=PbxEventType.INCOMING,
                attributes=_told(unique_id=leg.id, number=leg.caller, trunk=leg.trunk),
            )

    def _changed(self, event: _Event) -> None:
        channel = _mapping(event, "channel")
        leg = self._legs.get(_text(channel, "id"))
        if leg is not None and leg.up_at is None and _text(channel, "state") == "Up":
            leg.up_at = unix_time(event.get("timestamp"))

    def _dialled(self, event: _Event) -> Iterator[Fact]:
        caller, peer = _mapping(event, "caller"), _mapping(event, "peer")
        leg = self._legs.get(_text(caller, "id"))
        peer_id, time = _text(peer, "id"), unix_time(event.get("timestamp"))
        if leg is None or not peer_id:
            return
        status = _text(event, "dialstatus")
        leg.dialled[peer_id] = status
        is_ringing = not _STILL_RINGING.isdisjoint(leg.dialled.values())
        leg.rung_until = None if is_ringing else time
        self._first_legs[peer_id] = leg
        if leg.rung_at is None:
            leg.rung_at = time
            yield from self._began_to_ring(leg, caller, peer, time)
        if status == _ANSWER and not leg.is_answered:
            leg.is_answered = True
            leg.answered_at = time
            yield from _evidence(leg, CallState.CONNECTED, time)

    def _began_to_ring(
        self, leg: Leg, caller: _Event, peer: _Event, time: float | None
    ) -> Iterator[Fact]:
        leg.callee = leg.callee or _text(_mapping(caller, "dialplan"), "exten")
        yield from _evidence(leg, CallState.RINGING_CALLEE, time)
        endpoint = endpoint_of_channel(_text(peer, "name"))
        is_inside = self._templates.extension(endpoint) or endpoint.startswith("Local/")
        if is_inside or leg.is_incoming:
            return
        leg.trunk = _name(endpoint)
        yield PbxEvent(
            type=PbxEventType.OUTGOING,
            attributes=_told(
                unique_id=leg.id,
                originated_call_id=leg.id if leg.is_ours else "",
                number=leg.callee,
                trunk=leg.trunk,
            ),
        )

    def _hung_up(self, event: _Event) -> None:
        # A soft request comes from a program, not from a phone.
        if event.get("soft"):
            return
        channel_id = _text(_mapping(event, "channel"), "id")
        if (leg := self._legs.get(channel_id)) is not None:
            leg.hung_up_by = leg.hung_up_by or "caller"
            return
        leg = self._first_legs.get(channel_id)
        # Of several that rang, one that declines has ended nothing.
        if leg is not None and leg.dialled.get(channel_id) == _ANSWER:
            leg.hung_up_by = leg.hung_up_by or "callee"

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
        evidence = _ended(leg, result, cause_word(cause), time)
        yield PbxEvent(
            type=PbxEventType.ENDED,
            attributes=_told(
                unique_id=leg.id,
                originated_call_id=leg.id if leg.is_ours else "",
                caller=leg.caller,
                callee=leg.callee,
                direction=leg.direction,
                trunk=leg.trunk,
                result=result.value,
                cause=cause_word(cause),
                duration=_span(leg.began_at, time),
                ring_time=evidence.ring_time,
                talk_time=evidence.talk_time,
                hung_up_by=leg.hung_up_by,
            ),
            evidence=evidence if leg.is_ours else None,
        )

    def _device(self, event: _Event) -> Iterator[Fact]:
        device = _mapping(event, "device_state")
        endpoint = _text(device, "name")
        state = _DEVICE_STATES.get(_text(device, "state"))
        extension = self._templates.extension(endpoint)
        if not extension or state is None:
            return
        participant = "" if state in _QUIET else self._other(endpoint)
        yield PbxEvent(
            type=PbxEventType.EXTENSION_STATE,
            attributes=_told(extension=extension, state=state, participant=participant),
        )

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
    "NOT_INUSE": "idle",
    "RINGING": "ringing",
    "INUSE": "in_use",
    "BUSY": "in_use",
    "RINGINUSE": "in_use",
    "ONHOLD": "in_use",
    "UNAVAILABLE": "offline",
    "INVALID": "offline",
}
_QUIET: Final = frozenset({"idle", "offline"})


def _evidence(leg: Leg, state: CallState, time: float | None) -> Iterator[CallEvidence]:
    if leg.is_ours:
        yield CallEvidence(
            source=EvidenceSource.EVENT,
            state=state,
            originated_call_id=leg.id,
            occurred_at=time,
        )


def _ended(
    leg: Leg, result: CallResult, cause: str, time: float | None
) -> CallEvidence:
    return CallEvidence(
        source=EvidenceSource.EVENT,
        state=CallState.ENDED,
        originated_call_id=leg.id,
        result=result,
        cause=cause,
        ring_time=leg.ring_time(time),
        talk_time=leg.talk_time(result, time),
        occurred_at=time,
    )


def _told(**attributes: str | float | None) -> dict[str, str | float]:
    """Return what there is to tell."""
    return {
        name: value for name, value in attributes.items() if value not in {"", None}
    }


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
