"""Tests of the call log: each call once, whatever is reported of it, and bounded."""

from collections.abc import Callable
from dataclasses import replace
from time import process_time
from typing import Any

import pytest

from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    Source,
    VoicemailUpdate,
)
from custom_components.pbx.calls.asked_by import AskedBy, AskedByType
from custom_components.pbx.calls.call_log import LOST_AFTER, LogChange
from custom_components.pbx.calls.call_log_store import MAX_DROPPED
from custom_components.pbx.calls.open_calls import MAX_OTHER_CALLS

from ..logs import MUM, end, ring, row
from .logged import DAY, REQUEST, START, Pbx, check, shown

# --- one call ------------------------------------------------------------------


def test_a_call_is_one_row_from_its_beginning_on() -> None:
    """A call that rings is a row, which changes until the call has ended."""
    pbx = Pbx(names={MUM: "Mum", "101": "Kitchen"})
    pbx.report(ring("1.2"))

    (live,) = pbx.rows
    assert (live.state, live.ended_at, live.is_missed) == ("placed", None, False)
    assert (live.caller_name, live.callee_name) == ("Mum", "Kitchen")
    pbx.pass_time(5)
    pbx.report(CallUpdate(state=CallState.CONNECTED, call_id="1.2", answered_by="102"))
    assert [each.state for each in pbx.rows] == ["connected"]
    pbx.pass_time(60)
    pbx.report(end("1.2", CallResult.ANSWERED, talk_time=60.0))
    pbx.settle()

    (ended,) = pbx.rows
    assert ended.id == live.id
    assert (ended.result, ended.talk_time) == ("answered", 60)
    assert (ended.began_at, ended.answered_by) == (START, "102")
    assert shown(pbx.changes) == {ended.id: ended}
    check(pbx.log)


def test_a_call_from_here() -> None:
    """A call from here is in the log when the PBX has placed it, and says who asked."""
    pbx = Pbx()
    asked_by = AskedBy(AskedByType.BUTTON, "user", "Paul")
    call = pbx.tracker.add(REQUEST)
    pbx.log.note_asked_by(call, asked_by)
    assert pbx.rows == []
    pbx.tracker.confirm(call, "1.7")

    (placed,) = pbx.rows
    assert (placed.is_placed, placed.direction) == (True, Direction.OUTGOING)
    assert placed.asked_by == asked_by
    assert placed.other_number == MUM

    refused = pbx.tracker.add(replace(REQUEST, call_id="ha-1"))
    pbx.log.note_asked_by(refused, asked_by)
    pbx.tracker.undo(refused, "busy")
    pbx.log.forget_request(refused)
    assert pbx.rows == [placed]


def test_each_change_is_told_once() -> None:
    """Whoever shows the call is not told twice that it has ended."""
    pbx = Pbx()
    answered = CallUpdate(state=CallState.CONNECTED, call_id="1.2", answered_by="101")
    pbx.report(ring("1.2"), answered, end("1.2", CallResult.ANSWERED))
    call = pbx.tracker.add(REQUEST)
    pbx.tracker.confirm(call, "o1")
    pbx.report(end("1.3", CallResult.ANSWERED, originated_call_id="o1"))
    states = [change.row and change.row.state.value for change in pbx.changes]
    assert states == ["placed", "connected", "ended", "placed", "ended"]


def test_events_before_the_call_is_known_as_ours() -> None:
    """A call whose events came as those of another one is one row in the end."""
    pbx = Pbx()
    outgoing = Direction.OUTGOING
    facts: dict[str, Any] = {"caller": "101", "callee": MUM, "call_id": "9.1"}
    pbx.report(CallUpdate(state=CallState.PLACED, direction=outgoing, **facts))
    call = pbx.tracker.add(REQUEST)
    pbx.tracker.confirm(call, "1.7")
    pbx.report(CallUpdate(state=CallState.CONNECTED, originated_call_id="1.7", **facts))

    (only,) = pbx.rows
    assert only.is_placed
    assert set(only.ids) == {"ha-0", "1.7", "9.1"}
    assert list(shown(pbx.changes).values()) == [only]
    check(pbx.log)


