"""Tests of a caller who stays on the line while callees are tried."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.base import Channel, ChannelState, Feature
from custom_components.pbx.backends.errors import PbxError, PbxErrorCode
from custom_components.pbx.backends.updates import CallResult, CallState

from ..common import pass_time, run_pending, set_options, settle
from ..toy import ToyBackend
from .escalating import REFUSED, UNREACHABLE, begin, report, values
from .messages import raises

PEOPLE: dict[str, Any] = {"caller": "200", "callees": ["101", "102", "103"]}
BUSY = CallResult.BUSY
# Seconds for which the caller is kept after the pause.
MARGIN = 30


@pytest.fixture
def toy_features() -> tuple[Feature, ...]:
    """Let callers stay on the line."""
    return (Feature.HANG_UP, Feature.KEYS)


def lines(toy: ToyBackend) -> list[tuple[str, int | None, int | None]]:
    """Return the callee, the held call and the hold time of each request.

    A held call is the position of its request.
    """
    ids = [each.call_id for each in toy.requests]
    return [
        (
            each.callee,
            None if each.held_call is None else ids.index(each.held_call),
            each.hold_time,
        )
        for each in toy.requests
    ]


async def cancel(running: asyncio.Task[Any]) -> None:
    """Cancel an escalation, as what stops its script does."""
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_rung_once(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The caller waits on the line until a callee answers."""
    running = await begin(hass, **PEOPLE)
    await report(hass, toy, CallState.RINGING_CALLEE, BUSY)
    await report(hass, toy, CallState.RINGING_CALLEE, CallResult.NO_ANSWER)
    await report(hass, toy, CallState.CONNECTED)

    response = await running
    assert lines(toy) == [("101", None, MARGIN), ("102", 0, MARGIN), ("103", 0, None)]
    assert response["ended_by"] == "answered"
    assert values(response, "result") == ["busy", "no_answer", "answered"]
    assert values(response, "caller_answered") == [True] * 3
    assert toy.hung_up == []


