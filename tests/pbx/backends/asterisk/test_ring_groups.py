"""Tests of phones that ring together, against the ARI stub."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import logging
from typing import Any

import pytest

from custom_components.pbx.backends.asterisk import background
from custom_components.pbx.backends.asterisk.backend import STREAM_TIMEOUT
from custom_components.pbx.backends.asterisk.ring_groups import (
    MAX_GROUPS,
    TONE,
    TONE_LENGTH,
)
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallResult, CallState
from tests.pbx.ari import NOT_FOUND, Reply
from tests.pbx.backends.contract import until

from .scene import GROUP, Scene, answered, dial, ended, request, up, went_up

A, B, C = "ha-1", "ha-2", "ha-3"
ELSEWHERE = "answered_elsewhere"
FAILS = Reply(500, {"message": "No"})


async def place(scene: Scene, *call_ids: str, **fields: Any) -> None:  # noqa: ANN401 - any field of a request
    """Let phones ring together."""
    for call_id in call_ids:
        await scene.place(**{"call_id": call_id, "group": GROUP, **fields})


@asynccontextmanager
async def ringing(
    scene: Scene,
    *call_ids: str,
    **fields: Any,  # noqa: ANN401 - likewise
) -> AsyncIterator[None]:
    """Run the backend, and let phones ring together."""
    async with scene.running():
        await place(scene, *(call_ids or (A, B, C)), **fields)
        yield


def stopped(scene: Scene) -> list[tuple[str, str]]:
    """Return the channels that were hung up, each with the reason, sorted."""
    return sorted(
        (each.path.removeprefix("channels/"), each.query.get("reason", ""))
        for each in scene.ari.requests
        if each.method == "DELETE" and each.path != "channels/ha-probe"
    )


def connected(scene: Scene) -> list[str]:
    """Return the ids of the channels that were continued, in order."""
    paths = scene.ari.paths("POST")
    return [each.split("/")[1] for each in paths if each.endswith("/continue")]


def results(scene: Scene, *call_ids: str) -> list[tuple[CallResult | None, str]]:
    """Return the results of calls, and their causes."""
    ends = [scene.sink.end(each) for each in call_ids]
    return [(end.result, end.cause) for end in ends]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings of the backend, without the errors in them."""
    return [
        each.message.partition(":")[0]
        for each in caplog.records
        if each.levelno >= logging.WARNING and "pbx" in each.name
    ]


# --- the first one ---


async def test_request(scene: Scene) -> None:
    """A phone rings into our application, with its group as an argument."""
    async with ringing(scene, A, timeout=20):
        assert scene.ari.originated == [
            {
                "endpoint": "PJSIP/557",
                "channelId": A,
                "timeout": 20,
                "app": "ha-test",
                "appArgs": GROUP,
                "variables": {"TIMEOUT(absolute)": "80"},
            }
        ]


@pytest.mark.parametrize(("limit", "seconds"), [(None, "0"), (30, "130")])
async def test_first_wins(scene: Scene, limit: int | None, seconds: str) -> None:
    """The first one is connected to the callee, and the others are stopped."""
    async with ringing(scene, call_limit=limit):
        await scene.send_events(went_up(B), answered(B))
        posts = [each for each in scene.ari.requests if each.method == "POST"]
        assert [(each.path, each.value) for each in posts[-2:]] == [
            (
                f"channels/{B}/variable",
                {"variable": "TIMEOUT(absolute)", "value": seconds},
            ),
            (
                f"channels/{B}/continue",
                {
                    "context": "from-internal",
                    "extension": "09121234567",
                    "priority": 1,
                },
            ),
        ]
        assert stopped(scene) == [(A, ELSEWHERE), (C, ELSEWHERE)]

        await scene.send_events(ended(A, 26), ended(C, 26))
        await scene.send_events(dial("", call_id=B), dial("ANSWER", call_id=B))
        await scene.send_events(ended(B))
    assert results(scene, A, B, C) == [
        (CallResult.NO_ANSWER, ELSEWHERE),
        (CallResult.ANSWERED, "normal_clearing"),
        (CallResult.NO_ANSWER, ELSEWHERE),
    ]
    assert CallState.CONNECTED in scene.states(B)
    assert CallState.CONNECTED not in scene.states(A)


