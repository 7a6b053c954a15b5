"""Calls in a bridge of our own on a real Asterisk: keys, and callers on the line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from time import time
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.pbx.backends.asterisk import ASTERISK, line_tasks
from custom_components.pbx.backends.asterisk.access import normalize_address
from custom_components.pbx.backends.base import Backend, CallRequest, Clock
from custom_components.pbx.backends.errors import (
    CallNotFoundError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    KeyUpdate,
    Side,
)
from scripts.support.asterisk import CONTEXT, Asterisk, Behavior, Manner
from tests.pbx.backends.contract import DictMemory, FollowingSink, until

from .house import add_dialplan
from .proxy import Proxy
from .times import is_about

CONNECTED, RINGING = CallState.CONNECTED, CallState.RINGING_CALLEE
CALLER, CALLEE = Side.CALLER, Side.CALLEE
NEVER = Behavior.NEVER_ANSWER


class KeySink(FollowingSink):
    """A sink that records keys, too."""

    def __init__(self) -> None:
        """Initialize the sink without any reports."""
        super().__init__(time)
        self.keys: list[KeyUpdate] = []

    def key(self, update: KeyUpdate) -> None:
        """Record it."""
        self.keys.append(update)


@dataclass
class Place:
    """A backend that is connected, and its calls."""

    asterisk: Asterisk
    proxy: Proxy
    session: ClientSession
    sink: KeySink = field(default_factory=KeySink)
    backend: Backend = field(init=False)
    _running: asyncio.Task[None] | None = None
    _calls: int = 0

    async def start(self) -> None:
        """Start a backend, and wait until it has connected."""
        data = {
            "url": str(normalize_address(self.proxy.url)),
            "username": self.asterisk.username,
            "password": self.asterisk.password,
            "application": "lines",
            "internal_channel": "PJSIP/{number}",
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

    async def call(self, **fields: Any) -> str:  # noqa: ANN401 - any field of a request
        """Place a call that takes keys, and return its id."""
        self._calls += 1
        given = {
            "call_id": f"ha-{self._calls}",
            "caller": "557",
            "callee": "552",
            "context": CONTEXT,
            "timeout": 5,
            "takes_keys": True,
            **fields,
        }
        request = CallRequest(**given)
        await self.sink.place(self.backend, request)
        return request.call_id

    async def connected(self, **fields: Any) -> str:  # noqa: ANN401 - likewise
        """Place a call, and return its id when both parties talk."""
        call_id = await self.call(**fields)
        await self.until_state(call_id, CONNECTED)
        async with asyncio.timeout(5):
            while not await self.is_talking(call_id):  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.02)
        return call_id

    async def is_talking(self, call_id: str) -> bool:
        """Return whether both parties are in the bridge of a call."""
        for bridge in await self.asterisk.bridges():
            if bridge["id"] == f"{call_id}-b":
                return len(bridge["channels"]) == 2
        return False

    async def until_state(self, call_id: str, state: CallState) -> None:
        """Wait until a call has reached a state."""
        await until(lambda: state in self.sink.states(call_id))

    async def end(self, call_id: str) -> CallUpdate:
        """Wait for the end of a call, and return it."""
        await until(lambda: self.sink.ends(call_id))
        (end,) = self.sink.ends(call_id)
        return end

    async def result(self, call_id: str) -> tuple[CallResult | None, str]:
        """Wait for the end of a call, and return its result and cause."""
        end = await self.end(call_id)
        return end.result, end.cause

    async def over(self) -> None:
        """Wait until no channel and no bridge is left."""
        await self.asterisk.idle(10)
        async with asyncio.timeout(5):
            while await self.asterisk.bridges():  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.05)


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


# --- keys ---


@pytest.mark.parametrize("by_info", [False, True])
async def test_keys(place: Place, asterisk: Asterisk, *, by_info: bool) -> None:
    """The keys of both parties are reported once each, in order."""
    phones = [
        await asterisk.speaking_phone(number, Manner(by_info=by_info))
        for number in ("557", "552")
    ]
    call_id = await place.connected()
    caller, callee = [await phone.call() for phone in phones]
    await caller.press("1229*", hold=0.1, gap=0.1)
    await callee.press("00#4", hold=0.1, gap=0.1)
    await until(lambda: len(place.sink.keys) == 9)
    await asyncio.sleep(0.5)

    assert place.sink.keys == [
        *(KeyUpdate(call_id, key, CALLER) for key in "1229*"),
        *(KeyUpdate(call_id, key, CALLEE) for key in "00#4"),
    ]
    await caller.hang_up()
    await place.over()


@pytest.mark.parametrize(("hold", "gap"), [(0.06, 0.04), (0.04, 0.04), (0.08, 0.02)])
async def test_fast_keys(
    place: Place, asterisk: Asterisk, hold: float, gap: float
) -> None:
    """Keys that Asterisk reports twice for a phone are reported once."""
    phones = [await asterisk.speaking_phone(each, Manner()) for each in ("557", "552")]
    call_id = await place.connected()
    caller, callee = [await phone.call() for phone in phones]
    await caller.press("12233", hold=hold, gap=gap)
    await until(lambda: len(place.sink.keys) >= 5)
    await callee.press("4556", hold=hold, gap=gap)
    await until(lambda: len(place.sink.keys) >= 9)
    # A key that is reported twice follows at once.
    await asyncio.sleep(0.5)

    assert [(key, side) for _, key, side in place.sink.keys] == [
        *((key, CALLER) for key in "12233"),
        *((key, CALLEE) for key in "4556"),
    ]
    await place.backend.hang_up(call_id)
    await place.over()


async def test_send_keys(place: Place, asterisk: Asterisk) -> None:
    """Keys are sent to one party, and are not reported as those of the other."""
    phones = [await asterisk.speaking_phone(each, Manner()) for each in ("557", "552")]
    call_id = await place.connected()
    caller, callee = [await phone.call() for phone in phones]
    await place.backend.send_keys(call_id, "12#", CALLER)
    await place.backend.send_keys(call_id, "4*A", CALLEE)
    await until(lambda: caller.received_keys == "12#")
    await until(lambda: callee.received_keys == "4*A")
    await asyncio.sleep(0.5)
    await caller.press("4")
    await until(lambda: place.sink.keys)

    assert caller.received_keys == "12#"
    assert callee.received_keys == "4*A4"
    assert place.sink.keys == [KeyUpdate(call_id, "4", CALLER)]
    await callee.hang_up()
    await place.over()
    with pytest.raises(CallNotFoundError):
        await place.backend.send_keys(call_id, "1", CALLER)


async def test_without_keys(place: Place, asterisk: Asterisk) -> None:
    """Other calls are connected by the dialplan, and have no keys to send."""
    for number in ("557", "552"):
        await asterisk.speaking_phone(number)
    call_id = await place.call(takes_keys=False)
    await place.until_state(call_id, CONNECTED)
    with pytest.raises(DeniedError) as raised:
        await place.backend.send_keys(call_id, "1", CALLER)
    assert raised.value.code is PbxErrorCode.NO_KEYS
    assert not any(each["id"] == f"{call_id}-c" for each in await asterisk.channels())
    await place.backend.hang_up(call_id)
    await place.over()


# --- ends ---


async def test_callee_hangs_up(place: Place, asterisk: Asterisk) -> None:
    """The caller is let go, and the times are those of the callee."""
    caller = await asterisk.phone("557")
    callee = await asterisk.phone("552", ring=0.5, hang_up_after=1)
    call_id = await place.call(caller_id="100", caller_name="Doorbell")
    end = await place.end(call_id)

    assert (end.result, end.cause) == (CallResult.ANSWERED, "normal_clearing")
    assert not end.is_unattended
    assert is_about(end.ring_time or 0, 0.5)
    assert is_about(end.talk_time or 0, 1)
    states = [CallState.RINGING_CALLEE, CONNECTED, CallState.ENDED]
    assert place.sink.states(call_id) == states
    answered = {each.answered_by for each in place.sink.calls} - {""}
    assert answered == {"552"}
    assert callee.messages[0].header("From").startswith('"Doorbell" <sip:100@')
    await place.over()
    assert (await caller.stop()).received["BYE"] == 1


async def test_caller_hangs_up(place: Place, asterisk: Asterisk) -> None:
    """The callee is let go."""
    await asterisk.phone("557", hang_up_after=1.5)
    callee = await asterisk.phone("552")
    call_id = await place.call()

    assert await place.result(call_id) == (CallResult.ANSWERED, "normal_clearing")
    await place.over()
    assert (await callee.stop()).received["BYE"] == 1
    assert callee.messages[0].header("From").startswith('"Phone 557" <sip:557@')


async def test_caller_hangs_up_while_callee_rings(
    place: Place, asterisk: Asterisk
) -> None:
    """The callee stops ringing."""
    await asterisk.phone("557", hang_up_after=1)
    callee = await asterisk.phone("552", NEVER)
    call_id = await place.call()
    end = await place.end(call_id)

    assert end.result is CallResult.NO_ANSWER
    assert end.is_caller_gone
    assert (await callee.saw("CANCEL", patience=3)).received
    await place.over()


@pytest.mark.parametrize("is_connected", [False, True])
async def test_hang_up(place: Place, asterisk: Asterisk, *, is_connected: bool) -> None:
    """A request ends both."""
    await asterisk.phone("557")
    await asterisk.phone("552", Behavior.ANSWER if is_connected else NEVER)
    call_id = await place.call()
    await place.until_state(call_id, CONNECTED if is_connected else RINGING)
    await place.backend.hang_up(call_id)
    result = CallResult.ANSWERED if is_connected else CallResult.NO_ANSWER
    assert (await place.end(call_id)).result is result
    await place.over()


@pytest.mark.parametrize("who", ["557", "552", None])
async def test_hang_up_while_they_are_connected(
    place: Place, asterisk: Asterisk, who: str | None
) -> None:
    """A bridge that is made after the end of its call is deleted, too."""
    phones = {each: await asterisk.speaking_phone(each) for each in ("557", "552")}
    async with place.proxy.late("POST /ari/bridges/") as is_made:
        call_id = await place.call()
        await asyncio.wait_for(is_made.wait(), 5)
        if who is None:
            await place.backend.hang_up(call_id)
        else:
            await (await phones[who].call()).hang_up()
        await place.end(call_id)
    await place.over()


@pytest.mark.parametrize(
    ("behavior", "callee", "expected"),
    [
        (Behavior.BUSY, "552", (CallResult.BUSY, "user_busy")),
        (Behavior.RING_THEN_DECLINE, "552", (CallResult.DECLINED, "call_rejected")),
        (NEVER, "552", (CallResult.NO_ANSWER, "no_answer")),
        (Behavior.DEAD, "552", (CallResult.NO_ANSWER, "no_answer")),
        (NEVER, "99999", (CallResult.FAILED, "unknown")),
        (NEVER, "701", (CallResult.BUSY, "unknown")),
        (NEVER, "702", (CallResult.DECLINED, "call_rejected")),
    ],
)
async def test_not_answered(
    place: Place,
    asterisk: Asterisk,
    behavior: Behavior,
    callee: str,
    expected: tuple[CallResult, str],
) -> None:
    """The caller is let go with the result of the callee."""
    await add_dialplan(asterisk, "exten => 701,1,Busy(1)", "exten => 702,1,Hangup(21)")
    caller = await asterisk.phone("557")
    await asterisk.phone("552", behavior)
    call_id = await place.call(callee=callee, timeout=2)

    assert await place.result(call_id) == expected
    await place.over()
    assert (await caller.stop()).received["BYE"] == 1


async def test_caller_does_not_answer(place: Place, asterisk: Asterisk) -> None:
    """No callee is called."""
    await asterisk.phone("557", NEVER)
    callee = await asterisk.phone("552")
    call_id = await place.call(timeout=2)

    unreachable = CallResult.CALLER_UNREACHABLE
    assert await place.result(call_id) == (unreachable, "no_answer")
    await place.over()
    assert (await callee.stop()).created == 0


async def test_dialplan_answers(place: Place, asterisk: Asterisk) -> None:
    """An announcement of the dialplan counts as an answer, but not as a person's."""
    await asterisk.phone("557", hang_up_after=4)
    call_id = await place.call(callee="echo")
    await place.until_state(call_id, CONNECTED)
    end = await place.end(call_id)

    assert end.result is CallResult.ANSWERED
    assert end.is_unattended
    await place.over()


