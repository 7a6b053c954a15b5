"""Tests of the tracker: each call ends exactly once and never goes backward."""

from dataclasses import replace
import itertools
import sys
import tracemalloc

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.announcement import (
    Announced,
    Announcement,
    Audio,
    Played,
)
from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    Source,
)
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.open_calls import MAX_OTHER_CALLS
from custom_components.pbx.calls.tracker import MAX_HELD, RECENT_CALLS, CallTracker

REQUEST = CallRequest(
    call_id="ha-0",
    caller="101",
    callee="09121234567",
    context="main_routing",
    caller_id="101",
    trunk_name=None,
    timeout=30,
    call_limit=None,
)
RINGING = CallUpdate(source=Source.EVENT, state=CallState.RINGING_CALLEE)
CONNECTED = CallUpdate(source=Source.EVENT, state=CallState.CONNECTED)
ANSWERED = CallUpdate(
    source=Source.EVENT,
    state=CallState.ENDED,
    result=CallResult.ANSWERED,
    ring_time=4,
    talk_time=20,
)
BUSY = replace(ANSWERED, result=CallResult.BUSY)
UNREACHED = replace(
    BUSY, result=CallResult.CALLER_UNREACHABLE, ring_time=None, talk_time=None
)


_names = itertools.count(1)


class Clock:
    """A clock that only advances when it is set."""

    def __init__(self) -> None:
        """Initialize the clock."""
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        """Return the Unix time."""
        return self.now


class Recorder:
    """Records the notifications of a tracker."""

    def __init__(self) -> None:
        """Initialize the recorder."""
        self.notified: list[tuple[Call, CallState]] = []

    def __call__(self, call: Call, state: CallState) -> None:
        """Record a notification."""
        self.notified.append((call, state))

    def states(self, call: Call) -> list[CallState]:
        """Return the recorded states of a call."""
        return [state for each, state in self.notified if each is call]


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def recorder() -> Recorder:
    """Return a recorder."""
    return Recorder()


@pytest.fixture
def tracker(clock: Clock, recorder: Recorder) -> CallTracker:
    """Return a tracker with that clock."""
    return CallTracker(clock, recorder)


def add(tracker: CallTracker, **changes: object) -> Call:
    """Return a call that is being requested, with an ID of its own."""
    changes.setdefault("call_id", f"ha-{next(_names)}")
    return tracker.add(replace(REQUEST, **changes))  # type: ignore[arg-type]


def about(update: CallUpdate, request: str = "", **changes: object) -> CallUpdate:
    """Return an update about a call."""
    return replace(update, originated_call_id=request, **changes)  # type: ignore[arg-type]


def by_numbers(update: CallUpdate, call_id: str = "") -> CallUpdate:
    """Return an update with the numbers of the request, as in events."""
    return about(update, call_id, caller="101", callee="9121234567")


def placed(tracker: CallTracker, call_id: str | None = "id-1") -> Call:
    """Return a call that the PBX has confirmed."""
    call = add(tracker)
    tracker.confirm(call, call_id)
    return call


# 22 seconds: 10 seconds twice, and a pause after each.
SAID = Announcement(audio=Audio(bytes(320_000)), confirm_key="1", key_timeout=5)


def test_announcement(clock: Clock, recorder: Recorder) -> None:
    """An announcement has no caller; its progress is no state of the call."""
    progress: list[Played] = []
    tracker = CallTracker(
        clock,
        recorder,
        lambda call: progress.append((call.announced or Announced()).played),
    )
    call = add(tracker, caller="200", callee="200", announcement=SAID)
    tracker.confirm(call, "id-1")
    assert call.announced == Announced(confirmed=False)
    for update in (
        about(CONNECTED, "id-1", caller="200"),
        about(CONNECTED, "id-1", announced=Announced(played=Played.PART)),
        about(CONNECTED, "id-1", announced=Announced(played=Played.PART)),
        about(CONNECTED, "id-1", announced=Announced(played=Played.FULL)),
        about(ANSWERED, "id-1"),
    ):
        tracker.observe(update)
    states = [CallState.PLACED, CallState.CONNECTED, CallState.ENDED]
    assert recorder.states(call) == states
    assert progress == [Played.PART, Played.FULL]
    assert call.announced == Announced(played=Played.FULL)
    assert (call.caller, call.callee) == ("", "200")


@pytest.mark.parametrize(
    ("connect_to", "call_limit", "lasts"),
    # Ringing, speech, waits for a key, and what a PBX may report late.
    [(None, None, 60 + 22 + 4 * 5 + 10), (None, 300, 112), ("102", 300, 412)],
)
@pytest.mark.parametrize("answered", [True, False])
def test_deadline_of_announcement(
    tracker: CallTracker,
    clock: Clock,
    connect_to: str | None,
    call_limit: int | None,
    lasts: float,
    *,
    answered: bool,
) -> None:
    """It has its length; the call limit only counts where two parties talk."""
    announcement = replace(SAID, connect_to=connect_to)
    call = add(tracker, announcement=announcement, call_limit=call_limit)
    tracker.confirm(call, "id-1")
    if answered:
        # The second party may ring as long as the first.
        clock.now += 30
        lasts -= 30
        tracker.observe(about(CONNECTED, "id-1"))
    clock.now += lasts - 1
    tracker.expire()
    assert call.result is None
    clock.now += 1
    tracker.expire()
    assert call.result is CallResult.UNDETERMINED