async def test_two_at_once(scene: Scene) -> None:
    """The decision waits for no request: a held answer changes nothing."""
    scene.ari.reply("POST", f"channels/{A}/", Reply(fault="late"))
    async with ringing(scene):
        await scene.send_events(went_up(A), answered(A), went_up(B), answered(B))
        await scene.ari.drop_requests()
        await until(lambda: connected(scene))

        assert connected(scene) == [A]
        assert set(stopped(scene)) == {(B, ELSEWHERE), (C, ELSEWHERE)}


@pytest.mark.parametrize(
    ("events", "result"),
    [
        # It was up already when it was hung up, or its person hung up first.
        ([went_up(B), ended(B, 26)], (CallResult.NO_ANSWER, ELSEWHERE)),
        ([went_up(B), answered(B), ended(B, 16)], (CallResult.NO_ANSWER, ELSEWHERE)),
        (
            [
                went_up(B),
                {
                    "type": "ChannelHangupRequest",
                    "channel": {"id": B, "state": "Up"},
                },
                ended(B, 16),
            ],
            (CallResult.NO_ANSWER, ELSEWHERE),
        ),
        # Older versions report no cause.
        ([ended(B, 0)], (CallResult.NO_ANSWER, ELSEWHERE)),
        # It refused at the same moment.
        ([ended(B, 21)], (CallResult.CALLER_UNREACHABLE, "call_rejected")),
    ],
)
async def test_late(
    scene: Scene,
    events: list[dict[str, Any]],
    result: tuple[CallResult, str],
) -> None:
    """A phone that is too late is not answered, as far as the call is concerned."""
    async with ringing(scene, A, B):
        await scene.send_events(went_up(A), answered(A), *events)
        assert connected(scene) == [A]

    assert results(scene, B) == [result]


async def test_answered_twice(scene: Scene) -> None:
    """An event that is repeated changes nothing."""
    async with ringing(scene, A):
        await scene.send_events(answered(A), answered(A))
        assert connected(scene) == [A]
        assert stopped(scene) == []


async def test_foreign_channel(scene: Scene) -> None:
    """A channel that was not requested is ended: a phone has forwarded the call."""
    async with ringing(scene, A, B):
        await scene.send_events(answered("pbx-7"))
        assert (connected(scene), stopped(scene)) == ([], [("pbx-7", "")])
        await scene.send_events(answered(A), answered("pbx-8"))
        assert connected(scene) == [A]

    assert stopped(scene) == [
        (B, ELSEWHERE),
        ("pbx-7", ""),
        ("pbx-8", ELSEWHERE),
    ]


async def test_unknown_group(scene: Scene) -> None:
    """A phone that was rung before a crash, and not stored, is ended."""
    async with scene.running():
        await scene.send_events(answered("ha-9", "ha-old"))
        assert stopped(scene) == [("ha-9", "")]


@pytest.mark.parametrize("args", [{}, {"args": []}, {"args": [7]}, {"args": "ha"}])
async def test_unknown_channel(scene: Scene, args: dict[str, Any]) -> None:
    """A channel in our application that no one expects would stay in silence."""
    channel = {"id": "pbx-1"}
    async with scene.running():
        await scene.send_events({"type": "StasisStart", "channel": channel, **args})
        assert stopped(scene) == [("pbx-1", "")]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "StasisStart", "args": ["ha"]},
        {"type": "StasisStart", "args": ["ha"], "channel": {"id": ""}},
        {"type": "StasisEnd", "args": ["ha"], "channel": {"id": "pbx-1"}},
    ],
)
async def test_no_channel_has_entered(scene: Scene, event: dict[str, Any]) -> None:
    """An event without a channel that has entered our application ends none."""
    async with scene.running():
        await scene.send_events(event)
        assert stopped(scene) == []


async def test_too_late_to_ring(scene: Scene) -> None:
    """A phone does not ring for a group that was answered."""
    async with ringing(scene, A):
        await scene.send_events(answered(A))
        with pytest.raises(PbxError) as raised:
            await place(scene, B)
        assert raised.value.code is PbxErrorCode.ANSWERED_ELSEWHERE
        assert len(scene.ari.originated) == 1


