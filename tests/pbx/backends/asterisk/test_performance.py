"""Tests of one person who hears an announcement, against the ARI stub."""

import asyncio
from typing import Any

from aiohttp import web
import pytest

from custom_components.pbx.backends.announcement import Announced
from custom_components.pbx.backends.asterisk import background
from custom_components.pbx.backends.asterisk.key_script import LAST_WORD_DELAY
from custom_components.pbx.backends.asterisk.performance import TIME_MARGIN
from custom_components.pbx.backends.base import ChannelState
from custom_components.pbx.backends.updates import CallResult, CallState
from tests.pbx.ari import NOT_FOUND, Reply
from tests.pbx.backends.contract import until

from .media_side import FLUSH, START, mark, stop
from .scene import OURS, Scene, dial, ended
from .speaking import (
    BRIDGE,
    FULL,
    MEDIA,
    MESSAGE,
    NONE,
    PART,
    Speech,
    entered,
    hearing,
    left,
    speaking,
    warnings,
)

AFTER_THE_LAST_WORD = LAST_WORD_DELAY + 0.01
FAILS = Reply(500, {"message": "No"})
GONE = Reply(404, NOT_FOUND)
LIMIT = "TIMEOUT(absolute)"
HANGS_UP = left("ChannelHangupRequest")
CONFIRM: dict[str, Any] = {"confirm_key": "1", "decline_key": "2"}


@pytest.fixture
def speech(scene: Scene) -> Speech:
    """Return the announcements of a backend."""
    return Speech(scene)


def values(scene: Scene, path: str) -> list[Any]:
    """Return the bodies of the requests for a path, in order."""
    return [each.value for each in scene.ari.requests if each.path == path]


# --- the message ---


async def test_heard(speech: Speech) -> None:
    """The phone hears a media channel in a bridge; afterward, all three are removed."""
    scene = speech.scene
    async with hearing(speech) as media:
        assert media.taken()[:3] == [START, MESSAGE.pcm[:3200], mark(1)]
        await speech.hear()
        assert scene.hung_up == []
        await scene.pass_time(AFTER_THE_LAST_WORD, step=0.02)
        assert set(scene.hung_up) == {OURS, MEDIA, BRIDGE}
        await until(lambda: media.is_closed)
        await scene.send_events(ended())

    assert set(speech.posted[:3]) == {
        "channels/externalMedia",
        f"bridges/{BRIDGE}",
        f"channels/{OURS}/variable",
    }
    assert speech.posted[3:] == [f"bridges/{BRIDGE}/addChannel"]
    (media_body,) = values(scene, "channels/externalMedia")
    assert (media_body["channelId"], media_body["transport_data"]) == (MEDIA, "f(json)")
    assert (media_body["app"], media_body["format"]) == ("ha-test", "slin16")
    assert values(scene, f"bridges/{BRIDGE}")[0] == {
        "type": "mixing,dtmf_events",
        "name": "ha-test",
    }
    assert values(scene, f"bridges/{BRIDGE}/addChannel") == [{"channel": [OURS, MEDIA]}]
    longest = round(MESSAGE.seconds) + 1 + TIME_MARGIN
    assert values(scene, f"channels/{OURS}/variable") == [
        {"variable": LIMIT, "value": str(longest)}
    ]
    end = scene.sink.end()
    assert (end.result, end.announced) == (CallResult.ANSWERED, Announced(played=FULL))
    assert [each.played for each in speech.so_far if each] == [PART, FULL, FULL]


async def test_repeated(speech: Speech) -> None:
    """The message is played again after a pause in which silence is sent."""
    async with hearing(speech, repeat=2, repeat_pause=0.2) as media:
        media.taken()
        await speech.hear()
        assert START not in media.taken()
        await speech.scene.pass_time(0.25, step=0.02)
        await media.sync()
        sent = media.taken()
        assert sent[-1] == stop(2)
        await speech.hear(2)
        await speech.scene.pass_time(AFTER_THE_LAST_WORD, step=0.02)
        assert OURS in speech.scene.hung_up


