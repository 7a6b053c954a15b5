"""Phones of a real Asterisk that ring together, checked at the phones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
import os
import random
from time import time
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.asterisk import ASTERISK, models, ring_groups
from custom_components.pbx.backends.asterisk.access import normalize_address
from custom_components.pbx.backends.base import Backend, CallRequest, Clock
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallResult, CallState
from scripts.support.asterisk import CONTEXT, Asterisk, Behavior, server
from scripts.support.asterisk.scenarios import being_rung
from tests.pbx.backends.contract import DictMemory, FollowingSink, until

from .proxy import Proxy
from .times import is_about

NEVER = Behavior.NEVER_ANSWER
LATE = (CallResult.NO_ANSWER, "answered_elsewhere")
# The header of a phone that stops without a missed call.
ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
# Seconds by which two people lift their phones one after the other, at most.
_APART = 0.2
# How often they do; more often by hand.
_TIMES = int(os.environ.get("PBX_TOGETHER_TIMES", "15"))


@dataclass
class Place:
    """Phones that ring together, and the backend that rings them.

    Attributes:
        calls: ids of the latest calls, by the number of the phone.
    """

    asterisk: Asterisk
    proxy: Proxy
    session: ClientSession
    internal: str = "PJSIP/{number}"
    application: str = "groups"
    sink: FollowingSink = field(default_factory=lambda: FollowingSink(time))
    calls: dict[str, str] = field(default_factory=dict)
    backend: Backend = field(init=False)
    _running: asyncio.Task[None] | None = None
    _groups: int = 0

    async def start(self) -> None:
        """Start a backend, and wait until it has connected."""
        data = {
            "url": str(normalize_address(self.proxy.url)),
            "username": self.asterisk.username,
            "password": self.asterisk.password,
            "application": self.application,
            "internal_channel": self.internal,
            "external_channel": "PJSIP/{number}@{trunk}",
        }
        self.sink.is_connected.clear()
        self.backend = ASTERISK.create(
            self.session, data, DictMemory(), self.sink, Clock()
        )
        self._running = asyncio.create_task(self.backend.run())
        await self.sink.is_connected.wait()

    async def stop(self) -> None:
        """Stop the backend."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    def request(self, number: str, **fields: Any) -> CallRequest:  # noqa: ANN401 - any field of a request
        """Return the request for a phone of the current group."""
        group = f"ha-group-{self._groups}"
        given = {
            "call_id": f"{group}-{number}",
            "caller": number,
            "callee": "552",
            "context": CONTEXT,
            "timeout": 5,
            "group": group,
            **fields,
        }
        return CallRequest(**given)

    async def ring(self, *numbers: str, apart: float = 0, **fields: Any) -> None:  # noqa: ANN401 - likewise
        """Let phones ring together.

        Args:
            numbers: of the phones.
            apart: seconds between the first and the last one.
            fields: of the requests.
        """
        self._groups += 1
        requests = {number: self.request(number, **fields) for number in numbers}
        self.calls = {number: each.call_id for number, each in requests.items()}
        await asyncio.gather(
            *(
                self._ring(request, apart * position / max(1, len(numbers) - 1))
                for position, request in enumerate(requests.values())
            )
        )

    async def _ring(self, request: CallRequest, delay: float) -> None:
        await asyncio.sleep(delay)
        await self.sink.place(self.backend, request)

    async def ended(self) -> dict[str, tuple[CallResult | None, str]]:
        """Wait until all calls have ended, and return their results and causes."""
        results = {}
        for number, call_id in self.calls.items():
            await self._ended(call_id)
            (end,) = self.sink.ends(call_id)
            results[number] = end.result, end.cause
        await self.asterisk.idle(10)
        return results

    async def _ended(self, call_id: str) -> None:
        await until(lambda: self.sink.ends(call_id))

    def was_connected(self, number: str) -> bool:
        """Return whether a phone has reached the callee."""
        return CallState.CONNECTED in self.sink.states(self.calls[number])


@pytest.fixture
async def place(asterisk: Asterisk) -> AsyncIterator[Place]:
    """Return a backend that is connected."""
    proxy = await Proxy.start(asterisk.url)
    async with ClientSession() as session:
        place = Place(asterisk, proxy, session)
        await place.start()
        yield place
        await place.stop()
    await proxy.stop()