async def test_limit(place: Place, asterisk: Asterisk) -> None:
    """The call limit counts from the answer of the callee."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", ring=1)
    call_id = await place.call(call_limit=2)
    assert (await place.end(call_id)).result is CallResult.ANSWERED
    answered, ended = await callee.saw("ACK"), await callee.saw("BYE")
    assert is_about(ended.time - answered.time, 2)
    await place.over()


async def test_both_are_heard(place: Place, asterisk: Asterisk) -> None:
    """The caller hears ringing, and then the callee."""
    caller = await asterisk.speaking_phone("557")
    await asterisk.speaking_phone("552", Manner(ring=1.5))
    call_id = await place.connected()
    call = await caller.call()
    await asyncio.sleep(0.5)
    assert call.first_sound is not None
    assert call.first_sound < 0.5
    await place.backend.hang_up(call_id)
    await place.over()


# --- a caller who stays on the line ---


async def test_three_callees(place: Place, asterisk: Asterisk) -> None:
    """Callees are called in turn, while the caller stays on the line."""
    caller = await asterisk.phone("557")
    await asterisk.phone("551", Behavior.BUSY)
    declining = await asterisk.phone("553", Behavior.RING_THEN_DECLINE)
    await asterisk.phone("552", hang_up_after=1)
    common = {"takes_keys": False, "hold_time": 30, "caller_id": "100"}
    first = await place.call(callee="551", **common)
    end = await place.end(first)
    assert (end.result, end.is_caller_gone) == (CallResult.BUSY, False)
    assert end.cause == "user_busy"

    second = await place.call(callee="553", held_call=first, **common)
    end = await place.end(second)
    assert (end.result, end.is_caller_gone) == (CallResult.DECLINED, False)

    third = await place.call(callee="552", held_call=first, takes_keys=False)
    end = await place.end(third)
    assert end.result is CallResult.ANSWERED
    assert is_about(end.talk_time or 0, 1)
    states = [CallState.RINGING_CALLEE, CONNECTED, CallState.ENDED]
    assert place.sink.states(third) == states
    await place.over()
    assert (await caller.stop()).created == 1
    assert declining.messages[0].header("From").startswith("<sip:100@")


async def test_ring_time_of_a_held_caller(place: Place, asterisk: Asterisk) -> None:
    """A callee who does not answer does not end the caller."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", NEVER)
    first = await place.call(timeout=2, hold_time=30)
    assert await place.result(first) == (CallResult.NO_ANSWER, "no_answer")
    rang, stopped = await callee.saw("180"), await callee.saw("CANCEL")
    assert is_about(stopped.time - rang.time, 2)

    second = await place.call(timeout=2, held_call=first)
    end = await place.end(second)
    assert (end.result, end.is_caller_gone) == (CallResult.NO_ANSWER, False)
    await place.over()


