"""Tests of listening: over every loss of the connection, and by asking."""

import asyncio

import pytest

from custom_components.pbx.backends.asterisk.legs import MAX_CALLS
from custom_components.pbx.backends.base import (
    CallUncertainError,
    ChannelState,
    CredentialsError,
    TakenOverError,
)
from custom_components.pbx.backends.updates import CallResult, CallState, Direction
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
    """Cut the connection, and let it be made anew."""
    count = len(scene.ari.queries)
    await scene.ari.drop()
    await scene.quiet()
    while len(scene.ari.queries) == count:
        await scene.pass_time(1)


# --- the connection ---


async def test_cut(scene: Scene) -> None:
    """A lost connection is made anew, and that is reported."""
    async with scene.running():
        await scene.pass_time(61)
        await reconnect(scene)

    states = [state for state, _ in scene.sink.healths]
    assert states == [ChannelState.OK, ChannelState.RECONNECTING, ChannelState.OK]


async def test_holds(scene: Scene) -> None:
    """One that held for a while and is lost again is soon back, each time."""
    async with scene.running():
        for _ in range(3):
            await scene.pass_time(61)
            await reconnect(scene)

    states = [state for state, _ in scene.sink.healths]
    assert states == [
        ChannelState.OK,
        *(ChannelState.RECONNECTING, ChannelState.OK) * 3,
    ]


async def test_owner_is_told(scene: Scene) -> None:
    """After five minutes without a connection the owner is to act, not before."""
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
    """A password that was changed at the PBX is reported as such."""
    async with scene.running():
        scene.ari.handshake_status = 401
        await scene.ari.drop()
        await scene.pass_time(3)

    assert isinstance(scene.sink.healths[-1][1], CredentialsError)


async def test_taken_over(scene: Scene) -> None:
    """Somebody else with our name is not fought with; the owner is told later."""
    scene.ari.reply("GET", APPLICATION, Reply())
    async with scene.running():
        await scene.tell(TAKEN_OVER)
        await scene.pass_time(200, step=5)
        state, error = scene.sink.healths[-1]
        assert state is ChannelState.RECONNECTING
        assert isinstance(error, TakenOverError)

        await scene.pass_time(120, step=5)
        assert scene.sink.healths[-1][0] is ChannelState.TAKEN_OVER
        assert len(scene.ari.queries) == 1


async def test_taken_over_and_left(scene: Scene) -> None:
    """As soon as nobody else listens any more, the events are heard here again."""
    async with scene.running():
        # Somebody else does, whatever became of our connection.
        scene.ari.reply("GET", APPLICATION, Reply())
        await scene.tell(TAKEN_OVER)
        await scene.pass_time(20, step=5)
        assert len(scene.ari.queries) == 1

        del scene.ari.replies["GET", APPLICATION]
        await scene.pass_time(20, step=5)
        assert len(scene.ari.queries) == 2
        assert scene.sink.healths[-1] == (ChannelState.OK, None)


async def test_taken_over_by_our_own_reload(scene: Scene) -> None:
    """A connection that was ours, and is gone, is no reason to wait."""
    async with scene.running():
        await scene.tell(TAKEN_OVER)
        await until(lambda: len(scene.ari.queries) == 2)


@pytest.mark.parametrize("reply", [Reply(500, {"message": "x"}), Reply(fault="reset")])
async def test_nobody_knows_who_listens(scene: Scene, reply: Reply) -> None:
    """A PBX that does not tell who listens is asked again."""
    async with scene.running():
        scene.ari.reply("GET", APPLICATION, reply)
        await scene.tell(TAKEN_OVER)
        await scene.pass_time(40, step=5)
        assert len(scene.ari.queries) == 1

        scene.ari.reply("GET", APPLICATION, NOBODY)
        await scene.clock.advance(16)
        await until(lambda: len(scene.ari.queries) > 1)


async def test_connection_of_which_nobody_knows(scene: Scene) -> None:
    """It is made anew as soon as the PBX says that nobody listens."""
    async with scene.running():
        await scene.pass_time(10)
        scene.ari.reply("GET", APPLICATION, NOBODY)
        while len(scene.ari.queries) < 2:
            await scene.pass_time(5)
            assert scene.clock.time()


async def test_a_new_connection_is_not_closed(scene: Scene) -> None:
    """What the PBX says of the connection before is not about the new one."""
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
    """What phones are doing is reported."""
    state = {"name": "PJSIP/557", "state": "INUSE"}
    async with scene.running():
        await scene.tell({"type": "DeviceStateChanged", "device_state": state})

    assert [each.number for each in scene.sink.extensions] == ["557"]


# --- what was missed of calls from here ---


async def test_missed(scene: Scene) -> None:
    """What has become of calls meanwhile is asked for; gone is believed twice."""
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
    """The end that lies unread while the call is asked for is the one that counts."""
    async with scene.running():
        await scene.place()
        scene.ari.channels = []
        await scene.pass_time(10)
        await until(lambda: "bridges" in scene.ari.paths("GET"))
        assert scene.states() == []
        await scene.tell(ended(cause=17))
        await scene.pass_time(5)

    assert scene.sink.end().result is CallResult.CALLER_UNREACHABLE


