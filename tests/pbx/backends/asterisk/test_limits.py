"""Tests of the limits of calls, which an Asterisk itself does not keep."""

from datetime import UTC, datetime

import pytest

from custom_components.pbx.backends.updates import CallResult, CallState
from tests.pbx.ari import NOT_FOUND, Reply

from .scene import CALLEE, OURS, Scene, dial, ended, request, up, went_up

RINGING, CONNECTED = CallState.RINGING_CALLEE, CallState.CONNECTED
BRIDGE = {"channels": [OURS, CALLEE]}


def rings(scene: Scene, callee: str = CALLEE) -> None:
    """Let a callee ring, as the list of channels has it."""
    scene.ari.channels = [up(app="Dial"), {"id": callee, "state": "Ringing"}]


async def test_ring_time(scene: Scene) -> None:
    """A callee rings for the ring time, whatever the dialplan would let it."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.pass_time(15)
        await scene.tell(went_up(), dial(""), dial("RINGING"))
        rings(scene)
        await scene.pass_time(19)
        assert scene.hung_up == []

        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


async def test_anew_for_the_next_phone(scene: Scene) -> None:
    """In a hunt, each phone has the whole ring time; nothing counts in between."""
    async with scene.running():
        await scene.place(timeout=20, call_limit=30)
        await scene.tell(went_up())
        for callee in ("a", "b", "c"):
            await scene.tell(dial("", callee))
            rings(scene, callee)
            await scene.pass_time(19)
            await scene.tell(dial("NOANSWER", callee))
        assert scene.hung_up == []


async def test_another_phone_begins_later(scene: Scene) -> None:
    """A phone that joins those that ring has the whole ring time, too."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.tell(went_up(), dial("", "a"))
        await scene.pass_time(15)
        await scene.tell(dial("", "b"))
        rings(scene, "b")
        scene.ari.channels.append({"id": "a", "state": "Ringing"})
        await scene.pass_time(19)
        assert scene.hung_up == []

        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


async def test_queue(scene: Scene) -> None:
    """Whoever waits in a queue is not cut off while none of its phones rings."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.tell(went_up())
        for callee in ("a", "b", "a2"):
            await scene.tell(dial("", callee), dial("RINGING", callee))
            scene.ari.channels = [up(app="Queue"), {"id": callee, "state": "Ringing"}]
            await scene.pass_time(15)
            await scene.tell(dial("NOANSWER", callee))
            scene.ari.channels = [up(app="Queue")]
            await scene.pass_time(30)

        assert scene.hung_up == []


async def test_not_while_nobody_rings(scene: Scene) -> None:
    """A mailbox that answers after 15 s is not cut off at the ring time."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.tell(went_up(), dial(""))
        await scene.pass_time(15)
        await scene.tell(dial("NOANSWER"))
        scene.ari.channels = [up(app="VoiceMail")]
        await scene.pass_time(120, step=5)

        assert scene.hung_up == []


async def test_mailbox_has_the_call_limit(scene: Scene) -> None:
    """What the dialplan plays after the last phone has the call limit."""
    async with scene.running():
        await scene.place(timeout=20, call_limit=30)
        await scene.tell(went_up(), dial(""))
        await scene.pass_time(15)
        await scene.tell(dial("NOANSWER"))
        scene.ari.channels = [up(app="VoiceMail")]
        await scene.pass_time(29)
        assert scene.hung_up == []

        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


@pytest.mark.parametrize("is_in_a_bridge", [True, False])
async def test_who_has_answered(scene: Scene, *, is_in_a_bridge: bool) -> None:
    """Nobody who has answered is cut off, though the answer was not heard."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.tell(went_up(), dial(""), dial("RINGING"))
        scene.ari.channels = [up(app="Dial"), up(CALLEE, "AppDial")]
        scene.ari.bridges = [BRIDGE] if is_in_a_bridge else []
        await scene.pass_time(60)

        assert scene.hung_up == []
        assert (CONNECTED in scene.states()) == is_in_a_bridge


async def test_who_rings_no_more(scene: Scene) -> None:
    """That the phone stopped ringing was not heard; the mailbox goes on."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.tell(went_up(), dial(""), dial("RINGING"))
        scene.ari.channels = [up(app="VoiceMail")]
        await scene.pass_time(60)

        assert scene.hung_up == []