async def test_hold_time(
    place: Place, asterisk: Asterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asterisk itself ends a caller for whom no one else is called."""
    monkeypatch.setattr(line_tasks, "_MARGIN", 1)
    caller = await asterisk.phone("557")
    await asterisk.phone("552", Behavior.BUSY)
    first = await place.call(hold_time=1)
    assert (await place.end(first)).result is CallResult.BUSY
    await caller.saw("BYE", patience=20)
    await place.over()
    with pytest.raises(PbxError) as raised:
        await place.call(held_call=first)
    assert raised.value.code is PbxErrorCode.CALLER_GONE


async def test_held_caller_is_hung_up(place: Place, asterisk: Asterisk) -> None:
    """The caller of a call that has ended is let go by its id."""
    await asterisk.phone("557")
    await asterisk.phone("552", Behavior.BUSY)
    first = await place.call(hold_time=30)
    await place.end(first)
    await place.backend.hang_up(first)
    await place.over()


async def test_later_call_is_hung_up(place: Place, asterisk: Asterisk) -> None:
    """Hanging up a later call ends the caller, too."""
    await asterisk.phone("557")
    await asterisk.phone("552", Behavior.BUSY)
    await asterisk.phone("551", NEVER)
    first = await place.call(hold_time=30)
    await place.end(first)
    second = await place.call(held_call=first, callee="551", hold_time=30)
    await place.until_state(second, RINGING)
    await place.backend.hang_up(second)
    assert (await place.end(second)).result is CallResult.NO_ANSWER
    await place.over()


async def test_held_caller_hangs_up(place: Place, asterisk: Asterisk) -> None:
    """A caller who is gone is reported, and the callee stops ringing."""
    await asterisk.phone("557", hang_up_after=2)
    await asterisk.phone("552", Behavior.BUSY)
    ringing = await asterisk.phone("551", NEVER)
    first = await place.call(hold_time=30)
    await place.end(first)
    second = await place.call(held_call=first, callee="551", hold_time=30)
    end = await place.end(second)

    assert (end.result, end.is_caller_gone) == (CallResult.NO_ANSWER, True)
    await ringing.saw("CANCEL", patience=3)
    await place.over()
    with pytest.raises(PbxError) as raised:
        await place.call(held_call=first)
    assert raised.value.code is PbxErrorCode.CALLER_GONE


# --- lost streams and restarts ---


@pytest.mark.parametrize("who", ["557", "552"])
async def test_reloaded(place: Place, asterisk: Asterisk, who: str) -> None:
    """Two people talk on over a reload, and when one hangs up the other is let go."""
    phones = {each: await asterisk.speaking_phone(each) for each in ("557", "552")}
    call_id = await place.connected()
    await place.stop()
    assert await place.is_talking(call_id)
    await place.start()
    await asyncio.sleep(1)
    assert await place.is_talking(call_id)
    call = await phones[who].call()
    await call.press("7")
    await until(lambda: place.sink.keys)
    await place.backend.send_keys(call_id, "8", CALLEE)
    await call.hang_up()

    assert (await place.end(call_id)).result is CallResult.ANSWERED
    await place.over()


async def test_reloaded_while_callee_rings(place: Place, asterisk: Asterisk) -> None:
    """A call whose answer would be missed is ended."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", NEVER)
    call_id = await place.call(timeout=20)
    await place.until_state(call_id, RINGING)
    await place.stop()
    await callee.saw("CANCEL", patience=3)
    await place.over()
    await place.start()
    await place.end(call_id)