def test_complete_call(tracker: CallTracker, recorder: Recorder) -> None:
    """A call passes through all states, with all its details."""
    call = placed(tracker)
    assert call.caller_answered is None
    for update in (RINGING, CONNECTED, ANSWERED):
        assert tracker.observe(about(update, "id-1")) is call

    assert recorder.states(call) == list(CallState)
    assert call.outcome() == {
        "originated_call_id": "id-1",
        "result": "answered",
        "caller_answered": True,
        "ring_time": 4,
        "talk_time": 20,
        "cause": None,
    }
    assert tuple(tracker.open.placed) == ()
    assert list(tracker.recent) == [call]


@pytest.mark.parametrize(
    ("result", "caller_answered"),
    [
        (CallResult.ANSWERED, True),
        (CallResult.NO_ANSWER, True),
        (CallResult.BUSY, True),
        (CallResult.FAILED, True),
        (CallResult.CALLER_UNREACHABLE, False),
    ],
)
def test_end_alone(
    tracker: CallTracker, recorder: Recorder, result: CallResult, caller_answered: bool
) -> None:
    """The end alone is enough, and shows whether the caller answered."""
    call = placed(tracker)
    tracker.observe(about(replace(BUSY, result=result), "id-1"))

    assert call.result is result
    assert call.caller_answered is caller_answered
    assert call.source is Source.EVENT
    assert recorder.states(call) == [CallState.PLACED, CallState.ENDED]


def test_caller_answered_before_the_end(tracker: CallTracker) -> None:
    """Any state of the callee's side shows that the caller answered."""
    call = placed(tracker)
    tracker.observe(about(RINGING, "id-1"))

    assert call.caller_answered is True
    assert call.state is CallState.RINGING_CALLEE


def test_never_backwards(tracker: CallTracker, recorder: Recorder) -> None:
    """Late and repeated updates change nothing."""
    call = placed(tracker)
    for update in (CONNECTED, RINGING, CONNECTED, ANSWERED, BUSY, RINGING, ANSWERED):
        tracker.observe(about(update, "id-1"))

    assert call.result is CallResult.ANSWERED
    assert recorder.states(call) == [
        CallState.PLACED,
        CallState.CONNECTED,
        CallState.ENDED,
    ]


def test_contradiction(tracker: CallTracker) -> None:
    """A caller who answered cannot become unreachable by a late report."""
    call = placed(tracker)
    tracker.observe(about(RINGING, "id-1"))
    tracker.observe(about(UNREACHED, "id-1"))
    assert call.result is None

    tracker.observe(about(BUSY, "id-1"))
    assert call.result is CallResult.BUSY


def test_end_without_a_result(tracker: CallTracker) -> None:
    """An end without a result waits for the deadline."""
    call = placed(tracker)
    tracker.observe(about(replace(BUSY, result=None), "id-1"))

    assert call.state is CallState.PLACED


@pytest.mark.parametrize(
    ("ago", "by_our_clock"),
    [
        (None, 0),
        # It is reported later than it happened.
        (30, 30),
        # A clock is only converted to whole seconds.
        (-0.5, 0),
        # Nothing happens before the call is requested.
        (1000, 60),
    ],
)
def test_times(
    tracker: CallTracker, clock: Clock, ago: float | None, by_our_clock: float
) -> None:
    """Times are those of the event, by our clock."""
    call = placed(tracker)
    clock.now += 60
    at = None if ago is None else clock.now - ago
    tracker.observe(about(CONNECTED, "id-1", at=at))

    assert call.reached_at == clock.now - by_our_clock


def test_early_update(tracker: CallTracker, recorder: Recorder) -> None:
    """Updates that overtake the answer to the request are held for it."""
    call = add(tracker)
    tracker.observe(about(RINGING, "id-1"))
    tracker.observe(by_numbers(ANSWERED))
    assert recorder.notified == []

    tracker.confirm(call, "id-1")
    assert recorder.states(call) == [
        CallState.PLACED,
        CallState.RINGING_CALLEE,
        CallState.ENDED,
    ]


def test_late_updates_do_not_displace_early_ones(tracker: CallTracker) -> None:
    """Repeated ends of earlier calls do not displace held updates."""
    ended = placed(tracker, "id-1")
    tracker.observe(about(BUSY, "id-1"))
    assert ended.result is CallResult.BUSY
    hanging = add(tracker)
    tracker.observe(by_numbers(ANSWERED, "id-2"))
    for _ in range(2 * MAX_HELD):
        tracker.observe(about(BUSY, "id-1"))
    tracker.mark_uncertain(hanging, "no response within 10 s")

    assert hanging.result is CallResult.ANSWERED


def test_early_update_waits_for_its_answer(tracker: CallTracker) -> None:
    """The answer to one request does not drop the updates held for another."""
    first, second = add(tracker), add(tracker)
    tracker.observe(about(BUSY, "id-2"))
    tracker.confirm(first, "id-1")
    tracker.confirm(second, "id-2")

    assert first.result is None
    assert second.result is CallResult.BUSY


def test_unknown_calls(tracker: CallTracker, recorder: Recorder) -> None:
    """Updates about unknown calls are ignored."""
    call = placed(tracker)

    assert tracker.observe(about(BUSY, "id-9")) is None
    assert tracker.observe(about(BUSY, caller="101", callee="102")) is None
    assert tracker.observe(BUSY) is None
    # The same numbers, but the ID of another call.
    assert tracker.observe(by_numbers(BUSY, "id-9")) is None
    assert recorder.states(call) == [CallState.PLACED]


def test_by_numbers(tracker: CallTracker) -> None:
    """Without an ID, the numbers identify the call, even without leading zeros."""
    call = placed(tracker)

    assert tracker.observe(by_numbers(BUSY)) is call
    assert call.result is CallResult.BUSY


