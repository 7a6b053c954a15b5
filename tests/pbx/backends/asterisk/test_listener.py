"""Tests of the listener and the poller: reconnecting, and missed events."""

import asyncio

import pytest

from custom_components.pbx.backends.asterisk.legs import MAX_CALLS
from custom_components.pbx.backends.base import ChannelState
from custom_components.pbx.backends.errors import (
    CallUncertainError,
    CredentialsError,
    TakenOverError,
)
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    Direction,
)
from tests.pbx.ari import NOT_FOUND, Reply
from tests.pbx.backends.contract import until

from .scene import CALLEE, OURS, Scene, dial, ended, incoming, request, up

RINGING, CONNECTED = CallState.RINGING_CALLEE, CallState.CONNECTED
ENDED = CallState.ENDED
NOBODY = Reply(404, {"message": "Application not found"})
TAKEN_OVER = {"type": "ApplicationReplaced", "application": "ha-test"}
APPLICATION = "applications/ha-test"
OTHER = "pbx-9"


async def reconnect(scene: Scene) -> None:
    """Drop the connection, and wait until it is restored."""
    count = len(scene.ari.queries)
    await scene.ari.drop()
    await scene.quiet()
    while len(scene.ari.queries) == count:
        await scene.pass_time(1)


# --- the connection ---


async def test_cut(scene: Scene) -> None:
    """A lost connection is restored and reported."""
    async with scene.running():
        await scene.pass_time(61)
        await reconnect(scene)

    states = [state for state, _ in scene.sink.healths]
    assert states == [ChannelState.OK, ChannelState.RECONNECTING, ChannelState.OK]


async def test_holds(scene: Scene) -> None:
    """A stable connection that is lost is soon restored, each time."""
    async with scene.running():
        for _ in range(3):
            await scene.pass_time(61)
            await reconnect(scene)

    states = [state for state, _ in scene.sink.healths]
    assert states == [
        ChannelState.OK,
        *(ChannelState.RECONNECTING, ChannelState.OK) * 3,
    ]


async def test_failing_is_reported(scene: Scene) -> None:
    """Failing is reported after five minutes without a connection, not before."""
    async with scene.running():
        scene.ari.handshake_status = 503
        await scene.ari.drop()
        await scene.pass_time(290, step=10)
        assert ChannelState.FAILING not in {state for state, _ in scene.sink.healths}

        await scene.pass_time(80, step=10)
        assert scene.sink.healths[-1][0] is ChannelState.FAILING
        scene.ari.handshake_status = 0
        await scene.pass_time(61)
        assert scene.sink.healths[-1] == (ChannelState.OK, None)


async def test_wrong_password(scene: Scene) -> None:
    """A password that was changed on the PBX is reported as an error."""
    async with scene.running():
        scene.ari.handshake_status = 401
        await scene.ari.drop()
        await scene.pass_time(3)

    assert isinstance(scene.sink.healths[-1][1], CredentialsError)


async def test_taken_over(scene: Scene) -> None:
    """A stream that was taken over is not taken back; it is reported later."""
    scene.ari.reply("GET", APPLICATION, Reply())
    async with scene.running():
        await scene.send_events(TAKEN_OVER)
        await scene.pass_time(200, step=5)
        state, error = scene.sink.healths[-1]
        assert state is ChannelState.RECONNECTING
        assert isinstance(error, TakenOverError)

        await scene.pass_time(120, step=5)
        assert scene.sink.healths[-1][0] is ChannelState.TAKEN_OVER
        assert len(scene.ari.queries) == 1


async def test_taken_over_and_left(scene: Scene) -> None:
    """When the other client is gone, the stream is restored."""
    async with scene.running():
        # Another client is connected, whatever the state of our connection.
        scene.ari.reply("GET", APPLICATION, Reply())
        await scene.send_events(TAKEN_OVER)
        await scene.pass_time(20, step=5)
        assert len(scene.ari.queries) == 1

        del scene.ari.replies["GET", APPLICATION]
        await scene.pass_time(20, step=5)
        assert len(scene.ari.queries) == 2
        assert scene.sink.healths[-1] == (ChannelState.OK, None)


