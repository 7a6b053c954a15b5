"""Tests of the backend and its reports, over HTTP to the sandbox."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
import time
from typing import Any

from aiohttp import ClientSession
import pytest
from yarl import URL

from custom_components.pbx.backends.base import (
    PING,
    CallRequest,
    Channel,
    ChannelState,
    Clock,
    Directory,
    OpenCall,
)
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    CredentialsError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.simotel import (
    Credentials,
    SimotelBackend,
    SimotelClient,
    backend as backend_module,
)
from custom_components.pbx.backends.simotel.backend import (
    DENIED_DELAY,
    FIRST_DELAY,
    MAX_DELAY,
    MAX_MESSAGES,
)
from custom_components.pbx.backends.simotel.client import (
    ORIGINATE,
    PING as PING_REQUEST,
    REPORT,
    TRUNKS_SEARCH,
    USERS_SEARCH,
)
from custom_components.pbx.backends.simotel.report import PAGE_ROWS
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    ExtensionState,
    ExtensionUpdate,
    KeyUpdate,
    Source,
    VoicemailUpdate,
)
from sandbox import (
    Fault,
    ManualClock,
    ReportStyle,
    Sandbox,
    SandboxCall,
    SandboxConfig,
)
from sandbox.faults import FAULT_KINDS, FaultKind
from sandbox.report import CursorRefusedError

# The errors of reading the report that are reported.
BORNE: frozenset[FaultKind] = frozenset({"no_id", "success_as_string"})


class DictMemory:
    """A memory that lasts as long as the test."""

    def __init__(self) -> None:
        """Initialize the memory without any values."""
        self.values: dict[str, str] = {}

    def get(self, key: str) -> str:
        """Return a value."""
        return self.values.get(key, "")

    def set(self, key: str, value: str) -> None:
        """Store a value."""
        self.values[key] = value


@dataclass
class RecordingSink:
    """Records reports, and tracks open calls; implements `Sink`."""

    updates: list[CallUpdate] = field(default_factory=list)
    extensions: list[ExtensionUpdate] = field(default_factory=list)
    voicemails: list[VoicemailUpdate] = field(default_factory=list)
    failed_speech: list[str] = field(default_factory=list)
    states: list[tuple[Channel, ChannelState]] = field(default_factory=list)
    errors: list[PbxError] = field(default_factory=list)
    opened: list[OpenCall] = field(default_factory=list)

    def call(self, update: CallUpdate) -> None:
        """Record an update, and close the call that it ends."""
        self.updates.append(update)
        if update.state is CallState.ENDED:
            self.opened = [each for each in self.opened if not _is_of(update, each)]

    def extension(self, update: ExtensionUpdate) -> None:
        """Record an update of an extension."""
        self.extensions.append(update)

    def key(self, update: KeyUpdate) -> None:
        """Ignore it."""

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Record a voice message."""
        self.voicemails.append(update)

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Record a change of health, as the manager does."""
        if (channel, state) not in self.states[-1:]:
            self.states.append((channel, state))
            self.errors += [error] if error else []

    def speech_failed(self, call_id: str) -> None:
        """Record it."""
        self.failed_speech.append(call_id)

    def open_calls(self) -> Sequence[OpenCall]:
        """Return the calls that have not ended."""
        return tuple(self.opened)

    def ends(self) -> list[CallUpdate]:
        """Return the first end of each call that was requested."""
        ends: dict[str, CallUpdate] = {}
        for each in self.updates:
            if each.originated_call_id and each.result is not None:
                ends.setdefault(each.originated_call_id, each)
        return list(ends.values())


def _is_of(update: CallUpdate, call: OpenCall) -> bool:
    request = call.request
    if update.originated_call_id == call.call_id:
        return True
    # The report contains the id of a call whose response was lost.
    is_named = bool(update.originated_call_id)
    parties = request and (request.caller, request.callee)
    return (
        is_named
        and call.call_id == "ha-lost"
        and ((update.caller, update.callee) == parties)
    )


@dataclass
class Waits:
    """Sleeps by the clock of the test, and counts the sleepers."""

    clock: ManualClock
    count: int = 0

    async def sleep(self, seconds: float) -> None:
        """Sleep by the clock of the test."""
        due = asyncio.Event()
        timer = self.clock.call_later(seconds, due.set)
        self.count += 1
        try:
            await due.wait()
        finally:
            self.count -= 1
            timer.cancel()


@dataclass
class House:
    """A running backend, its PBX, and their clock."""

    backend: SimotelBackend
    sink: RecordingSink
    memory: DictMemory
    sandbox: Sandbox
    clock: ManualClock
    waits: Waits
    ahead: float

    def now(self) -> float:
        """Return the time by the local clock."""
        return self.clock.time() - self.ahead

    async def place(self, caller: str, callee: str, call_id: str = "ha-1") -> str:
        """Place a call, and return its id."""
        request = CallRequest(
            call_id=call_id,
            caller=caller,
            callee=callee,
            context="main_routing",
            timeout=30,
        )
        call = OpenCall(
            call_id=call_id,
            state=CallState.PLACED,
            since=self.now(),
            began_at=self.now(),
            is_requested=True,
            is_uncertain=False,
            request=request,
        )
        self.sink.opened.append(call)
        try:
            placed = await self.backend.originate(request)
        except CallUncertainError:
            answered = call._replace(is_requested=False, is_uncertain=True)
        else:
            answered = call._replace(
                is_requested=False, call_id=placed.call_id or call_id
            )
        self.sink.opened.remove(call)
        self.sink.opened.append(answered)
        return answered.call_id

    async def lose(self, *, placed: bool) -> None:
        """Place a call whose response is lost."""
        self.sandbox.faults.set(ORIGINATE, Fault("reset", times=1, placed=placed))
        await self.place("101", "103", "ha-lost")
        assert self.sink.opened[-1].is_uncertain

    async def pass_time(self, seconds: float = FIRST_DELAY) -> None:
        """Move the clock second by second, and wait for what is due."""
        for _ in range(int(seconds)):
            await self.settle()
            await self.clock.advance(1)
        await self.settle()

    async def settle(self) -> None:
        """Wait until the backend sleeps."""
        await self.clock.settle()
        async with asyncio.timeout(60):
            while self.sink.opened and not self.waits.count:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.001)

    def readings(self) -> list[str]:
        """Return the ids from which the report was read."""
        bodies: list[Any] = [
            request.json for request in self.sandbox.requests if request.path == REPORT
        ]
        return [body["_id"] for body in bodies]


@pytest.fixture
def report_style() -> ReportStyle:
    """Return the style of the PBX's report; tests override it."""
    return ReportStyle()