@pytest.mark.parametrize(
    ("began", "is_known"), [(11, False), (12, True), (None, False)]
)
def test_later_call_after_an_uncertain_one(
    tracker: CallTracker, clock: Clock, began: float | None, is_known: bool
) -> None:
    """A conversation that began long after an uncertain request is a later call's."""
    lost = add(tracker)
    tracker.mark_uncertain(lost, "Lost")
    asked_at = clock.now
    clock.now += 12
    again = placed(tracker)
    event = replace(
        by_numbers(CONNECTED),
        began_at=None if began is None else asked_at + began + 0.5,
    )

    assert tracker.observe(event) is (again if is_known else None)
    assert lost.is_uncertain


def test_by_numbers_only_if_unique(tracker: CallTracker) -> None:
    """Two calls with the same numbers are not guessed between."""
    first, second = placed(tracker, "id-1"), placed(tracker, "id-2")

    assert tracker.observe(by_numbers(BUSY)) is None
    tracker.observe(about(ANSWERED, "id-1"))
    assert tracker.observe(by_numbers(BUSY)) is second
    assert first.result is CallResult.ANSWERED


@pytest.mark.parametrize("is_doubted", [True, False])
def test_without_an_id(tracker: CallTracker, is_doubted: bool) -> None:
    """A call without an ID is found by its numbers, and takes the reported ID."""
    call = add(tracker)
    if is_doubted:
        tracker.mark_uncertain(call, "no answer in time")
    else:
        tracker.confirm(call, None)

    tracker.observe(by_numbers(RINGING, "id-7"))
    assert call.originated_call_id == "id-7"
    tracker.observe(about(BUSY, "id-7"))
    assert call.result is CallResult.BUSY


def test_uncertain(tracker: CallTracker) -> None:
    """A call is uncertain from the lost answer until the first update."""
    placed(tracker)
    call = add(tracker)
    assert not call.is_uncertain
    tracker.mark_uncertain(call, "no answer in time", "id-2")
    assert call.is_uncertain

    tracker.observe(about(RINGING, "id-2"))
    assert not call.is_uncertain


def test_uncertain_until_the_end(tracker: CallTracker, clock: Clock) -> None:
    """A call that has ended or had an update is not uncertain."""
    silent = add(tracker)
    tracker.mark_uncertain(silent, "no answer in time", "id-1")
    heard = add(tracker)
    tracker.observe(about(RINGING, "id-2"))
    tracker.mark_uncertain(heard, "no answer in time", "id-2")
    assert (silent.is_uncertain, heard.is_uncertain) == (True, False)

    clock.now = silent.deadline
    tracker.expire()
    assert silent.result is CallResult.UNDETERMINED
    assert not silent.is_uncertain


def test_late_report_without_an_id(tracker: CallTracker) -> None:
    """A late report of an ended call is not matched to the next call."""
    placed(tracker, "id-1")
    tracker.observe(about(ANSWERED, "id-1"))
    second = placed(tracker, None)

    assert tracker.observe(by_numbers(BUSY, "id-1")) is None
    assert second.result is None


def test_older_report_without_an_id(tracker: CallTracker, clock: Clock) -> None:
    """A report from before the call is about another call."""
    call = add(tracker)
    tracker.confirm(call, None)
    before = replace(by_numbers(BUSY, "id-6"), at=clock.now - 10)
    row = replace(by_numbers(BUSY, "id-7"), at=clock.now - 1)

    assert tracker.observe(before) is None
    assert tracker.observe(row) is call


def test_repeated_update_is_not_matched_to_the_next_call(
    tracker: CallTracker,
) -> None:
    """The call ID identifies late updates of the previous call."""
    first = placed(tracker, "id-1")
    reported = replace(by_numbers(BUSY), call_id="17.1")
    assert tracker.observe(reported) is first
    second = placed(tracker, "id-2")

    assert tracker.observe(reported) is None
    connected = replace(by_numbers(CONNECTED), call_id="17.1")
    assert tracker.observe(connected) is None
    assert second.state is CallState.PLACED
    assert tracker.observe(replace(reported, call_id="17.2")) is second


def test_rejected(tracker: CallTracker, recorder: Recorder) -> None:
    """A refused request is remembered, without a notification."""
    call = add(tracker)
    tracker.undo(call, "Refused: no line")

    assert (call.result, call.source) == (CallResult.FAILED, None)
    assert call.caller_answered is None
    assert call.error == "Refused: no line"
    assert tuple(tracker.open.placed) == ()
    assert tracker.next_deadline is None
    assert list(tracker.recent) == [call]
    assert recorder.notified == []


@pytest.mark.parametrize(
    ("call_limit", "seconds"), [(None, 60 + 3600 + 10), (120, 60 + 120 + 10)]
)
def test_deadline(
    tracker: CallTracker, clock: Clock, call_limit: int | None, seconds: int
) -> None:
    """A call becomes undetermined at its deadline, and not before."""
    call = add(tracker, call_limit=call_limit)
    tracker.confirm(call, "id-1")
    assert tracker.next_deadline == clock.now + seconds

    clock.now += seconds - 1
    tracker.expire()
    assert call.result is None
    clock.now += 1
    tracker.expire()
    assert call.result is CallResult.UNDETERMINED
    assert call.source is Source.DEADLINE
    assert call.caller_answered is None
    assert tracker.next_deadline is None


def test_deadline_after_the_caller_answered(tracker: CallTracker, clock: Clock) -> None:
    """The known details survive a silent end."""
    tracker.max_talk_time = 60
    call = placed(tracker)
    tracker.observe(about(RINGING, "id-1"))
    clock.now += 130
    tracker.expire()

    assert call.result is CallResult.UNDETERMINED
    assert call.caller_answered is True


