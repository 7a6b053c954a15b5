"""The calls of a PBX, from the request to exactly one end each.

A pure state machine: evidence and the time come from outside. It bears
evidence that is early, late, doubled, out of order, contradictory, or about
calls that nobody here asked for.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
import math

from ..backends.base import CallRequest
from ..backends.updates import CallEvidence, CallResult, CallState, EvidenceSource
from .call import Call
from .number import reported_form

RECENT_CALLS = 50
# Kept while the answer to a request is outstanding, which is 10 s at most.
MAX_EARLY_EVIDENCE = 512
# Remembered lest late evidence about one call is taken for another's.
MAX_ENDED_IDS = 1024

# Seconds: what a talk may last where nothing limits it, what a PBX may be
# slower than it should, and by how much two readings of its clock may differ.
DEFAULT_MAX_TALK_TIME = 3600
GRACE = 10
# Seconds that a call without a limit is presumed to last at most, where nothing
# has ever told that there is such a call.
PRESUMED_TALK_TIME = 60
# Seconds for which the end of one leg waits for the better one of another.
BETTER_END_WAIT = 1
CLOCK_TOLERANCE = 2
# Seconds that a PBX may take for a request, in which the conversation begins.
LONGEST_REQUEST = 10
CLOCK_RESOLUTION = 1
# Seconds within which what looks like the time of a conversation is one.
PLAUSIBLE = 86_400

type CallListener = Callable[[Call, CallState], None]


class CallTracker:
    """Follows the calls of one PBX.

    Args:
        clock: gives the Unix time.

    Attributes:
        max_talk_time: seconds that a talk without a `call_limit` may last.
        recent: the latest calls that are over, the oldest first.
        on_ending: called when `next_deadline` has come nearer without a listener
            being told of anything.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Follow nothing yet."""
        self.max_talk_time: float = DEFAULT_MAX_TALK_TIME
        self.recent: deque[Call] = deque(maxlen=RECENT_CALLS)
        self.on_ending: Callable[[], None] = _nobody
        self._clock = clock
        # Dictionaries serve as sets that keep the order of the calls.
        self._outstanding: dict[Call, None] = {}
        # In the order of their deadlines.
        self._ending: dict[Call, None] = {}
        self._by_id: dict[str, Call] = {}
        self._ended_ids: dict[str, None] = {}
        self._ended_conversations: dict[str, None] = {}
        self._by_numbers: dict[tuple[str, str], dict[Call, None]] = {}
        self._next_deadline = math.inf
        self._requested = 0
        self._early: deque[CallEvidence] = deque(maxlen=MAX_EARLY_EVIDENCE)
        self._listeners: dict[CallListener, None] = {}

    @property
    def outstanding(self) -> tuple[Call, ...]:
        """The calls that have not ended, the oldest first.

        One that has ended, and whose result waits for a better one, is none.
        """
        return tuple(self._outstanding)

    @property
    def untold(self) -> tuple[Call, ...]:
        """The calls whose end has not been told."""
        return (*self._ending, *self._outstanding)

    @property
    def active(self) -> int:
        """How many calls have not ended."""
        return len(self._outstanding)

    @property
    def next_deadline(self) -> float | None:
        """The Unix time at which `expire` may have something to do, if ever.

        It is never too late, and too early where the call that it was about has
        ended: to look then is cheaper than to keep all deadlines in order.
        """
        ending = next((call.deadline for call in self._ending), math.inf)
        deadline = min(self._next_deadline, ending)
        return deadline if math.isfinite(deadline) else None

    def add_listener(self, listener: CallListener) -> Callable[[], None]:
        """Call back with each call and the state it has come to.

        Returns:
            What ends it; ending it twice is no mistake.
        """
        self._listeners[listener] = None
        return lambda: self._listeners.pop(listener, None)

    def request(self, request: CallRequest) -> Call:
        """Follow a call that is about to be requested."""
        now = self._clock()
        talk_time = request.call_limit or self.max_talk_time
        call = Call(
            request=request,
            requested_at=now,
            requested_at_pbx=now,
            reached_at=now,
            # Each of the two parties may ring for the whole timeout. Whole seconds,
            # so that many calls are not looked through more often.
            deadline=math.ceil(now + 2 * request.timeout + talk_time + GRACE),
        )
        self._requested += 1
        self._add(call)
        if request.call_id:
            self._identify(call, request.call_id)
        return call

    def set_clock(self, call: Call, pbx_clock_offset: float) -> None:
        """Take note of how many seconds the PBX's clock is ahead of ours."""
        call.requested_at_pbx = call.requested_at + pbx_clock_offset

    def confirm(self, call: Call, originated_call_id: str | None) -> None:
        """Take the PBX's answer: the call was placed."""
        if originated_call_id:
            self._identify(call, originated_call_id)
        self._watch_deadline(call)
        self._tell(call, CallState.PLACED)
        self._answered(call)

    def doubt(self, call: Call, error: str, originated_call_id: str = "") -> None:
        """Take a lost answer: the call may have been placed.

        Args:
            call: the one that was asked for.
            error: what became of the answer.
            originated_call_id: how the PBX would call it, if that is known.
        """
        call.error = error
        call.is_uncertain = True
        if originated_call_id:
            self._identify(call, originated_call_id)
        self._watch_deadline(call)
        self._tell(call, CallState.PLACED)
        self._answered(call)

    def reject(self, call: Call, error: str) -> None:
        """Take the PBX's refusal: there is no call, and nobody is told of one."""
        call.error = error
        call.result = CallResult.FAILED
        self._remove(call)
        self._answered(call)

    def restore(self, calls: Iterable[Call]) -> None:
        """Go on following calls of an earlier run."""
        for call in calls:
            self._add(call)
            if call.originated_call_id:
                self._identify(call, call.originated_call_id)
            if call.ending is None:
                self._watch_deadline(call)
            else:
                self._wait_for_better(call)

    def observe(self, evidence: CallEvidence) -> Call | None:
        """Take evidence, and return the call that it is about, if it is ours."""
        call = self._find(evidence)
        if call is not None and not call.is_requested:
            self._apply(call, evidence)
        elif self._requested and not self._is_late(evidence):
            # Its request may be the one whose answer is still on the way.
            self._early.append(evidence)
        return call

    def dismiss(self, evidence: CallEvidence) -> None:
        """Take the end of a call that somebody dialed by hand.

        The report tells the ids of our calls, events may leave them out. What comes
        of the same conversation by event later is not taken for a call of ours
        between the same two.
        """
        numbers = reported_form(evidence.caller), reported_form(evidence.callee)
        if evidence.conversation_id and numbers in self._by_numbers:
            _remember(self._ended_conversations, evidence.conversation_id)

    def report_read(self, began: float) -> None:
        """Take note that the report was read to its end.

        An uncertain call without an id that has no row there, and that nothing else
        has told of, ends as undetermined as soon as its row would have to be there.

        Args:
            began: Unix time by our clock at which the reading began.
        """
        for call in self.outstanding:
            is_known = call.originated_call_id or not call.is_uncertain
            if not is_known and _latest_row(call) <= began:
                self._end(call, CallResult.UNDETERMINED, EvidenceSource.REPORT)

    def expire(self) -> None:
        """End the calls of which nothing will be heard any more."""
        now = self._clock()
        for call in tuple(self._ending):
            if call.ending is None or call.deadline > now:
                break
            self._end(call, call.ending, EvidenceSource.EVENT)
        if now < self._next_deadline:
            return
        due = [call for call in self._watched() if call.deadline <= now]
        for call in sorted(due, key=_deadline):
            self._end(call, CallResult.UNDETERMINED, EvidenceSource.DEADLINE)
        self._next_deadline = min(map(_deadline, self._watched()), default=math.inf)

    def _watched(self) -> Iterator[Call]:
        """Return the calls that may come to their deadline."""
        return (call for call in self._outstanding if not call.is_requested)

    def _find(self, evidence: CallEvidence) -> Call | None:
        """Return the call that evidence is about, by its id or by its numbers."""
        call_id = evidence.originated_call_id
        if (call := self._by_id.get(call_id)) is not None:
            return call
        if self._is_late(evidence):
            return None
        numbers = reported_form(evidence.caller), reported_form(evidence.callee)
        fitting = [
            call
            for call in self._by_numbers.get(numbers, ())
            # One that has another id is another call.
            if not (call_id and call.originated_call_id)
        ]
        if len(fitting) > 1:
            fitting = _same_conversation(fitting, evidence) or [
                call for call in fitting if call.ending is None
            ]
        if len(fitting) > 1:
            # One whose answer was lost may be waited for while it is dialed again.
            fitting = [call for call in fitting if not _is_younger(evidence, call)]
        # Among several it is anybody's guess, and nothing here is guessed.
        if len(fitting) != 1:
            return None
        (call,) = fitting
        if _is_older(evidence, call):
            return None
        if call_id and not call.is_requested:
            self._identify(call, call_id)
        return call

    def _is_late(self, evidence: CallEvidence) -> bool:
        """Tell whether it is doubled, or about an earlier call of the same numbers."""
        return (
            evidence.originated_call_id in self._ended_ids
            or evidence.conversation_id in self._ended_conversations
        )

    def _apply(self, call: Call, evidence: CallEvidence) -> None:
        call.is_uncertain = False
        call.conversation_id = evidence.conversation_id or call.conversation_id
        if evidence.state is CallState.ENDED:
            self._take_end(call, evidence)
        elif call.ending is None and evidence.state.is_after(call.reached):
            call.reached = evidence.state
            call.reached_at = self._our_time(call, evidence.occurred_at)
            self._tell(call, evidence.state)

    def _take_end(self, call: Call, evidence: CallEvidence) -> None:
        result = evidence.result
        if result is None or _contradicts(call, result):
            return
        if call.ending is not None and not result.is_better_than(call.ending):
            return
        call.cause = evidence.cause
        call.ring_time = evidence.ring_time
        call.talk_time = evidence.talk_time
        if not evidence.is_provisional:
            self._end(call, result, evidence.source)
        elif call.ending is None:
            call.ending = result
            self._wait_for_better(call)
            self.on_ending()
        else:
            call.ending = result

    def _wait_for_better(self, call: Call) -> None:
        """Take a call for ended, whose result is told in a moment."""
        call.deadline = self._clock() + BETTER_END_WAIT
        del self._outstanding[call]
        self._ending[call] = None

    def _our_time(self, call: Call, occurred_at: float | None) -> float:
        """Return when something happened by our clock: now, unless it is old."""
        now = self._clock()
        if occurred_at is None:
            return now
        clock_offset = call.requested_at_pbx - call.requested_at
        then = max(occurred_at - clock_offset, call.requested_at)
        # How far the PBX's clock is off is known to a second only.
        return then if then < now - CLOCK_RESOLUTION else now

    def _end(self, call: Call, result: CallResult, source: EvidenceSource) -> None:
        call.result = result
        call.evidence = source
        call.ending = None
        call.is_uncertain = False
        self._remove(call)
        self._tell(call, CallState.ENDED)

    def _answered(self, call: Call) -> None:
        """Let go what was kept while a request had no answer."""
        call.is_requested = False
        self._requested -= 1
        early = tuple(self._early)
        self._early.clear()
        for evidence in early:
            self.observe(evidence)

    def _add(self, call: Call) -> None:
        self._outstanding[call] = None
        self._by_numbers.setdefault(call.numbers, {})[call] = None

    def _watch_deadline(self, call: Call) -> None:
        self._next_deadline = min(self._next_deadline, call.deadline)

    def _identify(self, call: Call, originated_call_id: str) -> None:
        call.originated_call_id = originated_call_id
        self._by_id[originated_call_id] = call

    def _remove(self, call: Call) -> None:
        self._outstanding.pop(call, None)
        self._ending.pop(call, None)
        if self._by_id.pop(call.originated_call_id, None) is not None:
            _remember(self._ended_ids, call.originated_call_id)
        if call.conversation_id:
            _remember(self._ended_conversations, call.conversation_id)
        fitting = self._by_numbers[call.numbers]
        del fitting[call]
        if not fitting:
            del self._by_numbers[call.numbers]
        if not self._outstanding:
            self._next_deadline = math.inf
        self.recent.append(call)

    def _tell(self, call: Call, state: CallState) -> None:
        for listener in tuple(self._listeners):
            listener(call, state)


