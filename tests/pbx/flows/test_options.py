"""Tests of the options pages without their own module."""

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from ..common import sentences
from ..dialog import open_call_defaults, open_options
from ..people import contact, set_up


@pytest.mark.parametrize("language", ["en", "fa"])
async def test_menu(
    hass: HomeAssistant, loaded_entry: MockConfigEntry, language: str
) -> None:
    """Every page has a name and a description."""
    dialog = await open_options(hass, loaded_entry)

    assert dialog.result["menu_options"] == [
        "call_defaults",
        "dialing_rules",
        "events",
        "test_events",
        "speech",
        "test_speech",
        "call_log",
        "voice",
        "import_extensions",
        "ring_phone",
    ]
    texts = await sentences(hass, "options", language)
    for page in dialog.result["menu_options"]:
        assert texts[f"step.init.menu_options.{page}"]
        assert texts[f"step.init.menu_option_descriptions.{page}"]


@pytest.mark.parametrize("caller", ["Mum", " mother ", "102"])
async def test_default_caller(
    hass: HomeAssistant, entry: MockConfigEntry, caller: str
) -> None:
    """The default caller is a number, or a name that a contact has."""
    entry = await set_up(hass, entry, contact("Mum", "204", "Mother"))
    dialog = await open_call_defaults(hass, entry)
    await dialog.submit({**dialog.values, "caller": caller})

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["caller"] == caller.strip()


async def test_voice(hass: HomeAssistant, loaded_entry: MockConfigEntry) -> None:
    """Options are stored together with those of other pages, and shown again."""
    before = dict(loaded_entry.options)
    dialog = await open_options(hass, loaded_entry)
    await dialog.submit({"next_step_id": "voice"})
    dialog.expect_form("voice")
    chosen = dict.fromkeys(("llm_tool", "llm_announce", "llm_calls"), True)
    chosen["voice"] = False
    assert dialog.defaults == {name: not value for name, value in chosen.items()}
    await dialog.submit(chosen)

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert loaded_entry.options == {**before, **chosen}
    again = await open_options(hass, loaded_entry)
    await again.submit({"next_step_id": "voice"})
    assert again.values == chosen
