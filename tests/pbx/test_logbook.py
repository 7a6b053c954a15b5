"""Tests of the logbook entries."""

from collections.abc import Callable
from typing import Any

from homeassistant.components.logbook import LazyEventPartialState
from homeassistant.components.logbook.helpers import async_filter_entities
from homeassistant.components.logbook.models import async_event_to_row
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.translation import async_load_integrations
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.pbx.backends.updates import CallResult
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.logbook import (
    EVENT_CALL_ENDED,
    EVENT_INCOMING_CALL,
    async_describe_events,
)

from .reporting import begin_call, end_call, ring_in
from .toy import ToyBackend

ENTITY = {"name": "Toy", "entity_id": "binary_sensor.toy_connected"}


def describe(hass: HomeAssistant, event: Event[Any]) -> dict[str, Any]:
    """Return the logbook entry of an event."""
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
    hass: HomeAssistant,
    toy: ToyBackend,
    entry: MockConfigEntry,
    result: CallResult,
    **times: float,
) -> dict[str, Any]:
    """Return the logbook entry of the end of a call."""
    events = async_capture_events(hass, EVENT_CALL_ENDED)
    await end_call(hass, toy, await begin_call(hass, entry), result, **times)
    (event,) = events
    return describe(hass, event)


async def test_answered(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """An entry has both parties and the duration, and belongs to an entity."""
    times = {"ring_time": 4.2, "talk_time": 20.0}
    line = await end_of_a_call(hass, toy, toy_entry, CallResult.ANSWERED, **times)
    message = "call from 101 to 200: answered after 4 s, talked for 20 s"
    assert line == {**ENTITY, "message": message}
    # The activity of an entity that counts would be empty.
    assert async_filter_entities(hass, [line["entity_id"]])


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("result", CallResult)
@pytest.mark.parametrize("times", [{}, {"ring_time": 4.0}, {"talk_time": 20.0}])
async def test_results(
    hass: HomeAssistant,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    result: CallResult,
    times: dict[str, float],
    language: str,
) -> None:
    """Every result has a text in each language, without unknown times."""
    hass.config.language = language
    await async_load_integrations(hass, {DOMAIN})
    line = await end_of_a_call(hass, toy, toy_entry, result, **times)

    assert "101" in line["message"]
    assert "{" not in line["message"]
    assert "None" not in line["message"]


@pytest.mark.parametrize("caller", ["0912", "{x}", ""])
async def test_incoming(hass: HomeAssistant, toy: ToyBackend, caller: str) -> None:
    """An entry has the caller, or states that the number is withheld."""
    events = async_capture_events(hass, EVENT_INCOMING_CALL)
    await ring_in(hass, toy, caller)

    (event,) = events
    line = describe(hass, event)
    assert ENTITY.items() <= line.items()
    assert caller in line["message"]
    assert "None" not in line["message"]


async def test_removed(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """An entry is shown after its PBX was removed."""
    events = async_capture_events(hass, EVENT_INCOMING_CALL)
    await ring_in(hass, toy)
    assert await hass.config_entries.async_remove(toy_entry.entry_id)

    (event,) = events
    assert describe(hass, event)["name"] == "PBX"


async def test_language_that_is_not_read_yet(
    hass: HomeAssistant, toy: ToyBackend, toy_entry: MockConfigEntry
) -> None:
    """Changing the language does not lose an entry."""
    hass.config.language = "de"
    line = await end_of_a_call(hass, toy, toy_entry, CallResult.BUSY)
    assert "busy" in line["message"]


async def test_result_of_another_version(hass: HomeAssistant) -> None:
    """A result without a translation is shown as it was recorded."""
    event = Event(EVENT_CALL_ENDED, {"entity_id": None, "result": "given_up"})
    line = describe(hass, event)
    assert (line["name"], line["message"]) == ("PBX", "given up")