@pytest.fixture
async def sandbox(
    clock: ManualClock, report_style: ReportStyle
) -> AsyncIterator[Sandbox]:
    """Return a PBX with such a report."""
    async with Sandbox(SandboxConfig(report=report_style), clock=clock) as running:
        yield running


def new_house(
    session: ClientSession,
    sandbox: Sandbox,
    credentials: Credentials,
    clock: ManualClock,
    ahead: float = 0,
) -> House:
    """Return a backend that is not running yet.

    Args:
        session: that it asks with.
        sandbox: that it asks.
        credentials: of an account there.
        clock: of the PBX.
        ahead: seconds that this clock is ahead of ours.
    """
    sink, memory = RecordingSink(), DictMemory()
    client = SimotelClient(
        session,
        URL(sandbox.api_url),
        credentials,
        request_timeout=2,
        # The date of a response is the real time.
        clock=lambda: time.time() - ahead,
    )
    waits = Waits(clock)
    seam = Clock(lambda: clock.time() - ahead, waits.sleep)
    backend = SimotelBackend(client, memory, sink, seam)
    return House(backend, sink, memory, sandbox, clock, waits, ahead)


@pytest.fixture
def ahead() -> float:
    """Return the seconds that the PBX's clock is ahead of the local clock."""
    return 0


@pytest.fixture
async def house(
    session: ClientSession,
    sandbox: Sandbox,
    credentials: Credentials,
    clock: ManualClock,
    ahead: float,
) -> AsyncIterator[House]:
    """Return a backend that runs."""
    made = new_house(session, sandbox, credentials, clock, ahead)
    running = asyncio.create_task(made.backend.run())
    yield made
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


# --- The report ---


