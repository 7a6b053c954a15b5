"""Helpers for the config and options flows."""

from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.selector import SelectSelector, TextSelector
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.pbx.const import DOMAIN

from .common import sentences


@dataclass
class Dialog:
    """A running config or options flow."""

    hass: HomeAssistant
    result: ConfigFlowResult

    async def submit(self, user_input: dict[str, Any]) -> None:
        """Submit the form."""
        entries = self.hass.config_entries
        manager = entries.flow if self.category == "config" else entries.options
        self.result = await manager.async_configure(self.result["flow_id"], user_input)
        await self.hass.async_block_till_done()

    async def add(self, call_defaults: dict[str, Any]) -> None:
        """Submit the call defaults of a new PBX, and the pages that follow.

        No extension is imported, and no phone rings.
        """
        await self.submit(call_defaults)
        for step_ids, nothing in (
            (("import_extensions", "select_extensions"), {"extensions": []}),
            (("ring_phone",), {"ring": False}),
        ):
            if self.result.get("step_id") in step_ids:
                await self.submit(nothing)

    @property
    def category(self) -> str:
        """Return the category of its translations."""
        return "config" if self.result["handler"] == DOMAIN else "options"

    @property
    def fields(self) -> dict[str, Any]:
        """Return the selectors of the form."""
        schema = self.result["data_schema"]
        assert schema is not None
        return {str(name): selector for name, selector in schema.schema.items()}

    @property
    def values(self) -> dict[str, Any]:
        """Return the suggested values of the form."""
        schema = self.result["data_schema"]
        assert schema is not None
        return {
            str(name): name.description["suggested_value"]
            for name in schema.schema
            if name.description
        }

    @property
    def defaults(self) -> dict[str, Any]:
        """Return what the form submits if nothing is changed."""
        schema = self.result["data_schema"]
        assert schema is not None
        return dict(schema({}))

    async def error_text(self, language: str = "en") -> str:
        """Return the translated text of the only error."""
        (error,) = (self.result["errors"] or {}).values()
        texts = await sentences(self.hass, self.category, language)
        return texts[f"error.{error}"].format(**self.placeholders)

    async def step_texts(self) -> list[str]:
        """Return all translated texts of the form."""
        prefix = f"step.{self.result['step_id']}."
        return [
            text.format(**self.placeholders)
            for key, text in (await sentences(self.hass, self.category)).items()
            if key.startswith(prefix)
        ]

    @property
    def placeholders(self) -> dict[str, str]:
        """Return the placeholders of the texts."""
        return dict(self.result["description_placeholders"] or {})

    def offered(self, field: str) -> list[str] | None:
        """Return the suggestions of a text field."""
        selector = self.fields[field]
        if isinstance(selector, TextSelector):
            return None
        assert isinstance(selector, SelectSelector)
        assert selector.config["custom_value"]
        return [option["label"] for option in selector.config["options"]]  # type: ignore[index]

    def expect_form(self, step_id: str, errors: dict[str, str] | None = None) -> None:
        """Check which form is shown, and the errors under its fields."""
        assert self.result["type"] is FlowResultType.FORM
        assert self.result["step_id"] == step_id
        assert (self.result["errors"] or {}) == (errors or {})

    def expect_abort(self, reason: str) -> None:
        """Check that the flow was aborted with this reason."""
        assert self.result["type"] is FlowResultType.ABORT
        assert self.result["reason"] == reason


async def open_user(hass: HomeAssistant, kind: str) -> Dialog:
    """Open the dialog that adds a PBX, and choose its kind."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    dialog = Dialog(hass, result)
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == ["simotel", "asterisk"]
    await dialog.submit({"next_step_id": kind})
    return dialog


async def open_reauth(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Start the reauthentication flow."""
    return Dialog(hass, await entry.start_reauth_flow(hass))


async def open_reconfigure(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Open the dialog that changes the connection."""
    return Dialog(hass, await entry.start_reconfigure_flow(hass))


async def open_options(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Open the menu of the options."""
    return Dialog(hass, await hass.config_entries.options.async_init(entry.entry_id))


async def open_call_defaults(hass: HomeAssistant, entry: MockConfigEntry) -> Dialog:
    """Open the dialog of the call defaults, through the menu of the options."""
    dialog = await open_options(hass, entry)
    assert dialog.result["type"] is FlowResultType.MENU
    await dialog.submit({"next_step_id": "call_defaults"})
    return dialog