async def test_asked_by_its_name(scene: Scene) -> None:
    """What is in no list is asked for by its name before it is taken for gone."""
    scene.sink.add()
    scene.ari.reply("GET", f"channels/{OURS}", Reply(200, up()))
    async with scene.running():
        await scene.pass_time(5)

        assert ENDED not in scene.states()


async def test_asked_by_its_name_in_vain(scene: Scene) -> None:
    """Nor is it gone as long as the PBX does not say so."""
    scene.sink.add()
    scene.ari.reply("GET", f"channels/{OURS}", Reply(500, {"message": "Broken"}))
    async with scene.running():
        await scene.pass_time(70, step=5)

        assert ENDED not in scene.states()


async def test_caller_still_rings(scene: Scene) -> None:
    """A caller who rings at a look has not answered."""
    async with scene.running():
        await scene.place()
        scene.ari.channels = [{**up(), "state": "Ringing"}]
        await scene.pass_time(70, step=5)

        assert CONNECTED not in scene.states()
        assert ENDED not in scene.states()


async def test_ends_while_it_is_asked(scene: Scene) -> None:
    """A list that is older than the end of a call does not bring it back."""
    async with scene.running():
        await scene.place()
        scene.ari.channels = [up()]
        scene.ari.bridges = [{"channels": [OURS, CALLEE]}]
        scene.ari.reply("GET", "bridges", Reply(fault="late", value=scene.ari.bridges))
        await scene.pass_time(61, step=5)
        await until(lambda: "bridges" in scene.ari.paths("GET"))
        await scene.tell(ended(cause=17))
        await scene.ari.drop_requests()
        await scene.quiet()

    assert scene.states() == [ENDED]


async def test_cannot_be_asked(scene: Scene) -> None:
    """As long as nobody tells what became of calls, none is given up."""
    scene.sink.add()
    scene.ari.reply("GET", "channels", Reply(500, {"message": "Broken"}))
    async with scene.running():
        await scene.pass_time(100, step=5)
        assert scene.states() == []

        del scene.ari.replies["GET", "channels"]
        scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
        await scene.pass_time(60, step=5)
        assert scene.sink.end().result is CallResult.UNDETERMINED


async def test_on_is_told_again(scene: Scene) -> None:
    """A call that is on is told of with each look, so that nobody gives it up."""
    async with scene.running():
        await scene.place()
        scene.ari.channels = [up(app="Dial")]
        scene.ari.bridges = [{"channels": [OURS, CALLEE]}]
        await scene.pass_time(200, step=10)

        assert [each.state for each in scene.sink.updates] == [CONNECTED] * 4


async def test_on_is_told_in_time(scene: Scene) -> None:
    """The shortest call of which nothing is heard is told of before it is given up."""
    async with scene.running():
        await scene.place(timeout=1, call_limit=1)
        scene.ari.channels = [{**up(), "state": "Ringing"}]
        await scene.pass_time(12)

        assert [each.state for each in scene.sink.updates] == [CallState.PLACED]


async def test_looked_at_more_often_unheard(scene: Scene) -> None:
    """While no events come, what becomes of a call is known within seconds."""
    scene.ari.reply("GET", APPLICATION, Reply())
    async with scene.running():
        await scene.place()
        await scene.pass_time(15)
        scene.ari.channels = [up(app="Dial")]
        await scene.tell(TAKEN_OVER)
        scene.ari.bridges = [{"channels": [OURS, CALLEE]}]
        await scene.pass_time(11)

        assert CONNECTED in scene.states()


async def test_calls_while_taken_over(scene: Scene) -> None:
    """Nobody tells of them: they are asked for each minute, and end."""
    scene.ari.reply("GET", APPLICATION, Reply())
    async with scene.running():
        await scene.tell(TAKEN_OVER)
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
    """Without open calls, a connection that holds needs no list of channels."""
    async with scene.running():
        await scene.pass_time(5)
        count = scene.ari.paths("GET").count("channels")
        await scene.pass_time(200, step=10)

        assert scene.ari.paths("GET").count("channels") == count


# --- calls whose request was not answered ---


async def lose_answer(scene: Scene, **fields: int) -> None:
    """Ask for a call that the PBX never confirms."""
    scene.ari.reply("POST", "channels", Reply(fault="reset"))
    with pytest.raises(CallUncertainError):
        await scene.place(**fields)
    del scene.ari.replies["POST", "channels"]


async def test_never_placed(scene: Scene) -> None:
    """A call of which the PBX knows nothing was not placed, as is known soon."""
    scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
    async with scene.running():
        await scene.pass_time(5)
        await lose_answer(scene)
        await scene.pass_time(3)
        assert scene.states() == []

        await scene.pass_time(2)
        assert scene.sink.end().result is CallResult.FAILED


async def test_not_confirmed_and_on(scene: Scene) -> None:
    """A call that the PBX knows is followed as any other."""
    async with scene.running():
        await lose_answer(scene)
        scene.ari.channels = [up()]
        await scene.pass_time(3)
        assert not scene.sink.open[OURS].is_uncertain

        await scene.tell(ended())
    assert scene.sink.end().result is CallResult.ANSWERED


