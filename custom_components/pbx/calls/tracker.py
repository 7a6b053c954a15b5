"""Tracks each call of a PBX from its beginning to exactly one end.

A pure state machine whose inputs are updates and the time. Updates may be early,
late, repeated, out of order, contradictory, or about calls that we did not place.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
import math

from ..backends.announcement import Announced
from ..backends.base import CallRequest
from ..backends.updates import CallResult, CallState, CallUpdate, Source
from .call import Call
from .ends import contradicts, is_better, is_final, start_time
from .open_calls import OpenCalls

RECENT_CALLS = 50
# Updates held while a request has no answer yet, which takes 10 s at most.
MAX_HELD = 512

# Seconds that a conversation without a limit may last.
DEFAULT_MAX_TALK_TIME = 3600
# Seconds by which a PBX may report late.
GRACE = 10
# Seconds for which a call is assumed to continue after the PBX reported it.
REPORT_LIFETIME = 180
# Seconds until a call that we did not place expires, before and after it connects.
OTHER_CALL_RING_TIME = 600
OTHER_CALL_TALK_TIME = 3600
# Seconds in which a better result may follow a provisional one; of calls that we did
# not place, since their latest update.
SETTLE_TIME = 1
OTHER_CALL_SETTLE_TIME = 3

type Notify = Callable[[Call, CallState], None]
type NotifyProgress = Callable[[Call], None]


class CallTracker:
    """Tracks the calls of one PBX.

    Args:
        clock: returns the Unix time.
        notify: called with each call and each state that it reaches.
        notify_progress: called with each call whose announcement made progress.

    Attributes:
        open: calls that have not ended.
        max_talk_time: seconds that a conversation without a limit may last.
        recent: latest ended calls that we placed, oldest first.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        notify: Notify,
        notify_progress: NotifyProgress = lambda _call: None,
    ) -> None:
        """Initialize the tracker without any calls."""
        self.open = OpenCalls()
        self.max_talk_time: float = DEFAULT_MAX_TALK_TIME
        self.recent: deque[Call] = deque(maxlen=RECENT_CALLS)
        self._clock = clock
        self._notify = notify
        self._notify_progress = notify_progress
        # Calls whose request has no answer yet; a dictionary as an ordered set.
        self._requested: dict[Call, None] = {}
        self._held: deque[CallUpdate] = deque(maxlen=MAX_HELD)
        self._next_deadline = math.inf

    @property
    def active(self) -> int:
        """Number of active calls.

        Calls that are still being requested are left out: if one is refused,
        listeners are not notified.
        """
        return len(self.open) - len(self._requested)

    @property
    def next_deadline(self) -> float | None:
        """The Unix time at which `expire` should run next, or None.

        It may be too early, if the call with that deadline has ended, but never too
        late. An extra run is cheaper than keeping all deadlines sorted.
        """
        return self._next_deadline if math.isfinite(self._next_deadline) else None

    def add(self, request: CallRequest) -> Call:
        """Track a call that is about to be requested."""
        now = self._clock()
        announcement = request.announcement
        call = Call(
            request=request,
            began_at=now,
            reached_at=now,
            # Each of the two parties may ring for the whole timeout. Rounded up to
            # whole seconds, so that many calls share a deadline.
            deadline=math.ceil(now + 2 * request.timeout + self._lasts(request)),
            caller="" if announcement else request.caller,
            callee=request.callee,
            is_requested=True,
            announced=Announced.before(announcement) if announcement else None,
        )
        self._requested[call] = None
        self.open.add(call)
        return call

    def confirm(self, call: Call, originated_call_id: str | None) -> None:
        """Process the answer that the call was placed."""
        self._handle_answer(call, originated_call_id or "")

    def mark_uncertain(
        self, call: Call, error: str, originated_call_id: str = ""
    ) -> None:
        """Process a lost answer: the call may have been placed.

        Args:
            call: the requested call.
            error: why there is no answer.
            originated_call_id: the PBX's ID of the request, if known.
        """
        call.error = error
        call.is_uncertain = True
        self._handle_answer(call, originated_call_id)

    def undo(self, call: Call, error: str) -> None:
        """Process the refusal of a request, without notifying listeners of the call."""
        call.error = error
        call.result = CallResult.FAILED
        self._requested.pop(call, None)
        call.is_requested = False
        self._remove(call)
        self._process_held()

    def restore(self, calls: Iterable[Call]) -> None:
        """Track the calls that were stored before a restart."""
        for call in calls:
            if call.provisional is not None:
                call.deadline = self._clock() + SETTLE_TIME
            self.open.add(call)
            self._watch_deadline(call)

    def observe(self, update: CallUpdate) -> Call | None:
        """Process an update and return the open call that it is about, if any."""
        call = self.open.find(update)
        if call is not None and not call.is_requested:
            self._apply(call, update)
        elif call is not None or self._may_be_requested(update):
            self._held.append(update)
        elif update.source is Source.REPORT:
            self._ignore_manual_call(update)
        elif not self.open.is_late(update):
            self._add_other_call(update)
        return call

    def _ignore_manual_call(self, update: CallUpdate) -> None:
        """Process the end of a manually dialed call, from the report.

        Events may lack the ID of the request. Later events of the same conversation
        must not be matched to a placed call between the same numbers.
        """
        if update.call_id and self.open.with_numbers_of(update):
            self.open.remember_ended(update.call_id)

    def expire(self) -> None:
        """End the calls whose deadline has passed."""
        now = self._clock()
        watched = [call for call in self.open if not call.is_requested]
        due = [call for call in watched if call.deadline <= now]
        for call in sorted(due, key=_deadline):
            self._end(call, call.provisional or _UNDETERMINED)
        self._next_deadline = min(
            (call.deadline for call in self.open if not call.is_requested),
            default=math.inf,
        )

    def _handle_answer(self, call: Call, originated_call_id: str) -> None:
        self._requested.pop(call, None)
        call.is_requested = False
        if originated_call_id:
            self._set_originated_call_id(call, originated_call_id)
        self._watch_deadline(call)
        self._notify(call, CallState.PLACED)
        self._process_held()

    def _process_held(self) -> None:
        """Process the updates that were held while a request had no answer."""
        held = tuple(self._held)
        self._held.clear()
        for update in held:
            self.observe(update)

    def _may_be_requested(self, update: CallUpdate) -> bool:
        """Return whether an update may be about a request without an answer.

        All other updates are processed at once: an incoming call must not wait for
        the answer to an unrelated request.
        """
        if not self._requested or self.open.is_late(update):
            return False
        if update.originated_call_id:
            return True
        if update.source is Source.REPORT:
            return False
        return any(call.is_requested for call in self.open.with_numbers_of(update))

    def _add_other_call(self, update: CallUpdate) -> None:
        """Track a call that we did not place, from its first update."""
        is_end = update.state is CallState.ENDED
        if update.direction is None and not is_end:
            # The state of a single phone does not describe the call as a whole.
            return
        if is_end and update.result is None:
            return
        now = self._clock()
        at = now if update.at is None else min(update.at, now)
        if is_end and update.at is None:
            # The event may be older: the PBX repeats events that were not received.
            lasted = (update.ring_time or 0) + (update.talk_time or 0)
            at = min(start_time(update, now) + lasted, now)
            update = replace(update, at=at)
        call = Call(began_at=start_time(update, at), reached_at=at, deadline=now)
        if update.call_id or update.originated_call_id:
            call.originated_call_id = update.originated_call_id
            self.open.add(call)
        self._merge_details(call, update)
        if is_end:
            self._handle_end(call, update)
            return
        call.reached = update.state
        self._extend_deadline(call)
        self._notify(call, update.state)

    def _apply(self, call: Call, update: CallUpdate) -> None:
        call.is_uncertain = False
        announced = call.announced
        self._merge_details(call, update)
        self._apply_state(call, update)
        if call.announced != announced:
            self._notify_progress(call)

    def _apply_state(self, call: Call, update: CallUpdate) -> None:
        if update.state is CallState.ENDED:
            if update.result is not None and not contradicts(call, update):
                self._handle_end(call, update)
            return
        if call.is_over:
            self._settle(call)
            if call.is_incoming and update.state is CallState.CONNECTED:
                self._continue(call, update)
        elif update.state.is_after(call.reached):
            self._reach(call, update)
        else:
            call.deadline = max(call.deadline, self._clock() + REPORT_LIFETIME)

    def _reach(self, call: Call, update: CallUpdate) -> None:
        call.reached = update.state
        call.reached_at = self._clamp_time(call, update.at)
        self._extend_deadline(call)
        self._notify(call, update.state)

    def _continue(self, call: Call, update: CallUpdate) -> None:
        """Process that a phone answered, after another phone reported an end."""
        provisional, call.provisional = call.provisional, None
        self._reach(call, update)
        if provisional is not None and provisional.result is CallResult.ANSWERED:
            self._end(call, provisional)

    def _merge_details(self, call: Call, update: CallUpdate) -> None:
        """Merge the details of an update into a call."""
        if call.announced is None:
            # An announcement has no caller, whatever the PBX reports as one.
            call.caller = call.caller or update.caller
        call.callee = call.callee or update.callee
        call.direction = call.direction or update.direction
        call.trunk = call.trunk or update.trunk
        call.answered_by = update.answered_by or call.answered_by
        call.announced = update.announced or call.announced
        if call.announced is not None and update.ring_time is not None:
            # The action may return before the call ends.
            call.ring_time = update.ring_time
        call.is_caller_gone = call.is_caller_gone or update.is_caller_gone
        if update.state is not CallState.ENDED:
            call.is_unattended = call.is_unattended or update.is_unattended
        call_id = update.originated_call_id
        # A report that contains our own request ID does not contain the PBX's ID.
        is_named = update.source is not Source.REPORT or call.request_id != call_id
        if call_id and not call.originated_call_id and is_named:
            self._set_originated_call_id(call, call_id)
        if update.call_id:
            call.call_id = call.call_id or update.call_id
            self.open.add_id(call, update.call_id)

    def _extend_deadline(self, call: Call) -> None:
        """Extend the deadline of a call that reached its next state."""
        talks = call.reached is CallState.CONNECTED
        if call.request is None:
            lasts: float = OTHER_CALL_TALK_TIME if talks else OTHER_CALL_RING_TIME
        else:
            lasts = self._lasts(call.request)
            # The second party of an announcement rings after the answer.
            rings = not talks or call.announced is not None
            lasts += call.request.timeout if rings else 0
        call.deadline = max(call.deadline, math.ceil(self._clock() + lasts))
        self._watch_deadline(call)

    def _lasts(self, request: CallRequest) -> float:
        """Return the seconds that a requested call may last without its ringing."""
        talk_time = request.call_limit or self.max_talk_time
        if request.announcement is not None and request.announcement.connect_to is None:
            talk_time = 0
        return request.message_time + talk_time + GRACE

    def _handle_end(self, call: Call, update: CallUpdate) -> None:
        if call.provisional is not None and not is_better(update, call.provisional):
            self._settle(call)
            return
        if is_final(call, update) or call not in self.open:
            self._end(call, update)
            return
        is_first = call.provisional is None
        call.provisional = update
        if is_first:
            call.deadline = self._clock() + SETTLE_TIME
        self._settle(call)

    def _settle(self, call: Call) -> None:
        """Wait for a better end of a call."""
        if call.request is None and call.provisional is not None:
            call.deadline = self._clock() + OTHER_CALL_SETTLE_TIME
        self._watch_deadline(call)

    def _end(self, call: Call, update: CallUpdate) -> None:
        call.provisional = None
        call.is_uncertain = False
        call.result = update.result
        call.source = update.source
        call.cause = update.cause
        call.ring_time = (
            call.ring_time if update.ring_time is None else update.ring_time
        )
        call.talk_time = update.talk_time
        call.is_unattended = call.is_unattended or update.is_unattended
        call.ended_at = self._clamp_time(call, update.at)
        if call in self.open:
            self._remove(call)
        if update.call_id:
            self.open.remember_ended(update.call_id)
        self._notify(call, CallState.ENDED)

    def _clamp_time(self, call: Call, at: float | None) -> float:
        """Return a reported time, but not before the call or in the future."""
        now = self._clock()
        return now if at is None else min(max(at, call.began_at), now)

    def _watch_deadline(self, call: Call) -> None:
        self._next_deadline = min(self._next_deadline, call.deadline)

    def _set_originated_call_id(self, call: Call, originated_call_id: str) -> None:
        call.originated_call_id = originated_call_id
        self.open.add_id(call, originated_call_id)

    def _remove(self, call: Call) -> None:
        self.open.remove(call)
        if call.request is not None:
            call.request = call.request.without_message()
            self.recent.append(call)
        if not self.open:
            self._next_deadline = math.inf


_UNDETERMINED = CallUpdate(
    state=CallState.ENDED, source=Source.DEADLINE, result=CallResult.UNDETERMINED
)


def _deadline(call: Call) -> float:
    return call.deadline
