"""Tests of the limits of calls, which Asterisk itself does not enforce."""

from datetime import UTC, datetime

import pytest

from custom_components.pbx.backends.announcement import Announcement
from custom_components.pbx.backends.asterisk.channels import ChannelTemplates
from custom_components.pbx.backends.asterisk.leg import Leg
from custom_components.pbx.backends.asterisk.legs import Legs
from custom_components.pbx.backends.asterisk.limits import due_at
from custom_components.pbx.backends.updates import CallResult, CallState
from tests.pbx.ari import NOT_FOUND, Reply

from .scene import CALLEE, OURS, Scene, dial, ended, request, up, went_up

RINGING, CONNECTED = CallState.RINGING_CALLEE, CallState.CONNECTED
BRIDGE = {"channels": [OURS, CALLEE]}


def rings(scene: Scene, callee: str = CALLEE) -> None:
    """Let a callee ring in the list of channels."""
    scene.ari.channels = [up(app="Dial"), {"id": callee, "state": "Ringing"}]


async def test_ring_time(scene: Scene) -> None:
    """A callee rings for the ring time, whatever the dialplan's timeout."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.pass_time(15)
        await scene.send_events(went_up(), dial(""), dial("RINGING"))
        rings(scene)
        await scene.pass_time(19)
        assert scene.hung_up == []

        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


async def test_ring_time_of_each_phone(scene: Scene) -> None:
    """In a hunt group, each phone has the full ring time; gaps do not count."""
    async with scene.running():
        await scene.place(timeout=20, call_limit=30)
        await scene.send_events(went_up())
        for callee in ("a", "b", "c"):
            await scene.send_events(dial("", callee))
            rings(scene, callee)
            await scene.pass_time(19)
            await scene.send_events(dial("NOANSWER", callee))
        assert scene.hung_up == []


async def test_another_phone_begins_later(scene: Scene) -> None:
    """A phone that starts ringing later has the full ring time, too."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.send_events(went_up(), dial("", "a"))
        await scene.pass_time(15)
        await scene.send_events(dial("", "b"))
        rings(scene, "b")
        scene.ari.channels.append({"id": "a", "state": "Ringing"})
        await scene.pass_time(19)
        assert scene.hung_up == []

        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


async def test_queue(scene: Scene) -> None:
    """A caller in a queue is not hung up while no phone rings."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.send_events(went_up())
        for callee in ("a", "b", "a2"):
            await scene.send_events(dial("", callee), dial("RINGING", callee))
            scene.ari.channels = [up(app="Queue"), {"id": callee, "state": "Ringing"}]
            await scene.pass_time(15)
            await scene.send_events(dial("NOANSWER", callee))
            scene.ari.channels = [up(app="Queue")]
            await scene.pass_time(30)

        assert scene.hung_up == []


async def test_not_while_no_phone_rings(scene: Scene) -> None:
    """A mailbox that answers after 15 s is not hung up at the ring time."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.send_events(went_up(), dial(""))
        await scene.pass_time(15)
        await scene.send_events(dial("NOANSWER"))
        scene.ari.channels = [up(app="VoiceMail")]
        await scene.pass_time(120, step=5)

        assert scene.hung_up == []


async def test_mailbox_has_the_call_limit(scene: Scene) -> None:
    """The call limit applies to announcements after the last phone."""
    async with scene.running():
        await scene.place(timeout=20, call_limit=30)
        await scene.send_events(went_up(), dial(""))
        await scene.pass_time(15)
        await scene.send_events(dial("NOANSWER"))
        scene.ari.channels = [up(app="VoiceMail")]
        await scene.pass_time(29)
        assert scene.hung_up == []

        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