async def test_many_groups(scene: Scene) -> None:
    """Groups that are over are forgotten."""
    async with scene.running():
        for number in range(MAX_GROUPS + 1):
            await place(scene, f"ha-{number}", group=f"group-{number}")
        await scene.send_events(answered("ha-0", "group-0"))
        await scene.send_events(answered("ha-1", "group-1"))

        assert stopped(scene) == [("ha-0", "")]
        assert connected(scene) == ["ha-1"]


# --- connecting the first one ---


async def test_hung_up_at_once(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """A person who has hung up again is not connected, and answered nothing."""
    scene.ari.reply("POST", f"channels/{A}/continue", Reply(404, NOT_FOUND))
    hangs_up = {"type": "ChannelHangupRequest", "channel": up(A)}
    async with ringing(scene, A):
        await scene.send_events(went_up(A), answered(A), hangs_up, ended(A))
        await scene.pass_time(6)

    assert results(scene, A) == [(CallResult.NO_ANSWER, "normal_clearing")]
    assert len(connected(scene)) == 1
    assert warnings(caplog) == []


@pytest.mark.parametrize("path", ["variable", "continue"])
async def test_connecting_fails(
    scene: Scene, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """Connecting is tried again, and then given up."""
    scene.ari.reply("POST", f"channels/{A}/{path}", FAILS)
    async with ringing(scene, A):
        await scene.send_events(went_up(A), answered(A))
        await scene.pass_time(4)
        assert stopped(scene) == []
        await scene.pass_time(1)
        assert stopped(scene) == [(A, "")]
        await scene.send_events(ended(A))

    assert scene.ari.paths("POST").count(f"channels/{A}/{path}") == 3
    assert results(scene, A) == [(CallResult.FAILED, "normal_clearing")]
    assert CallState.CONNECTED not in scene.states(A)
    assert warnings(caplog) == ["Failed to connect a phone that was answered"]


@pytest.mark.parametrize(
    "reply", [Reply(), Reply(409, {"message": "Channel not in Stasis application"})]
)
async def test_answer_of_connecting_is_lost(scene: Scene, reply: Reply) -> None:
    """Connecting is repeated, whether it had been done or not."""
    path = f"channels/{A}/continue"
    scene.ari.reply("POST", path, Reply(fault="reset"))
    async with ringing(scene, A):
        await scene.send_events(answered(A))
        await scene.quiet()
        scene.ari.reply("POST", path, reply)
        await scene.pass_time(6)

        assert connected(scene) == [A, A]
        assert stopped(scene) == []


async def test_call_that_is_over(scene: Scene) -> None:
    """The end of a call may be reported before the answer of the PBX."""
    scene.ari.reply("POST", f"channels/{A}/continue", Reply(fault="late"))
    async with ringing(scene, A, B):
        await scene.send_events(ended(B, 19), went_up(A), answered(A), ended(A))
        await scene.ari.drop_requests()
        await scene.quiet()

    assert results(scene, B) == [(CallResult.CALLER_UNREACHABLE, "no_answer")]
    assert results(scene, A) == [(CallResult.FAILED, "normal_clearing")]


async def test_callee_rings_before_the_response(scene: Scene) -> None:
    """The callee may ring before the PBX has answered the request."""
    scene.ari.reply("POST", f"channels/{A}/continue", Reply(fault="late"))
    async with ringing(scene, A):
        await scene.send_events(went_up(A), answered(A), dial("", call_id=A))
        await scene.ari.drop_requests()
        await scene.pass_time(5)

        assert scene.states(A) == [CallState.RINGING_CALLEE]


async def test_announcement(scene: Scene) -> None:
    """The dialplan may answer by itself, but only after the phone is connected."""
    scene.ari.reply("POST", f"channels/{A}/continue", Reply(fault="late"))
    async with ringing(scene, A):
        await scene.send_events(went_up(A), answered(A))
        await scene.pass_time(5)
        assert scene.states(A) == []
        await scene.ari.drop_requests()
        await scene.quiet()
        await scene.pass_time(3)
        assert scene.states(A) == [CallState.CONNECTED]


# --- stopping the others ---


async def test_request_under_way(scene: Scene) -> None:
    """A phone is stopped only after the answer to its request."""
    async with ringing(scene, A):
        scene.ari.reply("POST", f"channels/{A}/", Reply())
        scene.ari.reply("POST", "channels", Reply(fault="late"))
        placing = asyncio.ensure_future(place(scene, B))
        await until(lambda: len(scene.ari.originated) == 2)
        await scene.send_events(answered(A))
        assert stopped(scene) == []
        await scene.ari.drop_requests()
        await placing
        await scene.quiet()
        assert stopped(scene) == [(B, ELSEWHERE)]


@pytest.mark.parametrize("is_first_answered", [False, True])
async def test_lost_answer(scene: Scene, *, is_first_answered: bool) -> None:
    """A phone that may begin to ring is stopped three times."""
    scene.ari.reply("DELETE", f"channels/{B}", Reply(404, NOT_FOUND))
    del scene.ari.replies["DELETE", "channels/"]
    async with ringing(scene, A):
        if is_first_answered:
            scene.ari.reply("POST", f"channels/{A}/", Reply())
            scene.ari.reply("POST", "channels", Reply(fault="hang"))
            placing = asyncio.ensure_future(place(scene, B))
            await until(lambda: len(scene.ari.originated) == 2)
            await scene.send_events(answered(A))
            await scene.ari.drop_requests()
            with pytest.raises(CallUncertainError):
                await placing
        else:
            scene.ari.reply("POST", "channels", Reply(fault="reset"))
            with pytest.raises(CallUncertainError):
                await place(scene, B)
            await scene.quiet()
            assert stopped(scene) == []
            scene.ari.reply("POST", "channels", Reply())
            await scene.send_events(answered(A))
        counts = []
        for seconds in (0, 0.9, 0.1, 3.9, 0.1, 60):
            await scene.pass_time(seconds)
            await scene.quiet()
            counts.append(len(stopped(scene)))

    assert counts == [1, 1, 2, 2, 3, 3]
    assert set(stopped(scene)) == {(B, ELSEWHERE)}


async def test_lost_answer_of_a_phone_that_rings(scene: Scene) -> None:
    """It is stopped once, if that works."""
    async with ringing(scene, A):
        scene.ari.reply("POST", "channels", Reply(fault="reset"))
        with pytest.raises(CallUncertainError):
            await place(scene, B)
        del scene.ari.replies["POST", "channels"]
        await scene.send_events(answered(A))
        await scene.pass_time(6)

    assert stopped(scene) == [(B, ELSEWHERE)]


async def test_lost_answer_of_the_first_one(scene: Scene) -> None:
    """A phone whose answer was lost may win, and is not stopped then."""
    scene.ari.reply("POST", "channels", Reply(fault="reset"))
    async with scene.running():
        with pytest.raises(CallUncertainError):
            await place(scene, A)
        del scene.ari.replies["POST", "channels"]
        await scene.send_events(answered(A))
        await scene.pass_time(6)

        assert connected(scene) == [A]
        assert stopped(scene) == []


@pytest.mark.parametrize("status", [400, 500])
async def test_does_not_ring(scene: Scene, status: int) -> None:
    """A phone that was refused or is not registered is not in the group."""
    async with ringing(scene, A):
        scene.ari.reply("POST", "channels", Reply(status, {"message": "No"}))
        if status == 400:
            with pytest.raises(PbxError):
                await place(scene, B)
        else:
            placed = await scene.place(call_id=B, group=GROUP)
            assert placed.ended is CallResult.CALLER_UNREACHABLE
        del scene.ari.replies["POST", "channels"]
        await scene.send_events(answered(B), answered(A))

        assert connected(scene) == [A]
        assert stopped(scene) == [(B, "")]


async def test_stopping_fails(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Stopping is tried again, and then given up."""
    scene.ari.replies.clear()
    scene.ari.reply("DELETE", "channels/", FAILS)
    async with ringing(scene, A, B):
        await scene.send_events(answered(A))
        await scene.pass_time(6)

    assert stopped(scene) == [(B, ELSEWHERE)] * 3
    assert warnings(caplog) == ["Failed to stop a phone"]


# --- a signal ---


async def test_signal(scene: Scene) -> None:
    """Each person who answers hears a tone; no callee is dialed."""
    async with ringing(scene, A, B, group=None, is_signal=True):
        assert [each["appArgs"] for each in scene.ari.originated] == [A, B]
        await scene.send_events(went_up(A), answered(A, A))
        assert scene.ari.played == [TONE]
        assert stopped(scene) == []
        await scene.pass_time(TONE_LENGTH)
        assert stopped(scene) == [(A, "")]
        await scene.send_events(ended(A), ended(B, 19))

    assert connected(scene) == []
    assert results(scene, A, B) == [
        (CallResult.ANSWERED, "normal_clearing"),
        (CallResult.CALLER_UNREACHABLE, "no_answer"),
    ]


async def test_signal_of_a_group(scene: Scene) -> None:
    """One person may be enough for a signal: the others stop then."""
    scene.ari.reply("POST", f"channels/{A}/play", Reply(fault="reset"))
    async with ringing(scene, A, B, is_signal=True):
        await scene.send_events(went_up(A), answered(A))
        # The tone cannot be played.
        assert stopped(scene) == [(A, ""), (B, ELSEWHERE)]
        await scene.send_events(ended(A, 0), ended(B, 26))

    assert [result for result, _ in results(scene, A, B)] == [
        CallResult.ANSWERED,
        CallResult.NO_ANSWER,
    ]


# --- the event stream ---


async def test_backend_does_not_run(scene: Scene) -> None:
    """No phone rings whose answer would not be noticed."""
    with pytest.raises(PbxError) as raised:
        await place(scene, A)

    assert raised.value.code is PbxErrorCode.NO_STREAM
    assert scene.ari.originated == []


@pytest.mark.parametrize("is_back", [False, True])
async def test_stream_is_down(scene: Scene, *, is_back: bool) -> None:
    """A group waits for the stream for a moment; then it is refused."""
    async with scene.running():
        scene.ari.handshake_status = 503
        await scene.ari.drop()
        await scene.quiet()
        await scene.pass_time(20)
        count = len(scene.ari.queries)
        if is_back:
            scene.ari.handshake_status = 0
        placing = asyncio.ensure_future(place(scene, A))
        await scene.quiet()
        if is_back:
            # At once, without waiting for the next attempt.
            await placing
            assert len(scene.ari.queries) == count + 1
            assert len(scene.ari.originated) == 1
            return
        await scene.pass_time(STREAM_TIMEOUT)
        with pytest.raises(PbxError) as raised:
            await placing
    assert raised.value.code is PbxErrorCode.NO_STREAM
    assert scene.ari.originated == []


async def reconnect(scene: Scene) -> None:
    """Drop the event stream, and wait until it is restored."""
    count = len(scene.ari.queries)
    await scene.ari.drop()
    await scene.quiet()
    while len(scene.ari.queries) == count:
        await scene.pass_time(0.5)
    await scene.quiet()


async def test_answered_while_disconnected(scene: Scene) -> None:
    """A person who waits in our application since then is connected."""
    async with ringing(scene):
        scene.ari.channels = [
            {"id": A, "state": "Ringing"},
            up(B, "Stasis"),
            # It was the second one.
            up(C, "Stasis"),
        ]
        await reconnect(scene)
        assert connected(scene) == [B]
        assert set(stopped(scene)) == {(A, ELSEWHERE), (C, ELSEWHERE)}


async def test_nothing_missed(scene: Scene) -> None:
    """Phones ring on over a lost connection, and the first one still wins."""
    async with ringing(scene, A, B):
        await place(scene, C, group=None)
        scene.ari.channels = [{"id": each, "state": "Ringing"} for each in (A, B, C)]
        await reconnect(scene)
        assert (connected(scene), stopped(scene)) == ([], [])
        await scene.send_events(answered(B))
        assert connected(scene) == [B]
        # The request was lost with the connection.
        scene.ari.channels[1] = up(B, "Dial")
        await reconnect(scene)
        assert connected(scene) == [B]
        assert set(stopped(scene)) == {(A, ELSEWHERE)}

        scene.ari.channels[1] = up(B, "Stasis")
        await reconnect(scene)
        assert connected(scene) == [B]


async def test_waits_while_polled(scene: Scene) -> None:
    """A phone that waits has not reached an announcement of the dialplan."""
    scene.ari.reply("POST", f"channels/{A}/continue", Reply(fault="late"))
    async with ringing(scene, A):
        await scene.send_events(went_up(A), answered(A))
        scene.ari.channels = [up(A, "Stasis")]
        await scene.pass_time(70, step=5)
        assert CallState.CONNECTED not in set(scene.states(A)[1:])
        await scene.ari.drop_requests()


# --- from before a restart ---


@pytest.mark.parametrize(
    ("channel", "is_stopped"),
    [
        ({"id": A, "state": "Down"}, True),
        ({"id": A, "state": "Ringing"}, True),
        (up(A, "Stasis"), True),
        (up(A, "Dial"), False),
    ],
)
async def test_restarted(
    scene: Scene, channel: dict[str, Any], *, is_stopped: bool
) -> None:
    """What rings or waits in our application from before a crash is ended."""
    scene.sink.add(A, request=request(A, group=GROUP))
    scene.sink.add(B, request=request(B, group=GROUP))
    scene.ari.channels = [channel]
    async with scene.running():
        await scene.pass_time(1)
        assert stopped(scene) == ([(A, "")] if is_stopped else [])
        # Someone answers in the meantime.
        await scene.send_events(answered(B))
        assert connected(scene) == []
        assert (B, "") in stopped(scene)


async def test_restarted_in_a_call(scene: Scene) -> None:
    """Other calls go on, and so does one that was connected."""
    scene.sink.add(A, request=request(A))
    scene.sink.add(B, request=request(B, group=GROUP), state=CallState.CONNECTED)
    scene.sink.add("pbx-1", request=None)
    scene.ari.channels = [
        {"id": A, "state": "Ringing"},
        up(B, "Dial"),
        {"id": "pbx-1", "state": "Ring"},
    ]
    async with scene.running():
        await scene.send_events(ended(B))
        assert stopped(scene) == []

    assert results(scene, B) == [(CallResult.ANSWERED, "normal_clearing")]


@pytest.mark.parametrize("times", [1, 3])
async def test_list_fails(
    scene: Scene, caplog: pytest.LogCaptureFixture, times: int
) -> None:
    """The list of channels is requested again, and then given up."""
    scene.sink.add(A, request=request(A, group=GROUP))
    scene.ari.channels = [{"id": A, "state": "Ringing"}]
    scene.ari.reply("GET", "channels", FAILS)
    async with scene.running():
        await scene.pass_time(0.5)
        if times == 1:
            del scene.ari.replies["GET", "channels"]
        await scene.pass_time(6, step=0.5)
        assert stopped(scene) == ([(A, "")] if times == 1 else [])

    warned = ["Failed to check the phones that ring"] if times == 3 else []
    assert warnings(caplog) == warned


async def test_stopped(scene: Scene) -> None:
    """A backend that stops ends what rings, but not what is connected."""
    async with ringing(scene):
        await place(scene, "ha-4", "ha-5", group="other")
        await scene.send_events(answered("ha-4", "other"))
        assert stopped(scene) == [("ha-5", ELSEWHERE)]

    assert stopped(scene) == [
        (A, ""),
        (B, ""),
        (C, ""),
        ("ha-5", ELSEWHERE),
    ]


async def test_stopped_in_a_request(scene: Scene) -> None:
    """A phone that begins to ring while the backend stops is stopped, too."""
    async with scene.running():
        scene.ari.reply("POST", "channels", Reply(fault="late"))
        placing = asyncio.ensure_future(place(scene, A))
        await until(lambda: scene.ari.originated)
    assert stopped(scene) == []
    await scene.ari.drop_requests()
    await placing
    await until(lambda: stopped(scene))

    assert stopped(scene) == [(A, "")]


async def test_stopped_in_a_retry(scene: Scene) -> None:
    """A backend that stops makes no pauses."""
    scene.ari.replies.clear()
    scene.ari.reply("DELETE", "channels/", FAILS)
    async with ringing(scene, A):
        pass

    assert stopped(scene) == [(A, "")] * 3


async def test_stopped_without_response(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend that stops does not wait for long."""
    monkeypatch.setattr(background, "_CLOSE_TIMEOUT", 0.01)
    scene.ari.replies.clear()
    scene.ari.reply("DELETE", "channels/", Reply(fault="hang"))
    async with ringing(scene, A):
        pass

    assert stopped(scene) == [(A, "")]