@pytest.mark.parametrize(
    ("caller", "callee", "result", "talk_time"),
    [
        ("101", "200", CallResult.ANSWERED, 8),
        ("101", "103", CallResult.BUSY, 0),
        ("101", "104", CallResult.NO_ANSWER, 0),
        ("101", "105", CallResult.FAILED, 0),
        ("104", "101", CallResult.CALLER_UNREACHABLE, 0),
    ],
)
async def test_every_end(
    house: House, caller: str, callee: str, result: CallResult, talk_time: int
) -> None:
    """The report alone gives each result, also of an unreachable caller."""
    call_id = await house.place(caller, callee)
    await house.pass_time(120)

    (end,) = house.sink.ends()
    assert (end.originated_call_id, end.source) == (call_id, Source.REPORT)
    assert (end.result, end.talk_time) == (result, talk_time)
    assert end.at == house.sandbox.calls[0].ended
    assert not end.is_provisional
    assert house.sink.states == [(Channel.REPORT, ChannelState.OK)]


async def test_only_while_a_call_is_open(house: House) -> None:
    """Nothing is read without a call; with one quickly at first, then every 15 s."""
    house.sandbox.change_phone("101", hang_up_after=None)
    house.sandbox.change_phone("102", hang_up_after=250)
    await house.pass_time(30)
    assert house.readings() == []

    await house.place("101", "102")
    await house.pass_time(FIRST_DELAY)
    assert len(house.readings()) == 1
    await house.pass_time(60)
    in_a_minute = len(house.readings())
    await house.pass_time(MAX_DELAY * 4)
    assert 6 < in_a_minute < 12
    assert len(house.readings()) - in_a_minute == 4

    await house.pass_time(180)
    assert not house.sink.opened
    at_the_end = len(house.readings())
    await house.pass_time(60)
    assert len(house.readings()) == at_the_end


async def test_other_calls_do_not_read_report(house: House) -> None:
    """The report is not read for calls that were not requested."""
    call = OpenCall("x", CallState.PLACED, 0, 0, False, False, None)  # noqa: FBT003 - a tuple
    house.sink.opened.append(call)
    await house.backend.ping()
    await house.clock.advance(60)
    house.sink.opened.clear()

    assert house.readings() == []


async def test_event_is_faster(house: House) -> None:
    """The report is not read for a call that an event has ended."""
    call_id = await house.place("101", "200")
    await house.backend.receive(
        {"event": "Cdr", "originated_call_id": call_id, "disposition": "ANSWERED"}
    )
    await house.pass_time(60)

    assert house.readings() == []
    (end,) = house.sink.ends()
    assert end.source is Source.EVENT


async def test_next_call_is_read_for_quickly(house: House) -> None:
    """The report is read soon after a call, even during a long delay."""
    house.sandbox.change_phone("101", hang_up_after=None)
    house.sandbox.change_phone("102", hang_up_after=600)
    await house.place("101", "102")
    await house.pass_time(60)
    before = len(house.readings())
    await house.place("103", "104", "ha-2")
    await house.pass_time(FIRST_DELAY)

    assert len(house.readings()) == before + 1


async def test_many_calls_do_not_put_the_reading_off(house: House) -> None:
    """The report is read even if calls are placed in quick succession."""
    for index in range(12):
        await house.place("101", "104", f"ha-{index}")
        await house.pass_time(1)

    assert len(house.readings()) >= 6


@pytest.mark.parametrize(
    "report_style",
    [
        ReportStyle(history=500),
        ReportStyle(history=500, empty_last_id="empty", numbers="numbers"),
        ReportStyle(history=500, dates="mongo"),
    ],
)
async def test_history_is_not_walked(house: House) -> None:
    """A long history is skipped, and the next call continues from the last row."""
    await house.place("101", "103")
    await house.clock.advance(60)
    await house.pass_time(MAX_DELAY)

    assert len(house.readings()) < 6
    assert house.memory.get("cursor") == house.sandbox.report.rows()[-1]["_id"]
    await house.place("101", "103", "ha-2")
    await house.pass_time(60)
    assert [end.result for end in house.sink.ends()] == [CallResult.BUSY] * 2


