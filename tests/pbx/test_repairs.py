"""Tests of what a repair issue offers to do."""

from http import HTTPStatus

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.pbx.backends.base import Channel, ChannelState
from custom_components.pbx.const import DOMAIN

from .common import settle
from .toy import ToyBackend, Toys


async def test_listen_here_again(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    toy: ToyBackend,
    toy_entry: MockConfigEntry,
    toys: Toys,
) -> None:
    """Events that were taken over are taken back where that is confirmed."""
    assert await async_setup_component(hass, "repairs", {})
    toy.sink.health(Channel.STREAM, ChannelState.TAKEN_OVER)
    client = await hass_client()
    path = "/api/repairs/issues/fix"
    issue_id = f"stream_{toy_entry.entry_id}"
    response = await client.post(path, json={"handler": DOMAIN, "issue_id": issue_id})
    assert response.status == HTTPStatus.OK
    step = await response.json()
    assert step["step_id"] == "confirm"
    assert step["description_placeholders"]["pbx"] == "Toy"
    await client.post(f"{path}/{step['flow_id']}", json={})
    await settle(hass)

    assert len(toys.made) == 2
    assert (DOMAIN, issue_id) not in ir.async_get(hass).issues