def test_a_late_answer_turns_a_missed_call_into_an_answered_one() -> None:
    """The report knows better; who looks at the row sees it."""
    pbx = Pbx()
    pbx.report(ring("1.2"), end("1.2"))
    pbx.settle()
    (missed,) = pbx.rows
    assert missed.is_missed
    assert pbx.log.missed_unseen == 1
    pbx.report(row("1.2", CallResult.ANSWERED, talk_time=30.0, answered_by="102"))

    (answered,) = pbx.rows
    assert answered.id == missed.id
    assert not answered.is_missed
    assert (answered.talk_time, answered.answered_by) == (30, "102")
    assert pbx.log.missed_unseen == 0
    assert pbx.changes[-1] == LogChange(answered.id, answered)
    # And not the other way around.
    pbx.report(row("1.2", CallResult.NO_ANSWER))
    assert pbx.rows == [answered]


def test_a_lost_end() -> None:
    """An incoming call whose end was lost has an unknown result after an hour."""
    pbx = Pbx()
    pbx.report(ring("1.2"))
    pbx.pass_time(LOST_AFTER - 1)
    pbx.report(ring("1.3"))
    pbx.pass_time(1)

    assert {each.ids: each.result for each in pbx.rows} == {
        ("1.2",): CallResult.UNDETERMINED,
        ("1.3",): None,
    }
    assert not any(each.is_missed for each in pbx.rows)


async def test_a_lost_end_over_a_restart() -> None:
    """Nobody follows it after a restart, so the log looks at the clock."""
    pbx = Pbx()
    pbx.report(ring("1.2"))
    await pbx.restart()
    assert [each.result for each in pbx.rows] == [None]
    pbx.pass_time(LOST_AFTER - 1)
    assert [each.result for each in pbx.rows] == [None]
    pbx.pass_time(1)
    (lost,) = pbx.rows
    assert lost.result is CallResult.UNDETERMINED
    assert lost.ended_at == pbx.now

    # The end comes after all: it is known.
    pbx.report(end("1.2", is_provisional=False))
    pbx.settle()
    assert [each.result for each in pbx.rows] == [CallResult.NO_ANSWER]
    assert pbx.log.missed_unseen == 1


async def test_a_lost_end_and_a_clock_that_was_ahead() -> None:
    """A call that seems to begin in a year does not ring for a year."""
    pbx = Pbx(now=START + 365 * DAY)
    pbx.report(ring("1.2"))
    await pbx.restart()
    assert [each.result for each in pbx.rows] == [None]
    pbx.now = START
    pbx.pass_time(300)
    assert [each.result for each in pbx.rows] == [CallResult.UNDETERMINED]


async def test_an_end_after_a_restart() -> None:
    """A call goes on over a restart, and is the same row; doubled ends are, too."""
    pbx = Pbx()
    pbx.report(ring("1.2"))
    (live,) = pbx.rows
    await pbx.restart()
    pbx.report(end("1.2", CallResult.ANSWERED, talk_time=9.0))
    pbx.settle()
    await pbx.restart()
    pbx.report(end("1.2", CallResult.ANSWERED, talk_time=9.0))
    pbx.report(ring("1.2"))
    pbx.settle()

    (ended,) = pbx.rows
    assert (ended.id, ended.result) == (live.id, CallResult.ANSWERED)
    check(pbx.log)


def test_a_mailbox() -> None:
    """A call that a mailbox answered is missed, and says that there is a message."""
    pbx = Pbx()
    pbx.report(ring("1.1", "0912"), ring("1.2"))
    pbx.report(end("1.2", CallResult.ANSWERED, is_unattended=True))
    pbx.settle()
    message = VoicemailUpdate("101", MUM.lstrip("0"), state="success")
    pbx.log.changed(message._replace(state="failed"))
    assert not any(each.voicemail for each in pbx.rows)
    pbx.log.changed(message)

    assert {each.caller: each.voicemail for each in pbx.rows} == {
        MUM: True,
        "0912": False,
    }
    assert pbx.log.missed_unseen == 1
    pbx.pass_time(301)
    pbx.log.changed(message._replace(caller="0913"))
    pbx.report(ring("1.3"), end("1.3"))
    pbx.settle()
    pbx.pass_time(400)
    pbx.log.changed(message)
    assert sum(each.voicemail for each in pbx.rows) == 1


# --- calls without an id ---------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({}, 1),
        ({"at": START + 10}, 1),
        ({"at": START + 10.1}, 2),
        ({"talk_time": 5.0}, 2),
        ({"talk_time": 0.0}, 1),
        ({"caller": "0912"}, 2),
        ({"caller": MUM.lstrip("0")}, 1),
        ({"callee": "102"}, 2),
        ({"direction": Direction.INTERNAL}, 2),
        ({"direction": None}, 1),
        ({"call_id": "1.2"}, 1),
    ],
)
def test_without_an_id(facts: dict[str, Any], count: int) -> None:
    """The same parties, direction and talk time, and an end within 10 s: one call."""
    pbx = Pbx()
    pbx.now += 20
    pbx.report(end("", at=START, began_at=START - 1))
    pbx.settle()
    pbx.store.floor = START - DAY
    pbx.report(replace(row("", at=START), **facts))
    assert len(pbx.rows) == count
    check(pbx.log)