async def test_taken_over_by_our_own_reload(scene: Scene) -> None:
    """A takeover by a previous connection of our own does not delay the next one."""
    async with scene.running():
        await scene.send_events(TAKEN_OVER)
        await until(lambda: len(scene.ari.queries) == 2)


@pytest.mark.parametrize("reply", [Reply(500, {"message": "x"}), Reply(fault="reset")])
async def test_checking_application_fails(scene: Scene, reply: Reply) -> None:
    """Failing to check the application is retried."""
    async with scene.running():
        scene.ari.reply("GET", APPLICATION, reply)
        await scene.send_events(TAKEN_OVER)
        await scene.pass_time(40, step=5)
        assert len(scene.ari.queries) == 1

        scene.ari.reply("GET", APPLICATION, NOBODY)
        await scene.clock.advance(16)
        await until(lambda: len(scene.ari.queries) > 1)


async def test_unregistered_application(scene: Scene) -> None:
    """A stream whose application is not registered is restored."""
    async with scene.running():
        await scene.pass_time(10)
        scene.ari.reply("GET", APPLICATION, NOBODY)
        while len(scene.ari.queries) < 2:
            await scene.pass_time(5)
            assert scene.clock.time()


async def test_a_new_connection_is_not_closed(scene: Scene) -> None:
    """A late response about the previous connection is ignored."""
    async with scene.running():
        scene.ari.reply("GET", APPLICATION, Reply(404, NOBODY.value, fault="late"))
        await scene.pass_time(60, step=10)
        asked = scene.ari.paths("GET").count(APPLICATION)
        assert asked
        scene.ari.replies["GET", APPLICATION] = Reply()
        await reconnect(scene)
        await scene.ari.drop_requests()
        await scene.pass_time(5)

        assert len(scene.ari.queries) == 2


async def test_extensions(scene: Scene) -> None:
    """States of extensions are reported, first those at the connection."""
    state = {"name": "PJSIP/557", "state": "INUSE"}
    async with scene.running():
        await until(lambda: len(scene.sink.extensions) == len(("552", "557")))
        await scene.send_events({"type": "DeviceStateChanged", "device_state": state})

    *first, changed = scene.sink.extensions
    assert sorted(each.number for each in first) == ["552", "557"]
    assert (changed.number, changed.state) == ("557", "in_use")


# --- placed calls whose events were missed ---


async def test_missed(scene: Scene) -> None:
    """After reconnecting, calls are polled; they end if missing twice."""
    async with scene.running():
        for call_id, state in (("gone", CallState.PLACED), ("talked", CONNECTED)):
            scene.sink.add(call_id, state=state)
        scene.sink.add("on")
        scene.ari.channels = [up("on", "Dial")]
        scene.ari.bridges = [{"channels": ["on", "x"]}]
        scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
        await scene.ari.drop()
        await reconnect(scene)
        await scene.pass_time(3)

    assert scene.sink.end("gone").result is CallResult.UNDETERMINED
    assert scene.sink.end("talked").result is CallResult.ANSWERED
    assert scene.states("on") == [CONNECTED]


async def test_ends_in_that_moment(scene: Scene) -> None:
    """An unread end event takes precedence over a missing call."""
    async with scene.running():
        await scene.place()
        scene.ari.channels = []
        await scene.pass_time(10)
        await until(lambda: "bridges" in scene.ari.paths("GET"))
        assert scene.states() == []
        await scene.send_events(ended(cause=17))
        await scene.pass_time(5)

    assert scene.sink.end().result is CallResult.CALLER_UNREACHABLE


