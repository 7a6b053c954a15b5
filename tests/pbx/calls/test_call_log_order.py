"""Property tests of the call log: anything, in any order, doubled, late or lost."""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import given, strategies as st

from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    Source,
)
from custom_components.pbx.calls.call_log import LOST_AFTER

from ..logs import MUM, end, ring, row
from .logged import REQUEST, START, Pbx, check, shown


@dataclass(frozen=True)
class Told:
    """A call, and all that is told of it."""

    call_id: str
    updates: tuple[CallUpdate, ...]
    is_missed: bool


@st.composite
def told_calls(draw: st.DrawFn) -> list[Told]:
    """Draw calls that come in, with what events and the report tell of them."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        call_id, caller = f"1.{number}", draw(st.sampled_from((MUM, "", "0913")))
        began = START + 1 + 20 * number
        is_answered = draw(st.booleans())
        result = CallResult.ANSWERED if is_answered else CallResult.NO_ANSWER
        talk = {"talk_time": 30.0 if is_answered else 0.0, "at": began + 40}
        talk["began_at"] = began
        updates = [ring(call_id, caller, at=began, began_at=began)]
        if is_answered:
            state, at = CallState.CONNECTED, began + 10
            updates.append(replace(updates[0], state=state, at=at))
        updates.append(end(call_id, result, caller, **talk))
        updates.append(row(call_id, result, caller, **talk))
        made.append(Told(call_id, tuple(updates), not is_answered))
    return made


@given(made=told_calls(), data=st.data())
def test_any_order(made: list[Told], data: st.DataObject) -> None:
    """Doubled, late, in any order, with rows seen meanwhile: each call is there once.

    Of what is lost, an event or the row of the report is left.
    """
    pbx = Pbx()
    pbx.now = START + 500
    pbx.store.floor = START
    told = []
    for each in made:
        ends = [one for one in each.updates if one.state is CallState.ENDED]
        kept = data.draw(st.lists(st.sampled_from(each.updates), max_size=6))
        told += [*kept, data.draw(st.sampled_from(ends))]
    for update in data.draw(st.permutations(told)):
        pbx.report(update)
        match data.draw(st.integers(0, 4)):
            case 0:
                pbx.pass_time(data.draw(st.floats(0, 20)))
            case 1:
                pbx.log.async_mark_seen()
        check(pbx.log)
        assert shown(pbx.changes) == {each.id: each for each in pbx.rows}
    pbx.pass_time(LOST_AFTER)

    check(pbx.log)
    assert sorted(each.ids for each in pbx.rows) == [(one.call_id,) for one in made]
    by_id = {each.ids[0]: each for each in pbx.rows}
    for each in made:
        assert by_id[each.call_id].result is not None
        assert by_id[each.call_id].is_missed is each.is_missed
    pbx.log.async_mark_seen()
    pbx.report(*told)
    assert pbx.log.missed_unseen == 0
    assert len(pbx.rows) == len(made)


@given(
    steps=st.permutations(["event", "end", "report", "answer"]),
    doubles=st.lists(st.sampled_from(["event", "end", "report"]), max_size=4),
)
def test_own_call_in_any_order(steps: list[str], doubles: list[str]) -> None:
    """A call from here is there once, whether events or the response come first."""
    pbx = Pbx()
    pbx.now += 1
    call = pbx.tracker.add(REQUEST)
    facts: dict[str, Any] = {"originated_call_id": "1.7", "call_id": "9.1"}
    facts |= {"caller": "101", "callee": MUM, "direction": Direction.OUTGOING}
    ended = CallUpdate(
        state=CallState.ENDED, result=CallResult.ANSWERED, talk_time=5.0, **facts
    )
    updates = {
        "event": CallUpdate(state=CallState.CONNECTED, **facts),
        "end": ended,
        "report": replace(ended, source=Source.REPORT),
    }
    for step in [*steps, *doubles]:
        if step == "answer":
            pbx.tracker.confirm(call, "1.7")
        else:
            pbx.report(updates[step])
        check(pbx.log)
    pbx.pass_time(LOST_AFTER)

    (only,) = pbx.rows
    assert (only.result, only.talk_time) == (CallResult.ANSWERED, 5)
    assert only.is_placed
    check(pbx.log)


@given(st.permutations([*CallResult, CallResult.ANSWERED]), st.booleans())
def test_best_end(results: list[CallResult], is_unattended: bool) -> None:
    """The end that counts does not depend on the order."""
    pbx = Pbx()
    pbx.now += 100
    for index, result in enumerate(results):
        flag = is_unattended and result is not CallResult.ANSWERED
        pbx.report(row("1.2", result, at=START + 1 + index / 10, is_unattended=flag))
    (only,) = pbx.rows
    assert only.result is CallResult.ANSWERED
    assert not only.is_missed


@given(
    order=st.permutations(range(6)),
    again=st.lists(st.integers(0, 5), max_size=12),
    limit=st.integers(1, 4),
)
def test_pruned_in_any_order(order: list[int], again: list[int], limit: int) -> None:
    """However late the report is, the newest are kept, and none returns."""
    pbx = Pbx(options={"log_calls": limit})
    pbx.now += 1000
    rows = [row(f"1.{number}", at=START + 1 + 10 * number) for number in range(6)]
    for number in order:
        pbx.report(rows[number])
        check(pbx.log)
        assert len(pbx.rows) <= limit
    newest = [f"1.{number}" for number in range(5, 5 - limit, -1)]
    assert [each.ids[0] for each in pbx.rows] == newest
    pbx.set_options(log_calls=10)
    for number in again:
        pbx.report(rows[number])

    assert [each.ids[0] for each in pbx.rows] == newest
    assert shown(pbx.changes).keys() == {each.id for each in pbx.rows}


class History:
    """What somebody remembers who looks at the log after each step."""

    def __init__(self, pbx: Pbx) -> None:
        """Begin to look."""
        self._pbx = pbx
        self._there: set[tuple[str, ...]] = set()
        self._gone: set[tuple[str, ...]] = set()
        self._seen: set[tuple[str, ...]] = set()

    def look(self) -> None:
        """Check that nothing that is gone returns, nor anything seen as unseen."""
        check(self._pbx.log)
        rows = self._pbx.rows
        there = {each.ids for each in rows}
        self._gone |= self._there - there
        assert not there & self._gone
        assert not {each.ids for each in rows if each.is_unseen} & self._seen
        self._there = there
        self._seen |= {each.ids for each in rows if each.is_missed and each.is_seen}


STEPS = st.one_of(
    st.tuples(st.sampled_from(["ring", "end", "report"]), st.integers(0, 5)),
    st.tuples(st.just("limit"), st.integers(1, 6)),
    st.tuples(st.sampled_from(["seen", "restart"]), st.just(0)),
)


@given(steps=st.lists(STEPS, max_size=25))
async def test_nothing_comes_back(steps: list[tuple[str, int]]) -> None:
    """Neither pruned calls nor the mark, whatever comes again, also after a restart.

    The report has another time of the beginning, and two calls begin at once.
    """
    pbx = Pbx(options={"log_calls": 3})
    pbx.now += 1000
    history = History(pbx)
    for step, number in steps:
        began = START + 1 + 10 * (number // 2)
        facts: dict[str, Any] = {"began_at": began, "at": began + 5}
        match step:
            case "ring":
                pbx.report(ring(f"1.{number}", **facts | {"at": began}))
            case "end":
                pbx.report(end(f"1.{number}", **facts))
            case "report":
                facts = {"began_at": began + 2, "at": began + 7}
                pbx.report(row(f"1.{number}", **facts))
            case "limit":
                pbx.set_options(log_calls=number)
            case "seen":
                pbx.log.async_mark_seen()
            case _:
                await pbx.restart()
        history.look()
        pbx.settle()
        history.look()


@given(
    late=st.permutations(["answered", "no_answer", "seen"]), talk_time=st.floats(0, 99)
)
def test_from_missed_to_answered(late: list[str], talk_time: float) -> None:
    """A late answer changes the row that is shown, seen or not; nothing undoes it."""
    pbx = Pbx()
    pbx.report(ring("1.2"), end("1.2"))
    pbx.settle()
    (missed,) = shown(pbx.changes).values()
    assert missed.is_unseen
    for step in late:
        if step == "seen":
            pbx.log.async_mark_seen()
        else:
            result = CallResult(step)
            talked = talk_time if result is CallResult.ANSWERED else 0.0
            pbx.report(row("1.2", result, talk_time=talked))
    (answered,) = shown(pbx.changes).values()
    assert answered.id == missed.id
    assert (answered.is_missed, answered.talk_time) == (False, talk_time)
    assert pbx.log.missed_unseen == 0