def test_a_person_counts_more_than_a_menu() -> None:
    """Whoever has talked to a person has not been missed, whatever came after."""
    pbx = Pbx()
    pbx.report(ring("1.2"))
    pbx.report(CallUpdate(state=CallState.CONNECTED, call_id="1.2", answered_by="102"))
    pbx.report(end("1.2", CallResult.ANSWERED, is_unattended=True))
    pbx.settle()
    pbx.report(row("1.2", CallResult.ANSWERED, is_unattended=True))
    assert [each.is_missed for each in pbx.rows] == [False]
    assert pbx.log.missed_unseen == 0


def test_two_ids_are_two_calls() -> None:
    """Ids tell calls apart, however alike they are."""
    pbx = Pbx()
    pbx.report(end("1.2", at=START), end("1.3", at=START))
    pbx.settle()
    assert len(pbx.rows) == 2


@pytest.mark.parametrize("is_reported_first", [True, False])
def test_the_beginning_of_an_end_alone(*, is_reported_first: bool) -> None:
    """It began before it rang and talked, so both sources tell of one call."""
    pbx = Pbx()
    pbx.pass_time(5000)
    known: dict[str, Any] = {"ring_time": 10.0, "talk_time": 3600.0}
    told = [
        end("", CallResult.ANSWERED, **known),
        row("", CallResult.ANSWERED, at=pbx.now - 2, **known),
    ]
    pbx.report(*(told[::-1] if is_reported_first else told))
    (only,) = pbx.rows
    assert only.ended_at is not None
    assert only.ended_at - only.began_at == 3610
    check(pbx.log)


@pytest.mark.parametrize("source", list(Source)[:2])
def test_an_impossible_duration(source: Source) -> None:
    """Nonsense of a PBX neither hides a call nor breaks those who show it."""
    pbx = Pbx()
    pbx.now += 60
    pbx.report(end("1.2", source=source, ring_time=1e300, talk_time=1e12))
    pbx.settle()
    assert [each.began_at for each in pbx.rows] == [START + 60]


def test_a_live_call_is_not_one_that_has_ended() -> None:
    """An end without an id may be about any other call."""
    pbx = Pbx()
    pbx.report(ring("1.2"), end(""))
    pbx.settle()
    assert {each.ids: each.result for each in pbx.rows} == {
        ("1.2",): None,
        (): CallResult.NO_ANSWER,
    }


def test_without_an_id_only_the_end_is_known() -> None:
    """A call without an id cannot be followed: its beginning is no row."""
    pbx = Pbx()
    pbx.report(ring(""))
    assert pbx.rows == []
    pbx.report(end(""), end(""))
    pbx.settle()
    assert len(pbx.rows) == 1


# --- the report -----------------------------------------------------------------


def test_the_report_alone() -> None:
    """Where no events come, the report says it all, at its place in the order."""
    pbx = Pbx()
    pbx.pass_time(100)
    pbx.report(row("1.5", at=START + 90, ring_time=5.0, talk_time=0.0))
    pbx.report(row("1.4", CallResult.ANSWERED, at=START + 50, talk_time=30.0))

    assert [each.ids for each in pbx.rows] == [("1.5",), ("1.4",)]
    assert [each.began_at - START for each in pbx.rows] == [85, 20]
    # A first reading returns nothing older than itself.
    pbx.report(row("1.3", at=START))
    assert len(pbx.rows) == 2
    # An event without a call is no row: it may belong to a request that runs.
    pbx.report(replace(end("1.6"), direction=None, result=None))
    assert len(pbx.rows) == 2


def test_what_was_dropped_does_not_return() -> None:
    """A reading of the report does not bring back rows that were pruned."""
    pbx = Pbx(options={"log_calls": 3})
    reported = []
    for number in range(5):
        pbx.pass_time(100)
        reported.append(row(f"1.{number}", at=pbx.now))
        pbx.report(reported[-1])
    assert [each.ids[0] for each in pbx.rows] == ["1.4", "1.3", "1.2"]
    pbx.set_options(log_calls=10)
    pbx.report(*reported)

    assert [each.ids[0] for each in pbx.rows] == ["1.4", "1.3", "1.2"]
    assert len(shown(pbx.changes)) == 3
    pbx.pass_time(90 * DAY + 1)
    pbx.report(*reported)
    assert pbx.rows == []
    assert shown(pbx.changes) == {}
    check(pbx.log)


