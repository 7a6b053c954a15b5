"""The call report."""

from dataclasses import replace
import re

from hypothesis import given, strategies as st
import pytest

from sandbox import ManualClock, ReportStyle, SandboxConfig
from sandbox.report import CursorRefusedError, Report

from .helpers import REPORT, START, Pbx


def _report(history: int, **style: object) -> Report:
    config = replace(
        SandboxConfig(),
        report=ReportStyle(history=history, **style),  # type: ignore[arg-type]
    )
    return Report(lambda: config, ManualClock(START))


def _ids(report: Report) -> list[str]:
    return [str(row["_id"]) for row in report.rows()]


def _page(report: Report, cursor: str) -> tuple[list[str], object]:
    page = report.page(cursor)
    rows = page["data"]
    assert isinstance(rows, list)
    return [row["_id"] for row in rows], page["last_id"]


def test_ids_tell_the_time_and_the_order() -> None:
    """The first eight digits are the Unix time of the row."""
    ids = _ids(_report(50))
    assert all(re.fullmatch(r"[0-9a-f]{24}", each) for each in ids)
    assert ids == sorted(ids)
    assert len(set(ids)) == 50
    assert int(ids[-1][:8], 16) == START - 600 + 30


def test_walking_the_pages() -> None:
    """Twenty at a time, from the first, each once."""
    report = _report(45)
    seen, cursor, sizes = [], "", []
    while True:
        ids, last_id = _page(report, cursor)
        sizes.append(len(ids))
        if not ids:
            break
        assert last_id == ids[-1]
        seen += ids
        cursor = str(last_id)
    assert seen == _ids(report)
    assert sizes == [20, 20, 5, 0]


def test_the_last_id_of_an_empty_page() -> None:
    """It repeats what was asked, or is empty, as configured."""
    report = _report(1)
    (only,) = _ids(report)
    assert report.page(only) == {"last_id": only, "data": []}
    assert _report(1, empty_last_id="empty").page(only) == {"last_id": "", "data": []}
    assert _report(0).page("") == {"last_id": "", "data": []}


def test_an_id_just_before_a_time() -> None:
    """One that no row has is accepted or not, as configured."""
    report = _report(45)
    ids = _ids(report)
    cursor = ids[30][:8] + "0" * 16
    assert _page(report, cursor)[0] == ids[30:]
    with pytest.raises(CursorRefusedError):
        _report(45, accepts_unknown_cursor=False).page(cursor)
    strict = _report(45, accepts_unknown_cursor=False)
    assert _page(strict, ids[30])[0] == ids[31:]


@given(st.text() | st.from_regex(r"[0-9a-f]{24}", fullmatch=True))
def test_any_cursor(cursor: str) -> None:
    """It gives the rows after it, or is refused: never anything else."""
    report = _report(30)
    if cursor and not re.fullmatch(r"[0-9a-f]{24}", cursor):
        with pytest.raises(CursorRefusedError, match="Field '_id':value is invalid"):
            report.page(cursor)
        return
    ids, _ = _page(report, cursor)
    assert ids == [each for each in _ids(report) if each > cursor][:20]


def test_history_has_every_kind_of_row() -> None:
    """So that a reader meets all of them, and none with an end it cannot have."""
    rows = _report(5).rows()
    assert [row["disposition"] for row in rows] == [
        "ANSWERED",
        "NO ANSWER",
        "BUSY",
        "FAILED",
        "FAILED",
    ]
    assert rows[3]["channel"] == "OutgoingSpoolFailed"
    assert rows[0]["billsec"] == "26"


@pytest.mark.parametrize("body", [{}, {"_id": ""}, {"_id": None}, {"id_": ""}])
async def test_from_the_first_over_the_api(pbx: Pbx, body: dict[str, object]) -> None:
    """By either of the documented names, or none."""
    await pbx.originate("103", "101")
    await pbx.clock.advance(5)
    data = (await pbx.post(REPORT, body)).json["data"]
    assert len(data["data"]) == 1
    after = (await pbx.post(REPORT, {"_id": data["last_id"]})).json["data"]
    assert after == {"last_id": data["last_id"], "data": []}
    by_other_name = (await pbx.post(REPORT, {"id_": data["last_id"]})).json["data"]
    assert by_other_name == after


@pytest.mark.parametrize(
    ("cursor", "message"),
    [(5, "must be a string"), ("nonsense", "is invalid")],
)
async def test_a_cursor_that_is_none(pbx: Pbx, cursor: object, message: str) -> None:
    """It is refused in the envelope."""
    reply = await pbx.post(REPORT, {"_id": cursor})
    assert reply.status == 200
    assert message in reply.message