def _remember(ids: dict[str, None], ended: str) -> None:
    """Add an id to those that have ended, and forget the oldest."""
    ids[ended] = None
    if len(ids) > MAX_ENDED_IDS:
        del ids[next(iter(ids))]


def _nobody() -> None:
    """Be told."""


def _deadline(call: Call) -> float:
    return call.deadline


def _latest_row(call: Call) -> float:
    """Return the Unix time at which a call has ended and is in the report, if it is."""
    request = call.request
    talk_time = request.call_limit or PRESUMED_TALK_TIME
    return call.requested_at + 2 * request.timeout + talk_time + GRACE


def _same_conversation(calls: Iterable[Call], evidence: CallEvidence) -> list[Call]:
    """Return the calls that have been told of under the name that evidence has."""
    name = evidence.conversation_id
    return [call for call in calls if name and call.conversation_id == name]


def _is_older(evidence: CallEvidence, call: Call) -> bool:
    """Tell whether evidence is of a conversation that was there before a call."""
    earliest = call.requested_at_pbx - CLOCK_TOLERANCE
    occurred_at, began_at = evidence.occurred_at, evidence.began_at
    if occurred_at is not None and occurred_at < earliest:
        return True
    return began_at is not None and earliest - PLAUSIBLE < began_at < earliest


def _is_younger(evidence: CallEvidence, call: Call) -> bool:
    """Tell whether evidence is of a conversation that began long after a request."""
    began_at = evidence.began_at
    latest = call.requested_at_pbx + LONGEST_REQUEST + CLOCK_TOLERANCE
    return began_at is not None and latest < began_at < latest + PLAUSIBLE


def _contradicts(call: Call, result: CallResult) -> bool:
    """Tell whether a result denies what is known for certain.

    A caller whose phone was answered has been reached. (That the callee was
    talking is told by the state of a phone alone, and yields to any result.)
    """
    return (
        result is CallResult.CALLER_UNREACHABLE and call.reached is not CallState.PLACED
    )