@pytest.mark.parametrize("is_begun", [False, True])
@pytest.mark.parametrize(
    "kind", ["ChannelHangupRequest", "ChannelLeftBridge", "StasisEnd"]
)
async def test_hung_up(
    speech: Speech, caplog: pytest.LogCaptureFixture, kind: str, *, is_begun: bool
) -> None:
    """A phone that hangs up has heard a part, or nothing; all is removed."""
    async with hearing(speech) as media:
        if is_begun:
            await speech.send({"event": "MEDIA_MARK_PROCESSED"})
        await speech.scene.send_events(left(kind))
        await until(lambda: media.is_closed)
        await speech.scene.quiet()
        assert {MEDIA, BRIDGE} <= set(speech.scene.hung_up)
        await speech.scene.send_events(ended())

    assert speech.announced == Announced(played=PART if is_begun else NONE)
    assert warnings(caplog) == []


async def test_speech_after_the_hang_up(speech: Speech) -> None:
    """What is played when the phone has hung up is not heard by anyone."""
    async with hearing(speech, **CONFIRM) as media:
        media.answers_pings = False
        await speech.scene.send_events(HANGS_UP)
        await media.send_only(
            {"event": "MEDIA_MARK_PROCESSED", "correlation_id": "1"},
            {"event": "MEDIA_BUFFERING_COMPLETED", "correlation_id": "1"},
        )
        await media.pong_only()
        await speech.scene.send_events(ended())

    assert speech.announced == Announced(played=NONE, confirmed=False)


async def test_hung_up_before_the_media_channel(speech: Speech) -> None:
    """Nothing is bridged, and the end does not wait."""
    async with speech.scene.running():
        await speech.place(**CONFIRM)
        await speech.answer()
        await speech.scene.send_events(HANGS_UP, ended())
        assert speech.announced == Announced(confirmed=False)
        await until(lambda: speech.media.is_closed)
        await speech.scene.quiet()
        assert {MEDIA, BRIDGE} <= set(speech.scene.hung_up)

    assert speech.posted[3:] == []


# --- keys ---


@pytest.mark.parametrize(
    ("keys", "confirmed"), [("1", True), ("2", False), ("21", False), ("12", True)]
)
async def test_answer(speech: Speech, keys: str, *, confirmed: bool) -> None:
    """The first answer ends the call at once."""
    async with hearing(speech, **CONFIRM):
        await speech.press(keys)
        assert OURS in speech.scene.hung_up
        await speech.scene.send_events(ended())

    assert speech.announced == Announced(played=PART, confirmed=confirmed)


async def test_wrong_key(speech: Speech) -> None:
    """A wrong key stops the speech, and the next repetition begins at once."""
    async with hearing(speech, repeat=2, **CONFIRM) as media:
        media.taken()
        await speech.press("5")
        await media.sync()
        sent = media.taken()
        assert sent[:2] == [FLUSH, START]
        assert sent[-1] == stop(2)


async def test_digits(speech: Speech) -> None:
    """Each key is collected once, in order, and reported as it is pressed."""
    async with hearing(speech, digits=4) as media:
        media.taken()
        await speech.press("0")
        await media.sync()
        assert media.taken()[0] == FLUSH
        await speech.press("7")
        await speech.scene.send_events(
            {"type": "ChannelDtmfReceived", "digit": "7", "channel": {"id": OURS}}
        )
        await speech.press("7#")
        assert OURS in speech.scene.hung_up
        await speech.scene.send_events(ended())

    digits = [each.digits for each in speech.so_far if each]
    assert digits == ["0", "07", "077", "077"]


