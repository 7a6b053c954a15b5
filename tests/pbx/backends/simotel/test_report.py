"""Tests of the CDR report: its pages, and reading it from the sandbox."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
import math
from typing import Any

from aiohttp import ClientSession
from hypothesis import given, strategies as st
import pytest
from yarl import URL

from custom_components.pbx.backends.base import CallRequest
from custom_components.pbx.backends.errors import DeniedError, PbxError, PbxErrorCode
from custom_components.pbx.backends.simotel import Credentials, SimotelClient
from custom_components.pbx.backends.simotel.client import PING, REPORT
from custom_components.pbx.backends.simotel.report import (
    ReportPage,
    best_first,
    candidate_cursors,
    cursor_before,
    is_cursor_ignored,
    later_cursor,
    parse_page,
    row_time,
)
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Direction,
    Source,
)
from sandbox import Fault, ManualClock, ReportStyle, Sandbox, SandboxConfig

ID = "orig.call.1662920001.861610"
ROW: dict[str, object] = {
    "_id": "631e25455cdfddf334adfa11",
    "type": "outgoing",
    "cuid": "1662920001.4837",
    "src": "101",
    "dst": "09155326344",
    "channel": "SIP/t7075-000011f1",
    "starttime": "1401-06-20 22:43:24",
    "duration": 1,
    "billsec": 1,
    "wait": 3,
    "disposition": "BUSY",
    "comment": f"originated call: {ID}",
    "originated_call_id": ID,
}
BUSY = CallUpdate(
    source=Source.REPORT,
    state=CallState.ENDED,
    call_id="1662920001.4837",
    originated_call_id=ID,
    direction=Direction.OUTGOING,
    caller="101",
    callee="09155326344",
    result=CallResult.BUSY,
    ring_time=3,
    talk_time=1,
    at=0x631E2545,
    began_at=1662920001,
)
UNREACHED = {"channel": "OutgoingSpoolFailed"}
OTHER = "orig.call.1663090585.591270"


def update_of(row: object) -> CallUpdate | None:
    """Return the call update of a row."""
    updates = parse_page({"data": [row]}, "").updates
    return updates[0] if updates else None


@pytest.mark.parametrize(
    ("changes", "update"),
    [
        ({}, BUSY),
        ({"billsec": "1", "wait": "3", "src": 101}, BUSY),
        ({"originated_call_id": None}, BUSY),
        ({"originated_call_id": "", "comment": f"{ID}. {ID}."}, BUSY),
        ({"comment": ""}, BUSY),
        ({"comment": f"originated call: {ID}. originated call: {OTHER}"}, BUSY),
        (
            {
                "originated_call_id": None,
                "comment": f"originated call: {ID}. originated call: {OTHER}",
            },
            None,
        ),
        (
            {"originated_call_id": None, "comment": "fax"},
            replace(BUSY, originated_call_id=""),
        ),
        (
            {"originated_call_id": None, "comment": None},
            replace(BUSY, originated_call_id=""),
        ),
        (
            {"originated_call_id": "", "comment": "", "cuid": "", "src": ""},
            None,
        ),
        ({"type": "incoming"}, replace(BUSY, direction=Direction.INCOMING)),
        ({"type": None}, replace(BUSY, direction=None)),
        ({"outgoing_point": "E1"}, replace(BUSY, trunk="E1")),
        # A row is an end, whatever its disposition.
        ({"disposition": "LOST"}, replace(BUSY, result=CallResult.UNDETERMINED)),
        ({"disposition": ""}, replace(BUSY, result=CallResult.UNDETERMINED)),
        ({"disposition": None}, replace(BUSY, result=CallResult.UNDETERMINED)),
        ({"disposition": "CANCEL"}, replace(BUSY, result=CallResult.NO_ANSWER)),
        ({"disposition": "CALL_REJECTED"}, replace(BUSY, result=CallResult.DECLINED)),
        ({"disposition": "ANSWERED"}, replace(BUSY, result=CallResult.ANSWERED)),
        ({"disposition": "No Answered"}, replace(BUSY, result=CallResult.NO_ANSWER)),
        ({"disposition": "FAILED"}, replace(BUSY, result=CallResult.FAILED)),
        ({"disposition": "CONGESTION"}, replace(BUSY, result=CallResult.FAILED)),
        # The two kinds of such rows in the vendor's sample, and any other.
        (
            UNREACHED | {"disposition": "FAILED"},
            replace(BUSY, result=CallResult.CALLER_UNREACHABLE),
        ),
        (
            UNREACHED | {"disposition": "NO ANSWER", "dst": "failed"},
            replace(BUSY, result=CallResult.CALLER_UNREACHABLE, caller="", callee=""),
        ),
        (
            UNREACHED | {"disposition": "ANSWERED"},
            replace(BUSY, result=CallResult.CALLER_UNREACHABLE),
        ),
        ({"_id": {"$oid": ROW["_id"]}}, BUSY),
        ({"_id": 17}, replace(BUSY, at=None)),
        ({"_id": None}, replace(BUSY, at=None)),
        ({"wait": {}, "billsec": "?"}, replace(BUSY, ring_time=None, talk_time=None)),
        ({"src": None}, replace(BUSY, caller="")),
    ],
)
def test_row(changes: dict[str, object], update: CallUpdate | None) -> None:
    """A row is the end of a call, if the call can be identified."""
    assert update_of(ROW | changes) == update


def test_best_first() -> None:
    """The best result of each call comes first, and other calls last."""
    others = replace(BUSY, originated_call_id="")
    second = replace(BUSY, originated_call_id=OTHER)
    answered = replace(BUSY, result=CallResult.ANSWERED)

    updates = best_first([others, BUSY, second, answered])
    assert updates == [answered, BUSY, second, others]


@pytest.mark.parametrize("row", [None, "row", 1, [], {}, [ROW]])
def test_no_row(row: object) -> None:
    """Invalid rows are skipped."""
    assert update_of(row) is None


FULL = [ROW | {"_id": f"631e25{n:02x}5cdfddf334adfa11"} for n in range(20)]
LAST = "631e25135cdfddf334adfa11"
MADE_UP = "631e2500" + "0" * 16


@pytest.mark.parametrize(
    ("data", "cursor", "expected"),
    [
        ({"last_id": LAST, "data": FULL}, "", (20, LAST, False)),
        ({"last_id": LAST, "data": FULL}, MADE_UP, (20, LAST, False)),
        ({"last_id": "", "data": FULL}, "", (20, LAST, False)),
        ({"last_id": {"$oid": LAST}, "data": FULL}, "", (20, LAST, False)),
        ({"last_id": MADE_UP, "data": FULL}, MADE_UP, (20, LAST, False)),
        ({"data": FULL}, "", (20, LAST, False)),
        (FULL, "", (20, LAST, False)),
        (FULL[:19], "", (19, FULL[18]["_id"], True)),
        # Invalid rows count for the length of a page, but have no id.
        ([*FULL[:18], "x", {}], "", (18, FULL[17]["_id"], False)),
        # Other ids are used unchanged.
        ({"last_id": "17", "data": [ROW]}, "16", (1, "17", True)),
        # No new rows: the cursor does not change.
        ({"last_id": "", "data": []}, LAST, (0, LAST, True)),
        ({"last_id": None, "data": []}, MADE_UP, (0, MADE_UP, True)),
        ({"last_id": FULL[0]["_id"], "data": []}, LAST, (0, LAST, True)),
        ({}, LAST, (0, LAST, True)),
        (None, LAST, (0, LAST, True)),
        ("what", LAST, (0, LAST, True)),
        ([], "", (0, "", True)),
        # Without ids, reading cannot continue.
        ([{}] * 20, LAST, (0, LAST, True)),
        # The same rows for any cursor: the cursor does not change.
        (FULL, LAST, (20, LAST, True)),
        (FULL, "f" * 24, (20, "f" * 24, True)),
        # From the first row, as the PBX does not accept a synthetic cursor.
        (FULL, "f" * 8 + "0" * 16, (20, LAST, False)),
    ],
)
def test_page(data: object, cursor: str, expected: tuple[int, str, bool]) -> None:
    """The next cursor is the last row of a page, or unchanged."""
    page = parse_page(data, cursor)

    assert (len(page.updates), page.cursor, page.is_last) == expected


IDS = st.from_regex(r"[0-9a-f]{24}", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | IDS,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["data", "last_id", *ROW]), inner)
        | st.builds(
            lambda row: ROW | row, st.dictionaries(st.sampled_from([*ROW]), inner)
        )
    ),
    max_leaves=20,
)


@given(JSON | st.lists(JSON, min_size=20), IDS | st.text())
def test_any_page(data: object, cursor: str) -> None:
    """Nothing raises, updates are well-formed, and reading always ends."""
    is_cursor_ignored(data, cursor)
    page = parse_page(data, cursor)

    assert page.cursor or not cursor
    assert page.is_last or page.cursor != cursor
    for update in page.updates:
        assert update.state is CallState.ENDED
        assert update.result is not None
        assert not update.is_provisional
        numbers = update.caller and update.callee
        assert update.originated_call_id or update.call_id or numbers
        for duration in (update.ring_time, update.talk_time):
            assert duration is None or (math.isfinite(duration) and duration >= 0)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (0x631E2545, "631e2545" + "0" * 16),
        (0x631E2545 + 0.9, "631e2545" + "0" * 16),
        (0, "0" * 24),
        (-5, "0" * 24),
        (math.nan, "0" * 24),
        (math.inf, "0" * 24),
        (1e30, "f" * 8 + "0" * 16),
    ],
)
def test_cursor_before(when: float, expected: str) -> None:
    """The cursor of a time is before all rows since then."""
    assert cursor_before(when) == expected


@given(IDS, st.floats(-1, 2**33))
def test_cursor_arithmetic(row_id: str, when: float) -> None:
    """Rows since a time come after its cursor, and earlier rows before it."""
    time = row_time(row_id)
    assert time is not None
    if time >= when:
        assert row_id >= cursor_before(when)
    if time < math.floor(when) and when < 2**32:
        assert row_id < cursor_before(when)


@pytest.mark.parametrize(
    "row_id", ["", "631e2545", "x" * 24, "631E25455CDFDDF334ADFA11"]
)
def test_row_time_of_no_object_id(row_id: str) -> None:
    """Other ids contain no time."""
    assert row_time(row_id) is None


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ("", MADE_UP),
        # Two seconds before it, for rows that other processes wrote meanwhile.
        (LAST, f"{int(LAST[:8], 16) - 2:08x}{'0' * 16}"),
        ("631e24ff5cdfddf334adfa11", MADE_UP),
        ("17", "17"),
    ],
)
def test_later_cursor(known: str, expected: str) -> None:
    """Reading starts at the later id, a little before the last row read."""
    assert later_cursor(MADE_UP, known) == expected


@pytest.mark.parametrize(
    ("cursor", "known", "expected"),
    [
        (MADE_UP, "", (MADE_UP, "")),
        (MADE_UP, LAST, (MADE_UP, LAST, "")),
        (LAST, FULL[0]["_id"], (LAST,)),
        ("", LAST, ("",)),
        ("17", "", ("17",)),
    ],
)
def test_starting_points(cursor: str, known: str, expected: tuple[str, ...]) -> None:
    """Only a synthetic cursor has fallbacks."""
    assert candidate_cursors(cursor, known) == expected


# The report over HTTP.

type Report = Callable[..., AbstractAsyncContextManager[tuple[SimotelClient, Sandbox]]]


@pytest.fixture
def report(clock: ManualClock, session: ClientSession) -> Report:
    """Return a function that starts a sandbox with a report style, and its client."""

    @asynccontextmanager
    async def run(**style: Any) -> AsyncIterator[tuple[SimotelClient, Sandbox]]:  # noqa: ANN401 - any field
        config = SandboxConfig(report=ReportStyle(**style))
        async with Sandbox(config, clock=clock) as sandbox:
            account = config.accounts[0]
            credentials = Credentials(
                username=account.username,
                password=account.password,
                api_key=account.api_key,
            )
            yield SimotelClient(session, URL(sandbox.api_url), credentials), sandbox

    return run


def start_of(since: float, known: str) -> str:
    """Return the first cursor."""
    return later_cursor(cursor_before(since), known)


async def read_all(
    client: SimotelClient, cursor: str, known: str
) -> tuple[list[CallUpdate], str]:
    """Read page by page to the end, as a coordinator does."""
    updates: list[CallUpdate] = []
    for _ in range(20):
        page = await client.read_report(cursor, known)
        updates += page.updates
        if page.cursor != cursor:
            cursor = known = page.cursor
        if page.is_last:
            return updates, cursor
    raise AssertionError("no end")


async def place(
    client: SimotelClient, clock: ManualClock, caller: str, callee: str
) -> str:
    """Place a call, wait until it ends, and return its id."""
    request = CallRequest(
        call_id="ha-1",
        caller=caller,
        callee=callee,
        context="main_routing",
        caller_id=caller,
        trunk_name=None,
        timeout=30,
        call_limit=None,
    )
    call_id = await client.originate(request)
    await clock.advance(90)
    assert call_id is not None
    return call_id


def cursors(sandbox: Sandbox) -> list[str]:
    """Return what the report was asked for, in order."""
    bodies: list[Any] = [r.json for r in sandbox.requests if r.path == REPORT]
    return [body["_id"] for body in bodies]


@pytest.mark.parametrize(
    "style",
    [
        {},
        {"numbers": "numbers", "dates": "mongo"},
        {"dates": "gregorian", "empty_last_id": "empty"},
    ],
)
@pytest.mark.parametrize(
    ("caller", "callee", "result", "ring_time", "talk_time"),
    [
        ("101", "102", CallResult.ANSWERED, 4, 20),
        ("101", "103", CallResult.BUSY, 1, 0),
        ("101", "104", CallResult.NO_ANSWER, 30, 0),
        ("101", "105", CallResult.FAILED, 1, 0),
        ("104", "101", CallResult.CALLER_UNREACHABLE, 30, 0),
    ],
)
async def test_read(
    report: Report,
    clock: ManualClock,
    style: dict[str, Any],
    caller: str,
    callee: str,
    result: CallResult,
    ring_time: float,
    talk_time: float,
) -> None:
    """One page after years of calls has the end of each, in every style."""
    async with report(history=1000, **style) as (client, sandbox):
        cursor = start_of(clock.time() - 60, "")
        call_id = await place(client, clock, caller, callee)
        page = await client.read_report(cursor, "")

        assert page == ReportPage(
            updates=[
                CallUpdate(
                    source=Source.REPORT,
                    state=CallState.ENDED,
                    call_id=sandbox.calls[0].unique_id,
                    originated_call_id=call_id,
                    direction=Direction.INTERNAL,
                    caller=caller,
                    callee=callee,
                    result=result,
                    ring_time=ring_time,
                    talk_time=talk_time,
                    at=sandbox.calls[0].ended,
                    began_at=sandbox.calls[0].started,
                ),
            ],
            cursor=str(sandbox.report.rows()[-1]["_id"]),
            is_last=True,
        )
        assert cursors(sandbox) == [cursor]


@pytest.mark.parametrize("empty_last_id", ["cursor", "empty"])
@pytest.mark.parametrize("history", [0, 5, 20, 45])
async def test_nothing_new(report: Report, history: int, empty_last_id: str) -> None:
    """A cursor at the end of the report stays there, page after page."""
    async with report(history=history, empty_last_id=empty_last_id) as (client, _):
        start = start_of(0, "")
        updates, cursor = await read_all(client, start, "")
        assert len(updates) == history
        assert cursor

        for _ in range(2):
            page = await client.read_report(cursor, cursor)
            assert page == ReportPage([], cursor, is_last=True)


@pytest.mark.parametrize("history", [0, 5, 20, 45])
async def test_cursor_refused(report: Report, clock: ManualClock, history: int) -> None:
    """If a cursor must be a row, reading continues from the last known one."""
    style = {"history": history, "accepts_unknown_cursor": False}
    async with report(**style) as (client, sandbox):
        cursor = start_of(clock.time() - 60, "")
        first = await place(client, clock, "101", "103")
        updates, known = await read_all(client, cursor, "")
        assert updates[-1].originated_call_id == first
        assert len(updates) == history + 1
        assert known == sandbox.report.rows()[-1]["_id"]

        await clock.advance(600)
        cursor = start_of(clock.time() - 60, known)
        assert cursor != known
        second = await place(client, clock, "101", "104")
        before = len(cursors(sandbox))
        updates, _ = await read_all(client, cursor, known)
        assert [each.originated_call_id for each in updates] == [second]
        assert cursors(sandbox)[before:] == [cursor, known]


async def test_empty_report(report: Report, clock: ManualClock) -> None:
    """An empty report does not change the cursor, accepted or not."""
    for accepts in (True, False):
        async with report(accepts_unknown_cursor=accepts) as (client, _):
            cursor = start_of(clock.time(), "")
            page = await client.read_report(cursor, "")
            assert page == ReportPage([], cursor, is_last=True)


async def test_known_row_was_deleted(report: Report, clock: ManualClock) -> None:
    """If the last known row was deleted, reading starts at the first row."""
    async with report(history=3, accepts_unknown_cursor=False) as (client, sandbox):
        cursor = start_of(clock.time(), "")
        updates, _ = await read_all(client, cursor, "5ddb9e925171cd0429088bad")

        assert len(updates) == 3
        assert cursors(sandbox) == [cursor, "5ddb9e925171cd0429088bad", ""]


async def test_cursor_ignored(
    report: Report, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PBX that ignores a synthetic cursor is detected."""
    async with report(history=45) as (client, sandbox):
        known = str(sandbox.report.rows()[40]["_id"])
        take = sandbox.report.page

        def page(cursor: str) -> dict[str, object]:
            return take("" if cursor.endswith("0" * 16) else cursor)

        monkeypatch.setattr(sandbox.report, "page", page)
        cursor = start_of(clock.time() - 60, known)
        updates, end = await read_all(client, cursor, known)
        assert len(updates) == 4
        assert end == sandbox.report.rows()[-1]["_id"]
        assert cursors(sandbox) == [cursor, known]

        updates, _ = await read_all(client, cursor, "")
        assert len(updates) == 45


