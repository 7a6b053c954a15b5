"""Tests of calls in a bridge of our own, against the ARI stub."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import logging
from typing import Any

import pytest

from custom_components.pbx.backends.announcement import Announcement
from custom_components.pbx.backends.asterisk import lines
from custom_components.pbx.backends.errors import (
    CallNotFoundError,
    CallUncertainError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    KeyUpdate,
    Side,
)
from tests.pbx.ari import NOT_FOUND, Reply
from tests.pbx.backends.contract import until

from .scene import OURS, Scene, dial, ended, request, up, went_up

NEXT = "ha-2"
CALLEE, DIALING, BRIDGE = f"{OURS}-c", f"{OURS}-d", f"{OURS}-b"
FAILS = Reply(500, {"message": "No"})
GONE = Reply(404, NOT_FOUND)
HELD: dict[str, Any] = {"takes_keys": False, "hold_time": 60}
CONNECTED, ENDED = CallState.CONNECTED, CallState.ENDED
LIMIT = "TIMEOUT(absolute)"


def entered(channel_id: str, line: str = OURS, number: str = "557") -> dict[str, Any]:
    """Return the event that a channel has entered our application."""
    caller = {"name": "Kitchen", "number": number}
    channel = {"id": channel_id, "state": "Up", "caller": caller}
    return {"type": "StasisStart", "args": [line], "channel": channel}


def key(channel_id: str, digit: str) -> dict[str, Any]:
    """Return the event that a key was pressed."""
    return {
        "type": "ChannelDtmfReceived",
        "digit": digit,
        "channel": {"id": channel_id},
    }


def own_dial(status: str, channel_id: str = CALLEE) -> dict[str, Any]:
    """Return the event of the callee's channel in our application."""
    return {"type": "Dial", "dialstatus": status, "peer": {"id": channel_id}}


def in_application(channel_id: str, application: str = "ha-test") -> dict[str, Any]:
    """Return a channel in our application, as in a list of channels."""
    plan = {"app_name": "Stasis", "app_data": f"{application},{OURS}"}
    return {"id": channel_id, "state": "Up", "dialplan": plan}