async def test_no_digits(speech: Speech) -> None:
    """The call ends after the time for a key."""
    async with hearing(speech, digits=4, key_timeout=3):
        await speech.hear()
        await speech.scene.pass_time(2.9, step=0.1)
        assert speech.scene.hung_up == []
        await speech.scene.pass_time(0.11, step=0.02)
        assert OURS in speech.scene.hung_up
        await speech.scene.send_events(ended())

    assert speech.announced == Announced(played=FULL, digits="")


@pytest.mark.parametrize(
    ("fields", "confirmed", "digits"),
    [
        ({"digits": 4}, None, "79"),
        ({"digits": 2}, None, "79"),
        ({"confirm_key": "9"}, True, None),
    ],
)
async def test_keys_before_the_hang_up(
    speech: Speech, fields: dict[str, Any], confirmed: object, digits: object
) -> None:
    """What was pressed before counts, though it is received after the hang-up."""
    async with hearing(speech, connect_to="552", **fields) as media:
        media.answers_pings = False
        await speech.scene.send_events(HANGS_UP, ended())
        assert CallState.ENDED not in speech.scene.states()
        for key in "79":
            await media.send_only({"event": "DTMF_END", "digit": key})
        await media.pong_only()
        await until(lambda: CallState.ENDED in speech.scene.states())
        await speech.scene.quiet()

    announced = speech.announced
    assert announced is not None
    assert (announced.confirmed, announced.digits) == (confirmed, digits)
    assert not any(each.endswith("/continue") for each in speech.posted)


async def test_no_more_keys(speech: Speech) -> None:
    """The end of the call waits for half a second."""
    async with hearing(speech, digits=4) as media:
        media.answers_pings = False
        await speech.scene.send_events(HANGS_UP, ended())
        await speech.scene.pass_time(0.4, step=0.1)
        assert CallState.ENDED not in speech.scene.states()
        await speech.scene.pass_time(0.11)
        assert speech.announced == Announced(digits="")


async def test_key_after_the_end(speech: Speech) -> None:
    """A call whose end was found by a poll stays as it is."""
    scene = speech.scene
    async with hearing(speech, digits=4) as media:
        media.answers_pings = False
        scene.ari.channels = []
        scene.ari.accepts_connections.clear()
        await scene.ari.drop()
        while CallState.ENDED not in scene.states():
            await scene.pass_time(1)
        await media.send({"event": "DTMF_END", "digit": "7"})

    assert speech.announced == Announced(digits="")
    assert scene.sink.updates[-1].state is CallState.ENDED


async def test_media_lost_after_the_hang_up(
    speech: Speech, caplog: pytest.LogCaptureFixture
) -> None:
    """The end of the call does not wait."""
    async with hearing(speech, digits=4) as media:
        media.answers_pings = False
        await speech.scene.send_events(HANGS_UP, ended())
        media.cut()
        await until(lambda: CallState.ENDED in speech.scene.states())

    assert speech.announced == Announced(digits="")
    assert warnings(caplog) == []


async def test_keys_first(speech: Speech) -> None:
    """Keys are sent before the speech, to a phone whose time is limited."""
    scene = speech.scene
    async with scene.running():
        await speech.place(send_keys="*71")
        await scene.send_events(entered(OURS, "announcement"))
        assert speech.posted == [
            f"channels/{OURS}/variable",
            f"channels/{OURS}/dtmf",
        ]
        assert values(scene, f"channels/{OURS}/dtmf") == [
            {"dtmf": "*71", "duration": 120, "between": 100}
        ]
        await scene.pass_time(0.6, step=0.2)
        assert len(speech.posted) == 2
        await scene.pass_time(0.1)
        await until(lambda: speech.sides)
        await speech.listen()


async def test_hung_up_while_keys_are_sent(speech: Speech) -> None:
    """Nothing is played to a phone that has hung up."""
    scene = speech.scene
    async with scene.running():
        await speech.place(send_keys="*71")
        await scene.send_events(entered(OURS, "announcement"), HANGS_UP)
        await scene.pass_time(6)

    assert len(speech.posted) == 2


