"""The calls of a PBX, from their beginning to exactly one end each.

A pure state machine: updates and the time come from outside. It bears updates that
are early, late, repeated, out of order, contradictory, or about calls of others.
"""

from collections import deque
from collections.abc import Callable, Iterable
import math

from ..backends.base import CallRequest
from ..backends.updates import CallResult, CallState, CallUpdate, Source
from .call import Call
from .open_calls import PLAUSIBLE, OpenCalls

RECENT_CALLS = 50
# Held back while the answer to a request is outstanding, which takes 10 s at most.
MAX_HELD = 512

# Seconds: how long a conversation may last where nothing limits it, and how much later
# than due a PBX may report.
DEFAULT_MAX_TALK_TIME = 3600
GRACE = 10
# Seconds for which a call that the PBX just reported to be on is believed in.
HEARD = 180
# Seconds until a call of others is given up: before they talk, and after.
OTHERS_RING_TIME = 600
OTHERS_TALK_TIME = 3600
# Seconds for which a better result may follow a provisional one.
SETTLE_TIME = 1

type Notify = Callable[[Call, CallState], None]


class CallTracker:
    """Follows the calls of one PBX.

    Args:
        clock: returns the Unix time.
        notify: is called with each call and the state that it has come to.

    Attributes:
        open: the calls that have not ended.
        max_talk_time: seconds that a conversation without a limit may last.
        recent: the latest calls from here that are over, the oldest first.
    """

    def __init__(self, clock: Callable[[], float], notify: Notify) -> None:
        """Initialize the tracker without any calls."""
        self.open = OpenCalls()
        self.max_talk_time: float = DEFAULT_MAX_TALK_TIME
        self.recent: deque[Call] = deque(maxlen=RECENT_CALLS)
        self._clock = clock
        self._notify = notify
        # Those whose request has no answer yet; a set that keeps their order.
        self._requested: dict[Call, None] = {}
        self._held: deque[CallUpdate] = deque(maxlen=MAX_HELD)
        self._next_deadline = math.inf

    @property
    def active(self) -> int:
        """How many calls are on.

        One that is being requested may be refused, and nobody would be notified.
        """
        return len(self.open) - len(self._requested)

    @property
    def next_deadline(self) -> float | None:
        """The Unix time at which `expire` may have something to do, if ever.

        It is never too late, and too early where the call that it was about has
        ended: to look then is cheaper than to keep all deadlines in order.
        """
        return self._next_deadline if math.isfinite(self._next_deadline) else None

    def add(self, request: CallRequest) -> Call:
        """Follow a call that is about to be requested."""
        now = self._clock()
        talk_time = request.call_limit or self.max_talk_time
        call = Call(
            request=request,
            began_at=now,
            reached_at=now,
            # Each of the two parties may ring for the whole timeout. Whole seconds,
            # so that many calls are not looked through more often.
            deadline=math.ceil(now + 2 * request.timeout + talk_time + GRACE),
            caller=request.caller,
            callee=request.callee,
            is_requested=True,
        )
        self._requested[call] = None
        self.open.add(call)
        return call

    def confirm(self, call: Call, originated_call_id: str | None) -> None:
        """Take the PBX's answer: the call was placed."""
        self._answer(call, originated_call_id or "")

    def mark_uncertain(
        self, call: Call, error: str, originated_call_id: str = ""
    ) -> None:
        """Take a lost answer: the call may have been placed.

        Args:
            call: the one that was requested.
            error: what became of the answer.
            originated_call_id: how the PBX would name it, if that is known.
        """
        call.error = error
        call.is_uncertain = True
        self._answer(call, originated_call_id)

    def undo(self, call: Call, error: str) -> None:
        """Take the PBX's refusal: there is no call, and nobody is notified of one."""
        call.error = error
        call.result = CallResult.FAILED
        self._requested.pop(call, None)
        call.is_requested = False
        self._remove(call)
        self._release()

    def restore(self, calls: Iterable[Call]) -> None:
        """Go on following calls of an earlier run."""
        for call in calls:
            if call.provisional is not None:
                call.deadline = self._clock() + SETTLE_TIME
            self.open.add(call)
            self._watch(call)

    def observe(self, update: CallUpdate) -> Call | None:
        """Take an update, and return the call that it is about, if it is known."""
        call = self.open.find(update)
        if call is not None and not call.is_requested:
            self._apply(call, update)
        elif call is not None or self._may_be_requested(update):
            self._held.append(update)
        elif update.source is Source.REPORT:
            self._dismiss(update)
        elif not self.open.is_late(update):
            self._begin(update)
        return call

    def _dismiss(self, update: CallUpdate) -> None:
        """Take the end of a call that somebody dialed by hand, by the report.

        Events may leave out the ids of our calls. What comes of the same
        conversation by event later is not taken for a call from here between the
        same two.
        """
        if update.call_id and self.open.between(update):
            self.open.remember(update.call_id)

    def expire(self) -> None:
        """End the calls of which nothing more is going to be heard."""
        now = self._clock()
        watched = [call for call in self.open if not call.is_requested]
        due = [call for call in watched if call.deadline <= now]
        for call in sorted(due, key=_deadline):
            self._end(call, call.provisional or _UNDETERMINED)
        self._next_deadline = min(
            (call.deadline for call in self.open if not call.is_requested),
            default=math.inf,
        )

    def _answer(self, call: Call, originated_call_id: str) -> None:
        self._requested.pop(call, None)
        call.is_requested = False
        if originated_call_id:
            self._identify(call, originated_call_id)
        self._watch(call)
        self._notify(call, CallState.PLACED)
        self._release()

    def _release(self) -> None:
        """Take the updates that were held back while a request had no answer."""
        held = tuple(self._held)
        self._held.clear()
        for update in held:
            self.observe(update)

    def _may_be_requested(self, update: CallUpdate) -> bool:
        """Return whether an update may be about a request that is under way.

        Everything else goes on at once: a caller at the door must not wait for the
        answer to a request of somebody else.
        """
        if not self._requested or self.open.is_late(update):
            return False
        if update.originated_call_id:
            return True
        if update.source is Source.REPORT:
            return False
        return any(call.is_requested for call in self.open.between(update))

    def _begin(self, update: CallUpdate) -> None:
        """Follow a call of others from its first update on."""
        is_end = update.state is CallState.ENDED
        if update.direction is None and not is_end:
            # The state of one phone, which says nothing of a call as a whole.
            return
        if is_end and update.result is None:
            return
        now = self._clock()
        at = now if update.at is None else min(update.at, now)
        call = Call(began_at=_beginning(update, at), reached_at=at, deadline=now)
        if update.call_id or update.originated_call_id:
            call.originated_call_id = update.originated_call_id
            self.open.add(call)
        self._fill(call, update)
        if is_end:
            self._take_end(call, update)
            return
        call.reached = update.state
        self._extend(call)
        self._notify(call, update.state)

    def _apply(self, call: Call, update: CallUpdate) -> None:
        call.is_uncertain = False
        self._fill(call, update)
        if update.state is CallState.ENDED:
            if update.result is not None and not _contradicts(call, update.result):
                self._take_end(call, update)
            return
        if call.is_over:
            return
        if update.state.is_after(call.reached):
            call.reached = update.state
            call.reached_at = self._our_time(call, update.at)
            self._extend(call)
            self._notify(call, update.state)
        else:
            call.deadline = max(call.deadline, self._clock() + HEARD)

    def _fill(self, call: Call, update: CallUpdate) -> None:
        """Take over what an update knows of the parties."""
        call.caller = call.caller or update.caller
        call.callee = call.callee or update.callee
        call.direction = call.direction or update.direction
        call.trunk = call.trunk or update.trunk
        call.answered_by = update.answered_by or call.answered_by
        call_id = update.originated_call_id
        # A report by our own name for the request says that it found no other.
        is_named = update.source is not Source.REPORT or call.name != call_id
        if call_id and not call.originated_call_id and is_named:
            self._identify(call, call_id)
        if update.call_id:
            call.call_id = call.call_id or update.call_id
            self.open.index(call, update.call_id)

    def _extend(self, call: Call) -> None:
        """Move the deadline on with a step of the call."""
        talks = call.reached is CallState.CONNECTED
        if call.request is None:
            lasts: float = OTHERS_TALK_TIME if talks else OTHERS_RING_TIME
        else:
            lasts = (call.request.call_limit or self.max_talk_time) + GRACE
            lasts += 0 if talks else call.request.timeout
        call.deadline = max(call.deadline, math.ceil(self._clock() + lasts))
        self._watch(call)

    def _take_end(self, call: Call, update: CallUpdate) -> None:
        if call.provisional is not None and not _is_better(update, call.provisional):
            return
        if not update.is_provisional or call not in self.open:
            self._end(call, update)
            return
        if call.provisional is None:
            call.deadline = self._clock() + SETTLE_TIME
            self._watch(call)
        call.provisional = update

    def _end(self, call: Call, update: CallUpdate) -> None:
        call.provisional = None
        call.is_uncertain = False
        call.result = update.result
        call.source = update.source
        call.cause = update.cause
        call.ring_time = update.ring_time
        call.talk_time = update.talk_time
        if call in self.open:
            self._remove(call)
        if update.call_id:
            self.open.remember(update.call_id)
        self._notify(call, CallState.ENDED)

    def _our_time(self, call: Call, at: float | None) -> float:
        """Return when something happened: not before the call, nor in the future."""
        now = self._clock()
        return now if at is None else min(max(at, call.began_at), now)

    def _watch(self, call: Call) -> None:
        self._next_deadline = min(self._next_deadline, call.deadline)

    def _identify(self, call: Call, originated_call_id: str) -> None:
        call.originated_call_id = originated_call_id
        self.open.index(call, originated_call_id)

    def _remove(self, call: Call) -> None:
        self.open.remove(call)
        if call.request is not None:
            self.recent.append(call)
        if not self.open:
            self._next_deadline = math.inf


_UNDETERMINED = CallUpdate(
    state=CallState.ENDED, source=Source.DEADLINE, result=CallResult.UNDETERMINED
)


def _deadline(call: Call) -> float:
    return call.deadline


def _is_better(end: CallUpdate, other: CallUpdate) -> bool:
    """Return whether an end of a call counts more than another of its ends."""
    if end.result is None or other.result is None:
        return other.result is None
    return end.result.is_better_than(other.result)


def _beginning(update: CallUpdate, at: float) -> float:
    """Return when the call began of which an update is the first."""
    began_at = update.began_at
    return at if began_at is None or not at - PLAUSIBLE < began_at < at else began_at


def _contradicts(call: Call, result: CallResult) -> bool:
    """Return whether a result denies what is known for certain.

    A caller whose phone was answered has been reached. (That the callee was
    talking is told by the state of a phone alone, and yields to any result.)
    """
    return (
        result is CallResult.CALLER_UNREACHABLE and call.reached is not CallState.PLACED
    )