async def test_not_confirmed_nor_told(scene: Scene) -> None:
    """Where the PBX tells nothing at first, it is asked when both have rung."""
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
    """It is looked for by the next connection, too."""
    scene.sink.add(is_uncertain=True)
    scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
    async with scene.running():
        await scene.pass_time(5)

    assert scene.sink.end().result is CallResult.FAILED


async def test_request_on_its_way_is_not_gone(scene: Scene) -> None:
    """What nobody has placed yet cannot be missing."""
    scene.sink.add(is_requested=True)
    scene.ari.reply("GET", "channels/", Reply(404, NOT_FOUND))
    async with scene.running():
        await scene.pass_time(70, step=5)

    assert scene.states() == []


# --- calls of others ---


async def test_others(scene: Scene) -> None:
    """A call from outside is reported from its beginning to its end."""
    created = {"type": "ChannelCreated", "channel": incoming()}
    async with scene.running():
        await scene.tell(
            created,
            dial("", call_id=OTHER),
            dial("ANSWER", call_id=OTHER),
            ended(OTHER),
        )

    assert scene.states(OTHER) == [CallState.PLACED, RINGING, CONNECTED, ENDED]
    assert {each.direction for each in scene.sink.updates} == {Direction.INCOMING}
    assert {each.originated_call_id for each in scene.sink.updates} == {""}


@pytest.mark.parametrize("is_talking", [True, False])
async def test_others_before_a_start(scene: Scene, *, is_talking: bool) -> None:
    """A call from outside that was on at a start is opened, and has its end."""
    scene.ari.channels = [incoming(state="Up")]
    scene.ari.bridges = [{"channels": [OTHER, CALLEE]}] if is_talking else []
    async with scene.running():
        await scene.pass_time(1)
        (opened,) = scene.sink.updates
        assert opened.state is (CONNECTED if is_talking else CallState.PLACED)
        assert (opened.caller, opened.callee) == ("09120000001", "552")
        assert (opened.direction, opened.trunk) == (Direction.INCOMING, "provider")
        assert opened.call_id == OTHER

        await scene.tell(ended(OTHER))
        assert scene.sink.end(OTHER).result is CallResult.ANSWERED


async def test_others_are_opened_once(scene: Scene) -> None:
    """Neither the next look nor the next connection opens a call again."""
    scene.ari.channels = [incoming(state="Up")]
    async with scene.running():
        await scene.pass_time(130, step=10)
        await reconnect(scene)
        await scene.pass_time(5)

        assert len(scene.sink.updates) == 1


async def test_others_begun_while_it_was_cut(scene: Scene) -> None:
    """A call that began while nobody listened is opened by the next connection."""
    async with scene.running():
        await scene.pass_time(5)
        scene.ari.channels = [incoming(state="Up")]
        await reconnect(scene)
        await scene.pass_time(2)

    assert scene.states(OTHER) == [CallState.PLACED]


async def test_others_are_gone(scene: Scene) -> None:
    """One of others that is open, and gone, has ended at the second look."""
    scene.sink.add(OTHER, request=None, state=CONNECTED)
    async with scene.running():
        await scene.pass_time(1)
        assert scene.states(OTHER) == []

        await scene.pass_time(3)
        told = scene.sink.end(OTHER)
    assert (told.call_id, told.originated_call_id) == (OTHER, "")
    assert told.result is CallResult.ANSWERED


async def test_others_end_after_a_reload(scene: Scene) -> None:
    """A call between phones that an earlier backend has followed ends here, too."""
    scene.sink.add(OTHER, request=None, state=CONNECTED)
    scene.ari.channels = [
        {"id": OTHER, "name": "PJSIP/557-00000009", "state": "Up", "dialplan": {}}
    ]
    async with scene.running():
        await scene.pass_time(5)
        assert ENDED not in scene.states(OTHER)
        scene.ari.channels = []
        await scene.tell(ended(OTHER))
        await scene.pass_time(70, step=5)

        assert scene.sink.end(OTHER).result is CallResult.ANSWERED


async def test_bounded(scene: Scene) -> None:
    """However many calls there are at a start, memory does not grow for ever."""
    scene.ari.channels = [
        incoming(f"pbx-{number}", "Up") for number in range(MAX_CALLS + 5)
    ]
    async with scene.running():
        await asyncio.sleep(0.2)
        assert len(scene.sink.updates) == MAX_CALLS + 5


async def test_who_is_stopped_says_so(scene: Scene) -> None:
    """Listening that begins again knows what the one before did not end."""
    async with scene.running():
        await scene.place()
    async with scene.running():
        await scene.tell(ended(cause=17))

    assert scene.sink.end().cause == "user_busy"
    assert scene.ari.originated[0]["channelId"] == request().call_id
    assert scene.sink.healths[-1] == (ChannelState.OK, None)
    assert not any(isinstance(each, TakenOverError) for _, each in scene.sink.healths)
