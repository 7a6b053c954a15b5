"""Tests of ringing phones of a Simotel, over HTTP to the sandbox."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from aiohttp import ClientSession
import pytest
from yarl import URL

from custom_components.pbx.backends.base import CallRequest, Clock
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.ring_result import RingOutcome, RingResult
from custom_components.pbx.backends.simotel import (
    Credentials,
    SimotelBackend,
    SimotelClient,
    ring as ring_module,
)
from custom_components.pbx.backends.simotel.client import ORIGINATE, REPORT
from custom_components.pbx.backends.simotel.ring import GRACE, INTERVAL, TALK_TIME
from sandbox import Fault, ManualClock, Phone, Sandbox
from tests.pbx.backends.contract import DictMemory, RecordingSink

RING_TIME = 10
REQUEST = CallRequest(
    call_id="ha-1",
    caller="101",
    callee="106",
    context="main_routing",
    timeout=RING_TIME,
)
LONGEST = 2 * RING_TIME + TALK_TIME + GRACE


@pytest.fixture
def backend(
    session: ClientSession,
    sandbox: Sandbox,
    credentials: Credentials,
    clock: ManualClock,
) -> SimotelBackend:
    """Return a backend that is not running, as forms have it."""
    client = SimotelClient(session, URL(sandbox.api_url), credentials, clock=clock.time)

    async def sleep(seconds: float) -> None:
        due = asyncio.Event()
        clock.call_later(seconds, due.set)
        await due.wait()

    return SimotelBackend(
        client, DictMemory(), RecordingSink(), Clock(clock.time, sleep)
    )


async def ring(
    backend: SimotelBackend, clock: ManualClock, caller: str, callee: str = "106"
) -> RingResult:
    """Ring a phone, and let time pass until the result is there."""
    request = replace(REQUEST, caller=caller, callee=callee)
    began_at = clock.time()
    ringing = asyncio.ensure_future(backend.ring(request))
    while not ringing.done() and clock.time() < began_at + 2 * LONGEST:
        await clock.settle()
        await asyncio.sleep(0.005)
        await clock.advance(1)
    return await ringing


@pytest.mark.parametrize(
    ("caller", "callee", "outcome"),
    [
        ("101", "106", RingOutcome.WORKS),
        ("103", "106", RingOutcome.FIRST_NOT_ANSWERED),
        ("104", "106", RingOutcome.FIRST_NOT_ANSWERED),
        ("101", "103", RingOutcome.SECOND_NOT_ANSWERED),
        ("101", "104", RingOutcome.SECOND_NOT_ANSWERED),
        ("101", "105", RingOutcome.SECOND_NOT_ANSWERED),
    ],
)
async def test_outcomes(
    backend: SimotelBackend,
    sandbox: Sandbox,
    clock: ManualClock,
    caller: str,
    callee: str,
    outcome: RingOutcome,
) -> None:
    """The report shows which of the two phones was answered."""
    assert await ring(backend, clock, caller, callee) == RingResult(outcome)
    (call,) = sandbox.calls
    assert (call.caller, call.callee, call.call_limit) == (caller, callee, TALK_TIME)
    assert call.state == "ended"


def deny_report(sandbox: Sandbox) -> None:
    """Have no report."""
    sandbox.configure(missing_services=(REPORT,))


def lose_answer(sandbox: Sandbox) -> None:
    """Lose the answer to the call request."""
    sandbox.faults.set(ORIGINATE, Fault("reset", placed=True))


def have_no_id(sandbox: Sandbox) -> None:
    """Return no id of the call."""
    sandbox.faults.set(ORIGINATE, Fault("no_id"))


@pytest.mark.parametrize("cause", [deny_report, lose_answer, have_no_id])
async def test_undetermined(
    backend: SimotelBackend,
    sandbox: Sandbox,
    clock: ManualClock,
    cause: Callable[[Sandbox], None],
) -> None:
    """Where the report does not have the result, it is undetermined at once."""
    cause(sandbox)
    began_at = clock.time()

    result = await ring(backend, clock, "101")
    assert result == RingResult(RingOutcome.UNDETERMINED)
    assert clock.time() - began_at <= INTERVAL + 1


async def test_report_in_trouble(
    backend: SimotelBackend, sandbox: Sandbox, clock: ManualClock
) -> None:
    """A report that fails is read again, until the result would be there."""
    sandbox.faults.set(REPORT, Fault("status_500", times=1))
    assert (await ring(backend, clock, "101")).outcome is RingOutcome.WORKS

    sandbox.faults.set(REPORT, Fault("status_500"))
    began_at = clock.time()
    result = await ring(backend, clock, "101")
    assert result == RingResult(RingOutcome.UNDETERMINED)
    assert clock.time() - began_at == pytest.approx(LONGEST, abs=INTERVAL + 1)


@pytest.mark.parametrize("at_once", [1, 50])
async def test_long_report(
    backend: SimotelBackend,
    sandbox: Sandbox,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
) -> None:
    """The result is found behind the rows of other calls."""
    monkeypatch.setattr(ring_module, "MAX_PAGES", at_once)
    busy = Phone(number="101", behavior="busy", after=0)
    sandbox.configure(phones=(busy, *sandbox.config.phones[1:]))
    others = [replace(REQUEST, call_id=f"ha-{index}") for index in range(45)]
    await asyncio.gather(*map(backend.originate, others))
    await clock.advance(1)
    before = len(sandbox.requests)

    result = await ring(backend, clock, "106", "102")
    assert result == RingResult(RingOutcome.WORKS)
    pages = [each for each in sandbox.requests[before:] if each.path == REPORT]
    assert len(pages) > 2


async def test_refused(
    backend: SimotelBackend, sandbox: Sandbox, clock: ManualClock
) -> None:
    """What the PBX rejects is raised."""
    sandbox.faults.set(ORIGINATE, Fault("refuse", message="context not found"))
    with pytest.raises(PbxError, match="context not found") as raised:
        await ring(backend, clock, "101")

    assert raised.value.code is PbxErrorCode.REFUSED
    assert sandbox.calls == []