async def test_who_has_answered_is_told_soon(scene: Scene) -> None:
    """An answer that is found when a call is to be ended does not wait for a look."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.tell(went_up(), dial(""), dial("RINGING"))
        scene.ari.channels = [up(app="Dial"), up(CALLEE, "AppDial")]
        scene.ari.bridges = [BRIDGE]
        await scene.pass_time(22)

        assert CONNECTED in scene.states()


@pytest.mark.parametrize("is_talking", [True, False])
async def test_callee_unheard(scene: Scene, *, is_talking: bool) -> None:
    """The call limit is not counted from the caller's answer once a callee is there."""
    async with scene.running():
        await scene.place(timeout=20, call_limit=30)
        await scene.tell(went_up())
        await scene.pass_time(29)
        rings(scene)
        made_at = datetime.fromtimestamp(scene.clock.time(), UTC).isoformat()
        if is_talking:
            scene.ari.channels = [up(app="Dial"), up(CALLEE, "AppDial")]
            scene.ari.bridges = [{**BRIDGE, "creationtime": made_at}]
        await scene.pass_time(18)
        assert scene.hung_up == []

        await scene.pass_time(14)
        assert scene.hung_up == [OURS]


async def test_call_limit(scene: Scene) -> None:
    """The limit counts from the callee's answer, however long they rang before."""
    async with scene.running():
        await scene.place(timeout=20, call_limit=60)
        await scene.tell(went_up(), dial(""))
        await scene.pass_time(15)
        await scene.tell(dial("ANSWER"))
        scene.ari.channels, scene.ari.bridges = [up(app="Dial")], [BRIDGE]
        await scene.pass_time(59)
        assert scene.hung_up == []

        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


@pytest.mark.parametrize("is_heard", [True, False])
async def test_call_limit_unheard(scene: Scene, *, is_heard: bool) -> None:
    """A limit is kept within some seconds where nothing of the call is heard."""
    scene.ari.reply("GET", "applications/", Reply())
    async with scene.running():
        if not is_heard:
            await scene.tell({"type": "ApplicationReplaced"})
        await scene.place(timeout=5, call_limit=4)
        scene.ari.channels = [up(app="Dial"), up(CALLEE, "AppDial")]
        scene.ari.bridges = [BRIDGE]
        await scene.pass_time(16)

        assert scene.states() == [CONNECTED]
        assert scene.hung_up == [OURS]


async def test_no_limit(scene: Scene) -> None:
    """A talk without a limit goes on."""
    async with scene.running():
        await scene.place()
        await scene.tell(went_up(), dial(""), dial("ANSWER"))
        scene.ari.channels, scene.ari.bridges = [up(app="Dial")], [BRIDGE]
        await scene.pass_time(3000, step=100)

        assert scene.hung_up == []
        assert scene.states() == [RINGING, CONNECTED]


async def test_dialplan_answers_itself(scene: Scene) -> None:
    """An announcement counts as a talk, from when the caller has answered."""
    async with scene.running():
        await scene.place(call_limit=30)
        await scene.tell(went_up())
        scene.ari.channels = [up(app="Playback")]
        answered_at = scene.clock.time()
        await scene.pass_time(1)
        assert CONNECTED not in scene.states()

        await scene.pass_time(2)
        (told,) = (each for each in scene.sink.updates if each.state is CONNECTED)
        assert told.at == answered_at
        await scene.pass_time(26)
        assert scene.hung_up == []
        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


async def test_dialed_unheard_is_no_answer(scene: Scene) -> None:
    """While nobody listens, nothing heard of a callee does not say that none rings."""
    scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
    async with scene.running():
        await scene.place()
        await scene.tell(went_up())
        scene.ari.channels = []
        scene.ari.handshake_status = 503
        scene.ari.reply("GET", "channels", Reply(503))
        await scene.ari.drop()
        await scene.pass_time(10)
        assert CONNECTED not in scene.states()

        scene.ari.handshake_status = 0
        del scene.ari.replies["GET", "channels"]
        await scene.pass_time(30)
        assert scene.sink.end().result is CallResult.UNDETERMINED


@pytest.mark.parametrize("is_heard", [True, False])
async def test_dialplan_answers_unheard(scene: Scene, *, is_heard: bool) -> None:
    """An announcement that was not heard to begin is seen to go on."""
    scene.ari.channels = [up(app="Playback")]
    if not is_heard:
        scene.ari.reply("GET", "applications/", Reply())
    async with scene.running():
        await scene.place(call_limit=300)
        if not is_heard:
            await scene.tell({"type": "ApplicationReplaced"})
        await scene.pass_time(9)
        assert CONNECTED not in scene.states()

        await scene.pass_time(5)
        assert CONNECTED in scene.states()
        assert scene.hung_up == []


async def test_dialplan_dials_later_unheard(scene: Scene) -> None:
    """What one look sees before a phone is dialed is not taken for an answer."""
    scene.ari.channels = [up(app="Wait")]
    scene.ari.reply("GET", "applications/", Reply())
    async with scene.running():
        await scene.place()
        await scene.tell({"type": "ApplicationReplaced"})
        await scene.pass_time(11)
        rings(scene)
        await scene.pass_time(10)

        assert CONNECTED not in scene.states()


