"""Tests of ringing a phone of a real Asterisk."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from time import time

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.asterisk import ASTERISK, ring
from custom_components.pbx.backends.asterisk.access import normalize_address
from custom_components.pbx.backends.base import (
    Backend,
    CallRequest,
    Clock,
)
from custom_components.pbx.backends.ring_result import RingOutcome, RingResult
from scripts.support.asterisk import CONTEXT, Asterisk, Behavior
from tests.pbx.backends.contract import DictMemory, FollowingSink

REQUEST = CallRequest(
    call_id="ha-ring", caller="557", callee="557", context=CONTEXT, timeout=3
)


@pytest.fixture
async def backend(
    asterisk: Asterisk, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Backend]:
    """Return a backend that is not running, as forms have it."""
    monkeypatch.setattr(ring, "LISTENING_TIME", 2)
    data = {
        "url": str(normalize_address(asterisk.url)),
        "username": asterisk.username,
        "password": asterisk.password,
        "application": "ring",
        "internal_channel": "PJSIP/{number}",
        "external_channel": "PJSIP/{number}@{trunk}",
    }
    async with ClientSession() as session:
        yield ASTERISK.create(session, data, DictMemory(), FollowingSink(time), Clock())


@pytest.mark.parametrize(
    ("behavior", "outcome"),
    [
        (Behavior.ANSWER, RingOutcome.WORKS),
        (Behavior.NEVER_ANSWER, RingOutcome.NO_ANSWER),
        (Behavior.RING_THEN_UNAVAILABLE, RingOutcome.NO_ANSWER),
        (Behavior.BUSY, RingOutcome.BUSY),
        (Behavior.DECLINE, RingOutcome.DECLINED),
        (Behavior.RING_THEN_DECLINE, RingOutcome.DECLINED),
        (Behavior.UNAVAILABLE, RingOutcome.UNREACHABLE),
        (Behavior.DEAD, RingOutcome.UNREACHABLE),
    ],
)
async def test_outcomes(
    asterisk: Asterisk, backend: Backend, behavior: Behavior, outcome: RingOutcome
) -> None:
    """What the phone does is found, and nothing is left of the call."""
    await asterisk.phone("557", behavior)

    detail = "" if outcome is RingOutcome.WORKS else "PJSIP/557"
    assert await backend.ring(REQUEST) == RingResult(outcome, detail)
    await asterisk.idle(5)


async def test_sound(asterisk: Asterisk, backend: Backend) -> None:
    """The person who answers hears something until the call is hung up."""
    phone = await asterisk.phone("557")
    ringing = asyncio.ensure_future(backend.ring(REQUEST))
    await phone.saw("ACK")
    await asyncio.sleep(1.5)
    stats = await asterisk.cli("pjsip show channelstats")
    (line,) = (line for line in stats.splitlines() if "557-" in line)
    *_, sent, _lost, _percent, _jitter, _rtt = line.split()

    # 50 packets a second.
    assert int(sent) > 25
    await ringing
    assert (await phone.stop()).received["BYE"] == 1


@pytest.mark.parametrize(
    ("context", "callee", "outcome"),
    [
        # By a pattern, and by the name itself.
        (CONTEXT, "552", RingOutcome.WORKS),
        (CONTEXT, "700", RingOutcome.WORKS),
        (CONTEXT, "*43", RingOutcome.WORKS),
        (CONTEXT, "+49301234567", RingOutcome.WORKS),
        (CONTEXT, "9557", RingOutcome.NO_EXTENSION),
        ("from-internal-2", "557", RingOutcome.NO_EXTENSION),
        # Asterisk cannot be asked.
        ("a,b", "557", RingOutcome.WORKS),
    ],
)
async def test_context(
    asterisk: Asterisk,
    backend: Backend,
    context: str,
    callee: str,
    outcome: RingOutcome,
) -> None:
    """A context without an extension for the number is found."""
    await asterisk.phone("557", hang_up_after=0.5)
    request = replace(REQUEST, context=context, callee=callee)

    assert (await backend.ring(request)).outcome is outcome
    await asterisk.idle(5)


async def test_unknown_endpoint(asterisk: Asterisk, backend: Backend) -> None:
    """A phone that is not configured is found before anything rings."""
    result = await backend.ring(replace(REQUEST, caller="998"))

    assert result == RingResult(RingOutcome.NO_ENDPOINT, "PJSIP/998")
    await asterisk.idle(5)


async def test_canceled(asterisk: Asterisk, backend: Backend) -> None:
    """The phone stops ringing when the dialog is closed."""
    phone = await asterisk.phone("557", Behavior.NEVER_ANSWER)
    ringing = asyncio.ensure_future(backend.ring(replace(REQUEST, timeout=60)))
    await phone.saw("180")
    ringing.cancel()

    await phone.saw("CANCEL", patience=5)
    with pytest.raises(asyncio.CancelledError):
        await ringing
    await asterisk.idle(5)