async def test_asked_by_its_name(scene: Scene) -> None:
    """A call missing in the list is requested by its id before it ends."""
    scene.sink.add()
    scene.ari.reply("GET", f"channels/{OURS}", Reply(200, up()))
    async with scene.running():
        await scene.pass_time(5)

        assert ENDED not in scene.states()


async def test_asked_by_its_name_in_vain(scene: Scene) -> None:
    """A call does not end while the PBX does not respond."""
    scene.sink.add()
    scene.ari.reply("GET", f"channels/{OURS}", Reply(500, {"message": "Broken"}))
    async with scene.running():
        await scene.pass_time(70, step=5)

        assert ENDED not in scene.states()


async def test_caller_still_rings(scene: Scene) -> None:
    """A caller who rings during a poll has not answered."""
    async with scene.running():
        await scene.place()
        scene.ari.channels = [{**up(), "state": "Ringing"}]
        await scene.pass_time(70, step=5)

        assert CONNECTED not in scene.states()
        assert ENDED not in scene.states()


async def test_ends_while_it_is_asked(scene: Scene) -> None:
    """A list of channels older than the end of a call does not reopen it."""
    async with scene.running():
        await scene.place()
        scene.ari.channels = [up()]
        scene.ari.bridges = [{"channels": [OURS, CALLEE]}]
        scene.ari.reply("GET", "bridges", Reply(fault="late", value=scene.ari.bridges))
        await scene.pass_time(61, step=5)
        await until(lambda: "bridges" in scene.ari.paths("GET"))
        await scene.send_events(ended(cause=17))
        await scene.ari.drop_requests()
        await scene.quiet()

    assert scene.states() == [ENDED]


async def test_cannot_be_asked(scene: Scene) -> None:
    """Calls do not end while their state is unknown."""
    scene.sink.add()
    scene.ari.reply("GET", "channels", Reply(500, {"message": "Broken"}))
    async with scene.running():
        await scene.pass_time(100, step=5)
        assert scene.states() == []

        del scene.ari.replies["GET", "channels"]
        scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
        await scene.pass_time(60, step=5)
        assert scene.sink.end().result is CallResult.UNDETERMINED


async def test_open_call_is_reported_again(scene: Scene) -> None:
    """An open call is reported with each poll, so that it is not given up."""
    async with scene.running():
        await scene.place()
        scene.ari.channels = [up(app="Dial")]
        scene.ari.bridges = [{"channels": [OURS, CALLEE]}]
        await scene.pass_time(200, step=10)

        assert [each.state for each in scene.sink.updates] == [CONNECTED] * 4


async def test_open_call_is_reported_in_time(scene: Scene) -> None:
    """The shortest call without events is reported before it is given up."""
    async with scene.running():
        await scene.place(timeout=1, call_limit=1)
        scene.ari.channels = [{**up(), "state": "Ringing"}]
        await scene.pass_time(12)

        assert [each.state for each in scene.sink.updates] == [CallState.PLACED]


async def test_polled_more_often_while_disconnected(scene: Scene) -> None:
    """Without events, the state of a call is reported within seconds."""
    scene.ari.reply("GET", APPLICATION, Reply())
    async with scene.running():
        await scene.place()
        await scene.pass_time(15)
        scene.ari.channels = [up(app="Dial")]
        await scene.send_events(TAKEN_OVER)
        scene.ari.bridges = [{"channels": [OURS, CALLEE]}]
        await scene.pass_time(11)

        assert CONNECTED in scene.states()


async def test_calls_while_taken_over(scene: Scene) -> None:
    """Calls without events are polled each minute, and end."""
    scene.ari.reply("GET", APPLICATION, Reply())
    async with scene.running():
        await scene.send_events(TAKEN_OVER)
        await scene.place()
        scene.ari.channels = [up(app="Dial")]
        scene.ari.bridges = [{"channels": [OURS, CALLEE]}]
        await scene.pass_time(61, step=5)
        assert scene.states() == [CONNECTED]

        scene.ari.channels, scene.ari.bridges = [], []
        scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
        await scene.pass_time(65, step=5)
        assert scene.sink.end().result is CallResult.ANSWERED