async def test_dialplan_dials_soon(scene: Scene) -> None:
    """A caller who is up, while somebody is dialed, talks to nobody yet."""
    async with scene.running():
        await scene.place()
        await scene.tell(went_up())
        await scene.pass_time(1)
        await scene.tell(dial(""))
        rings(scene)
        await scene.pass_time(5)

        assert scene.states() == [RINGING]


@pytest.mark.parametrize("waited", [30, 100])
async def test_reload(scene: Scene, waited: int) -> None:
    """A reload does not lift a limit, whether it is yet to come or past."""
    scene.sink.add(state=CONNECTED, request=request(call_limit=60))
    scene.ari.channels, scene.ari.bridges = [up(app="Dial")], [BRIDGE]
    await scene.clock.advance(waited)
    async with scene.running():
        await scene.pass_time(61 - min(waited, 60))

        assert scene.hung_up == [OURS]


async def test_reload_while_it_rings(scene: Scene) -> None:
    """A phone that rang before a reload has the rest of its ring time."""
    scene.sink.add(state=RINGING)
    rings(scene)
    await scene.clock.advance(10)
    async with scene.running():
        await scene.tell(dial("RINGING"))
        await scene.pass_time(9)
        assert scene.hung_up == []

        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


@pytest.mark.parametrize("app", ["VoiceMail", "Dial"])
async def test_reload_and_nothing_is_heard(scene: Scene, app: str) -> None:
    """Of a phone that is not known by name, the dialplan tells whether it rings."""
    scene.sink.add(state=RINGING)
    scene.ari.channels = [up(app=app)]
    async with scene.running():
        await scene.pass_time(25)

        assert scene.hung_up == ([OURS] if app == "Dial" else [])


async def test_dialed_while_nobody_listened(scene: Scene) -> None:
    """A phone that began to ring unheard is no answer, and rings its time."""
    scene.sink.add()
    rings(scene)
    async with scene.running():
        await scene.pass_time(19)
        assert CONNECTED not in scene.states()
        assert scene.hung_up == []

        await scene.pass_time(3)
        assert scene.hung_up == [OURS]


async def test_tried_again(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """A PBX that does not end a call is asked again, and that is logged once."""
    async with scene.running():
        await scene.place(call_limit=60)
        await scene.tell(went_up(), dial(""), dial("ANSWER"))
        scene.ari.channels, scene.ari.bridges = [up(app="Dial")], [BRIDGE]
        scene.ari.reply("DELETE", "channels/", Reply(500, {"message": "Broken"}))
        await scene.pass_time(61)
        await scene.pass_time(15)
        assert len(scene.hung_up) == 4
        assert caplog.text.count("could not be ended") == 1

        scene.ari.reply("DELETE", "channels/", Reply(204, text=""))
        await scene.pass_time(30)
        assert len(scene.hung_up) == 5


async def test_gone(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """A call that the PBX has no more needs no ending: it is asked for, once."""
    async with scene.running():
        await scene.place(call_limit=75)
        await scene.tell(went_up(), dial(""), dial("ANSWER"))
        scene.ari.channels, scene.ari.bridges = [up(app="Dial")], [BRIDGE]
        await scene.pass_time(73)
        scene.ari.channels, scene.ari.bridges = [], []
        scene.ari.reply("GET", f"channels/{OURS}", Reply(404, NOT_FOUND))
        scene.ari.reply("DELETE", "channels/", Reply(404, NOT_FOUND))
        await scene.pass_time(6)
        assert scene.sink.end().result is CallResult.ANSWERED
        await scene.pass_time(60)

        assert scene.hung_up == [OURS]
        assert "could not be ended" not in caplog.text


async def test_gone_and_forgotten_above(scene: Scene) -> None:
    """Nor is a call ended for ever that nobody above knows anymore."""
    async with scene.running():
        await scene.place(call_limit=60)
        await scene.tell(went_up(), dial(""), dial("ANSWER"))
        scene.sink.open.clear()
        scene.ari.reply("DELETE", "channels/", Reply(404, NOT_FOUND))
        await scene.pass_time(120, step=2)

        assert scene.hung_up == [OURS]


async def test_over_in_time(scene: Scene) -> None:
    """A call that has ended is not ended again."""
    async with scene.running():
        await scene.place(call_limit=60)
        await scene.tell(went_up(), dial(""), dial("ANSWER"), ended())
        await scene.pass_time(100, step=2)

        assert scene.hung_up == []


async def test_answered_while_it_is_asked(scene: Scene) -> None:
    """Who answers while the PBX is asked is not cut off."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.tell(went_up(), dial(""), dial("RINGING"))
        rings(scene)
        scene.ari.reply("GET", "bridges", Reply(fault="hang"))
        await scene.pass_time(21)
        await scene.tell(dial("ANSWER"))
        scene.ari.replies["GET", "bridges"] = Reply(200, [])
        await scene.ari.drop_requests()
        await scene.pass_time(12)

        assert scene.hung_up == []