async def test_first_wins(place: Place, asterisk: Asterisk) -> None:
    """All ring; the first is connected, and the others list no missed call."""
    slow = [await asterisk.phone(number, NEVER) for number in ("551", "553")]
    first = await asterisk.phone("555", ring=0.6)
    callee = await asterisk.phone("552", hang_up_after=1)
    await place.ring("551", "553", "555", caller_id="100", caller_name="Doorbell")
    results = await place.ended()

    assert results == {
        "551": LATE,
        "553": LATE,
        "555": (CallResult.ANSWERED, "normal_clearing"),
    }
    assert place.was_connected("555")
    for phone in slow:
        assert (await phone.saw("CANCEL")).header("Reason") == ELSEWHERE
        assert (await phone.stop()).received["INVITE"] == 1
    assert first.messages[0].header("From").startswith('"Doorbell" <sip:100@')
    assert (await callee.stop()).successful == 1
    (end,) = place.sink.ends(place.calls["555"])
    assert is_about(end.talk_time or 0, 1)


async def test_two_lift_at_once(place: Place, asterisk: Asterisk) -> None:
    """Never do two people reach the door, however close they are."""
    numbers = ("551", "553", "555")
    phones = [await asterisk.phone(number, ring=0.4) for number in numbers]
    callee = await asterisk.phone("552", ring=0.05, hang_up_after=0.2)
    rng = random.Random(16)  # noqa: S311 - no secret
    for times in range(1, _TIMES + 1):
        order = rng.sample(numbers, 3)
        # Most of them are closer than the time that Asterisk needs.
        await place.ring(*order, apart=_APART * rng.random() ** 3)
        results = await place.ended()
        winners = [each for each in numbers if place.was_connected(each)]
        assert len(winners) == 1, (times, results)
        assert results.pop(winners[0])[0] is CallResult.ANSWERED
        assert set(results.values()) == {LATE}, (times, results)
    assert (await callee.stop()).created == callee.counts.successful == _TIMES

    counts = [await phone.stop() for phone in phones]
    lifted = sum(each.received["ACK"] - each.sent["487"] for each in counts)
    print(f"{_TIMES} times, {lifted} phones were lifted")  # noqa: T201