def test_an_old_row_of_the_report_is_not_even_shown() -> None:
    """Home Assistant was off for longer than calls are kept."""
    pbx = Pbx(options={"log_days": 1})
    pbx.pass_time(5 * DAY)
    pbx.report(row("1.1", at=START + 3 * DAY), row("1.2", at=pbx.now - 60))
    assert [each.ids for each in pbx.rows] == [("1.2",)]


def test_a_dropped_call_that_is_reported_as_a_later_one() -> None:
    """The clock of the PBX is ahead: its id says that it is the same call."""
    pbx = Pbx(options={"log_calls": 1})
    pbx.report(ring("1.1"))
    pbx.pass_time(1)
    pbx.report(ring("1.2"))
    pbx.pass_time(60)
    pbx.set_options(log_calls=5)
    pbx.report(row("1.1", at=pbx.now, began_at=START + 30))
    assert [each.ids for each in pbx.rows] == [("1.2",)]
    # It goes on, unseen.
    connected = CallUpdate(state=CallState.CONNECTED, call_id="1.1")
    pbx.report(connected, end("1.1", CallResult.ANSWERED))
    pbx.settle()
    pbx.report(row("1.1", at=pbx.now, began_at=START + 30))
    assert [each.ids for each in pbx.rows] == [("1.2",)]


async def test_very_many_dropped_calls() -> None:
    """Not all ids can be kept; then the time says that a call was dropped."""
    pbx = Pbx(options={"log_calls": 1})
    ends = []
    for number in range(MAX_DROPPED + 5):
        pbx.pass_time(10)
        ends.append(end(f"1.{number}", began_at=pbx.now - 5, is_provisional=False))
        pbx.report(ends[-1])
    last = pbx.rows
    pbx.set_options(log_calls=500)
    # The PBX repeats events that it thinks were not received.
    await pbx.restart()
    pbx.report(*ends)
    pbx.settle()
    assert pbx.rows == last


# --- the bounds ------------------------------------------------------------------


def test_nothing_is_kept() -> None:
    """With 0, the rows go, the file is deleted, and no call is added."""
    pbx = Pbx()
    pbx.report(ring("1.2"), end("1.2"))
    pbx.settle()
    pbx.set_options(log_days=0)
    assert pbx.store.is_deleted
    assert (pbx.rows, pbx.log.missed_unseen, pbx.log.is_enabled) == ([], 0, False)
    pbx.report(ring("1.3"), end("1.3"), row("1.4", at=pbx.now))
    pbx.log.note_asked_by(pbx.tracker.add(REQUEST), AskedBy(AskedByType.USER))
    pbx.pass_time(1)
    assert pbx.rows == []
    # Calls of the time in between do not come back.
    before = pbx.now
    pbx.pass_time(10)
    pbx.set_options(log_days=1)
    pbx.report(row("1.5", at=before))
    assert pbx.rows == []
    pbx.report(ring("1.6"))
    assert len(pbx.rows) == 1


def test_begun_during_a_call() -> None:
    """A call that is on when the log is turned on is in it at once."""
    pbx = Pbx(options={"log_calls": 0})
    pbx.report(ring("1.2"))
    assert pbx.rows == []
    pbx.set_options(log_calls=5)
    assert [each.ids for each in pbx.rows] == [("1.2",)]
    pbx.report(end("1.2"))
    pbx.settle()
    assert [each.is_missed for each in pbx.rows] == [True]


def test_pages() -> None:
    """Rows are read in pages, each from the last row of the one before."""
    pbx = Pbx()
    for number in range(7):
        pbx.pass_time(10)
        pbx.report(ring(f"1.{number}"))
    first = pbx.log.rows(3)
    second = pbx.log.rows(3, first[-1].id)
    third = pbx.log.rows(3, second[-1].id)
    assert [*first, *second, *third] == pbx.rows
    assert [len(first), len(second), len(third)] == [3, 3, 1]
    assert pbx.log.rows(3, third[-1].id) == []
    assert pbx.log.rows(3, "unknown") == []
    assert pbx.log.rows(0) == []