def rings(channel_id: str) -> dict[str, Any]:
    """Return a channel that rings, as in a list of channels."""
    return {"id": channel_id, "state": "Ringing"}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings of the backend, without the errors in them."""
    return [
        each.message.partition(":")[0]
        for each in caplog.records
        if each.levelno >= logging.WARNING and "pbx" in each.name
    ]


def override(scene: Scene, *replies: tuple[str, str, Reply]) -> None:
    """Set responses that take precedence over the earlier ones."""
    new = {(method, path): reply for method, path, reply in replies}
    old = {each: scene.ari.replies[each] for each in scene.ari.replies.keys() - new}
    scene.ari.replies = new | old


def limits(scene: Scene) -> list[int]:
    """Return the limits that Asterisk was given for the caller, in order."""
    values = [value for path, value in scene.posted("/variable") if OURS in path]
    return [int(each["value"]) for each in values if each["variable"] == LIMIT]


@asynccontextmanager
async def waiting(
    scene: Scene,
    **fields: Any,  # noqa: ANN401 - any field of a request
) -> AsyncIterator[None]:
    """Run the backend, and let a callee ring for a caller."""
    async with scene.running():
        await scene.place(**{"takes_keys": True, **fields})
        await scene.send_events(went_up(), entered(OURS))
        await scene.send_events(dial("", call_id=DIALING), own_dial("RINGING"))
        yield


@asynccontextmanager
async def talking(
    scene: Scene,
    **fields: Any,  # noqa: ANN401 - likewise
) -> AsyncIterator[None]:
    """Run the backend, and let two parties talk."""
    async with waiting(scene, **fields):
        await scene.send_events(dial("ANSWER", call_id=DIALING), entered(CALLEE))
        yield


@asynccontextmanager
async def held(scene: Scene) -> AsyncIterator[None]:
    """Run the backend with a caller on the line, whose callee was busy."""
    async with waiting(scene, **HELD):
        await scene.send_events(dial("BUSY", call_id=DIALING), ended(CALLEE, 17))
        yield


async def call_next(scene: Scene, **fields: Any) -> None:  # noqa: ANN401 - likewise
    """Call another callee for the caller on the line."""
    await scene.place(call_id=NEXT, held_call=OURS, **{**HELD, **fields})
    await scene.quiet()


# --- connecting ---


async def test_connect(scene: Scene) -> None:
    """The callee is called by the dialplan, and meets the caller in a bridge."""
    async with talking(scene, call_limit=300):
        assert scene.states()[-1] is CONNECTED
        await scene.send_events(ended(CALLEE), ended(OURS))

    caller, callee = scene.ari.originated
    assert (caller["app"], caller["appArgs"]) == ("ha-test", OURS)
    assert callee == {
        "endpoint": "Local/09121234567@from-internal/n",
        "app": "ha-test",
        "appArgs": OURS,
        "channelId": CALLEE,
        "otherChannelId": DIALING,
        "originator": OURS,
        "timeout": 20,
        "variables": {LIMIT: "400"},
    }
    assert scene.posted(BRIDGE) == [
        (f"bridges/{BRIDGE}", {"type": "mixing,dtmf_events"})
    ]
    assert scene.posted("/addChannel") == [
        (f"bridges/{BRIDGE}/addChannel", {"channel": [OURS, CALLEE]})
    ]
    assert len(scene.posted(f"{OURS}/ring")) == 1
    assert limits(scene) == [30, 400]
    deleted = scene.ari.paths("DELETE")
    assert f"channels/{OURS}/ring" in deleted
    assert deleted[-2:] == [f"bridges/{BRIDGE}", f"channels/{OURS}"]
    end = scene.sink.end()
    assert (end.result, end.cause) == (CallResult.ANSWERED, "normal_clearing")
    assert not end.is_caller_gone


async def test_without_limit(scene: Scene) -> None:
    """Asterisk itself ends the longest call after a day."""
    async with talking(scene, takes_keys=False, hold_time=60):
        assert limits(scene) == [30, 86400]
        assert scene.posted(BRIDGE)[0][1] == {"type": "mixing"}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"caller_id": "100", "caller_name": "Door"}, '"Door" <100>'),
        ({}, '"Kitchen" <557>'),
    ],
)
async def test_caller_id(scene: Scene, fields: dict[str, Any], shown: str) -> None:
    """The callee sees the caller ID of the request, or that of the caller's phone."""
    caller = {"id": OURS, "caller": {"name": "Kitchen", "number": "557"}}
    scene.ari.reply("GET", f"channels/{OURS}", Reply(value=caller))
    async with waiting(scene, **fields):
        assert scene.ari.originated[1]["callerId"] == shown


async def test_dialplan_answers(scene: Scene) -> None:
    """An answer without a callee's phone counts after two seconds."""
    async with scene.running():
        await scene.place(takes_keys=True)
        await scene.send_events(went_up(), entered(OURS))
        await scene.pass_time(5)
        assert scene.states() == []
        await scene.send_events(entered(CALLEE))
        await scene.pass_time(2)
        assert scene.states() == [CONNECTED]
        await scene.send_events(ended(OURS))
    end = scene.sink.end()
    assert (end.result, end.is_unattended) == (CallResult.ANSWERED, True)
    assert CALLEE in scene.hung_up


async def test_answered_before_the_response(scene: Scene) -> None:
    """A callee may answer before the response to the call request."""
    async with scene.running():
        await scene.place(takes_keys=True, caller_id="100")
        override(
            scene,
            ("POST", f"channels/{OURS}", Reply(204, text="")),
            ("POST", "channels", Reply(fault="late")),
        )
        await scene.send_events(went_up(), entered(OURS), entered(CALLEE))
        assert len(scene.posted("/addChannel")) == 1
        await scene.ari.drop_requests()
        await scene.quiet()
        assert CALLEE not in scene.hung_up


async def test_forwarded(scene: Scene) -> None:
    """A channel that no one has requested is hung up."""
    async with talking(scene):
        await scene.send_events(entered("pbx-7"), entered(OURS), entered("x", "y"))
        assert scene.hung_up[-3:] == ["pbx-7", OURS, "x"]


# --- ends ---


