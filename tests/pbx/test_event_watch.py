"""Tests of what notices that events do not come."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.backends.updates import (
    CallEvidence,
    CallResult,
    CallState,
    EvidenceSource,
    PbxEvent,
    PbxEventType,
)
from custom_components.pbx.const import DOMAIN
from custom_components.pbx.event_watch import SILENT_CALLS, SILENT_PINGS
from custom_components.pbx.intake import async_take_event

from .common import lift_limits, pass_time, sentences, set_options
from .telling import begin_call

RINGING = PbxEvent(type=PbxEventType.EXTENSION_STATE, attributes={})


@pytest.fixture
async def watched(
    hass: HomeAssistant, loaded_entry: MockConfigEntry
) -> MockConfigEntry:
    """Return a PBX whose owner has set its events up."""
    await lift_limits(hass, loaded_entry)
    await set_options(hass, loaded_entry, require_event_login=False)
    return loaded_entry


def issue(hass: HomeAssistant, entry: MockConfigEntry) -> Any:  # noqa: ANN401 - an entry of the registry, or None
    """Return the repair issue."""
    registry = ir.async_get(hass)
    return registry.async_get_issue(DOMAIN, f"events_missing_{entry.entry_id}")


async def end_calls(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    count: int,
    *,
    source: EvidenceSource = EvidenceSource.REPORT,
    result: CallResult = CallResult.BUSY,
) -> None:
    """Let calls end, one after another."""
    for _ in range(count):
        call = await begin_call(hass, entry)
        evidence = CallEvidence(
            source=source,
            state=CallState.ENDED,
            originated_call_id=call.originated_call_id,
            result=result,
        )
        entry.runtime_data.tracking.tracker.observe(evidence)
        await hass.async_block_till_done()


async def test_events_that_never_come(
    hass: HomeAssistant, watched: MockConfigEntry
) -> None:
    """After so many calls without an event the owner is told; an event ends it."""
    await end_calls(hass, watched, SILENT_CALLS - 1)
    assert issue(hass, watched) is None
    await end_calls(hass, watched, 1)

    raised = issue(hass, watched)
    assert raised.translation_placeholders == {"pbx": "Sandbox"}
    for language in ("en", "fa"):
        texts = await sentences(hass, "issues", language)
        assert "{pbx}" in texts["events_missing.title"]

    async_take_event(hass, watched, RINGING)
    assert issue(hass, watched) is None
    await end_calls(hass, watched, SILENT_CALLS - 1)
    assert issue(hass, watched) is None


async def test_events_that_come(hass: HomeAssistant, watched: MockConfigEntry) -> None:
    """An event in between, of whatever kind, shows that they come."""
    await end_calls(hass, watched, SILENT_CALLS - 1)
    async_take_event(hass, watched, RINGING)
    await end_calls(hass, watched, SILENT_CALLS - 1)

    assert issue(hass, watched) is None


@pytest.mark.parametrize(
    ("source", "result"),
    [
        (EvidenceSource.EVENT, CallResult.BUSY),
        # No event tells of it.
        (EvidenceSource.REPORT, CallResult.CALLER_UNREACHABLE),
        (EvidenceSource.DEADLINE, CallResult.UNDETERMINED),
    ],
)
async def test_nothing_missed(
    hass: HomeAssistant,
    watched: MockConfigEntry,
    source: EvidenceSource,
    result: CallResult,
) -> None:
    """What no event would tell says nothing about events."""
    await end_calls(hass, watched, SILENT_CALLS, source=source, result=result)

    assert issue(hass, watched) is None


async def test_not_wanted(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """Whose events were never set up is not told that they do not come."""
    await lift_limits(hass, loaded_entry)
    await end_calls(hass, loaded_entry, SILENT_CALLS)

    assert issue(hass, loaded_entry) is None


async def test_other_pbx(
    hass: HomeAssistant, watched: MockConfigEntry, entry_data: dict[str, Any]
) -> None:
    """The events of another PBX are not this one's."""
    other = MockConfigEntry(
        domain=DOMAIN,
        title="Other",
        data={**entry_data, "webhook_id": "other"},
        options=watched.options,
    )
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    await end_calls(hass, watched, SILENT_CALLS)
    async_take_event(hass, other, RINGING)

    assert issue(hass, watched)
    assert issue(hass, other) is None


async def test_removed(hass: HomeAssistant, watched: MockConfigEntry) -> None:
    """A PBX that is removed leaves no issue behind."""
    await end_calls(hass, watched, SILENT_CALLS)
    assert issue(hass, watched)
    await hass.config_entries.async_remove(watched.entry_id)

    assert issue(hass, watched) is None


@pytest.mark.parametrize("is_set_up", [False, True])
async def test_events_that_stop(
    hass: HomeAssistant,
    loaded_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    *,
    is_set_up: bool,
) -> None:
    """A PBX that has sent an event owes one for each ping; after five it is told."""
    entry = loaded_entry
    if is_set_up:
        await set_options(hass, entry, require_event_login=False)
    registry, issue_id = ir.async_get(hass), f"events_stopped_{entry.entry_id}"
    for _ in range(SILENT_PINGS + 1):
        await pass_time(hass, freezer, 61)
    assert registry.async_get_issue(DOMAIN, issue_id) is None

    async_take_event(hass, entry, RINGING)
    for _ in range(SILENT_PINGS):
        assert registry.async_get_issue(DOMAIN, issue_id) is None
        await pass_time(hass, freezer, 61)
    raised = registry.async_get_issue(DOMAIN, issue_id)
    assert raised is not None
    assert raised.translation_key == "events_stopped"
    for language in ("en", "fa"):
        assert (
            "{pbx}"
            in (await sentences(hass, "issues", language))["events_stopped.title"]
        )

    async_take_event(hass, entry, RINGING)
    await hass.async_block_till_done()
    assert registry.async_get_issue(DOMAIN, issue_id) is None