# --- failures ---


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        ("channels/externalMedia", FAILS),
        ("channels/externalMedia", Reply(value={"channelvars": {}})),
        ("channels/externalMedia", Reply(value=[])),
        (f"bridges/{BRIDGE}", FAILS),
        (f"channels/{OURS}/variable", FAILS),
    ],
)
async def test_not_prepared(
    speech: Speech, caplog: pytest.LogCaptureFixture, path: str, reply: Reply
) -> None:
    """Without a media channel or a bridge, the person is let go."""
    speech.scene.ari.reply("POST", path, reply)
    async with speech.scene.running():
        await speech.place()
        await speech.scene.send_events(entered(OURS, "announcement"))
        assert {OURS, BRIDGE, MEDIA} <= set(speech.scene.hung_up)
        await speech.scene.send_events(ended())

    assert speech.announced == Announced()
    assert warnings(caplog) == ["Failed to play an announcement"]


async def test_media_without_response(speech: Speech) -> None:
    """A media channel that may be created later is removed later, too."""
    scene = speech.scene
    scene.ari.reply("POST", "channels/externalMedia", Reply(fault="reset"))
    scene.ari.reply("DELETE", f"channels/{MEDIA}", GONE)
    scene.ari.replies = dict(reversed(scene.ari.replies.items()))
    async with scene.running():
        await speech.place()
        await scene.send_events(entered(OURS, "announcement"))
        await scene.pass_time(5)

    assert scene.hung_up.count(MEDIA) == 3
    assert scene.hung_up.count(OURS) == 1


async def test_hung_up_before_the_limit(
    speech: Speech, caplog: pytest.LogCaptureFixture
) -> None:
    """A phone that has hung up already is no failure."""
    speech.scene.ari.reply("POST", f"channels/{OURS}/variable", GONE)
    async with speech.scene.running():
        await speech.place()
        await speech.scene.send_events(entered(OURS, "announcement"))
        assert {OURS, BRIDGE, MEDIA} <= set(speech.scene.hung_up)

    assert warnings(caplog) == []