async def test_every_cursor_ignored(
    report: Report, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PBX that always returns the same page is read once."""
    async with report(history=45) as (client, sandbox):
        take = sandbox.report.page
        monkeypatch.setattr(sandbox.report, "page", lambda _cursor: take(""))
        cursor = start_of(clock.time() - 60, "")
        updates, end = await read_all(client, cursor, "")

        assert len(updates) == 40
        assert end == sandbox.report.rows()[19]["_id"]


async def test_report_not_allowed(report: Report) -> None:
    """A missing permission for the report is an error at once."""
    async with report() as (client, sandbox):
        account = replace(sandbox.config.accounts[0], permissions=(PING,))
        sandbox.configure(accounts=(account,))
        with pytest.raises(DeniedError, match=REPORT) as caught:
            await client.read_report(start_of(0, ""), "")
        assert caught.value.code is PbxErrorCode.ACCESS_DENIED
        assert len(sandbox.requests) == 1


async def test_report_not_supported(report: Report) -> None:
    """A PBX without the report is recognized by its response."""
    async with report() as (client, sandbox):
        sandbox.configure(missing_services=(REPORT,))
        with pytest.raises(DeniedError, match=REPORT) as caught:
            await client.read_report(start_of(0, ""), "")
        assert caught.value.code is PbxErrorCode.NOT_SUPPORTED
        assert len(sandbox.requests) == 1


async def test_report_refused(report: Report) -> None:
    """A report that is refused from anywhere is an error; so is a row's id."""
    async with report() as (client, sandbox):
        sandbox.faults.set(REPORT, Fault("refuse", message="Not now"))
        with pytest.raises(PbxError, match="Not now"):
            await client.read_report(start_of(0, ""), LAST)
        assert cursors(sandbox) == ["0" * 24, LAST, ""]

        with pytest.raises(PbxError):
            await client.read_report(LAST, LAST)
        assert len(cursors(sandbox)) == 4


async def test_made_up_cursor_breaks_the_pbx(report: Report) -> None:
    """If a missing row is an error, reading continues from a known row."""
    async with report(history=3) as (client, sandbox):
        sandbox.faults.set(REPORT, Fault("status_500", times=1))
        page = await client.read_report(start_of(0, ""), "")

        assert len(page.updates) == 3


async def test_no_answer_is_not_asked_again(
    client: SimotelClient, sandbox: Sandbox
) -> None:
    """A timeout does not rule out a cursor."""
    sandbox.faults.set(REPORT, Fault("hang"))
    with pytest.raises(PbxError) as caught:
        await client.read_report(start_of(0, ""), LAST)
    assert caught.value.code is PbxErrorCode.TIMEOUT

    assert len(sandbox.requests) == 1
