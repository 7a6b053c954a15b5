"""Tests of what a repair issue offers to do."""

from http import HTTPStatus

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.const import DOMAIN

from .ari import StubAri
from .test_event_stream import lost, settled


async def test_listen_here_again(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    ari: StubAri,
    asterisk_entry: MockConfigEntry,
) -> None:
    """Events that were taken over are taken back where that is confirmed."""
    assert await async_setup_component(hass, "repairs", {})
    await settled(hass, asterisk_entry)
    await ari.tell({"type": "ApplicationReplaced"})
    await lost(asterisk_entry)
    client = await hass_client()
    path = "/api/repairs/issues/fix"
    issue_id = f"stream_taken_over_{asterisk_entry.entry_id}"
    response = await client.post(path, json={"handler": DOMAIN, "issue_id": issue_id})
    assert response.status == HTTPStatus.OK
    step = await response.json()
    assert step["step_id"] == "confirm"
    assert step["description_placeholders"] == {"pbx": "Stub"}
    await client.post(f"{path}/{step['flow_id']}", json={})
    await hass.async_block_till_done()

    await settled(hass, asterisk_entry)
    assert len(ari.queries) == 2