@pytest.mark.parametrize(
    "report_style", [ReportStyle(history=150, accepts_unknown_cursor=False)]
)
async def test_history_that_must_be_walked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If only ids of rows are accepted, the report is read once, in parts."""
    monkeypatch.setattr(backend_module, "MAX_PAGES", 5)
    rows = house.sandbox.report.rows()
    await house.place("101", "103")
    await house.pass_time(FIRST_DELAY)
    assert len(house.readings()) == 5 + 1
    assert house.memory.get("cursor") == rows[5 * PAGE_ROWS - 1]["_id"]
    await house.pass_time(30)
    (*_, end) = house.sink.ends()
    assert (end.caller, end.callee, end.result) == ("101", "103", CallResult.BUSY)
    assert not house.sink.opened

    walked = len(house.readings())
    await house.place("101", "103", "ha-2")
    await house.pass_time(30)
    assert not house.sink.opened
    assert "" not in house.readings()[walked:]
    assert len(house.sink.ends()) == len(rows) + 2


async def test_begun_in_the_middle(
    session: ClientSession,
    sandbox: Sandbox,
    credentials: Credentials,
    clock: ManualClock,
) -> None:
    """The end of a call while the backend was stopped is read when it starts."""
    house = new_house(session, sandbox, credentials, clock)
    await house.place("101", "103")
    await clock.advance(60)
    again = new_house(session, sandbox, credentials, clock)
    again.sink.opened = house.sink.opened
    running = asyncio.create_task(again.backend.run())
    await again.pass_time(FIRST_DELAY)

    (end,) = again.sink.ends()
    assert end.result is CallResult.BUSY
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    "code", [PbxErrorCode.ACCESS_DENIED, PbxErrorCode.NOT_SUPPORTED]
)
@pytest.mark.parametrize("by_a_call", [True, False])
async def test_not_readable(house: House, code: PbxErrorCode, by_a_call: bool) -> None:
    """A missing permission is reported once; a granted one is noticed later."""
    sandbox, accounts = house.sandbox, house.sandbox.config.accounts
    sandbox.change_phone("101", hang_up_after=None)
    sandbox.change_phone("102", hang_up_after=600)
    if code is PbxErrorCode.ACCESS_DENIED:
        permitted = (ORIGINATE, PING_REQUEST)
        sandbox.configure(accounts=(replace(accounts[0], permissions=permitted),))
    else:
        sandbox.configure(missing_services=(REPORT,))
    await house.place("101", "102")
    await house.pass_time(80)
    assert len(house.readings()) == 1
    assert house.sink.states == [(Channel.REPORT, ChannelState.DENIED)]
    (error,) = house.sink.errors
    assert (error.code, error.detail) == (code, REPORT)

    sandbox.configure(accounts=accounts, missing_services=())
    if by_a_call:
        await house.place("103", "104", "ha-2")
        await house.pass_time(FIRST_DELAY)
    else:
        await house.pass_time(DENIED_DELAY)
    assert house.sink.states[-1] == (Channel.REPORT, ChannelState.OK)


async def test_failing_report(house: House) -> None:
    """A failed request is retried at long intervals, and recovers."""
    house.sandbox.faults.set(REPORT, Fault("reset"))
    await house.place("101", "103")
    await house.pass_time(31)
    assert len(house.readings()) == 3
    assert house.sink.states == [(Channel.REPORT, ChannelState.FAILING)]
    assert house.sink.errors[0].code is PbxErrorCode.CANNOT_CONNECT

    house.sandbox.faults.clear()
    await house.pass_time(MAX_DELAY)
    assert house.sink.states[-1] == (Channel.REPORT, ChannelState.OK)
    (end,) = house.sink.ends()
    assert end.result is CallResult.BUSY


@pytest.mark.parametrize("kind", FAULT_KINDS)
async def test_sick_report(house: House, kind: FaultKind) -> None:
    """After any number of failures, the report is read, and the end reported."""
    house.sandbox.faults.set(REPORT, Fault(kind, megabytes=2))
    await house.place("101", "103")
    await house.pass_time(20)
    state = ChannelState.OK if kind in BORNE else ChannelState.FAILING
    assert house.sink.states == [(Channel.REPORT, state)]

    house.sandbox.faults.clear()
    await house.pass_time(30)
    assert house.sink.states[-1] == (Channel.REPORT, ChannelState.OK)
    (end,) = house.sink.ends()
    assert end.result is CallResult.BUSY


async def test_wrong_credentials(house: House) -> None:
    """A 401 from the report is reported as invalid credentials."""
    await house.place("101", "103")
    account = replace(house.sandbox.config.accounts[0], password="changed")
    house.sandbox.configure(accounts=(account,))
    await house.pass_time(FIRST_DELAY)

    assert house.sink.states == [(Channel.REPORT, ChannelState.FAILING)]
    assert isinstance(house.sink.errors[0], CredentialsError)


@pytest.mark.parametrize("report_style", [ReportStyle(history=45)])
async def test_half_a_reading(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages before a failure are used, and not read again."""
    sandbox, pages = house.sandbox, house.sandbox.report.page
    asked: list[str] = []

    def page(cursor: str) -> dict[str, object]:
        asked.append(cursor)
        if len(asked) == 2:
            raise CursorRefusedError("Not now")
        return pages(cursor)

    monkeypatch.setattr(sandbox.report, "page", page)
    await house.place("101", "200")
    now = house.clock.time()
    ended = replace(sandbox.calls[0], result="busy", ended=now, state="ended")
    for _ in range(PAGE_ROWS):
        sandbox.report.add(ended)
    await house.pass_time(FIRST_DELAY)

    (end,) = house.sink.ends()
    assert end.result is CallResult.BUSY
    assert house.sink.states == [(Channel.REPORT, ChannelState.FAILING)]
    assert house.memory.get("cursor") == sandbox.report.rows()[-1]["_id"]