@pytest.mark.parametrize("who", ["557", "552"])
async def test_hangs_up_without_stream(
    place: Place, asterisk: Asterisk, who: str
) -> None:
    """A party who was left alone while the stream was down is let go."""
    phones = {each: await asterisk.speaking_phone(each) for each in ("557", "552")}
    call_id = await place.connected()
    async with place.proxy.closed():
        await until(lambda: not place.sink.is_connected.is_set())
        await (await phones[who].call()).hang_up()
        await asyncio.sleep(0.5)
    await place.over()
    assert (await place.end(call_id)).result is CallResult.ANSWERED


async def test_answered_after_the_stream_was_cut(
    place: Place, asterisk: Asterisk
) -> None:
    """A callee who answers when the stream is back is connected."""
    await asterisk.phone("557")
    callee = await asterisk.phone("552", ring=4, hang_up_after=2)
    call_id = await place.call(timeout=10)
    await callee.saw("180")
    await place.proxy.cut()
    await until(lambda: not place.sink.is_connected.is_set())

    assert (await place.end(call_id)).result is CallResult.ANSWERED
    assert CONNECTED in place.sink.states(call_id)
    await place.over()


async def test_crashed_with_a_held_caller(place: Place, asterisk: Asterisk) -> None:
    """A caller on the line for whom no call is open is ended after a restart."""
    caller = await asterisk.phone("557")
    await asterisk.phone("552", Behavior.BUSY)
    first = await place.call(hold_time=60)
    await place.end(first)
    async with place.proxy.closed():
        await place.stop()
    await place.start()
    await caller.saw("BYE", patience=5)
    await place.over()
