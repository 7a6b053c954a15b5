"""Tests of the options pages without their own module."""

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from ..dialog import open_options


async def test_voice(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """Options are stored together with those of other pages, and shown again."""
    before = dict(loaded_entry.options)
    dialog = await open_options(hass, loaded_entry)
    await dialog.submit({"next_step_id": "voice"})
    dialog.expect_form("voice")
    await dialog.submit({"voice": False, "llm_tool": True})

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded_entry.options == {**before, "voice": False, "llm_tool": True}
    again = await open_options(hass, loaded_entry)
    await again.submit({"next_step_id": "voice"})
    assert again.values == {"voice": False, "llm_tool": True}
