"""Call engine: first leg, second leg, conversation, end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from .calls import CallResult, Origination, SandboxCall
from .clock import Clock
from .config import SandboxConfig
from .console import Console
from .dialplan import Dialplan, Onward
from .events import Events
from .model import BehaviorName, Role
from .phones import LineState, Phones
from .report import Report
from .speech import Speech

# Seconds until the PBX determines that it has no route to a number.
NO_ROUTE_AFTER = 1.0

_RESULTS: dict[BehaviorName, CallResult] = {
    "busy": "busy",
    "decline": "busy",
    "no_answer": "no_answer",
    "unreachable": "failed",
}


@dataclass(slots=True)
class Exchange:
    """Sets up calls between phones, and ends them."""

    config: Callable[[], SandboxConfig]
    clock: Clock
    phones: Phones
    report: Report
    events: Events
    console: Console
    dialplan: Dialplan
    calls: list[SandboxCall] = field(default_factory=list)

    def originate(self, order: Origination) -> SandboxCall:
        """Ring the caller; if the call is answered, ring the callee."""
        is_internal = self.phones.is_internal
        is_local = is_internal(order.callee) or self._route(order) is not None
        call = SandboxCall(
            id=self._call_id(),
            unique_id=self._unique_id(),
            caller=order.caller,
            callee=order.callee,
            started=self.clock.time(),
            type="local" if is_local else "outgoing",
            context=order.context,
            caller_id=order.caller_id,
            trunk_name=order.trunk_name,
            timeout=order.timeout,
            call_limit=order.call_limit,
            channel=order.caller if is_internal(order.caller) else order.trunk_name,
            point="" if is_local else self._trunk(order),
        )
        self._begin(call)
        self._ring(call, "caller", self._caller_rung)
        return call

    def incoming(self, number: str, exten: str) -> SandboxCall:
        """Start an incoming call from an external number to an extension."""
        trunk = next((t.name for t in self.config().trunks if t.active), "")
        unique_id = self._unique_id()
        call = SandboxCall(
            id=unique_id,
            unique_id=unique_id,
            caller=number,
            callee=exten,
            started=self.clock.time(),
            type="incoming",
            caller_id=number,
            channel=trunk,
            point=trunk,
        )
        self._begin(call)
        self.events.incoming_call(call)
        self.phones.put(number, call.id, "InUse")
        self._ring_callee(call)
        return call

    def hang_up(self, call_id: str) -> None:
        """End a call in any state.

        Raises:
            KeyError: the call does not exist.
        """
        call = next((call for call in self.calls if call.id == call_id), None)
        if call is None:
            raise KeyError(call_id)
        results: dict[str, CallResult] = {
            "placed": "caller_unreachable",
            "ringing_callee": "no_answer",
            "connected": self._result(call),
        }
        if (result := results.get(call.state)) is not None:
            self._end(call, result)

    async def stop(self) -> None:
        """Freeze all calls in their current state."""
        await self.dialplan.stop()
        for call in self.calls:
            call.cancel_timers()

    def _begin(self, call: SandboxCall) -> None:
        self.calls.append(call)
        self.console.started(call)

    def _ring(
        self,
        call: SandboxCall,
        role: Role,
        then: Callable[[SandboxCall, BehaviorName], None],
    ) -> None:
        number = call.caller if role == "caller" else call.second_party
        ring = self.phones.ring(number, role, call.timeout)
        if ring.is_heard:
            self._show(call, role, "Ringing")
        call.later(self.clock, ring.seconds, partial(then, call, ring.result))

    def _caller_rung(self, call: SandboxCall, result: BehaviorName) -> None:
        if result != "answer":
            self._end(call, "caller_unreachable")
            return
        call.cancel_timers()
        self._show(call, "caller", "InUse")
        if (speech := self._route(call)) is not None:
            self._speak(call, speech)
            return
        self.events.outgoing_call(call)
        self._ring_callee(call)

    def _speak(self, call: SandboxCall, speech: Speech) -> None:
        """Lead the caller to the boxes of the dialplan."""
        if speech.with_outgoing_call:
            self.events.outgoing_call(call)
        call.state = "connected"
        call.second_leg = self.clock.time()
        call.answered = call.second_leg if speech.is_answered else None
        if speech.dst == "person":
            call.shown = (call.caller_id, call.caller)
        self._limit(call, call.call_limit)
        self._limit(call, self.phones.find(call.caller).manner("caller").hang_up_after)
        self.dialplan.enter(call, speech, self._spoken)

    def _spoken(self, call: SandboxCall, onward: Onward | None) -> None:
        """End a call that has left the boxes, or connect it."""
        if onward is None:
            self._end(call, self._result(call))
            return
        call.connected_to = onward.number
        if not self.phones.is_internal(onward.number):
            call.point = self._trunk(call)
        if self._has_route(call):
            then = partial(self._connected, limit=onward.limit)
            self._ring(call, "callee", then)
        else:
            call.later(
                self.clock,
                NO_ROUTE_AFTER,
                partial(self._end, call, self._result(call)),
            )

    def _connected(
        self, call: SandboxCall, result: BehaviorName, limit: int | None
    ) -> None:
        if result != "answer":
            self._end(call, self._result(call))
            return
        self._show(call, "callee", "InUse")
        self._limit(call, limit)
        self._limit(
            call, self.phones.find(call.connected_to).manner("callee").hang_up_after
        )

    def _ring_callee(self, call: SandboxCall) -> None:
        call.state = "ringing_callee"
        call.second_leg = self.clock.time()
        limit = self.phones.find(call.caller).manner("caller").gives_up_after
        if limit is not None:
            call.later(self.clock, limit, partial(self._end, call, "no_answer"))
        if self._has_route(call):
            self._ring(call, "callee", self._callee_rung)
        else:
            call.later(self.clock, NO_ROUTE_AFTER, partial(self._end, call, "failed"))

    def _callee_rung(self, call: SandboxCall, result: BehaviorName) -> None:
        if result != "answer":
            self._end(call, _RESULTS[result])
            return
        call.cancel_timers()
        call.state = "connected"
        call.answered = self.clock.time()
        self._show(call, "callee", "InUse")
        caller = self.phones.find(call.caller).manner("caller")
        callee = self.phones.find(call.callee).manner("callee")
        for limit in (call.call_limit, caller.hang_up_after, callee.hang_up_after):
            self._limit(call, limit)

    def _limit(self, call: SandboxCall, limit: float | None) -> None:
        """End a conversation in so many seconds."""
        if limit is not None:
            end = partial(self._end, call, self._result(call))
            call.later(self.clock, limit, end)

    def _result(self, call: SandboxCall) -> CallResult:
        """Return the result of a conversation, which has an end now."""
        return "no_answer" if call.answered is None else "answered"

    def _end(self, call: SandboxCall, result: CallResult) -> None:
        call.cancel_timers()
        self.dialplan.leave(call)
        call.state, call.result, call.ended = "ended", result, self.clock.time()
        for number in (call.caller, call.second_party):
            if self.phones.release(number, call.id) and self.phones.is_internal(number):
                self.events.new_state(call, number, self.phones.state(number))
        self.report.add(call)
        # The PBX does not send an event for an unreachable caller.
        if result != "caller_unreachable":
            self.events.cdr(call)
        self.console.ended(call)

    def _show(self, call: SandboxCall, role: Role, state: LineState) -> None:
        number = call.caller if role == "caller" else call.second_party
        other = call.second_party if role == "caller" else call.caller
        self.phones.put(number, call.id, state)
        if self.phones.is_internal(number):
            direction = "out" if role == "caller" else "in"
            self.events.new_state(call, number, state, other, direction)

    def _has_route(self, call: SandboxCall) -> bool:
        if call.incoming or self.phones.is_internal(call.second_party):
            return self.phones.is_internal(call.second_party)
        trunks = {trunk.name for trunk in self.config().trunks if trunk.active}
        return call.point in trunks

    def _route(self, call: Origination | SandboxCall) -> Speech | None:
        """Return what is drawn in the dialplan for the callee."""
        return self.dialplan.route(call.callee, call.context)

    def _trunk(self, order: Origination | SandboxCall) -> str:
        """Return the trunk that the context uses for external numbers."""
        contexts = self.config().contexts
        found = (c.trunk for c in contexts if c.name == order.context)
        return next(found, None) or ""

    def _call_id(self) -> str:
        """Return an ID in the format of the PBX: the time, and six digits."""
        # The step is coprime to a million: the digits only repeat after as many calls.
        digits = (len(self.calls) * 104_729 + 787_335) % 1_000_000
        return f"orig.call.{int(self.clock.time())}.{digits:06d}"

    def _unique_id(self) -> str:
        return f"{int(self.clock.time())}.{len(self.calls) + 1}"
