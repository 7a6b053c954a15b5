"""Tests of announcements that begin, are missed or go on, against the ARI stub."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from custom_components.pbx.backends.announcement import Announced, Announcement
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    DeniedError,
    PbxError,
    PbxErrorCode,
)
from custom_components.pbx.backends.updates import CallResult, CallState
from tests.pbx.ari import NOT_FOUND, Reply
from tests.pbx.backends.contract import until

from .scene import OURS, Scene, dial, ended, request, up
from .speaking import (
    BRIDGE,
    FULL,
    MEDIA,
    PART,
    Speech,
    bridge,
    entered,
    hearing,
    left,
    speaking,
    warnings,
)

OTHER = "ha-2"
FAILS = Reply(500, {"message": "No"})
GONE = Reply(404, NOT_FOUND)
MODULE = "asterisk/modules/chan_websocket.so"
HANGS_UP = left("ChannelHangupRequest")
ASKED = request(announcement=Announcement(confirm_key="1", connect_to="552"))
RINGS = {"id": OURS, "state": "Ringing"}


@pytest.fixture
def speech(scene: Scene) -> Speech:
    """Return the announcements of a backend."""
    return Speech(scene)


@asynccontextmanager
async def events_missed(scene: Scene) -> AsyncIterator[None]:
    """Drop the event stream, and connect again afterward."""
    count = len(scene.ari.queries)
    scene.ari.accepts_connections.clear()
    await scene.ari.drop()
    yield
    scene.ari.accepts_connections.set()
    await scene.pass_time(2, step=0.5)
    await until(lambda: len(scene.ari.queries) > count)
    await scene.quiet()


# --- the module ---


async def test_check(scene: Scene) -> None:
    """The module is checked each time, as it may be unloaded meanwhile."""
    async with scene.running():
        await scene.backend.check_speech(ASKED)
        scene.ari.reply("GET", MODULE, GONE)
        with pytest.raises(DeniedError):
            await scene.backend.check_speech(ASKED)


@pytest.mark.parametrize(
    ("reply", "info", "words"),
    [
        (GONE, None, "no chan_websocket.so, Asterisk 22.10.1"),
        (Reply(value={"status": "Not Running"}), None, "Asterisk 22.10.1"),
        (Reply(value=[]), Reply(value=[]), "no chan_websocket.so, Asterisk"),
        (GONE, Reply(value={"system": 7}), "no chan_websocket.so, Asterisk"),
    ],
)
async def test_no_module(
    scene: Scene, reply: Reply, info: Reply | None, words: str
) -> None:
    """The error names the module and the version."""
    scene.ari.reply("GET", MODULE, reply)
    if info is not None:
        scene.ari.reply("GET", "asterisk/info", info)
    with pytest.raises(DeniedError) as raised:
        await scene.backend.check_speech(ASKED)

    assert raised.value.code is PbxErrorCode.NO_SPEECH
    assert raised.value.detail.endswith(words)


@pytest.mark.parametrize("path", [MODULE, "asterisk/"])
async def test_check_fails(scene: Scene, path: str) -> None:
    """A request that failed does not show that the module is missing."""
    scene.ari.reply("GET", path, FAILS)
    with pytest.raises(PbxError) as raised:
        await scene.backend.check_speech(ASKED)

    assert raised.value.code is not PbxErrorCode.NO_SPEECH


# --- phones that ring ---


async def test_placed(speech: Speech) -> None:
    """The phone rings into our application."""
    async with speech.scene.running():
        await speech.place()
        (body,) = speech.scene.ari.originated
        assert (body["app"], body["appArgs"]) == ("ha-test", "announcement")
        assert body["channelId"] == OURS


async def test_not_placed(speech: Speech) -> None:
    """A phone that does not ring is not expected any more."""
    scene = speech.scene
    scene.ari.reply("POST", "channels", Reply(400, {"message": "No"}))
    async with scene.running():
        with pytest.raises(PbxError):
            await speech.place()
        del scene.ari.replies["POST", "channels"]
        await scene.send_events(entered(OURS, "announcement"))
        assert scene.hung_up == [OURS]


async def test_not_answered(speech: Speech) -> None:
    """The result of the call is that of the person; nothing was heard."""
    async with speech.scene.running():
        await speech.place(confirm_key="1")
        await speech.scene.send_events(ended(cause=17))
        assert speech.scene.sink.end().result is CallResult.BUSY
        await speech.scene.send_events(entered(OURS, "announcement"))
        assert speech.scene.hung_up == [OURS]


@pytest.mark.parametrize("is_certain", [True, False])
async def test_placed_while_it_stops(speech: Speech, *, is_certain: bool) -> None:
    """A phone that begins to ring while the backend stops is hung up, too."""
    scene = speech.scene
    reply = Reply(fault="late") if is_certain else Reply(fault="hang")
    scene.ari.reply("POST", "channels", reply)
    async with scene.running():
        asked = request(callee="557", announcement=Announcement())
        task = asyncio.ensure_future(scene.backend.originate(asked))
        await until(lambda: scene.ari.originated)
    before = scene.hung_up.count(OURS)
    await scene.ari.drop_requests()
    if is_certain:
        await task
    else:
        with pytest.raises(CallUncertainError):
            await task
    await until(lambda: scene.hung_up.count(OURS) > before)


async def test_end_not_reported(speech: Speech) -> None:
    """A call that is not open any more is forgotten with the next one."""
    scene = speech.scene
    async with hearing(speech, confirm_key="1"):
        await speech.place(OTHER)
        await speech.press("1")
        await until(lambda: BRIDGE in scene.hung_up)
        await scene.quiet()
        scene.sink.open.clear()
        await speech.place("ha-3")
        await scene.send_events(entered(OTHER, "announcement"), ended())
        assert scene.hung_up[-1] == OTHER

    assert speech.announced is None


async def test_not_open_in_speech(speech: Speech) -> None:
    """A call that is not open any more goes on while a person hears it."""
    scene = speech.scene
    async with hearing(speech, confirm_key="1"):
        scene.sink.open.clear()
        await speech.place(OTHER)
        await speech.press("1")
        await scene.send_events(ended())

    assert speech.announced == Announced(played=PART, confirmed=True)


# --- channels in our application ---


async def test_forwarded(speech: Speech) -> None:
    """A party that a phone forwards the call to is hung up, and so are others."""
    scene = speech.scene
    async with scene.running():
        await speech.place()
        forwarded = {"id": "pbx-7", "name": "Local/9@phones-1;1"}
        await scene.send_events(
            {"type": "Dial", "peer": {"id": OURS}, "forwarded": forwarded},
            entered("pbx-8", "announcement"),
            entered("ha-7-m"),
        )
        assert scene.hung_up == ["pbx-7", "pbx-8", "ha-7-m"]


async def test_entered_twice(speech: Speech) -> None:
    """The message begins once."""
    async with hearing(speech):
        await speech.scene.send_events(entered(OURS, "announcement"))
        assert speech.posted.count("channels/externalMedia") == 1


async def test_late_media_channel(speech: Speech) -> None:
    """A media channel that enters when the announcement is over is hung up."""
    scene = speech.scene
    async with scene.running():
        await speech.place()
        await speech.answer()
        await scene.send_events(HANGS_UP)
        await until(lambda: MEDIA in scene.hung_up)
        count = scene.hung_up.count(MEDIA)
        await scene.send_events(entered(MEDIA))
        assert scene.hung_up.count(MEDIA) > count


async def test_many(speech: Speech) -> None:
    """Each of many persons hears the message, and has an answer of their own."""
    scene = speech.scene
    call_ids = [f"ha-{number:02}" for number in range(20)]
    async with scene.running():
        for call_id in call_ids:
            await speech.place(call_id, digits=2)
        for call_id in call_ids:
            await scene.send_events(entered(call_id, "announcement"))
        await until(lambda: len(speech.sides) == len(call_ids))
        for call_id in call_ids:
            await speech.listen(call_id)
        for call_id in call_ids:
            for key in call_id.removeprefix("ha-"):
                side = speech.sides[f"{call_id}-m"]
                await side.send_only({"event": "DTMF_END", "digit": key})
        await scene.quiet()
        await scene.send_events(*map(ended, call_ids))
        ends = [scene.sink.end(each).announced for each in call_ids]
    digits = [each.digits for each in ends if each]
    assert digits == [each.removeprefix("ha-") for each in call_ids]


# --- events are missed ---


async def test_answered_while_events_are_missed(speech: Speech) -> None:
    """The message begins when the answer is found."""
    scene = speech.scene
    async with scene.running():
        await speech.place()
        async with events_missed(scene):
            scene.ari.channels = [speaking()]
        await until(lambda: speech.sides)
        await speech.listen()
        assert scene.hung_up == []


async def test_still_rings(speech: Speech) -> None:
    """A phone that still rings is left alone."""
    async with speech.scene.running():
        await speech.place()
        async with events_missed(speech.scene):
            pass
        assert speech.scene.hung_up == []


async def test_goes_on(speech: Speech) -> None:
    """A person who still hears the message goes on to hear it."""
    scene = speech.scene
    async with hearing(speech):
        async with events_missed(scene):
            scene.ari.channels = [speaking(), speaking(MEDIA, "")]
            scene.ari.bridges = [bridge()]
        assert scene.hung_up == []
        assert not speech.media.is_closed


async def test_hung_up_while_events_are_missed(speech: Speech) -> None:
    """What is left of an announcement is removed."""
    scene = speech.scene
    async with hearing(speech):
        async with events_missed(scene):
            scene.ari.channels = [speaking(MEDIA, "")]
            scene.ari.bridges = [bridge()]
        await until(lambda: {MEDIA, BRIDGE} <= set(scene.hung_up))
        await scene.pass_time(3)
        end = scene.sink.end()
        assert (end.result, end.announced) == (CallResult.ANSWERED, Announced())


@pytest.mark.parametrize("connects", [False, True])
async def test_not_hung_up_in_an_outage(
    speech: Speech, caplog: pytest.LogCaptureFixture, *, connects: bool
) -> None:
    """A phone that could not be hung up does not stay in silence."""
    scene = speech.scene
    fields = {"connect_to": "552"} if connects else {}
    async with hearing(speech, confirm_key="1", **fields):
        for method in ("POST", "DELETE"):
            scene.ari.replies = {(method, ""): FAILS, **scene.ari.replies}
        async with events_missed(scene):
            await speech.press("1")
            await scene.pass_time(12)
            tried = scene.hung_up.count(OURS)
            assert tried >= 3
            scene.ari.channels = [speaking(), speaking(MEDIA, "")]
            scene.ari.bridges = [bridge()]
            for method in ("POST", "DELETE"):
                del scene.ari.replies[method, ""]
        assert scene.hung_up.count(OURS) == tried + 1

    assert "Failed to stop a phone" in warnings(caplog)


async def test_connected_while_events_are_missed(speech: Speech) -> None:
    """A person who was connected is left alone."""
    scene = speech.scene
    async with hearing(speech, confirm_key="1", connect_to="552"):
        await speech.press("1")
        await until(lambda: {BRIDGE, MEDIA} <= set(scene.hung_up))
        async with events_missed(scene):
            scene.ari.channels = [up(app="Dial")]
        assert OURS not in scene.hung_up


async def test_lists_fail(speech: Speech, caplog: pytest.LogCaptureFixture) -> None:
    """The lists are requested again, and then given up."""
    scene = speech.scene
    async with hearing(speech):
        async with events_missed(scene):
            scene.ari.reply("GET", "bridges", FAILS)
        await scene.pass_time(6, step=0.5)

    assert "Failed to check the announcements" in warnings(caplog)


async def test_lists_fail_once(
    speech: Speech, caplog: pytest.LogCaptureFixture
) -> None:
    """The lists are requested again."""
    scene = speech.scene
    async with scene.running():
        async with events_missed(scene):
            scene.ari.channels = [speaking()]
            scene.ari.reply("GET", "bridges", FAILS)
        assert scene.hung_up == []
        del scene.ari.replies["GET", "bridges"]
        await scene.pass_time(6, step=0.5)
        assert OURS in scene.hung_up

    assert warnings(caplog) == []


# --- the backend stops ---


async def test_stopped_in_speech(speech: Speech) -> None:
    """A person would stay in silence: everything is removed at once."""
    async with hearing(speech):
        pass

    assert {OURS, MEDIA, BRIDGE} <= set(speech.scene.hung_up)


async def test_stopped_while_it_rings(speech: Speech) -> None:
    """A phone that rings is hung up, as nobody could speak to the person."""
    async with speech.scene.running():
        await speech.place()

    assert OURS in speech.scene.hung_up


async def test_stopped_when_connected(speech: Speech) -> None:
    """A person who was connected is left alone."""
    scene = speech.scene
    async with hearing(speech, confirm_key="1", connect_to="552"):
        await speech.press("1")
        await until(lambda: {BRIDGE, MEDIA} <= set(scene.hung_up))
        await scene.quiet()

    assert OURS not in scene.hung_up


# --- after a reload ---


@pytest.mark.parametrize(
    ("state", "channel"),
    [
        (CallState.PLACED, RINGS),
        (CallState.PLACED, speaking()),
        (CallState.CONNECTED, speaking()),
    ],
)
async def test_reloaded(
    scene: Scene, state: CallState, channel: dict[str, Any]
) -> None:
    """What rings or is spoken to from before a reload is ended."""
    scene.sink.add(request=ASKED, state=state)
    scene.ari.channels = [channel, speaking(MEDIA, "")]
    scene.ari.bridges = [bridge(), bridge("ha-9", "another"), {"id": "pbx"}]
    async with scene.running():
        assert set(scene.hung_up) == {OURS, MEDIA, BRIDGE}


@pytest.mark.parametrize(
    "channel",
    [
        up(app="Dial"),
        {**speaking(), "dialplan": {"app_name": "Stasis", "app_data": "another,x"}},
        {"id": "pbx-1", "state": "Ringing"},
    ],
)
async def test_reloaded_when_connected(scene: Scene, channel: dict[str, Any]) -> None:
    """A person who is connected already is left alone, and so are others."""
    scene.sink.add(request=ASKED, state=CallState.CONNECTED)
    scene.ari.channels = [channel]
    async with scene.running():
        assert scene.hung_up == []


async def test_reloaded_with_keys(scene: Scene) -> None:
    """Two people who meet in a bridge of ours go on to talk."""
    asked = request(announcement=ASKED.announcement, takes_keys=True)
    announced = Announced(played=FULL, confirmed=True, connected=False)
    scene.sink.add(request=asked, state=CallState.CONNECTED, announced=announced)
    callee = {**speaking(f"{OURS}-c", f",{OURS}")}
    scene.ari.channels = [speaking(), callee]
    scene.ari.bridges = [{"id": f"{OURS}-b", "channels": [OURS, f"{OURS}-c"]}]
    async with scene.running():
        assert scene.hung_up == []


async def test_reloaded_and_answered(scene: Scene) -> None:
    """What came of the message before a reload is kept."""
    announced = Announced(played=PART, confirmed=True, connected=False)
    scene.sink.add(request=ASKED, state=CallState.CONNECTED, announced=announced)
    scene.ari.channels = [up(app="Dial")]
    async with scene.running():
        await scene.send_events(dial(""), dial("ANSWER"), ended())

    reported = [each.announced for each in scene.sink.updates if each.announced]
    assert reported[-1] == Announced(played=PART, confirmed=True, connected=True)


@pytest.mark.parametrize("announced", [None, Announced()])
async def test_reloaded_without_answer(
    scene: Scene, announced: Announced | None
) -> None:
    """Without news of the second party, nothing is reported."""
    scene.sink.add(request=ASKED, state=CallState.CONNECTED, announced=announced)
    scene.ari.channels = [up(app="Dial")]
    async with scene.running():
        events = [dial("BUSY")] if announced else [dial("ANSWER")]
        await scene.send_events(dial(""), *events, ended())

    assert {each.announced for each in scene.sink.updates} == {None}