@pytest.mark.parametrize("ahead", [259_200, -7200])
async def test_pbx_with_another_clock(house: House, ahead: float) -> None:
    """Cursors use the PBX's clock, and updates the local clock."""
    await house.place("101", "103")
    await house.pass_time(60)

    beginning = int(house.readings()[0][:8], 16)
    began = house.sandbox.calls[0].started
    assert began - 63 <= beginning <= began - 58
    (end,) = house.sink.ends()
    ended = house.sandbox.calls[0].ended
    assert ended is not None
    assert end.at == pytest.approx(ended - ahead, abs=1)
    assert end.began_at == pytest.approx(began - ahead, abs=1)


# --- Calls whose response was lost ---


async def test_lost_and_placed(house: House) -> None:
    """The report gives the result and the id of a call whose response was lost."""
    await house.lose(placed=True)
    await house.pass_time(60)

    (end,) = house.sink.ends()
    assert end.result is CallResult.BUSY
    assert end.originated_call_id == house.sandbox.calls[0].id
    assert not house.sink.opened


async def test_lost_and_never_placed(house: House) -> None:
    """A call that was not placed ends when its row would be in the report."""
    await house.lose(placed=False)
    await house.pass_time(MAX_DELAY * 8)
    assert house.sink.ends() == []
    await house.pass_time(MAX_DELAY * 2)

    (end,) = house.sink.ends()
    assert end.originated_call_id == "ha-lost"
    assert (end.result, end.source) == (CallResult.UNDETERMINED, Source.REPORT)
    at_the_end = len(house.readings())
    await house.pass_time(60)
    assert len(house.readings()) == at_the_end


async def test_lost_without_a_report(house: House) -> None:
    """If the report cannot be read, an uncertain call does not end."""
    house.sandbox.configure(missing_services=(REPORT,))
    await house.lose(placed=False)
    await house.pass_time(600)

    assert house.sink.updates == []


async def test_no_id_and_long(house: House) -> None:
    """A call that was placed without an id does not end early."""
    house.sandbox.change_phone("101", hang_up_after=None)
    house.sandbox.change_phone("102", hang_up_after=600)
    house.sandbox.faults.set(ORIGINATE, Fault("no_id", placed=True))
    assert await house.place("101", "102") == "ha-1"
    await house.pass_time(300)
    assert house.sink.updates == []

    await house.pass_time(330)
    (end,) = house.sink.ends()
    assert end.result is CallResult.ANSWERED


# --- Several rows, and rows of other calls ---


async def test_best_row(house: House) -> None:
    """Of the rows of a ring group, the answered one is reported first."""
    await house.place("101", "200")
    sandbox, now = house.sandbox, house.clock.time()
    call = replace(sandbox.calls[0], ended=now, state="ended")
    for result in ("no_answer", "answered"):
        sandbox.report.add(replace(call, result=result))
    await house.pass_time(FIRST_DELAY)

    results = [update.result for update in house.sink.updates]
    assert results == [CallResult.ANSWERED, CallResult.NO_ANSWER]