async def test_all_kinds_of_phones(
    place: Place, asterisk: Asterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person is reached in spite of phones that refuse, forward or are gone."""
    callee = await asterisk.phone("552", hang_up_after=0.5)
    await asterisk.phone("551", Behavior.BUSY)
    await asterisk.phone("553", Behavior.RING_THEN_DECLINE)
    await asterisk.phone("554", Behavior.DEAD)
    await asterisk.phone("556", NEVER)
    # This phone is not in the group: 557 forwards to it.
    other = await asterisk.phone("558", ring=0.5)
    await asterisk.phone("555", ring=2)
    monkeypatch.setattr(server, "being_rung", forwarding)
    await asterisk.phone("557", Behavior.BUSY)
    await place.ring("551", "553", "554", "556", "557", "555")

    unreachable = CallResult.CALLER_UNREACHABLE
    assert await place.ended() == {
        "551": (unreachable, "user_busy"),
        "553": (unreachable, "call_rejected"),
        "554": LATE,
        "556": LATE,
        "557": (unreachable, "redirected_to_new_destination"),
        "555": (CallResult.ANSWERED, "normal_clearing"),
    }
    assert (await callee.stop()).created == 1
    assert (await other.stop()).received["ACK"] == other.counts.sent["487"]


def forwarding(behavior: Behavior, **manner: Any) -> str:  # noqa: ANN401 - passed on
    """Return the scenario of a phone that forwards to 558 instead of being busy."""
    scenario = being_rung(behavior, **manner)
    scenario = scenario.replace("486 Busy Here", "302 Moved Temporarily")
    return scenario.replace("<sip:[local_ip]", "<sip:558@[local_ip]")


async def test_no_answer(place: Place, asterisk: Asterisk) -> None:
    """All stop after the ring time of each."""
    phones = [await asterisk.phone(number, NEVER) for number in ("551", "553")]
    await place.ring("551", "553", timeout=2)

    missed = (CallResult.CALLER_UNREACHABLE, "no_answer")
    assert await place.ended() == {"551": missed, "553": missed}
    for phone in phones:
        rang, stopped = await phone.saw("180"), await phone.saw("CANCEL")
        assert is_about(stopped.time - rang.time, 2)
        # Without an answer, it is a missed call.
        assert stopped.header("Reason") != ELSEWHERE


async def test_lifts_and_hangs_up(place: Place, asterisk: Asterisk) -> None:
    """A person who hangs up at once ends it, and nothing is left."""
    other = await asterisk.phone("551", NEVER)
    await asterisk.phone("553", hang_up_after=0.001)
    callee = await asterisk.phone("552", NEVER)
    await place.ring("551", "553")
    results = await place.ended()

    assert results["551"] == LATE
    assert results["553"][0] is CallResult.NO_ANSWER
    assert (await callee.stop()).received["ACK"] == callee.counts.sent["487"]
    assert (await other.stop()).created == 1


async def test_through_local_channels(place: Place, asterisk: Asterisk) -> None:
    """Phones that the dialplan dials stop without a missed call, too."""
    await place.stop()
    place.internal = "Local/{number}@from-internal"
    await place.start()
    other = await asterisk.phone("551", NEVER)
    await asterisk.phone("553", ring=0.5)
    callee = await asterisk.phone("552", hang_up_after=0.5)
    await place.ring("551", "553")
    results = await place.ended()

    assert results["551"] == LATE
    assert results["553"][0] is CallResult.ANSWERED
    assert (await other.saw("CANCEL")).header("Reason") == ELSEWHERE
    assert (await callee.stop()).successful == 1


async def test_no_limit_of_the_ringing_is_left(
    place: Place, asterisk: Asterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit that a ringing phone has does not end the conversation."""
    monkeypatch.setattr(models, "_SAFETY_MARGIN", 0)
    await asterisk.phone("551")
    callee = await asterisk.phone("552", hang_up_after=4)
    await place.ring("551", timeout=3)

    assert await place.ended() == {"551": (CallResult.ANSWERED, "normal_clearing")}
    (end,) = place.sink.ends(place.calls["551"])
    assert is_about(end.talk_time or 0, 4)
    assert (await callee.stop()).received["BYE"] == 0


async def test_call_limit(place: Place, asterisk: Asterisk) -> None:
    """The call limit counts from the answer of the callee."""
    await asterisk.phone("551")
    callee = await asterisk.phone("552", ring=1)
    await place.ring("551", call_limit=2)
    await place.ended()

    answered, ended = await callee.saw("ACK"), await callee.saw("BYE")
    assert is_about(ended.time - answered.time, 2)


# --- a signal ---


async def test_signal(place: Place, asterisk: Asterisk) -> None:
    """Each person who answers hears a tone, and is let go."""
    phones = [await asterisk.phone(number, ring=0.3) for number in ("551", "553")]
    await asterisk.phone("555", NEVER)
    callee = await asterisk.phone("552")
    await place.ring("551", "553", "555", group=None, is_signal=True, timeout=3)

    assert await place.ended() == {
        "551": (CallResult.ANSWERED, "normal_clearing"),
        "553": (CallResult.ANSWERED, "normal_clearing"),
        "555": (CallResult.CALLER_UNREACHABLE, "no_answer"),
    }
    for phone in phones:
        answered, ended = await phone.saw("ACK"), await phone.saw("BYE")
        assert is_about(ended.time - answered.time, 0.7)
    assert (await callee.stop()).created == 0


async def test_sound_of_a_signal(
    place: Place, asterisk: Asterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tone is sent to the phone."""
    monkeypatch.setattr(ring_groups, "TONE_LENGTH", 3)
    phone = await asterisk.phone("551")
    await place.ring("551", group=None, is_signal=True)
    await phone.saw("ACK")
    await asyncio.sleep(1.5)
    stats = await asterisk.cli("pjsip show channelstats")
    (line,) = (line for line in stats.splitlines() if "551-" in line)
    *_, sent, _lost, _percent, _jitter, _rtt = line.split()
    await place.ended()

    # 50 packets a second.
    assert int(sent) > 25


# --- lost answers, lost streams, restarts ---


async def test_answer_is_lost(place: Place, asterisk: Asterisk) -> None:
    """A phone that may ring is stopped, too, when another one is answered."""
    callee = await asterisk.phone("552", hang_up_after=0.5)
    lost = await asterisk.phone("551", NEVER)
    await asterisk.phone("553", ring=0.5)
    place.proxy.lose_answers(is_forwarded=True)
    with pytest.raises(CallUncertainError):
        await place.ring("551")
    await lost.saw("180")
    request = place.request("553")
    await place.sink.place(place.backend, request)
    place.calls["553"] = request.call_id
    results = await place.ended()

    assert results["553"][0] is CallResult.ANSWERED
    assert results["551"] == LATE
    assert (await lost.saw("CANCEL")).header("Reason") == ELSEWHERE
    assert (await callee.stop()).created == 1


async def test_phone_with_a_lost_answer_wins(place: Place, asterisk: Asterisk) -> None:
    """A phone whose answer was lost is connected, and stays connected."""
    callee = await asterisk.phone("552", hang_up_after=6)
    await asterisk.phone("551", ring=0.5)
    place.proxy.lose_answers(is_forwarded=True)
    with pytest.raises(CallUncertainError):
        await place.ring("551")

    assert await place.ended() == {"551": (CallResult.ANSWERED, "normal_clearing")}
    assert (await callee.stop()).received["BYE"] == 0


async def test_stream_is_lost_for_a_moment(place: Place, asterisk: Asterisk) -> None:
    """A person who answers after the stream is back is connected."""
    first = await asterisk.phone("551", ring=4)
    callee = await asterisk.phone("552", hang_up_after=0.5)
    await place.ring("551", timeout=10)
    await first.saw("180")
    await place.proxy.cut()
    await until(lambda: not place.sink.is_connected.is_set())
    await place.sink.is_connected.wait()

    assert await place.ended() == {"551": (CallResult.ANSWERED, "normal_clearing")}
    assert (await callee.stop()).successful == 1


async def test_stream_is_down(place: Place, asterisk: Asterisk) -> None:
    """No phone rings whose answer would not be noticed."""
    phone = await asterisk.phone("551", NEVER)
    async with place.proxy.closed():
        await until(lambda: not place.sink.is_connected.is_set())
        with pytest.raises(PbxError) as raised:
            await place.ring("551")
    assert raised.value.code is PbxErrorCode.NO_STREAM
    assert phone.messages == []


async def test_reloaded(place: Place, asterisk: Asterisk) -> None:
    """Phones stop ringing when the backend stops."""
    phones = [await asterisk.phone(number, NEVER) for number in ("551", "553")]
    await place.ring("551", "553", timeout=30)
    for phone in phones:
        await phone.saw("180")
    await place.stop()
    for phone in phones:
        await phone.saw("CANCEL", patience=3)
    await place.start()

    results = await place.ended()
    assert CallResult.ANSWERED not in {result for result, _ in results.values()}


async def test_crashed(place: Place, asterisk: Asterisk) -> None:
    """Phones that ring from before a crash are stopped, and not connected."""
    phones = [await asterisk.phone(number, NEVER) for number in ("551", "553")]
    await asterisk.phone("555", ring=1)
    callee = await asterisk.phone("552")
    await place.ring("551", "553", "555", timeout=30)
    async with place.proxy.closed():
        await place.stop()
        await asyncio.sleep(1.5)
        for phone in phones:
            assert "CANCEL" not in {each.what for each in phone.messages}
    await place.start()
    for phone in phones:
        await phone.saw("CANCEL", patience=5)

    results = await place.ended()
    assert CallResult.ANSWERED not in {result for result, _ in results.values()}
    assert (await callee.stop()).created == 0


async def test_connected_before_a_crash(place: Place, asterisk: Asterisk) -> None:
    """A conversation goes on over a crash."""
    await asterisk.phone("551")
    callee = await asterisk.phone("552", hang_up_after=6)
    await place.ring("551")
    await callee.saw("ACK")
    async with place.proxy.closed():
        await place.stop()
    await place.start()

    assert (await place.ended())["551"][0] is CallResult.ANSWERED
    assert (await callee.stop()).received["BYE"] == 0


async def test_two_home_assistants(place: Place, asterisk: Asterisk) -> None:
    """Another application on the same Asterisk does not interfere."""
    other = Place(asterisk, place.proxy, place.session, application="other")
    await other.start()
    try:
        await asterisk.phone("551")
        callee = await asterisk.phone("552", hang_up_after=1)
        await place.ring("551")
        results = await place.ended()
        assert results == {"551": (CallResult.ANSWERED, "normal_clearing")}
        assert (await callee.stop()).received["BYE"] == 0
    finally:
        await other.stop()


# --- headers ---


@pytest.mark.parametrize("group", [None, "ha-group"])
async def test_headers(place: Place, asterisk: Asterisk, group: str | None) -> None:
    """The ring tone and the wish to answer reach the phone that rings first."""
    phone = await asterisk.phone("551", hang_up_after=1)
    callee = await asterisk.phone("552")
    await place.ring(
        "551", group=group, auto_answer=True, ring_tone="<http://x>;Bell 2"
    )
    await place.ended()

    (invite, *_) = phone.messages
    assert invite.header("Alert-Info") == "<http://x>;Bell 2"
    assert invite.header("Call-Info") == "<sip:pbx>;answer-after=0"
    assert (await callee.saw("INVITE")).header("Alert-Info") == ""


async def test_auto_answer(place: Place, asterisk: Asterisk) -> None:
    """Without a ring tone, phones that need another header get it."""
    phone = await asterisk.phone("551", hang_up_after=0.5)
    await asterisk.phone("552")
    await place.ring("551", auto_answer=True)
    await place.ended()

    assert phone.messages[0].header("Alert-Info") == "info=alert-autoanswer"


async def test_headers_through_local_channels(place: Place, asterisk: Asterisk) -> None:
    """A phone that the dialplan dials would not get them, and is not rung."""
    await place.stop()
    place.internal = "Local/{number}@from-internal"
    await place.start()
    phone = await asterisk.phone("551")
    for fields in ({"auto_answer": True}, {"ring_tone": "x", "group": None}):
        with pytest.raises(PbxError) as raised:
            await place.ring("551", **fields)
        assert raised.value.code is PbxErrorCode.NO_RING_TONE
    assert phone.messages == []