async def test_nothing_is_asked_in_vain(scene: Scene) -> None:
    """Without open calls, nothing is polled."""
    async with scene.running():
        await scene.pass_time(5)
        count = scene.ari.paths("GET").count("channels")
        await scene.pass_time(200, step=10)

        assert scene.ari.paths("GET").count("channels") == count


# --- calls whose response was lost ---


async def lose_answer(scene: Scene, **fields: int) -> None:
    """Request a call whose response is lost."""
    scene.ari.reply("POST", "channels", Reply(fault="reset"))
    with pytest.raises(CallUncertainError):
        await scene.place(**fields)
    del scene.ari.replies["POST", "channels"]


async def test_never_placed(scene: Scene) -> None:
    """A call that the PBX does not have was not placed, which is reported soon."""
    scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
    async with scene.running():
        await scene.pass_time(5)
        await lose_answer(scene)
        await scene.pass_time(3)
        assert scene.states() == []

        await scene.pass_time(2)
        assert scene.sink.end().result is CallResult.FAILED


async def test_not_confirmed_and_on(scene: Scene) -> None:
    """A call that the PBX has is followed as any other."""
    async with scene.running():
        await lose_answer(scene)
        scene.ari.channels = [up()]
        await scene.pass_time(3)
        assert not scene.sink.open[OURS].is_uncertain

        await scene.send_events(ended())
    assert scene.sink.end().result is CallResult.ANSWERED


async def test_not_confirmed_at_first(scene: Scene) -> None:
    """If the PBX does not respond at first, the call is polled after both rang."""
    async with scene.running():
        await scene.pass_time(20, step=5)
        scene.ari.reply("GET", "channels", Reply(500, {"message": "Broken"}))
        await lose_answer(scene, timeout=10)
        await scene.pass_time(15)
        assert scene.sink.open[OURS].is_uncertain
        del scene.ari.replies["GET", "channels"]
        scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
        await scene.pass_time(4)
        assert scene.sink.open[OURS].is_uncertain

        await scene.pass_time(4)
        assert scene.sink.end().result is CallResult.FAILED


async def test_not_confirmed_before_a_restart(scene: Scene) -> None:
    """The next connection polls it, too."""
    scene.sink.add(is_uncertain=True)
    scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
    async with scene.running():
        await scene.pass_time(5)

    assert scene.sink.end().result is CallResult.FAILED


async def test_pending_request_is_not_missing(scene: Scene) -> None:
    """A call whose request is pending cannot be missing."""
    scene.sink.add(is_requested=True)
    scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
    async with scene.running():
        await scene.pass_time(70, step=5)

    assert scene.states() == []


# --- other calls ---


async def test_other_call(scene: Scene) -> None:
    """An incoming call is reported from its beginning to its end."""
    created = {"type": "ChannelCreated", "channel": incoming()}
    async with scene.running():
        await scene.send_events(
            created,
            dial("", call_id=OTHER),
            dial("ANSWER", call_id=OTHER),
            ended(OTHER),
        )

    assert scene.states(OTHER) == [CallState.PLACED, RINGING, CONNECTED, ENDED]
    assert {each.direction for each in scene.sink.updates} == {Direction.INCOMING}
    assert {each.originated_call_id for each in scene.sink.updates} == {""}


@pytest.mark.parametrize("is_talking", [True, False])
async def test_other_call_before_startup(scene: Scene, *, is_talking: bool) -> None:
    """An incoming call that was open at startup is reported, with its end."""
    scene.ari.channels = [incoming(state="Up")]
    scene.ari.bridges = [{"channels": [OTHER, CALLEE]}] if is_talking else []
    async with scene.running():
        await scene.pass_time(1)
        (opened,) = scene.sink.updates
        assert opened.state is (CONNECTED if is_talking else CallState.PLACED)
        assert (opened.caller, opened.callee) == ("09120000001", "552")
        assert (opened.direction, opened.trunk) == (Direction.INCOMING, "provider")
        assert opened.call_id == OTHER

        await scene.send_events(ended(OTHER))
        assert scene.sink.end(OTHER).result is CallResult.ANSWERED


