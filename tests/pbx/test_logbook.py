"""Tests of the lines of the logbook."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from homeassistant.components.logbook import LazyEventPartialState
from homeassistant.components.logbook.models import async_event_to_row
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.translation import async_load_integrations
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.pbx.backends.updates import CallResult, PbxEventType
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.event import EVENT_CALL_ENDED, EVENT_INCOMING_CALL
from custom_components.pbx.logbook import async_describe_events

from .telling import begin_call, end_call, send_event


def describe(hass: HomeAssistant, event: Event[Any]) -> dict[str, Any]:
    """Return the line of an event, as the logbook asks for it."""
    describers: dict[str, Callable[[LazyEventPartialState], dict[str, Any]]] = {}

    @callback
    def take(
        domain: str,
        event_type: str,
        describer: Callable[[LazyEventPartialState], dict[str, Any]],
    ) -> None:
        assert domain == DOMAIN
        describers[event_type] = describer

    async_describe_events(hass, take)
    row = async_event_to_row(event)
    return describers[str(event.event_type)](LazyEventPartialState(row, {}))


async def end_of_a_call(
    hass: HomeAssistant, entry: MockConfigEntry, result: CallResult, **times: float
) -> dict[str, Any]:
    """Return the line of the end of a call."""
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    call = await begin_call(hass, entry)
    await end_call(hass, entry, call, result, **times)
    (event,) = events
    return describe(hass, event)


async def test_answered(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """A line says who called whom, and for how long; it belongs to the entity."""
    line = await end_of_a_call(
        hass, loaded_entry, CallResult.ANSWERED, ring_time=4.2, talk_time=20.0
    )

    assert line == {
        "name": "Sandbox Originated call",
        "message": "from 101 to 200: answered after 4 s, talked 20 s",
        "entity_id": "event.sandbox_originated_call",
    }


@pytest.mark.parametrize(
    ("result", "end"),
    [
        (CallResult.ANSWERED, "answered"),
        (CallResult.NO_ANSWER, "no answer"),
        (CallResult.BUSY, "busy"),
        (CallResult.FAILED, "could not be connected"),
        (CallResult.CALLER_UNREACHABLE, "101 was not reached"),
        (CallResult.UNDETERMINED, "nobody knows how it ended"),
    ],
)
@pytest.mark.parametrize("times", [{}, {"ring_time": 4.0}, {"talk_time": 20.0}])
async def test_results(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    result: CallResult,
    end: str,
    times: dict[str, float],
) -> None:
    """Every result has its words, without a time that is not known."""
    line = await end_of_a_call(hass, loaded_entry, result, **times)

    assert line["message"] == f"from 101 to 200: {end}"


@pytest.mark.parametrize("result", CallResult)
async def test_persian(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, result: CallResult
) -> None:
    """A line is in the language of Home Assistant."""
    hass.config.language = "fa"
    await async_load_integrations(hass, {DOMAIN})

    line = await end_of_a_call(
        hass, loaded_entry, result, ring_time=4.0, talk_time=20.0
    )

    assert line["message"].startswith("از 101 به 200: ")
    assert "{" not in line["message"]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"number": "0912"}, "comes in from 0912"),
        ({"number": "{x}"}, "comes in from {x}"),
        ({"trunk": "main"}, "comes in without a number"),
    ],
)
async def test_incoming(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    attributes: dict[str, str],
    message: str,
) -> None:
    """A line says who calls."""
    events = async_capture_events(hass, EVENT_INCOMING_CALL)

    await send_event(hass, loaded_entry, PbxEventType.INCOMING, **attributes)

    (event,) = events
    assert describe(hass, event) == {
        "name": "Sandbox PBX call",
        "message": message,
        "entity_id": "event.sandbox_pbx_call",
    }


async def test_removed(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """A line outlives its PBX."""
    events = async_capture_events(hass, EVENT_INCOMING_CALL)
    await send_event(hass, loaded_entry, PbxEventType.INCOMING, number="0912")
    assert await hass.config_entries.async_remove(loaded_entry.entry_id)

    (event,) = events
    assert describe(hass, event)["name"] == "PBX"


async def test_language_that_is_not_read_yet(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> None:
    """A language that was chosen a moment ago costs no line."""
    hass.config.language = "de"
    line = await end_of_a_call(hass, loaded_entry, CallResult.BUSY)
    assert line["message"] == "from 101 to 200: busy"

    with patch(
        "custom_components.pbx.logbook.async_get_cached_translations", return_value={}
    ):
        line = await end_of_a_call(hass, loaded_entry, CallResult.NO_ANSWER)
    assert line["message"] == "no answer"