@pytest.mark.parametrize("is_in_a_bridge", [True, False])
async def test_who_has_answered(scene: Scene, *, is_in_a_bridge: bool) -> None:
    """An answered call is not hung up, even if the event was missed."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.send_events(went_up(), dial(""), dial("RINGING"))
        scene.ari.channels = [up(app="Dial"), up(CALLEE, "AppDial")]
        scene.ari.bridges = [BRIDGE] if is_in_a_bridge else []
        await scene.pass_time(60)

        assert scene.hung_up == []
        assert (CONNECTED in scene.states()) == is_in_a_bridge


async def test_who_rings_no_more(scene: Scene) -> None:
    """A mailbox is not hung up if the end of the ringing was missed."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.send_events(went_up(), dial(""), dial("RINGING"))
        scene.ari.channels = [up(app="VoiceMail")]
        await scene.pass_time(60)

        assert scene.hung_up == []


async def test_answer_is_reported_soon(scene: Scene) -> None:
    """An answer that is found before hanging up is reported at once."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.send_events(went_up(), dial(""), dial("RINGING"))
        scene.ari.channels = [up(app="Dial"), up(CALLEE, "AppDial")]
        scene.ari.bridges = [BRIDGE]
        await scene.pass_time(22)

        assert CONNECTED in scene.states()


@pytest.mark.parametrize("is_talking", [True, False])
async def test_answer_missed(scene: Scene, *, is_talking: bool) -> None:
    """The call limit does not count from the caller's answer if a callee answers."""
    async with scene.running():
        await scene.place(timeout=20, call_limit=30)
        await scene.send_events(went_up())
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
        await scene.send_events(went_up(), dial(""))
        await scene.pass_time(15)
        await scene.send_events(dial("ANSWER"))
        scene.ari.channels, scene.ari.bridges = [up(app="Dial")], [BRIDGE]
        await scene.pass_time(59)
        assert scene.hung_up == []

        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


@pytest.mark.parametrize("is_connected", [True, False])
async def test_call_limit_while_disconnected(
    scene: Scene, *, is_connected: bool
) -> None:
    """Without events, a limit is enforced within some seconds."""
    scene.ari.reply("GET", "applications/", Reply())
    async with scene.running():
        if not is_connected:
            await scene.send_events({"type": "ApplicationReplaced"})
        await scene.place(timeout=5, call_limit=4)
        scene.ari.channels = [up(app="Dial"), up(CALLEE, "AppDial")]
        scene.ari.bridges = [BRIDGE]
        await scene.pass_time(16)

        assert scene.states() == [CONNECTED]
        assert scene.hung_up == [OURS]


async def test_no_limit(scene: Scene) -> None:
    """A conversation without a limit is not hung up."""
    async with scene.running():
        await scene.place()
        await scene.send_events(went_up(), dial(""), dial("ANSWER"))
        scene.ari.channels, scene.ari.bridges = [up(app="Dial")], [BRIDGE]
        await scene.pass_time(3000, step=100)

        assert scene.hung_up == []
        assert scene.states() == [RINGING, CONNECTED]


async def test_dialplan_answers_itself(scene: Scene) -> None:
    """An announcement counts as a conversation from the caller's answer."""
    async with scene.running():
        await scene.place(call_limit=30)
        await scene.send_events(went_up())
        scene.ari.channels = [up(app="Playback")]
        answered_at = scene.clock.time()
        await scene.pass_time(1)
        assert CONNECTED not in scene.states()

        await scene.pass_time(2)
        (reported,) = (each for each in scene.sink.updates if each.state is CONNECTED)
        assert reported.at == answered_at
        await scene.pass_time(26)
        assert scene.hung_up == []
        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


async def test_missed_callee_is_not_an_answer(scene: Scene) -> None:
    """Without an event stream, a callee may ring without events."""
    scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
    async with scene.running():
        await scene.place()
        await scene.send_events(went_up())
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


@pytest.mark.parametrize("is_connected", [True, False])
async def test_dialplan_answers_while_disconnected(
    scene: Scene, *, is_connected: bool
) -> None:
    """An announcement whose start was missed is found by polling."""
    scene.ari.channels = [up(app="Playback")]
    if not is_connected:
        scene.ari.reply("GET", "applications/", Reply())
    async with scene.running():
        await scene.place(call_limit=300)
        if not is_connected:
            await scene.send_events({"type": "ApplicationReplaced"})
        await scene.pass_time(9)
        assert CONNECTED not in scene.states()

        await scene.pass_time(5)
        assert CONNECTED in scene.states()
        assert scene.hung_up == []