async def test_best_row_on_the_next_page(house: House) -> None:
    """The same applies if the rows of a group are on two pages."""
    await house.place("101", "200")
    sandbox, now = house.sandbox, house.clock.time()
    call = replace(sandbox.calls[0], ended=now, state="ended")
    other = replace(call, id="x", type="incoming", result="busy")
    for _ in range(PAGE_ROWS - 1):
        sandbox.report.add(other)
    for result in ("no_answer", "answered"):
        sandbox.report.add(replace(call, result=result))
    await house.pass_time(FIRST_DELAY)

    assert house.sink.ends()[0].result is CallResult.ANSWERED
    assert not any(each.originated_call_id for each in house.sink.updates[2:])


async def test_call_dialed_by_hand(house: House) -> None:
    """The row of another call has no request id."""
    await house.place("101", "104")
    now = house.clock.time()
    row = SandboxCall(
        id="x",
        unique_id=f"{int(now)}.99",
        caller="101",
        callee="104",
        started=now,
        # Only such a row has no request id.
        type="incoming",
    )
    row.state, row.result, row.ended = "ended", "answered", now + 1
    house.sandbox.report.add(row)
    await house.pass_time(FIRST_DELAY)

    (update,) = house.sink.updates
    assert (update.source, update.originated_call_id) == (Source.REPORT, "")
    assert update.call_id == row.unique_id
    assert house.sink.opened


# --- Events ---


async def test_events_that_stop(house: House) -> None:
    """After two pings without an event, events are reported as silent."""
    for _ in range(3):
        await house.backend.ping()
    assert house.sink.states == []

    assert await house.backend.receive({"event_name": "Ping"}) == (PING, None)
    ok, silent = (
        (Channel.EVENTS, state) for state in (ChannelState.OK, ChannelState.SILENT)
    )
    await house.backend.ping()
    assert house.sink.states == [ok]
    await house.backend.ping()
    assert house.sink.states == [ok, silent]
    await house.backend.receive({"event_name": "TrunkAdded"})
    assert house.sink.states == [ok, silent, ok]


async def test_failed_ping_is_not_owed(house: House) -> None:
    """A failed ping does not count as a ping without an event."""
    await house.backend.receive({"event_name": "Ping"})
    house.sandbox.faults.set(PING_REQUEST, Fault("reset"))
    for _ in range(3):
        with pytest.raises(PbxError):
            await house.backend.ping()

    assert house.sink.states == [(Channel.EVENTS, ChannelState.OK)]


async def test_unknown_event(house: House) -> None:
    """An unknown event is ignored, and does not count as an event."""
    assert await house.backend.receive({"event_name": "Weather"}) == ("", None)
    assert house.sink == RecordingSink()


async def test_extension(house: House) -> None:
    """The state of an extension is reported, and its call."""
    event = {"event": "NewState", "exten": "102", "participant": "101"}
    assert await house.backend.receive(event | {"state": "InUse"}) == ("newstate", None)

    assert house.sink.extensions == [
        ExtensionUpdate("102", ExtensionState.IN_USE, "101")
    ]
    (update,) = house.sink.updates
    assert (update.state, update.answered_by) == (CallState.CONNECTED, "102")


@pytest.mark.parametrize("ahead", [3600])
async def test_event_by_our_clock(house: House, ahead: float) -> None:
    """The beginning of a conversation is reported by the local clock."""
    await house.backend.ping()
    began = int(house.clock.time())
    event = {"event": "Cdr", "src": "101", "dst": "102", "unique_id": f"{began}.7"}
    await house.backend.receive(event)

    (update,) = house.sink.updates
    assert update.began_at == pytest.approx(began - ahead, abs=1)
    assert update.at is None


async def test_voicemail_once(house: House) -> None:
    """A repeated message is reported once; without an id, each time."""
    event = {"event": "VoiceMail", "number": "5555", "state": "SUCCESS"}
    for unique_id in ("1.1", "1.1", "1.2", "", ""):
        await house.backend.receive(event | {"unique_id": unique_id})
    assert house.sink.voicemails == [VoicemailUpdate("5555", state="success")] * 4

    for index in range(MAX_MESSAGES):
        await house.backend.receive(event | {"unique_id": f"2.{index}"})
    await house.backend.receive(event | {"unique_id": "1.1"})
    assert len(house.sink.voicemails) == MAX_MESSAGES + 5


async def test_mailbox_answers(house: House) -> None:
    """A voice message also reports that a mailbox answered its call, if it is known."""
    event = {"event": "VoiceMail", "number": "5555", "state": "FAILED"}
    await house.backend.receive(event)
    await house.backend.receive(event | {"unique_id": "1.1"})

    (update,) = house.sink.updates
    assert (update.call_id, update.is_unattended) == ("1.1", True)