async def test_no_media_socket(
    speech: Speech, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a WebSocket for the media channel, the person is let go."""
    speech.scene.ari.on_media = None
    async with speech.scene.running():
        await speech.place()
        await speech.scene.send_events(entered(OURS, "announcement"))
        assert {OURS, BRIDGE, MEDIA} <= set(speech.scene.hung_up)

    assert warnings(caplog) == ["Failed to play an announcement"]


async def test_media_channel_does_not_enter(
    speech: Speech, caplog: pytest.LogCaptureFixture
) -> None:
    """A media channel that does not connect ends the call after five seconds."""
    async with speech.scene.running():
        await speech.place()
        await speech.answer()
        await speech.scene.pass_time(4.9, step=0.7)
        assert speech.scene.hung_up == []
        await speech.scene.pass_time(0.1)
        await until(lambda: OURS in speech.scene.hung_up)

    assert warnings(caplog) == ["Failed to play an announcement"]


async def test_not_joined(speech: Speech, caplog: pytest.LogCaptureFixture) -> None:
    """A phone that cannot hear the media channel is let go."""
    speech.scene.ari.reply("POST", f"bridges/{BRIDGE}/addChannel", FAILS)
    async with speech.scene.running():
        await speech.place()
        await speech.answer()
        await speech.scene.send_events(entered(MEDIA))
        await until(lambda: OURS in speech.scene.hung_up)

    assert warnings(caplog) == ["Failed to play an announcement"]


async def test_media_socket_without_response(
    speech: Speech, caplog: pytest.LogCaptureFixture
) -> None:
    """The person is let go when connecting takes too long."""

    async def wait(request: web.Request) -> web.StreamResponse:
        del request
        await stopped.wait()
        return web.Response()

    stopped = asyncio.Event()
    speech.scene.ari.on_media = wait
    async with speech.scene.running():
        await speech.place()
        await speech.scene.send_events(entered(OURS, "announcement"))
        await until(lambda: OURS in speech.scene.hung_up)
        stopped.set()

    assert warnings(caplog) == ["Failed to play an announcement"]


async def test_media_socket_is_reset(
    speech: Speech, caplog: pytest.LogCaptureFixture
) -> None:
    """The person is let go when the connection is reset."""

    async def reset(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    speech.scene.ari.on_media = reset
    async with speech.scene.running():
        await speech.place()
        await speech.scene.send_events(entered(OURS, "announcement"))
        await until(lambda: OURS in speech.scene.hung_up)

    assert warnings(caplog) == ["Failed to play an announcement"]


@pytest.mark.parametrize("is_cut", [True, False])
async def test_media_lost(
    speech: Speech, caplog: pytest.LogCaptureFixture, *, is_cut: bool
) -> None:
    """A person who hears nothing any more is let go."""
    async with hearing(speech) as media:
        await speech.send({"event": "MEDIA_MARK_PROCESSED"})
        if is_cut:
            media.cut()
        else:
            await media.close()
        await until(lambda: {OURS, BRIDGE, MEDIA} <= set(speech.scene.hung_up))
        await speech.scene.send_events(ended())

    assert speech.announced == Announced(played=PART)
    assert warnings(caplog) == ["Failed to play an announcement"]


async def test_stopped_before_it_is_over(
    speech: Speech, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The WebSocket is closed, too, when the backend stops without responses."""
    monkeypatch.setattr(background, "_CLOSE_TIMEOUT", 0.1)
    async with hearing(speech) as media:
        speech.scene.ari.replies = {
            ("DELETE", ""): Reply(fault="hang"),
            **speech.scene.ari.replies,
        }
    await until(lambda: media.is_closed)


# --- events are missed ---


@pytest.mark.parametrize(
    ("reply", "played"),
    [
        (Reply(value={"id": OURS}), FULL),
        (GONE, PART),
        (FAILS, PART),
    ],
)
@pytest.mark.parametrize("reconnects", [True, False])
async def test_last_word_while_events_are_missed(
    speech: Speech, reply: Reply, played: str, *, reconnects: bool
) -> None:
    """The phone is asked for, as its hang-up may have been missed."""
    scene = speech.scene
    async with hearing(speech):
        scene.ari.channels = [speaking(), speaking(MEDIA, "")]
        await scene.ari.drop()
        await until(lambda: scene.sink.healths[-1][0] is ChannelState.RECONNECTING)
        if reconnects:
            await scene.pass_time(2, step=0.5)
            assert scene.sink.healths[-1][0] is ChannelState.OK
        scene.ari.reply("GET", f"channels/{OURS}", reply)
        await speech.media.send_only(
            {"event": "MEDIA_MARK_PROCESSED", "correlation_id": "1"},
            {"event": "MEDIA_BUFFERING_COMPLETED", "correlation_id": "1"},
        )
        await until(lambda: f"channels/{OURS}" in scene.ari.paths("GET"))
        await scene.quiet()

    last = [each for each in speech.so_far if each][-1]
    assert last.played == played


# --- the second party ---


async def test_connected(speech: Speech) -> None:
    """After the message, the person is connected by the dialplan."""
    scene = speech.scene
    async with hearing(speech, connect_to="552", request={"call_limit": 300}):
        await speech.hear()
        await scene.pass_time(AFTER_THE_LAST_WORD, step=0.02)
        await scene.send_events(left("ChannelLeftBridge"), left("StasisEnd"))
        assert set(scene.hung_up) == {BRIDGE, MEDIA}
        await scene.send_events(dial(""), dial("RINGING"))
        assert [each.connected for each in speech.so_far if each][-1] is False
        await scene.send_events(dial("ANSWER"), ended())

    assert values(scene, f"channels/{OURS}/continue") == [
        {"context": "from-internal", "extension": "552", "priority": 1}
    ]
    limits = [each["value"] for each in values(scene, f"channels/{OURS}/variable")]
    assert limits[-1] == "400"
    assert speech.announced == Announced(played=FULL, connected=True)


async def test_confirmed_and_connected(speech: Speech) -> None:
    """The key that confirms connects at once."""
    async with hearing(speech, connect_to="552", **CONFIRM):
        await speech.press("1")
        await until(lambda: speech.posted[-1].endswith("/continue"))
        await speech.scene.quiet()
        assert OURS not in speech.scene.hung_up


async def test_hung_up_before_connecting(
    speech: Speech, caplog: pytest.LogCaptureFixture
) -> None:
    """A person who hangs up after the confirmation is no failure."""
    scene = speech.scene
    scene.ari.reply("POST", f"channels/{OURS}/continue", GONE)
    async with hearing(speech, connect_to="552", **CONFIRM):
        await speech.press("1")
        await until(lambda: BRIDGE in scene.hung_up)
        await scene.send_events(HANGS_UP, ended())
        await scene.pass_time(6)
        assert speech.posted.count(f"channels/{OURS}/continue") == 1

    announced = Announced(played=PART, confirmed=True, connected=False)
    assert speech.announced == announced
    assert warnings(caplog) == []


@pytest.mark.parametrize("times", [1, 3])
async def test_not_connected(
    speech: Speech, caplog: pytest.LogCaptureFixture, times: int
) -> None:
    """Connecting is repeated; then the person is let go."""
    scene = speech.scene
    scene.ari.reply("POST", f"channels/{OURS}/continue", FAILS)
    async with hearing(speech, connect_to="552", **CONFIRM):
        await speech.press("1")
        await until(lambda: speech.posted[-1].endswith("/continue"))
        if times == 1:
            del scene.ari.replies["POST", f"channels/{OURS}/continue"]
        await scene.pass_time(6, step=0.5)
        assert (OURS in scene.hung_up) is (times == 3)
        assert {BRIDGE, MEDIA} <= set(scene.hung_up)

    failed = ["Failed to connect a phone that was answered"] if times == 3 else []
    assert warnings(caplog) == failed


async def test_connected_with_keys(speech: Speech) -> None:
    """With keys, the second party is called into a bridge, after the first one."""
    scene = speech.scene
    fields = {"connect_to": "552", "request": {"takes_keys": True, "caller_id": "100"}}
    async with hearing(speech, **fields, **CONFIRM):
        scene.ari.reply("DELETE", "bridges/", Reply(204, text="", fault="late"))
        await speech.press("1")
        await until(lambda: BRIDGE in scene.hung_up)
        await scene.send_events(left("ChannelLeftBridge"))
        await scene.ari.drop_requests()
        await until(lambda: len(scene.ari.originated) == 2)
        assert scene.ari.originated[1]["endpoint"] == "Local/552@from-internal/n"
        assert OURS not in scene.hung_up
        await scene.send_events(entered(f"{OURS}-c", OURS))
        dialing = f"{OURS}-d"
        await scene.send_events(
            dial("", call_id=dialing), dial("ANSWER", call_id=dialing)
        )
        await scene.send_events(ended(f"{OURS}-c"), ended())

    announced = Announced(played=PART, confirmed=True, connected=True)
    assert speech.announced == announced


async def test_hung_up_before_the_second_party(speech: Speech) -> None:
    """Nobody is called for a person who has hung up."""
    scene = speech.scene
    fields = {"connect_to": "552", "request": {"takes_keys": True}}
    async with hearing(speech, **fields, **CONFIRM):
        scene.ari.reply("DELETE", "bridges/", Reply(204, text="", fault="late"))
        await speech.press("1")
        await until(lambda: BRIDGE in scene.hung_up)
        await scene.send_events(HANGS_UP, ended())
        await scene.ari.drop_requests()
        await scene.quiet()

    assert len(scene.ari.originated) == 1
    announced = Announced(played=PART, confirmed=True, connected=False)
    assert speech.announced == announced