def test_recent_calls_are_bounded(tracker: CallTracker) -> None:
    """Only the latest ended calls are remembered."""
    for number in range(RECENT_CALLS + 5):
        placed(tracker, f"id-{number}")
        tracker.observe(about(BUSY, f"id-{number}"))

    assert len(tracker.recent) == RECENT_CALLS
    assert tracker.recent[-1].originated_call_id == f"id-{RECENT_CALLS + 4}"


def test_restore(tracker: CallTracker, clock: Clock) -> None:
    """Stored calls are restored, and end with their result."""
    placed(tracker, "id-1")
    tracker.observe(about(RINGING, "id-1"))
    add(tracker, caller="102")
    stored = [call.as_dict() for call in tracker.open.placed]

    recorder = Recorder()
    later = CallTracker(clock, recorder)
    later.restore(map(Call.from_dict, stored))
    known, requested = later.open.placed
    assert known.state is CallState.RINGING_CALLEE
    later.observe(about(ANSWERED, "id-1"))
    later.observe(about(BUSY, "id-2", caller="102", callee="9121234567"))

    assert known.result is CallResult.ANSWERED
    # This request was under way when everything stopped.
    assert requested.result is CallResult.BUSY
    assert [state for _, state in recorder.notified] == [CallState.ENDED] * 2


# --- Provisional ends ---

NO_ANSWER = replace(ANSWERED, result=CallResult.NO_ANSWER, is_provisional=True)


def test_provisional_end(
    tracker: CallTracker, clock: Clock, recorder: Recorder
) -> None:
    """Limits count the call as ended at once; the notification follows later."""
    call = placed(tracker)
    tracker.observe(about(NO_ANSWER, "id-1"))

    assert (call.is_over, tuple(tracker.open.placed)) == (True, (call,))
    assert call.state is CallState.PLACED
    assert tracker.next_deadline == clock.now + 1

    clock.now += 0.9
    tracker.expire()
    assert call.result is None
    clock.now += 0.1
    tracker.expire()
    assert call.result is CallResult.NO_ANSWER
    assert call.source is Source.EVENT
    assert recorder.states(call) == [CallState.PLACED, CallState.ENDED]
    assert (tuple(tracker.open.placed), tracker.next_deadline) == ((), None)


def test_answered_leg(tracker: CallTracker, recorder: Recorder) -> None:
    """An answered leg ends the call at once, regardless of other legs."""
    call = placed(tracker)
    tracker.observe(about(NO_ANSWER, "id-1", talk_time=0))
    tracker.observe(about(ANSWERED, "id-1"))
    tracker.observe(about(NO_ANSWER, "id-1", talk_time=0))

    assert (call.result, call.talk_time) == (CallResult.ANSWERED, 20)
    assert recorder.states(call) == [CallState.PLACED, CallState.ENDED]
    assert tracker.next_deadline is None


@pytest.mark.parametrize(
    "order", list(itertools.permutations((CallResult.NO_ANSWER, *CallResult), 3))[::7]
)
def test_best_leg(
    tracker: CallTracker, clock: Clock, order: tuple[CallResult, ...]
) -> None:
    """The best result of all legs counts, in any order."""
    call = placed(tracker)
    for result in order:
        is_provisional = result is not CallResult.ANSWERED
        end = replace(NO_ANSWER, result=result, is_provisional=is_provisional)
        tracker.observe(about(end, "id-1"))
    clock.now += 1
    tracker.expire()

    assert call.result is min(order, key=list(CallResult).index)


def test_better_result_of_the_report(tracker: CallTracker) -> None:
    """A better result of the report ends the call."""
    call = placed(tracker)
    tracker.observe(about(replace(NO_ANSWER, result=CallResult.FAILED), "id-1"))
    tracker.observe(about(UNREACHED, "id-1", source=Source.REPORT))
    assert call.result is None

    tracker.observe(about(BUSY, "id-1", source=Source.REPORT))
    assert call.outcome()["result"] == "busy"
    assert call.source is Source.REPORT


def test_late_updates_after_a_provisional_end(tracker: CallTracker) -> None:
    """Late updates of a call with a provisional end change nothing."""
    call = placed(tracker)
    tracker.observe(about(NO_ANSWER, "id-1"))
    tracker.observe(about(CONNECTED, "id-1"))

    assert call.state is CallState.PLACED


def test_redial_after_a_provisional_end(tracker: CallTracker, clock: Clock) -> None:
    """The next leg is known by its call ID, and a redial by being open."""
    first = placed(tracker, "id-1")
    tracker.observe(replace(by_numbers(NO_ANSWER), call_id="17.1"))
    second = placed(tracker, "id-2")

    assert tracker.observe(by_numbers(RINGING)) is second
    leg = replace(by_numbers(ANSWERED), call_id="17.1")
    assert tracker.observe(leg) is first
    assert first.result is CallResult.ANSWERED
    clock.now += 1
    tracker.expire()
    assert second.state is CallState.RINGING_CALLEE


def test_each_call_waits_its_own_time(tracker: CallTracker, clock: Clock) -> None:
    """Each call waits its own second."""
    first, second = placed(tracker, "id-1"), placed(tracker, "id-2")
    tracker.observe(about(NO_ANSWER, "id-1"))
    clock.now += 0.5
    tracker.observe(about(NO_ANSWER, "id-2"))
    clock.now += 0.5
    tracker.expire()

    assert (first.result, second.result) == (CallResult.NO_ANSWER, None)
    assert tracker.next_deadline == clock.now + 0.5


def test_restore_with_a_provisional_end(tracker: CallTracker, clock: Clock) -> None:
    """The provisional end is not lost."""
    placed(tracker)
    tracker.observe(about(NO_ANSWER, "id-1"))
    stored = [call.as_dict() for call in tracker.open.placed]

    later = CallTracker(clock, Recorder())
    later.restore(map(Call.from_dict, stored))
    assert later.next_deadline == clock.now + 1
    (call,) = later.open.placed
    clock.now += 1
    later.expire()
    assert call.result is CallResult.NO_ANSWER