# --- The rest of the interface ---


async def test_refused_call_is_not_read_for(house: House) -> None:
    """A refused call is not followed."""
    with pytest.raises(PbxError) as caught:
        await house.backend.originate(
            CallRequest(
                call_id="ha-1", caller="101", callee="1", context="nowhere", timeout=30
            )
        )
    assert caught.value.code is PbxErrorCode.REFUSED
    await house.pass_time(60)

    assert house.readings() == []


async def test_hang_up(house: House) -> None:
    """Hanging up is not supported, and nothing is sent."""
    with pytest.raises(PbxError) as caught:
        await house.backend.hang_up("orig.call.1.2")

    assert caught.value.code is PbxErrorCode.HANG_UP_NOT_SUPPORTED
    assert not house.sandbox.requests


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ((), lambda reported: bool(reported.extensions and reported.trunks)),
        (
            (USERS_SEARCH,),
            lambda reported: bool(reported.trunks and not reported.extensions),
        ),
        ((USERS_SEARCH, TRUNKS_SEARCH), lambda reported: reported == Directory()),
    ],
)
async def test_directory(
    house: House, missing: tuple[str, ...], expected: Callable[[Directory], bool]
) -> None:
    """What the account may not read is missing in the directory."""
    house.sandbox.configure(missing_services=missing)

    assert expected(await house.backend.directory())


async def test_directory_with_wrong_credentials(house: House) -> None:
    """Rejected credentials are an error of the directory."""
    account = replace(house.sandbox.config.accounts[0], password="changed")
    house.sandbox.configure(accounts=(account,))

    with pytest.raises(CredentialsError):
        await house.backend.directory()


# --- All calls, for the call log ---


def add_rows(house: House, *calls: SandboxCall) -> None:
    """Add calls that came in to the report."""
    for call in calls:
        call.state, call.result, call.ended = "ended", "no_answer", house.clock.time()
        house.sandbox.report.add(call)


def came_in(house: House, unique_id: str) -> SandboxCall:
    """Return a call that came in."""
    return SandboxCall(
        id="x",
        unique_id=unique_id,
        caller="0912",
        callee="101",
        started=house.clock.time(),
        type="incoming",
    )


@pytest.mark.parametrize("ahead", [0, -4000, 4000])
@pytest.mark.parametrize(
    "report_style",
    [
        ReportStyle(),
        ReportStyle(accepts_unknown_cursor=False),
        ReportStyle(empty_last_id="cursor"),
    ],
)
async def test_catch_up(house: House) -> None:
    """It begins now, and then reports each call once, however many there are."""
    await house.backend.ping()
    add_rows(house, came_in(house, "0.1"))
    cursor = await house.backend.catch_up("")
    assert house.readings() == []
    await house.clock.advance(60)
    assert house.sink.updates == []
    # Without a row, it stays where it is.
    again = await house.backend.catch_up(cursor)
    house.sink.updates.clear()
    assert await house.backend.catch_up(again) == again
    house.sink.updates.clear()

    ids = [f"0.{number}" for number in range(2, PAGE_ROWS * 2 + 5)]
    add_rows(house, *(came_in(house, each) for each in ids))
    cursor = await house.backend.catch_up(cursor)
    found = [each.call_id for each in house.sink.updates]
    assert [each for each in found if each in ids] == ids
    (end, *_) = house.sink.updates[-1:]
    assert (end.source, end.result) == (Source.REPORT, CallResult.NO_ANSWER)
    assert end.at == pytest.approx(house.now(), abs=2)

    house.sink.updates.clear()
    await house.clock.advance(60)
    add_rows(house, came_in(house, "9.9"))
    await house.backend.catch_up(cursor)
    assert house.sink.updates[-1].call_id == "9.9"
    # What was written in the same second is read again, and nothing before.
    assert {each.call_id for each in house.sink.updates} <= {"9.9", *ids}
    assert house.sink.states == []


async def test_catch_up_with_an_error(house: House) -> None:
    """An error of the PBX is raised, and no channel counts as failing."""
    cursor = await house.backend.catch_up("")
    house.sandbox.faults.set(REPORT, Fault("reset", times=9))
    with pytest.raises(PbxError):
        await house.backend.catch_up(cursor)
    assert house.sink.states == []