@pytest.mark.parametrize(
    ("events", "result", "cause"),
    [
        ([dial("BUSY", call_id=DIALING)], (17, CallResult.BUSY), "user_busy"),
        ([own_dial("BUSY")], (0, CallResult.BUSY), "unknown"),
        ([own_dial("CONGESTION")], (0, CallResult.FAILED), "unknown"),
        ([own_dial("RINGING")], (19, CallResult.NO_ANSWER), "no_answer"),
        ([], (21, CallResult.DECLINED), "call_rejected"),
        ([], (0, CallResult.FAILED), "unknown"),
    ],
)
async def test_not_answered(
    scene: Scene,
    events: list[dict[str, Any]],
    result: tuple[int, CallResult],
    cause: str,
) -> None:
    """The caller is let go with the result of the callee."""
    async with scene.running():
        await scene.place(takes_keys=True)
        await scene.send_events(went_up(), entered(OURS))
        await scene.send_events(*events, ended(CALLEE, result[0]))
        assert scene.hung_up == [OURS]
        await scene.send_events(ended(OURS))
    end = scene.sink.end()
    assert (end.result, end.cause) == (result[1], cause)


@pytest.mark.parametrize("cause", [None, 16])
async def test_caller_hangs_up(scene: Scene, cause: int | None) -> None:
    """The callee stops ringing."""
    async with waiting(scene):
        await scene.send_events({**ended(OURS), "cause": cause})
        assert scene.hung_up == [CALLEE]
    end = scene.sink.end()
    assert (end.result, end.is_caller_gone) == (CallResult.NO_ANSWER, True)
    assert not scene.ari.paths("DELETE")[-1].startswith("bridges")


async def test_caller_hangs_up_in_the_talk(scene: Scene) -> None:
    """The callee is let go, and the bridge is deleted, whatever the response."""
    scene.ari.reply("DELETE", "bridges/", FAILS)
    async with talking(scene):
        await scene.send_events(ended(OURS), ended(CALLEE))
    assert scene.hung_up == [f"{OURS}/ring", CALLEE, BRIDGE]
    assert scene.sink.end().result is CallResult.ANSWERED


@pytest.mark.parametrize("reply", [Reply(fault="late"), Reply(fault="hang")])
async def test_caller_hangs_up_before_the_response(scene: Scene, reply: Reply) -> None:
    """The callee is hung up after the call request."""
    async with scene.running():
        await scene.place(takes_keys=True)
        await scene.send_events(went_up())
        override(
            scene,
            ("POST", f"channels/{OURS}", Reply(204, text="")),
            ("POST", "channels", reply),
        )
        await scene.send_events(entered(OURS))
        await until(lambda: len(scene.ari.originated) == 2)
        await scene.send_events(ended(OURS))
        assert CALLEE not in scene.hung_up
        await scene.ari.drop_requests()
        await scene.quiet()
        assert CALLEE in scene.hung_up


@pytest.mark.parametrize("is_connected", [False, True])
async def test_limits(scene: Scene, *, is_connected: bool) -> None:
    """The ring time ends the callee, and the call limit both."""
    begin = talking if is_connected else waiting
    scene.ari.channels = [up(), rings(DIALING)]
    if is_connected:
        scene.ari.bridges = [{"id": "b", "channels": [DIALING, "pbx-1.1"]}]
    async with begin(scene, call_limit=30, hold_time=60):
        scene.ari.channels += [rings("pbx-1.1")]
        await scene.pass_time(31 if is_connected else 21)
        assert scene.hung_up[-1] == (OURS if is_connected else DIALING)


# --- failures ---