# --- The report ---


def test_report_without_a_row(tracker: CallTracker) -> None:
    """A backend that found no report row ends the call by our own ID."""
    call = add(tracker)
    tracker.mark_uncertain(call, "no answer in time")
    nothing = replace(UNREACHED, result=CallResult.UNDETERMINED, source=Source.REPORT)
    tracker.observe(about(nothing, call.request.call_id))  # type: ignore[union-attr]

    assert call.result is CallResult.UNDETERMINED
    assert call.originated_call_id == ""
    assert call.caller_answered is None


def test_early_report(tracker: CallTracker) -> None:
    """A row with an ID may be about a request without an answer."""
    call = add(tracker)
    tracker.observe(about(BUSY, "id-1", source=Source.REPORT, call_id="17.1"))
    tracker.confirm(call, "id-1")

    assert call.result is CallResult.BUSY


def test_row_of_another_request(tracker: CallTracker, recorder: Recorder) -> None:
    """A row of another request is ignored."""
    placed(tracker)
    tracker.observe(about(BUSY, "id-9", source=Source.REPORT, caller="1", callee="2"))

    assert [state for _, state in recorder.notified] == [CallState.PLACED]


def test_manual_call(tracker: CallTracker) -> None:
    """A manual conversation in the report is not matched to a placed call by event."""
    ours = placed(tracker)
    row = replace(by_numbers(BUSY), call_id="17.1", source=Source.REPORT)
    assert tracker.observe(row) is None
    event = replace(by_numbers(ANSWERED), call_id="17.1")

    assert tracker.observe(event) is None
    assert tracker.observe(replace(event, call_id="17.2")) is ours


def test_report_without_a_match(tracker: CallTracker) -> None:
    """A row without a call ID, or with other numbers, changes nothing."""
    ours = placed(tracker)
    row = replace(BUSY, source=Source.REPORT)
    tracker.observe(by_numbers(row))
    tracker.observe(replace(row, caller="1", callee="2", call_id="17.1"))

    event = replace(by_numbers(ANSWERED), call_id="17.1")
    assert tracker.observe(event) is ours


@pytest.mark.parametrize(
    ("began", "is_ours"), [(-3, False), (-2, True), (9, True), (-90_000, True)]
)
def test_earlier_conversation(
    tracker: CallTracker, clock: Clock, began: float, is_ours: bool
) -> None:
    """An earlier conversation is another call; an implausible time is ignored."""
    ours = placed(tracker)
    event = replace(by_numbers(ANSWERED), began_at=clock.now + began)

    assert tracker.observe(event) is (ours if is_ours else None)


UPDATES = st.builds(
    CallUpdate,
    source=st.sampled_from([Source.EVENT, Source.REPORT]),
    state=st.sampled_from(CallState),
    originated_call_id=st.sampled_from(["", "id-0", "id-1", "id-2", "id-9"]),
    caller=st.sampled_from(["", "101", "102"]),
    callee=st.sampled_from(["", "9121234567", "103"]),
    result=st.sampled_from([None, *CallResult]),
    ring_time=st.none() | st.floats(0, 100),
    at=st.none() | st.floats(1_699_999_000, 1_700_001_000),
    began_at=st.none() | st.floats(1_699_999_000, 1_700_001_000),
    call_id=st.sampled_from(["", "17.1", "17.2"]),
    is_provisional=st.booleans(),
    direction=st.sampled_from([None, *Direction]),
)
ANSWERS = st.sampled_from(["confirm", "confirm without id", "lose", "reject"])
STEPS = st.lists(
    UPDATES
    | st.sampled_from(["request", "expire"])
    | st.tuples(ANSWERS, st.integers(0, 5))
    | st.floats(0, 4000),
    max_size=40,
)


@given(STEPS)
def test_any_sequence(steps: list[object]) -> None:
    """With any updates in any order, each call goes forward and ends once."""
    clock = Clock()
    recorder = Recorder()
    tracker = CallTracker(clock, recorder)
    calls: list[Call] = []
    for step in steps:
        match step:
            case "request":
                calls.append(add(tracker))
            case "expire":
                tracker.expire()
            case CallUpdate():
                tracker.observe(step)
            case (str(answer), int(which)):
                _answer(tracker, calls, answer, which)
            case float(seconds):
                clock.now += seconds
        _check(tracker, recorder, calls)
    for call in [call for call in calls if call.is_requested]:
        tracker.mark_uncertain(call, "stopped")
    clock.now += 4000
    tracker.expire()

    _check(tracker, recorder, calls)
    assert tuple(tracker.open) == ()
    assert all(call.state is CallState.ENDED for call in calls)


def _answer(tracker: CallTracker, calls: list[Call], answer: str, which: int) -> None:
    waiting = [call for call in calls if call.is_requested]
    if which >= len(waiting):
        return
    call = waiting[which]
    match answer:
        case "confirm":
            tracker.confirm(call, f"id-{calls.index(call)}")
        case "confirm without id":
            tracker.confirm(call, None)
        case "lose":
            tracker.mark_uncertain(call, "lost")
        case _:
            tracker.undo(call, "refused")