async def test_dialplan_dials_later_while_disconnected(scene: Scene) -> None:
    """A single poll before a phone is dialed is not an answer of the dialplan."""
    scene.ari.channels = [up(app="Wait")]
    scene.ari.reply("GET", "applications/", Reply())
    async with scene.running():
        await scene.place()
        await scene.send_events({"type": "ApplicationReplaced"})
        await scene.pass_time(11)
        rings(scene)
        await scene.pass_time(10)

        assert CONNECTED not in scene.states()


async def test_dialplan_dials_soon(scene: Scene) -> None:
    """A caller who is up while a callee is dialed is not connected yet."""
    async with scene.running():
        await scene.place()
        await scene.send_events(went_up())
        await scene.pass_time(1)
        await scene.send_events(dial(""))
        rings(scene)
        await scene.pass_time(5)

        assert scene.states() == [RINGING]


@pytest.mark.parametrize("waited", [30, 100])
async def test_reload(scene: Scene, waited: int) -> None:
    """A limit applies after a reload, whether it has expired or not."""
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
        await scene.send_events(dial("RINGING"))
        await scene.pass_time(9)
        assert scene.hung_up == []

        await scene.pass_time(2)
        assert scene.hung_up == [OURS]


@pytest.mark.parametrize("app", ["VoiceMail", "Dial"])
async def test_reload_without_events(scene: Scene, app: str) -> None:
    """If the callee's channel is unknown, the dialplan shows whether it rings."""
    scene.sink.add(state=RINGING)
    scene.ari.channels = [up(app=app)]
    async with scene.running():
        await scene.pass_time(25)

        assert scene.hung_up == ([OURS] if app == "Dial" else [])


async def test_dialed_while_disconnected(scene: Scene) -> None:
    """A phone whose ringing was missed is not an answer, and has its ring time."""
    scene.sink.add()
    rings(scene)
    async with scene.running():
        await scene.pass_time(19)
        assert CONNECTED not in scene.states()
        assert scene.hung_up == []

        await scene.pass_time(3)
        assert scene.hung_up == [OURS]