@pytest.mark.parametrize(
    "path", [f"channels/{OURS}/variable", f"channels/{OURS}/ring", "channels"]
)
async def test_callee_not_called(
    scene: Scene, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """The caller is let go."""
    async with scene.running():
        await scene.place(takes_keys=True, caller_id="100")
        scene.ari.reply("POST", path, FAILS)
        await scene.send_events(went_up(), entered(OURS))
        assert scene.hung_up == [OURS]
        await scene.send_events(ended(OURS))
    assert scene.sink.end().result is CallResult.FAILED
    assert warnings(caplog) == ["Failed to call the callee"]


async def test_caller_gone_before_the_callee_is_called(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is reported until the event."""
    async with scene.running():
        await scene.place(takes_keys=True)
        scene.ari.reply("POST", f"channels/{OURS}", GONE)
        await scene.send_events(went_up(), entered(OURS))
        assert len(scene.ari.originated) == 1
        await scene.send_events(ended(OURS))
    assert scene.sink.end().result is CallResult.FAILED
    assert warnings(caplog) == []


@pytest.mark.parametrize("times", [1, 3])
async def test_bridge_fails(
    scene: Scene, caplog: pytest.LogCaptureFixture, times: int
) -> None:
    """Connecting is repeated, and then the caller is let go."""
    async with waiting(scene):
        scene.ari.reply("POST", f"bridges/{BRIDGE}/addChannel", FAILS)
        await scene.send_events(dial("ANSWER", call_id=DIALING), entered(CALLEE))
        if times == 1:
            override(
                scene,
                ("POST", f"bridges/{BRIDGE}/addChannel", Reply(204, text="")),
                ("POST", f"bridges/{BRIDGE}", Reply(409, {"message": "exists"})),
            )
        await scene.pass_time(6, step=0.5)
        assert (scene.hung_up[-1] == OURS) is (times == 3)
    failed = ["Failed to connect a caller who is on the line"] if times == 3 else []
    assert warnings(caplog) == failed


async def test_callee_leaves_while_connecting_fails(scene: Scene) -> None:
    """Connecting is not repeated."""
    async with waiting(scene):
        scene.ari.reply("POST", f"bridges/{BRIDGE}", FAILS)
        await scene.send_events(entered(CALLEE), ended(CALLEE))
        await scene.pass_time(6, step=0.5)
        assert len(scene.posted(BRIDGE)) <= 1


async def test_caller_leaves_while_connecting(scene: Scene) -> None:
    """Connecting is not repeated."""
    async with waiting(scene):
        override(scene, ("DELETE", f"channels/{OURS}/ring", GONE))
        await scene.send_events(entered(CALLEE))
        await scene.pass_time(6, step=0.5)
        assert scene.posted(BRIDGE) == []


async def test_bridge_is_created_after_the_end(scene: Scene) -> None:
    """A bridge that Asterisk makes after it was told to delete it is deleted, too."""
    async with waiting(scene):
        scene.ari.reply("POST", f"bridges/{BRIDGE}", Reply(fault="late"))
        await scene.send_events(entered(CALLEE))
        await scene.send_events(ended(OURS))
        deleted = scene.ari.paths("DELETE").count(f"bridges/{BRIDGE}")
        del scene.ari.replies["POST", f"bridges/{BRIDGE}"]
        await scene.ari.drop_requests()
        await scene.quiet()
        assert scene.ari.paths("DELETE").count(f"bridges/{BRIDGE}") == deleted + 1


async def test_not_placed(scene: Scene) -> None:
    """A call that was refused is forgotten."""
    scene.ari.reply("POST", "channels", Reply(400, {"message": "No"}))
    async with scene.running():
        with pytest.raises(PbxError):
            await scene.place(takes_keys=True)
        del scene.ari.replies["POST", "channels"]
        await scene.send_events(entered(OURS))
        assert scene.hung_up == [OURS]


async def test_callee_not_called_after_the_caller_has_left(
    scene: Scene,
) -> None:
    """The call has ended already."""
    async with scene.running():
        await scene.place(takes_keys=True, caller_id="100")
        override(
            scene,
            ("POST", f"channels/{OURS}", Reply(204, text="")),
            ("POST", "channels", Reply(500, {"message": "No"}, fault="late")),
        )
        await scene.send_events(went_up(), entered(OURS), ended(OURS))
        await scene.ari.drop_requests()
        await scene.quiet()
        assert scene.hung_up == [CALLEE]
    assert scene.sink.end().result is CallResult.FAILED


async def test_oldest_is_forgotten(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of callers is bounded."""
    monkeypatch.setattr(lines, "MAX_CALLS", 1)
    async with scene.running():
        await scene.place(takes_keys=True)
        await scene.place(call_id=NEXT, takes_keys=True)
        await scene.send_events(entered(OURS), entered(NEXT, NEXT))
        assert scene.hung_up == [OURS]


# --- keys ---


async def test_keys(scene: Scene) -> None:
    """The keys of each party are taken from one channel each, and only in the talk."""
    async with waiting(scene):
        await scene.send_events(key(DIALING, "1"))
        await scene.send_events(entered(CALLEE))
        await scene.send_events(
            key(OURS, "2"), key(DIALING, "2"), key("pbx-1.1", "3"), key(CALLEE, "3")
        )
        await scene.send_events(ended(CALLEE), key(CALLEE, "4"))
    assert scene.sink.keys == [
        KeyUpdate(OURS, "2", Side.CALLER),
        KeyUpdate(OURS, "3", Side.CALLEE),
    ]


async def test_send_keys(scene: Scene) -> None:
    """Keys are sent to one party, and those for the callee are not reported."""
    async with talking(scene):
        await scene.backend.send_keys(OURS, "1#", Side.CALLER)
        await scene.backend.send_keys(OURS, "22", Side.CALLEE)
        await scene.backend.send_keys(OURS, "5", Side.CALLEE)
        await scene.send_events(key(DIALING, "2"), key(DIALING, "9"), key(DIALING, "2"))
        await scene.send_events(key(DIALING, "5"), key(DIALING, "5"))
        await scene.backend.send_keys(OURS, "7", Side.CALLEE)
        await scene.pass_time(5)
        await scene.send_events(key(DIALING, "7"))
        await scene.backend.send_keys(OURS, "8", Side.CALLEE)
        await scene.send_events(key(DIALING, "7"), key(DIALING, "8"))
    assert scene.posted("/dtmf") == [
        (f"channels/{OURS}/dtmf", {"dtmf": "1#"}),
        *(
            (f"channels/{CALLEE}/dtmf", {"dtmf": each})
            for each in ("22", "5", "7", "8")
        ),
    ]
    assert [each.digit for each in scene.sink.keys] == ["9", "5", "7", "7"]


async def test_send_keys_fails(scene: Scene) -> None:
    """Keys need a party who is connected, in a call that takes them."""
    async with waiting(scene):
        with pytest.raises(DeniedError) as raised:
            await scene.backend.send_keys(OURS, "1", Side.CALLEE)
        assert raised.value.code is PbxErrorCode.NO_KEYS
        await scene.place(call_id=NEXT)
        with pytest.raises(DeniedError):
            await scene.backend.send_keys(NEXT, "1", Side.CALLEE)
        with pytest.raises(CallNotFoundError):
            await scene.backend.send_keys("ha-9", "1", Side.CALLEE)
        await scene.send_events(entered(CALLEE))
        scene.ari.reply("POST", f"channels/{CALLEE}/dtmf", GONE)
        with pytest.raises(CallNotFoundError):
            await scene.backend.send_keys(OURS, "1", Side.CALLEE)


async def test_keys_in_another_order(scene: Scene) -> None:
    """Keys of two requests are not mistaken for those of the caller."""
    async with talking(scene):
        await scene.backend.send_keys(OURS, "12", Side.CALLEE)
        await scene.backend.send_keys(OURS, "34", Side.CALLEE)
        await scene.send_events(*(key(DIALING, each) for each in "139249"))
    assert [each.digit for each in scene.sink.keys] == ["9", "9"]


@pytest.mark.parametrize("digit", ["", "12", "E", 1, None])
async def test_not_a_key(scene: Scene, digit: Any) -> None:  # noqa: ANN401 - any garbage
    """Anything that is not a key is ignored."""
    async with talking(scene):
        await scene.send_events(key(CALLEE, digit), key(CALLEE, "1"))
    assert [each.digit for each in scene.sink.keys] == ["1"]


async def test_keys_after_send_keys_fails(scene: Scene) -> None:
    """Keys that were not sent are not mistaken for those of the caller."""
    async with talking(scene):
        await scene.backend.send_keys(OURS, "35", Side.CALLEE)
        scene.ari.reply("POST", f"channels/{CALLEE}/dtmf", FAILS)
        with pytest.raises(PbxError):
            await scene.backend.send_keys(OURS, "7", Side.CALLEE)
        await scene.send_events(*(key(DIALING, each) for each in "3575"))
    assert [each.digit for each in scene.sink.keys] == ["7", "5"]


# --- a caller on the line ---


async def test_held(scene: Scene) -> None:
    """The caller hears ringing, and the next callee is called."""
    async with held(scene):
        end = scene.sink.end()
        assert (end.result, end.cause) == (CallResult.BUSY, "user_busy")
        assert not end.is_caller_gone
        assert limits(scene) == [30, 70]
        assert scene.hung_up == []
        await call_next(scene, takes_keys=True, hold_time=None, caller_id="100")
        body = scene.ari.originated[-1]
        ids = (body["channelId"], body["otherChannelId"], body["originator"])
        assert ids == (NEXT, f"{NEXT}-d", OURS)
        assert body["callerId"] == "<100>"
        await scene.send_events(
            dial("", call_id=f"{NEXT}-d"),
            dial("ANSWER", call_id=f"{NEXT}-d"),
            entered(NEXT),
        )
        assert scene.states(NEXT)[-1] is CONNECTED
        await scene.send_events(key(NEXT, "1"), key(f"{NEXT}-d", "2"))
        await scene.send_events(ended(NEXT))
        assert scene.hung_up[-2:] == [f"{NEXT}-b", OURS]
    assert scene.sink.end(NEXT).result is CallResult.ANSWERED
    assert [each.side for each in scene.sink.keys] == [Side.CALLEE, Side.CALLER]
    assert scene.posted("/addChannel")[0][1] == {"channel": [OURS, NEXT]}


@pytest.mark.parametrize("hold_time", [None, 30])
async def test_next_callee_refuses(scene: Scene, hold_time: int | None) -> None:
    """The caller is held again, or let go after the last callee."""
    async with held(scene):
        await call_next(scene, hold_time=hold_time)
        await scene.send_events(own_dial("BUSY", NEXT), ended(NEXT, 17))
        assert scene.hung_up == ([OURS] if hold_time is None else [])
    end = scene.sink.end(NEXT)
    assert (end.result, end.is_caller_gone) == (CallResult.BUSY, False)


async def test_held_caller_hangs_up(scene: Scene) -> None:
    """The callee stops ringing, and no other one can be called."""
    async with held(scene):
        await call_next(scene)
        await scene.send_events(dial("RINGING", call_id=f"{NEXT}-d"))
        await scene.send_events(ended(OURS))
        assert scene.hung_up == [NEXT]
        await reconnect(scene, rings(NEXT))
        await scene.send_events(ended(NEXT))
        end = scene.sink.end(NEXT)
        assert (end.result, end.is_caller_gone) == (CallResult.NO_ANSWER, True)
        await gone(scene, "ha-3")


async def test_held_caller_hangs_up_between(scene: Scene) -> None:
    """No other callee can be called."""
    async with held(scene):
        await scene.send_events(ended(OURS))
        await gone(scene, NEXT)


async def test_held_caller_is_missing(scene: Scene) -> None:
    """A caller whose end was not reported yet is gone."""
    async with held(scene):
        scene.ari.reply("POST", f"channels/{OURS}", GONE)
        await gone(scene, NEXT)


async def gone(scene: Scene, call_id: str) -> None:
    """Check that no callee can be called for the caller."""
    with pytest.raises(PbxError) as raised:
        await scene.place(call_id=call_id, held_call=OURS)
    assert raised.value.code is PbxErrorCode.CALLER_GONE


async def test_next_request_fails(scene: Scene) -> None:
    """The caller stays on the line for another callee."""
    async with held(scene):
        scene.ari.reply("POST", "channels", Reply(400, {"message": "No"}))
        with pytest.raises(PbxError):
            await call_next(scene)
        del scene.ari.replies["POST", "channels"]
        await scene.place(call_id="ha-3", held_call=OURS, **HELD)
        assert scene.ari.originated[-1]["channelId"] == "ha-3"


async def test_response_is_lost(scene: Scene) -> None:
    """The callee may ring; when the poll reports the end, another one is called."""
    async with held(scene):
        scene.ari.channels = [in_application(OURS)]
        override(
            scene,
            ("POST", f"channels/{OURS}", Reply(204, text="")),
            ("POST", "channels", Reply(fault="reset")),
        )
        with pytest.raises(CallUncertainError):
            await call_next(scene)
        del scene.ari.replies["POST", "channels"]
        await scene.pass_time(6, step=0.5)
        assert scene.sink.end(NEXT).result is CallResult.FAILED
        await scene.place(call_id="ha-3", held_call=OURS, **HELD)
        await scene.quiet()
        assert scene.hung_up == [NEXT]
        assert scene.ari.originated[-1]["channelId"] == "ha-3"


@pytest.mark.parametrize("is_over", [False, True])
async def test_later_call_is_hung_up(scene: Scene, *, is_over: bool) -> None:
    """The caller is let go, too."""
    async with held(scene):
        await call_next(scene)
        if is_over:
            await scene.send_events(ended(NEXT, 17))
        await scene.backend.hang_up(NEXT)
        if not is_over:
            await scene.send_events(ended(NEXT))
        await scene.quiet()
        assert sorted(scene.hung_up) == [OURS, NEXT]


async def test_first_call_is_hung_up(scene: Scene) -> None:
    """The caller on the line has the id of the first call."""
    async with held(scene):
        await scene.backend.hang_up(OURS)
        assert scene.hung_up == [OURS]


# --- after an announcement ---


@asynccontextmanager
async def announced(scene: Scene) -> AsyncIterator[None]:
    """Run the backend, and call the second party of an announcement."""
    asked = request(
        caller="557",
        callee="557",
        takes_keys=True,
        announcement=Announcement(connect_to="552"),
    )
    async with scene.running():
        scene.sink.add(request=asked)
        scene.backend._legs.expect(asked)  # noqa: SLF001 - the announcer does it
        await scene.send_events(went_up())
        scene.backend._lines.take_over(asked)  # noqa: SLF001 - likewise
        await scene.quiet()
        yield


async def test_take_over(scene: Scene) -> None:
    """The second party is called in the same way."""
    async with announced(scene):
        assert scene.ari.originated[-1]["endpoint"] == "Local/552@from-internal/n"
        await scene.send_events(dial("", call_id=DIALING), own_dial("RINGING"))
        await scene.send_events(dial("ANSWER", call_id=DIALING), entered(CALLEE))
        await scene.send_events(key(CALLEE, "1"))
        await scene.send_events(ended(CALLEE))
        assert scene.hung_up[-1] == OURS
        assert ENDED not in scene.states()
        await scene.send_events(ended(OURS))
    end = scene.sink.end()
    assert (end.result, end.is_caller_gone) == (CallResult.ANSWERED, False)
    assert scene.sink.keys == [KeyUpdate(OURS, "1", Side.CALLEE)]


# --- connections, and restarts ---


async def reconnect(scene: Scene, *channels: dict[str, Any]) -> None:
    """Lose the event stream for a moment, with these channels afterward."""
    count = len(scene.ari.queries)
    await scene.ari.drop()
    await scene.quiet()
    scene.ari.channels = list(channels)
    while len(scene.ari.queries) == count:
        await scene.pass_time(0.5)
    await scene.quiet()


async def test_callee_left_unseen(scene: Scene) -> None:
    """The caller who was left alone is let go."""
    async with talking(scene):
        await reconnect(scene, in_application(OURS))
        assert scene.hung_up[-1] == OURS
    assert scene.sink.end().result is CallResult.ANSWERED


async def test_caller_left_unseen(scene: Scene) -> None:
    """The callee who was left alone is let go."""
    async with talking(scene):
        await reconnect(scene, in_application(CALLEE))
        assert CALLEE in scene.hung_up


async def test_callee_answered_unseen(scene: Scene) -> None:
    """Both parties are connected."""
    async with waiting(scene):
        await reconnect(scene, in_application(OURS), in_application(CALLEE))
        assert len(scene.posted("/addChannel")) == 1


async def test_callee_still_rings(scene: Scene) -> None:
    """A callee who answers afterward is connected."""
    async with waiting(scene):
        await reconnect(scene, in_application(OURS), rings(CALLEE))
        await scene.send_events(entered(CALLEE))
        assert len(scene.posted("/addChannel")) == 1


async def test_caller_still_rings(scene: Scene) -> None:
    """A caller who answers afterward is connected."""
    async with scene.running():
        await scene.place(takes_keys=True)
        await reconnect(scene, rings(OURS))
        await scene.send_events(went_up(), entered(OURS))
        assert len(scene.ari.originated) == 2


async def test_held_unseen(scene: Scene) -> None:
    """A caller on the line stays there."""
    async with held(scene):
        await reconnect(scene, in_application(OURS))
        await call_next(scene)
        assert scene.hung_up == []


async def test_orphans(scene: Scene) -> None:
    """Channels in our application that belong to no call are hung up."""
    async with talking(scene):
        await reconnect(
            scene,
            in_application(OURS),
            in_application(CALLEE),
            in_application("ha-8"),
            in_application("ha-9-c"),
            in_application("ha-7", "other"),
            in_application("pbx-1"),
            up("ha-6", "Dial"),
        )
        assert scene.hung_up[-2:] == ["ha-8", "ha-9-c"]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("is_known", [False, True])
async def test_lists_fail(
    scene: Scene, caplog: pytest.LogCaptureFixture, times: int, *, is_known: bool
) -> None:
    """The lists are requested again, and then given up."""
    asked = request(takes_keys=True)
    if is_known:
        scene.sink.add(request=asked, state=CONNECTED)
    scene.ari.channels = [in_application(OURS)]
    scene.ari.reply("GET", "channels", FAILS)
    async with scene.running():
        await scene.pass_time(0.5)
        if times == 1:
            del scene.ari.replies["GET", "channels"]
        await scene.pass_time(6, step=0.5)
        assert (OURS in scene.hung_up) is (times == 1)
    is_warned = times == 3 and is_known
    warned = ["Failed to check the callers on the line"] if is_warned else []
    assert warnings(caplog) == warned


@pytest.mark.parametrize("is_bridged", [False, True])
async def test_restarted_in_the_talk(scene: Scene, *, is_bridged: bool) -> None:
    """Two people who talk are followed again."""
    scene.sink.add(request=request(takes_keys=True), state=CONNECTED)
    scene.ari.channels = [in_application(OURS), in_application(CALLEE)]
    scene.ari.bridges = [{"id": "x"}, {"id": "y", "channels": ["a"]}]
    if is_bridged:
        scene.ari.bridges += [{"id": BRIDGE, "channels": [OURS, CALLEE]}]
    async with scene.running():
        await scene.send_events(key(CALLEE, "1"))
        assert len(scene.posted("/addChannel")) == (0 if is_bridged else 1)
        await scene.send_events(ended(CALLEE))
        assert scene.hung_up[-1] == OURS
    assert len(scene.sink.keys) == 1
    assert scene.sink.end().result is CallResult.ANSWERED


async def test_restarted_while_caller_rings(scene: Scene) -> None:
    """A caller who answers is connected to the callee."""
    scene.sink.add(request=request(takes_keys=True))
    scene.sink.add("ha-5", is_requested=True, request=request("ha-5", takes_keys=True))
    scene.ari.channels = [rings(OURS)]
    async with scene.running():
        await scene.send_events(went_up(), entered(OURS))
        assert [each["channelId"] for each in scene.ari.originated] == [CALLEE]


async def test_restarted_with_a_later_callee(scene: Scene) -> None:
    """A callee who rings for a caller on the line is followed again."""
    scene.sink.add(NEXT, request=request(NEXT, held_call=OURS))
    scene.ari.channels = [in_application(OURS), rings(NEXT)]
    async with scene.running():
        await scene.send_events(entered(NEXT))
        assert len(scene.posted("/addChannel")) == 1


async def test_restarted_after_an_announcement(scene: Scene) -> None:
    """The two parties are followed again."""
    spoken = request(takes_keys=True, announcement=Announcement(connect_to="552"))
    scene.sink.add(request=spoken, state=CONNECTED)
    scene.ari.channels = [in_application(OURS), in_application(CALLEE)]
    scene.ari.bridges = [{"id": BRIDGE, "channels": [OURS, CALLEE]}]
    async with scene.running():
        await scene.send_events(key(DIALING, "1"), ended(CALLEE))
        assert sorted(scene.hung_up) == [OURS, BRIDGE]
    assert scene.sink.keys == [KeyUpdate(OURS, "1", Side.CALLER)]


async def test_stopped(scene: Scene) -> None:
    """A backend that stops ends the callers who wait."""
    async with waiting(scene):
        await scene.place(call_id="ha-4", takes_keys=True)
    assert sorted(scene.hung_up) == [OURS, CALLEE, "ha-4"]


async def test_stopped_in_the_talk(scene: Scene) -> None:
    """A backend that stops does not end a talk."""
    async with talking(scene):
        pass
    assert scene.hung_up == [f"{OURS}/ring"]


async def test_stopped_while_held(scene: Scene) -> None:
    """A backend that stops ends a caller on the line."""
    async with held(scene):
        pass
    assert scene.hung_up == [OURS]