def test_seen() -> None:
    """Calls that somebody has looked at stay seen; later ones do not."""
    pbx = Pbx()
    pbx.report(end("1.1"), end("1.2", CallResult.ANSWERED))
    pbx.settle()
    saves = pbx.store.saves
    pbx.log.async_mark_seen()
    assert pbx.log.missed_unseen == 0
    assert pbx.store.saves == saves + 1
    pbx.log.async_mark_seen()
    assert pbx.store.saves == saves + 1
    pbx.pass_time(10)
    pbx.report(end("1.3", caller="0912"))
    pbx.settle()
    assert [each.caller for each in pbx.log.unseen(5)] == ["0912"]
    # A row that changes is not missed a second time.
    pbx.report(row("1.1", cause="busy"))
    assert pbx.log.missed_unseen == 1
    assert pbx.log.unseen(0) == []
    # Of very many, too, the newest come first.
    ids = [f"2.{number}" for number in range(150)]
    pbx.report(*(row(each, at=pbx.now) for each in ids))
    assert pbx.log.missed_unseen == 151
    assert [each.ids[0] for each in pbx.log.unseen(3)] == ids[:-4:-1]


def test_an_old_message() -> None:
    """A message that no recent call fits to marks none."""
    pbx = Pbx()
    pbx.report(ring("1.1", "0913"), end("1.1", caller="0913"))
    pbx.settle()
    pbx.pass_time(3 * DAY)
    pbx.log.changed(VoicemailUpdate("101", MUM))
    assert not any(each.voicemail for each in pbx.rows)


async def test_followed_again() -> None:
    """Who shows a call is told when it is followed again: it can be hung up again."""
    pbx = Pbx()
    pbx.report(ring("1.2"))
    await pbx.restart()
    (live,) = pbx.rows
    assert pbx.log.open_call(live) is None
    pbx.changes.clear()
    pbx.report(ring("1.2", began_at=START - 1))
    assert pbx.changes == [LogChange(live.id, live)]
    assert pbx.log.open_call(live) is not None
    pbx.report(ring("1.2"))
    assert len(pbx.changes) == 1


def test_calls_that_go_without_an_end_are_forgotten() -> None:
    """Neither too many at once nor lost ends take memory forever."""
    pbx = Pbx()
    pbx.report(*(ring(f"1.{number}") for number in range(MAX_OTHER_CALLS + 50)))
    pbx.log.tidy()
    assert len(pbx.log._rows_of_calls) == MAX_OTHER_CALLS  # noqa: SLF001 - its memory
    pbx.pass_time(LOST_AFTER)
    assert {each.result for each in pbx.rows} == {CallResult.UNDETERMINED}
    pbx.log.tidy()
    assert pbx.log._rows_of_calls == {}  # noqa: SLF001 - its memory


# --- very many calls ---------------------------------------------------------------


def of_size(count: int) -> Pbx:
    """Return a log with this many missed calls."""
    pbx = Pbx(options={"log_calls": 10_000})
    pbx.now += count
    pbx.report(*(row(f"0.{each}", at=START + 1 + each) for each in range(count)))
    assert len(pbx.rows) == count
    return pbx


def cost(pbx: Pbx, number: int) -> float:
    """Return the processor time that twenty calls take."""
    began = process_time()
    for each in range(20):
        call_id = f"{number}.{each}"
        pbx.report(ring(call_id), end(call_id), row(call_id))
    return process_time() - began


def test_ten_thousand_rows_cost_a_call_nothing() -> None:
    """Each call takes as long as with few rows, and so does what a page reads."""
    few, many = of_size(100), of_size(10_000)
    times = [(cost(few, each), cost(many, each)) for each in range(1, 8)]
    assert min(after for _, after in times) < 3 * min(before for before, _ in times)
    assert len(many.rows) == 10_000


def test_ten_thousand_are_seen_at_once() -> None:
    """Whoever is told of one of them finds all of them seen, and has little to do."""
    pbx = of_size(10_000)
    counts: list[tuple[int, int]] = []
    pbx.log.subscribe(
        lambda _change: counts.append((pbx.log.missed_unseen, len(pbx.log.unseen(5))))
    )
    pbx.log.async_mark_seen()
    assert counts == [(0, 0)] * 10_000


def test_a_listener_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """The others are called all the same, until they unsubscribe."""
    pbx = Pbx()
    heard: list[LogChange] = []
    pbx.log.subscribe(lambda _change: 1 / 0)  # type: ignore[arg-type]
    stop: Callable[[], object] = pbx.log.subscribe(heard.append)
    pbx.report(ring("1.2"))
    assert len(heard) == 1
    assert "Error in a listener" in caplog.text
    stop()
    stop()
    pbx.report(ring("1.3"))
    assert len(heard) == 1