async def test_other_call_answered_while_disconnected(scene: Scene) -> None:
    """An incoming call that a phone answered unnoticed was answered by a person."""
    async with scene.running():
        await scene.send_events(
            {"type": "ChannelCreated", "channel": incoming()},
            dial("RINGING", call_id=OTHER),
        )
        scene.sink.add(OTHER, request=None)
        scene.ari.channels = [incoming(state="Up")]
        scene.ari.bridges = [{"channels": [OTHER, CALLEE]}]
        await reconnect(scene)
        await scene.pass_time(2)
        assert CONNECTED in scene.states(OTHER)
        await scene.send_events(ended(OTHER))

    end = scene.sink.end(OTHER)
    assert (end.result, end.is_unattended) == (CallResult.ANSWERED, False)


async def test_other_call_is_reported_once(scene: Scene) -> None:
    """Neither the next poll nor the next connection reports a call as new."""
    scene.ari.channels = [incoming(state="Up")]
    async with scene.running():
        await scene.pass_time(130, step=10)
        await reconnect(scene)
        await scene.pass_time(5)

        assert len(scene.sink.updates) == 1


async def test_other_call_begun_while_disconnected(scene: Scene) -> None:
    """An incoming call that began while disconnected is reported later."""
    async with scene.running():
        await scene.pass_time(5)
        scene.ari.channels = [incoming(state="Up")]
        await reconnect(scene)
        await scene.pass_time(2)

    assert scene.states(OTHER) == [CallState.PLACED]


async def test_other_call_is_missing(scene: Scene) -> None:
    """Another call that is missing has ended at the second poll."""
    scene.sink.add(OTHER, request=None, state=CONNECTED)
    async with scene.running():
        await scene.pass_time(1)
        assert scene.states(OTHER) == []

        await scene.pass_time(3)
        reported = scene.sink.end(OTHER)
    assert (reported.call_id, reported.originated_call_id) == (OTHER, "")
    assert reported.result is CallResult.ANSWERED


async def test_other_call_ends_after_reload(scene: Scene) -> None:
    """An internal call that an earlier backend followed ends, too."""
    scene.sink.add(OTHER, request=None, state=CONNECTED)
    scene.ari.channels = [
        {"id": OTHER, "name": "PJSIP/557-00000009", "state": "Up", "dialplan": {}}
    ]
    async with scene.running():
        await scene.pass_time(5)
        assert ENDED not in scene.states(OTHER)
        scene.ari.channels = []
        await scene.send_events(ended(OTHER))
        await scene.pass_time(70, step=5)

        assert scene.sink.end(OTHER).result is CallResult.ANSWERED


async def test_bounded(scene: Scene) -> None:
    """Memory is bounded for any number of calls at startup."""
    scene.ari.channels = [
        incoming(f"pbx-{number}", "Up") for number in range(MAX_CALLS + 5)
    ]
    async with scene.running():
        await asyncio.sleep(0.2)
        assert len(scene.sink.updates) == MAX_CALLS + 5


async def test_who_is_stopped_says_so(scene: Scene) -> None:
    """A restarted listener knows the calls that are still open."""
    async with scene.running():
        await scene.place()
    async with scene.running():
        await scene.send_events(ended(cause=17))

    assert scene.sink.end().cause == "user_busy"
    assert scene.ari.originated[0]["channelId"] == request().call_id
    assert scene.sink.healths[-1] == (ChannelState.OK, None)
    assert not any(isinstance(each, TakenOverError) for _, each in scene.sink.healths)