def _check(tracker: CallTracker, recorder: Recorder, calls: list[Call]) -> None:
    order = list(CallState)
    for call in {**dict.fromkeys(calls), **dict(recorder.notified)}:
        positions = [order.index(state) for state in recorder.states(call)]
        assert positions == sorted(set(positions)), "forward, and each state once"
        if call.request is not None:
            assert (call in tracker.open.placed) == (call.result is None)
        if positions and call.request is not None and not call.is_requested:
            assert positions[0] == 0, "placed comes first"
        if call.result is CallResult.CALLER_UNREACHABLE:
            assert call.reached is CallState.PLACED, "no contradiction"
            assert call.caller_answered is False
    identified = [call.originated_call_id for call in calls if call.originated_call_id]
    assert len(identified) == len(set(identified)), "one call to an id"


def place_many(tracker: CallTracker, numbers: range) -> None:
    """Place calls between a hundred callers and as many callees as there are calls."""
    for number in numbers:
        call = add(tracker, caller=str(number % 100), callee=f"9{number}")
        tracker.confirm(call, f"orig.call.{number}")


def steps_of_an_event(tracker: CallTracker) -> int:
    """Count the executed lines of an update: known, by numbers, unknown."""
    monitoring = sys.monitoring
    events = monitoring.events.LINE | monitoring.events.JUMP
    count = itertools.count()
    monitoring.use_tool_id(monitoring.PROFILER_ID, "steps")
    for event in (monitoring.events.LINE, monitoring.events.JUMP):
        monitoring.register_callback(
            monitoring.PROFILER_ID, event, lambda *_: next(count)
        )
    monitoring.set_events(monitoring.PROFILER_ID, events)
    try:
        tracker.observe(about(RINGING, "orig.call.7"))
        tracker.observe(about(RINGING, caller="8", callee="98"))
        tracker.observe(about(BUSY, "orig.call.x", caller="9", callee="99"))
    finally:
        monitoring.set_events(monitoring.PROFILER_ID, 0)
        monitoring.free_tool_id(monitoring.PROFILER_ID)
    return next(count)


def test_ten_thousand_calls(clock: Clock) -> None:
    """An update takes as many steps with 10,000 open calls as with ten."""
    few, many = (CallTracker(clock, Recorder()) for _ in range(2))
    place_many(few, range(10))
    place_many(many, range(10_000))

    assert steps_of_an_event(many) == steps_of_an_event(few)
    for number in range(10_000):
        many.observe(about(BUSY, f"orig.call.{number}"))
    assert tuple(many.open.placed) == ()
    assert many.next_deadline is None


def test_memory(clock: Clock) -> None:
    """An open call takes less than 2 KB, and an ended one is released."""
    tracker = CallTracker(clock, lambda *_: None)
    outstanding, ended = [], []
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for first in range(0, 30_000, 10_000):
            place_many(tracker, range(first, first + 10_000))
            outstanding.append(tracemalloc.get_traced_memory()[0])
            for number in range(first, first + 10_000):
                tracker.observe(about(BUSY, f"orig.call.{number}"))
            placed(tracker)
            ended.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()

    assert outstanding[0] - before < 10_000 * 2048
    # The remainder is the tables of dictionaries that were full once.
    assert ended[0] - before < 1_500_000
    assert ended[-1] - ended[0] < 100_000


# --- Calls that we did not place ---

INCOMING = CallUpdate(
    state=CallState.PLACED,
    direction=Direction.INCOMING,
    call_id="17.1",
    caller="0912",
    callee="101",
)


def test_other_call(tracker: CallTracker, clock: Clock, recorder: Recorder) -> None:
    """Such a call is tracked from its first update to one end."""
    tracker.observe(INCOMING)
    (call,) = tracker.open
    assert (tuple(tracker.open.placed), call.request) == ((), None)
    clock.now += 5
    tracker.observe(CallUpdate(state=CallState.CONNECTED, call_id="17.1"))
    for _ in range(2):
        tracker.observe(replace(ANSWERED, call_id="17.1"))

    assert recorder.states(call) == [
        CallState.PLACED,
        CallState.CONNECTED,
        CallState.ENDED,
    ]
    assert [each for each, _ in recorder.notified] == [call] * 3
    assert (tuple(tracker.open), list(tracker.recent)) == ((), [])


@pytest.mark.parametrize(
    ("state", "seconds"), [(CallState.PLACED, 600), (CallState.CONNECTED, 3600)]
)
def test_lost_end_of_another_call(
    tracker: CallTracker, clock: Clock, state: CallState, seconds: int
) -> None:
    """Such a call expires if its end is lost; later if it is connected."""
    tracker.observe(replace(INCOMING, state=state))
    (call,) = tracker.open
    clock.now += seconds - 1
    tracker.expire()
    assert tuple(tracker.open) == (call,)
    clock.now += 1
    tracker.expire()
    assert call.result is CallResult.UNDETERMINED


def test_other_calls_do_not_wait(tracker: CallTracker, recorder: Recorder) -> None:
    """During a request, only updates that may be about it are held."""
    call = add(tracker)
    tracker.observe(INCOMING)
    assert [state for _, state in recorder.notified] == [CallState.PLACED]

    ours = replace(RINGING, direction=Direction.OUTGOING, call_id="17.2")
    tracker.observe(by_numbers(ours))
    assert len(recorder.notified) == 1
    tracker.confirm(call, None)
    assert recorder.states(call) == [CallState.PLACED, CallState.RINGING_CALLEE]


def test_other_call_becomes_placed(tracker: CallTracker, recorder: Recorder) -> None:
    """A call that turns out to be one that we placed disappears without an end."""
    call = placed(tracker)
    tracker.observe(replace(INCOMING, direction=Direction.OUTGOING))
    _, other = tracker.open
    tracker.observe(about(CONNECTED, "id-1", call_id="17.1"))
    assert tuple(tracker.open) == (call,)
    tracker.observe(replace(ANSWERED, call_id="17.1"))

    assert call.result is CallResult.ANSWERED
    assert recorder.states(other) == [CallState.PLACED]