async def test_tried_again(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Failing to hang up is retried, and logged once."""
    async with scene.running():
        await scene.place(call_limit=60)
        await scene.send_events(went_up(), dial(""), dial("ANSWER"))
        scene.ari.channels, scene.ari.bridges = [up(app="Dial")], [BRIDGE]
        scene.ari.reply("DELETE", "channels/", Reply(500, {"message": "Broken"}))
        await scene.pass_time(61)
        await scene.pass_time(15)
        assert len(scene.hung_up) == 4
        assert caplog.text.count("Failed to hang up") == 1

        scene.ari.reply("DELETE", "channels/", Reply(204, text=""))
        await scene.pass_time(30)
        assert len(scene.hung_up) == 5


async def test_ended_already(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """A call that has ended is not hung up again, but polled, once."""
    async with scene.running():
        await scene.place(call_limit=75)
        await scene.send_events(went_up(), dial(""), dial("ANSWER"))
        scene.ari.channels, scene.ari.bridges = [up(app="Dial")], [BRIDGE]
        await scene.pass_time(73)
        scene.ari.channels, scene.ari.bridges = [], []
        scene.ari.reply("GET", f"channels/{OURS}", Reply(404, NOT_FOUND))
        scene.ari.reply("DELETE", "channels/", Reply(404, NOT_FOUND))
        await scene.pass_time(6)
        assert scene.sink.end().result is CallResult.ANSWERED
        await scene.pass_time(60)

        assert scene.hung_up == [OURS]
        assert "Failed to hang up" not in caplog.text


async def test_ended_and_not_open(scene: Scene) -> None:
    """Hanging up is not repeated for a call that is not open anymore."""
    async with scene.running():
        await scene.place(call_limit=60)
        await scene.send_events(went_up(), dial(""), dial("ANSWER"))
        scene.sink.open.clear()
        scene.ari.reply("DELETE", "channels/", Reply(404, NOT_FOUND))
        await scene.pass_time(120, step=2)

        assert scene.hung_up == [OURS]


async def test_over_in_time(scene: Scene) -> None:
    """A call that has ended is not hung up again."""
    async with scene.running():
        await scene.place(call_limit=60)
        await scene.send_events(went_up(), dial(""), dial("ANSWER"), ended())
        await scene.pass_time(100, step=2)

        assert scene.hung_up == []


async def test_answered_while_it_is_asked(scene: Scene) -> None:
    """A call that is answered during the check is not hung up."""
    async with scene.running():
        await scene.place(timeout=20)
        await scene.send_events(went_up(), dial(""), dial("RINGING"))
        rings(scene)
        scene.ari.reply("GET", "bridges", Reply(fault="hang"))
        await scene.pass_time(21)
        await scene.send_events(dial("ANSWER"))
        scene.ari.replies["GET", "bridges"] = Reply(200, [])
        await scene.ari.drop_requests()
        await scene.pass_time(12)

        assert scene.hung_up == []


# --- announcements ---

NOW = 1_795_485_600.0


def announced(connect_to: str | None, call_limit: int | None = 60) -> tuple[Legs, Leg]:
    """Return the leg of a person who has answered an announcement at `NOW`."""
    asked = request(
        announcement=Announcement(connect_to=connect_to), call_limit=call_limit
    )
    legs = Legs(ChannelTemplates())
    legs.expect(asked)
    leg = legs.get(OURS)
    assert leg is not None
    assert due_at(leg) is None
    assert list(legs.handle_event(went_up(), NOW))
    return legs, leg


def test_limit_of_an_announcement() -> None:
    """Without a second party, the limit counts from the answer."""
    _, leg = announced(None)

    assert due_at(leg) == NOW + 60


def test_no_limit_of_an_announcement() -> None:
    """Without a limit, an announcement has none."""
    _, leg = announced(None, call_limit=None)

    assert due_at(leg) is None


def test_limit_from_the_second_answer() -> None:
    """With a second party, the message is not limited, and the ringing has its own."""
    legs, leg = announced("552")
    assert due_at(leg) is None

    leg.connect(NOW + 100)
    assert due_at(leg) == NOW + 160
    assert list(legs.handle_event(dial(""), NOW + 101))
    assert due_at(leg) == NOW + 101 + 20
    assert list(legs.handle_event(dial("ANSWER"), NOW + 110))
    assert due_at(leg) == NOW + 170


def test_limit_after_the_second_party() -> None:
    """After a second party who did not answer, the limit counts from their ringing."""
    legs, leg = announced("552")
    leg.connect(NOW + 100)
    list(legs.handle_event(dial("RINGING"), NOW + 101))
    list(legs.handle_event(dial("BUSY"), NOW + 105))

    assert due_at(leg) == NOW + 165


@pytest.mark.parametrize("connect_to", [None, "552"])
async def test_announcement_exceeds_its_limit(
    scene: Scene, connect_to: str | None
) -> None:
    """A message is ended at the limit, unless the limit is that of a conversation."""
    asked = request(announcement=Announcement(connect_to=connect_to), call_limit=30)
    speaking = up(app="Stasis")
    scene.ari.channels = [speaking]
    # The phone hears a media channel in a bridge, which is not a conversation.
    scene.ari.bridges = [{"channels": [OURS, f"{OURS}-m"]}]
    async with scene.running():
        scene.sink.add(request=asked)
        scene.backend._legs.expect(asked)  # noqa: SLF001 - the announcer is not needed
        await scene.send_events(went_up())
        await scene.pass_time(29)
        assert scene.hung_up == []

        await scene.pass_time(3)
        assert (OURS in scene.hung_up) == (connect_to is None)
