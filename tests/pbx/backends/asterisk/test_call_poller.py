"""Tests of the poller: the states of extensions (its calls: see `test_listener`)."""

from custom_components.pbx.backends.base import ChannelState
from custom_components.pbx.backends.updates import ExtensionState, ExtensionUpdate
from tests.pbx.ari import Reply
from tests.pbx.backends.contract import until

from .scene import Scene, incoming, up
from .test_listener import reconnect

IDLE = [
    ExtensionUpdate("557", ExtensionState.IDLE),
    ExtensionUpdate("552", ExtensionState.IDLE),
]


def listed(scene: Scene, number: str, *ids: str, state: str = "online") -> None:
    """Have the stub list one endpoint."""
    scene.ari.endpoints = [
        {
            "technology": "PJSIP",
            "resource": number,
            "state": state,
            "channel_ids": [*ids],
        }
    ]


def device(state: str) -> dict[str, object]:
    """Return the event that an extension has a new state."""
    return {
        "type": "DeviceStateChanged",
        "device_state": {"name": "PJSIP/557", "state": state},
    }


async def test_start(scene: Scene) -> None:
    """The states of all extensions are read at a start, but not those of trunks."""
    async with scene.running():
        await until(lambda: scene.sink.extensions == IDLE)
        # Then events report them.
        await scene.pass_time(61)
        assert scene.sink.extensions == IDLE
        await reconnect(scene)
        await until(lambda: scene.sink.extensions == IDLE * 2)


async def test_in_a_call(scene: Scene) -> None:
    """The state and the other party of a call that began before the start."""
    scene.ari.channels = [{**up("pbx-9"), "connected": {"number": "0912"}}]
    listed(scene, "557", "pbx-9")
    async with scene.running():
        update = ExtensionUpdate("557", ExtensionState.IN_USE, "0912")
        await until(lambda: scene.sink.extensions == [update])


async def test_event_in_the_meantime(scene: Scene) -> None:
    """An event that arrives while the states are read is newer than these."""
    late = Reply(value=scene.ari.endpoints, fault="late")
    scene.ari.reply("GET", "endpoints", late)
    async with scene.running():
        await until(lambda: "endpoints" in scene.ari.paths("GET"))
        await scene.send_events(device("RINGING"))
        await scene.ari.drop_requests()
        await until(lambda: len(scene.sink.extensions) > 1)
        ringing = ExtensionUpdate("557", ExtensionState.RINGING)
        assert scene.sink.extensions == [ringing, IDLE[1]]


async def test_refused(scene: Scene) -> None:
    """States that cannot be read do not hinder the calls; the next poll repeats it."""
    endpoints = scene.ari.endpoints
    scene.ari.reply("GET", "endpoints", Reply(500))
    scene.ari.channels = [incoming()]
    async with scene.running():
        await scene.pass_time(61)
        assert scene.sink.extensions == []
        assert [update.call_id for update in scene.sink.updates] == ["pbx-9"]
        scene.ari.reply("GET", "endpoints", Reply(value=endpoints))
        await scene.pass_time(61)
        await until(lambda: scene.sink.extensions == IDLE)


async def test_lost_in_the_meantime(scene: Scene) -> None:
    """States are not read while disconnected, and again after reconnecting."""
    scene.ari.reply("GET", "endpoints", Reply(500))
    async with scene.running():
        await until(lambda: "endpoints" in scene.ari.paths("GET"))
        scene.ari.handshake_status = 503
        await scene.ari.drop()
        await until(lambda: scene.sink.healths[-1][0] is ChannelState.RECONNECTING)
        scene.ari.reply("GET", "endpoints", Reply(value=scene.ari.endpoints))
        await scene.pass_time(30)
        assert scene.sink.extensions == []
        scene.ari.handshake_status = 0
        await scene.pass_time(120)
        await until(lambda: scene.sink.extensions == IDLE)