def test_two_placed_calls_with_one_call_id(tracker: CallTracker) -> None:
    """One call ID for two placed calls ends neither of them."""
    first = placed(tracker, "id-1")
    tracker.observe(about(RINGING, "id-1", call_id="17.1"))
    second = placed(tracker, "id-2")
    tracker.observe(about(RINGING, "id-2", call_id="17.1"))

    assert tuple(tracker.open) == (first, second)


def test_other_calls_are_bounded(tracker: CallTracker, recorder: Recorder) -> None:
    """The oldest of too many calls are dropped without further notifications."""
    call = placed(tracker)
    for number in range(MAX_OTHER_CALLS + 1):
        tracker.observe(replace(INCOMING, call_id=f"18.{number}"))
    assert len(tracker.open) == MAX_OTHER_CALLS + 1
    assert call in tracker.open
    tracker.observe(replace(ANSWERED, call_id="18.0"))

    assert CallState.ENDED not in [state for _, state in recorder.notified]


@pytest.mark.parametrize(
    "update",
    [
        replace(INCOMING, direction=None),
        replace(ANSWERED, call_id="17.1", result=None),
        replace(ANSWERED, call_id="17.1", source=Source.REPORT),
    ],
)
def test_updates_that_start_no_call(
    tracker: CallTracker, recorder: Recorder, update: CallUpdate
) -> None:
    """An extension's state, an end without a result, and a report start no call."""
    tracker.observe(update)

    assert (tuple(tracker.open), recorder.notified) == ((), [])


def test_state_extends_the_deadline(tracker: CallTracker, clock: Clock) -> None:
    """An active call does not expire, however long its phones have rung."""
    tracker.max_talk_time = 60
    call = placed(tracker)
    clock.now = call.deadline - 1
    tracker.observe(about(CONNECTED, "id-1"))
    assert call.deadline == clock.now + 60 + 10
    clock.now = call.deadline - 1
    tracker.observe(about(CONNECTED, "id-1"))
    assert call.deadline == clock.now + 180


# --- Missed calls ---

ROW = CallUpdate(
    state=CallState.ENDED,
    call_id="17.1",
    direction=Direction.INCOMING,
    result=CallResult.NO_ANSWER,
    is_provisional=True,
)
# A row that a person answered; a mailbox that answers has such a row as well.
PERSON = replace(ROW, result=CallResult.ANSWERED)
PHONE = replace(CONNECTED, call_id="17.1", answered_by="102")
MAILBOX = CallUpdate(state=CallState.PLACED, call_id="17.1", is_unattended=True)


def came_in(tracker: CallTracker) -> Call:
    """Return a call that comes in."""
    tracker.observe(INCOMING)
    (call,) = tracker.open
    return call


def let_settle(tracker: CallTracker, clock: Clock) -> None:
    """Let the time pass in which a better end may follow."""
    clock.now += 3
    tracker.expire()


@pytest.mark.parametrize(
    "result", [CallResult.NO_ANSWER, CallResult.BUSY, CallResult.FAILED]
)
def test_missed(tracker: CallTracker, clock: Clock, result: CallResult) -> None:
    """A call that no phone answered is missed three seconds after the last end."""
    call = came_in(tracker)
    tracker.observe(replace(ROW, result=result))
    clock.now += 2.9
    tracker.expire()
    assert (call.result, call.is_missed, call.is_over) == (None, False, True)

    clock.now += 0.1
    tracker.expire()
    assert (call.result, call.is_missed) == (result, True)


def test_missed_at_once(tracker: CallTracker) -> None:
    """Where the PBX reports the end of the whole call, nothing better can follow."""
    call = came_in(tracker)
    tracker.observe(replace(ROW, is_provisional=False))
    assert (call.result, call.is_missed) == (CallResult.NO_ANSWER, True)


def test_any_update_defers_the_end(tracker: CallTracker, clock: Clock) -> None:
    """The three seconds begin again with each update of the call."""
    call = came_in(tracker)
    for update in (ROW, ROW, replace(INCOMING, state=CallState.RINGING_CALLEE), ROW):
        tracker.observe(update)
        clock.now += 2
        tracker.expire()
        assert call.result is None
    clock.now += 1
    tracker.expire()

    assert call.is_missed


def test_calls_that_are_not_missed(tracker: CallTracker, clock: Clock) -> None:
    """Other directions, calls that we placed, and lost ends are not missed."""
    for call_id, direction in (("1", Direction.OUTGOING), ("2", Direction.INTERNAL)):
        tracker.observe(replace(INCOMING, call_id=call_id, direction=direction))
        tracker.observe(replace(ROW, call_id=call_id, direction=direction))
    ours = placed(tracker)
    tracker.observe(about(ROW, "id-1", call_id=""))
    lost = replace(INCOMING, call_id="3")
    tracker.observe(lost)
    calls = list(tracker.open)
    clock.now += 600
    tracker.expire()

    assert len(calls) == 4
    assert calls[-1].result is CallResult.UNDETERMINED
    assert ours.result is CallResult.NO_ANSWER
    assert [call.is_missed for call in calls] == [False] * 4


def test_another_phone_answers(
    tracker: CallTracker, clock: Clock, recorder: Recorder
) -> None:
    """The rows of phones that stopped ringing do not end the call."""
    call = came_in(tracker)
    tracker.observe(ROW)
    clock.now += 1
    tracker.observe(PHONE)
    tracker.observe(ROW)
    assert (call.is_over, call.state) == (False, CallState.CONNECTED)
    clock.now += 300
    tracker.expire()
    tracker.observe(PERSON)

    assert (call.result, call.is_missed) == (CallResult.ANSWERED, False)
    assert recorder.states(call) == [
        CallState.PLACED,
        CallState.CONNECTED,
        CallState.ENDED,
    ]