async def test_answered_at_once(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The first callee may answer; their conversation goes on."""
    running = await begin(hass, **PEOPLE)
    await report(hass, toy, CallState.RINGING_CALLEE, CallState.CONNECTED)

    assert (await running)["answered_by"] == "101"
    assert toy.hung_up == []


async def test_nobody(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The last call ends the line by itself."""
    running = await begin(hass, **PEOPLE)
    for _ in range(3):
        await report(hass, toy, BUSY)

    assert (await running)["ended_by"] == "nobody"
    assert toy.held == set()
    assert toy.hung_up == []


async def test_one_callee(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Where there is one callee, the PBX connects the call as usual."""
    running = await begin(hass, caller="200", callees="101")
    await report(hass, toy, BUSY)
    await running
    assert [each.is_bridged for each in toy.requests] == [False]


async def test_rounds_and_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The caller waits during the pauses, in all rounds."""
    data = PEOPLE | {"callees": ["101", "102"], "rounds": 2, "pause": 20}
    running = await begin(hass, **data)
    for count in (1, 2, 3):
        await report(hass, toy, BUSY)
        await pass_time(hass, freezer, 19)
        assert len(toy.requests) == count
        await pass_time(hass, freezer, 1)
    await report(hass, toy, BUSY)

    assert values(await running, "round") == [1, 1, 2, 2]
    hold = 20 + MARGIN
    assert lines(toy) == [
        ("101", None, hold),
        ("102", 0, hold),
        ("101", 0, hold),
        ("102", 0, None),
    ]


async def test_caller_was_not_reached(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A caller who did not answer is rung again."""
    running = await begin(hass, **PEOPLE)
    await report(hass, toy, UNREACHABLE, is_caller_gone=True)
    await report(hass, toy, BUSY)
    await report(hass, toy, BUSY)

    response = await running
    assert response["ended_by"] == "nobody"
    assert lines(toy) == [
        ("101", None, MARGIN),
        ("102", None, MARGIN),
        ("103", 1, None),
    ]


async def test_caller_hangs_up(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A caller who hangs up while a phone rings ends the escalation."""
    running = await begin(hass, **PEOPLE)
    await report(hass, toy, BUSY)
    await report(hass, toy, CallState.RINGING_CALLEE)
    await report(hass, toy, CallResult.NO_ANSWER, is_caller_gone=True)

    response = await running
    assert response["ended_by"] == "caller_gone"
    assert response["answered_by"] is None
    assert values(response, "result") == ["busy", "no_answer"]
    assert toy.hung_up == []


async def test_caller_hangs_up_in_the_pause(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """The PBX refuses the next call, which is no attempt."""
    running = await begin(hass, **PEOPLE, pause=20)
    await report(hass, toy, BUSY)
    toy.held.clear()
    await pass_time(hass, freezer, 20)

    response = await running
    assert response["ended_by"] == "caller_gone"
    assert values(response, "number") == ["101"]
    assert toy.sink.open_calls() == []


async def test_refused_after_the_pause(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """After a refused call, the next one follows without a pause."""
    running = await begin(hass, **PEOPLE, pause=20)
    await set_options(hass, toy_entry, forbidden_numbers=["102"])
    await report(hass, toy, BUSY)
    await pass_time(hass, freezer, 20)
    assert lines(toy)[1:] == [("103", 0, None)]
    await report(hass, toy, BUSY)

    assert values(await running, "result") == ["busy", "failed", "busy"]
    assert toy.hung_up == []


async def test_last_one_is_refused(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A caller who still waits at the end is hung up."""
    running = await begin(hass, **PEOPLE)
    await report(hass, toy, BUSY)
    refuse = toy.originate

    async def refused(request: Any) -> Any:  # noqa: ANN401 - passed on
        await refuse(request)
        raise REFUSED

    toy.originate = refused  # type: ignore[method-assign]
    await report(hass, toy, BUSY)

    assert (await running)["ended_by"] == "nobody"
    assert toy.hung_up == [toy.requests[0].call_id]


async def test_last_one_cannot_be_called(hass: HomeAssistant, toy: ToyBackend) -> None:
    """The last call that can be placed ends the line."""
    running = await begin(hass, caller="200", callees=["101", "102", "Nobody"])
    await report(hass, toy, BUSY)
    await report(hass, toy, BUSY)

    await running
    assert lines(toy) == [("101", None, MARGIN), ("102", 0, None)]


@pytest.mark.parametrize("pause", [0, 20])
async def test_stopped(hass: HomeAssistant, toy: ToyBackend, pause: int) -> None:
    """A script that is stopped hangs up the caller and what rings."""
    running = await begin(hass, **PEOPLE, pause=pause)
    await report(hass, toy, BUSY)
    await cancel(running)
    await settle(hass)

    first, *second = (each.call_id for each in toy.requests)
    assert sorted(toy.hung_up) == sorted([first, *second])
    assert len(second) == (0 if pause else 1)


async def test_stopped_while_the_first_rings(
    hass: HomeAssistant, toy: ToyBackend
) -> None:
    """The first call is hung up once."""
    running = await begin(hass, **PEOPLE)
    await report(hass, toy, CallState.RINGING_CALLEE)
    await cancel(running)
    await settle(hass)

    assert toy.hung_up == [toy.requests[0].call_id]


async def test_stopped_as_the_callee_is_busy(
    hass: HomeAssistant, toy: ToyBackend
) -> None:
    """The caller is hung up, even if the attempt ended in the same moment."""
    running = await begin(hass, **PEOPLE)
    toy.end(BUSY)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await settle(hass)

    assert toy.hung_up == [toy.requests[0].call_id]


async def test_until(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """So do the conditions that end the escalation."""
    condition = {"condition": "state", "entity_id": "light.hall", "state": "on"}
    hass.states.async_set("light.hall", "off")
    running = await begin(hass, **PEOPLE, pause=20, until=condition)
    await report(hass, toy, BUSY)
    hass.states.async_set("light.hall", "on")
    await pass_time(hass, freezer, 1)

    assert (await running)["ended_by"] == "until"
    assert toy.hung_up == [toy.requests[0].call_id]


async def test_failure(
    hass: HomeAssistant, toy: ToyBackend, caplog: pytest.LogCaptureFixture
) -> None:
    """A caller who cannot be hung up is logged."""
    running = await begin(hass, **PEOPLE, pause=20)
    await report(hass, toy, BUSY)
    toy.error = PbxError(PbxErrorCode.CANNOT_CONNECT, "reset")
    await cancel(running)
    await settle(hass)

    assert "Failed to hang up a caller on the line: cannot_connect" in caplog.text


async def test_gone_when_stopped(
    hass: HomeAssistant, toy: ToyBackend, caplog: pytest.LogCaptureFixture
) -> None:
    """A caller who has hung up in the pause is no fault."""
    running = await begin(hass, **PEOPLE, pause=20)
    await report(hass, toy, BUSY)
    toy.held.clear()
    await cancel(running)
    await settle(hass)

    assert toy.hung_up == []
    assert "Failed" not in caplog.text


async def test_unloaded(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Without a connection to the PBX, no one is hung up."""
    running = await begin(hass, **PEOPLE, pause=20)
    await report(hass, toy, BUSY)
    assert await hass.config_entries.async_unload(toy_entry.entry_id)
    await cancel(running)
    await settle(hass)

    assert toy.hung_up == []


async def test_home_assistant_stops(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A caller on the line needs Home Assistant, and is hung up."""
    running = await begin(hass, **PEOPLE)
    await report(hass, toy, BUSY)
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await run_pending()
    with raises("stopping"):
        await running
    await settle(hass)
    hass.set_state(CoreState.running)

    assert sorted(toy.hung_up) == sorted(each.call_id for each in toy.requests)


async def test_no_news(hass: HomeAssistant, toy: ToyBackend) -> None:
    """Without news of the calls, the PBX connects each call as usual."""
    toy.sink.health(Channel.STREAM, ChannelState.FAILING)
    running = await begin(hass, **PEOPLE)
    await report(hass, toy, BUSY)
    assert [each.is_bridged for each in toy.requests] == [False] * 2
    await cancel(running)
    await settle(hass)


async def test_news_stop(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A caller who is on the line already stays there."""
    running = await begin(hass, **PEOPLE)
    toy.sink.health(Channel.STREAM, ChannelState.FAILING)
    await report(hass, toy, BUSY)
    assert lines(toy)[1] == ("102", 0, MARGIN)
    await cancel(running)
    await settle(hass)


async def test_answered_after_the_timeout(
    hass: HomeAssistant, toy: ToyBackend, freezer: FrozenDateTimeFactory
) -> None:
    """A late answer of an earlier callee is not hung up."""
    running = await begin(hass, **PEOPLE)
    await report(hass, toy, BUSY)
    await pass_time(hass, freezer, 70)
    assert len(toy.requests) == 3
    await report(
        hass, toy, CallState.CONNECTED, originated_call_id=toy.requests[1].call_id
    )
    await report(hass, toy, BUSY)

    assert (await running)["answered_by"] == "102"
    assert toy.hung_up == []


@pytest.mark.parametrize("toy_features", [(Feature.HANG_UP,)])
async def test_not_supported(hass: HomeAssistant, toy: ToyBackend) -> None:
    """A PBX that cannot keep the caller rings them for each callee."""
    running = await begin(hass, **PEOPLE)
    for _ in range(3):
        await report(hass, toy, BUSY)
    await running

    assert lines(toy) == [(number, None, None) for number in ("101", "102", "103")]