def test_answering_phone_reported_last(tracker: CallTracker, clock: Clock) -> None:
    """A phone that answered, reported after the end, ends the call at once."""
    call = came_in(tracker)
    tracker.observe(PERSON)
    assert (tuple(tracker.open), call.is_over) == ((call,), True)
    tracker.observe(PHONE)
    assert (call.result, call.is_missed) == (CallResult.ANSWERED, False)
    let_settle(tracker, clock)

    assert call not in tracker.open


@pytest.mark.parametrize("order", [(MAILBOX, PERSON), (PERSON, MAILBOX)])
def test_mailbox(
    tracker: CallTracker, clock: Clock, order: tuple[CallUpdate, ...]
) -> None:
    """A mailbox that answered is no person, whichever event comes first."""
    call = came_in(tracker)
    for update in order:
        tracker.observe(update)
    let_settle(tracker, clock)

    assert (call.result, call.is_missed) == (CallResult.ANSWERED, True)


def test_mailbox_after_a_person(tracker: CallTracker) -> None:
    """A person who transfers the call to a mailbox has answered."""
    call = came_in(tracker)
    for update in (PHONE, MAILBOX, PERSON):
        tracker.observe(update)

    assert (call.result, call.is_missed) == (CallResult.ANSWERED, False)


def test_menu(tracker: CallTracker, clock: Clock) -> None:
    """A dialplan that answered is no person; the end of another phone counts more."""
    call = came_in(tracker)
    menu = replace(PERSON, is_unattended=True)
    tracker.observe(menu)
    let_settle(tracker, clock)
    assert call.is_missed

    tracker.observe(replace(INCOMING, call_id="17.2"))
    (other,) = tracker.open
    tracker.observe(replace(menu, call_id="17.2"))
    tracker.observe(replace(PERSON, call_id="17.2"))
    let_settle(tracker, clock)
    assert (other.result, other.is_missed) == (CallResult.ANSWERED, False)


def test_late_correction(
    tracker: CallTracker, clock: Clock, recorder: Recorder
) -> None:
    """A row that comes after the end is not reported."""
    call = came_in(tracker)
    tracker.observe(ROW)
    let_settle(tracker, clock)
    tracker.observe(PERSON)
    tracker.observe(PHONE)

    assert recorder.states(call) == [CallState.PLACED, CallState.ENDED]
    assert tuple(tracker.open) == ()


@pytest.mark.parametrize(
    ("began", "ended"), [(None, 0), (-900, -870), (-20, 0), (-90_000, 0)]
)
def test_time_of_an_end_alone(
    tracker: CallTracker,
    clock: Clock,
    recorder: Recorder,
    *,
    began: float | None,
    ended: float,
) -> None:
    """The end of an unknown call may be old: its time is that of the conversation."""
    began_at = began and clock.now + began
    tracker.observe(replace(ROW, began_at=began_at, ring_time=20, talk_time=10))
    now = clock.now
    let_settle(tracker, clock)

    ((call, _),) = recorder.notified
    assert call.ended_at == now + ended


RING_GROUP = st.lists(
    st.sampled_from(
        [
            ROW,
            replace(ROW, result=CallResult.BUSY),
            replace(ROW, result=CallResult.FAILED),
            PERSON,
            replace(PERSON, is_provisional=False),
            replace(PERSON, is_unattended=True),
        ]
    ),
    min_size=1,
    max_size=6,
)


@given(
    rows=RING_GROUP,
    copies=st.integers(1, 3),
    gaps=st.lists(st.floats(0, 2.9), min_size=18, max_size=18),
    is_announced=st.booleans(),
    late=RING_GROUP,
    data=st.data(),
)
def test_ring_group(
    rows: list[CallUpdate],
    copies: int,
    gaps: list[float],
    late: list[CallUpdate],
    data: st.DataObject,
    *,
    is_announced: bool,
) -> None:
    """Rows in any order, doubled and late: one end, missed if no person answered."""
    clock, recorder = Clock(), Recorder()
    tracker = CallTracker(clock, recorder)
    if is_announced:
        came_in(tracker)
    for row, gap in zip(data.draw(st.permutations(rows * copies)), gaps, strict=False):
        tracker.observe(row)
        clock.now += gap
        tracker.expire()
    let_settle(tracker, clock)
    for row in late:
        tracker.observe(row)
        let_settle(tracker, clock)

    (end,) = [call for call, state in recorder.notified if state is CallState.ENDED]
    by_person = [
        row.result is CallResult.ANSWERED and not row.is_unattended for row in rows
    ]
    assert end.is_missed is not any(by_person)
    assert tuple(tracker.open) == ()


@given(
    rows=RING_GROUP,
    position=st.integers(0, 6),
    gap=st.floats(0, 2.9),
)
def test_ring_group_with_states(
    rows: list[CallUpdate], position: int, gap: float
) -> None:
    """While a phone of the group talks, the ends of the others change nothing."""
    clock, recorder = Clock(), Recorder()
    tracker = CallTracker(clock, recorder)
    call = came_in(tracker)
    unanswered = [
        replace(row, result=CallResult.NO_ANSWER, is_provisional=True) for row in rows
    ]
    for update in (*unanswered[:position], PHONE, *unanswered[position:]):
        tracker.observe(update)
        clock.now += gap
        tracker.expire()
    clock.now += 1000
    tracker.expire()
    assert call.state is CallState.CONNECTED
    tracker.observe(PERSON)

    assert recorder.states(call)[-2:] == [CallState.CONNECTED, CallState.ENDED]
    assert not call.is_missed
