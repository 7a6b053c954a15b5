"""What a repair issue offers to do about it."""

from typing import override

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.core import HomeAssistant


class ListenHereFlow(ConfirmRepairFlow):
    """Listen to the PBX here again, and no longer where it was taken over."""

    def __init__(self, entry_id: str) -> None:
        """Know which config entry listens."""
        super().__init__()
        self._entry_id = entry_id

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Start the entry anew, once that is confirmed."""
        if user_input is not None:
            self.hass.config_entries.async_schedule_reload(self._entry_id)
        return await super().async_step_confirm(user_input)


async def async_create_fix_flow(
    _hass: HomeAssistant,
    _issue_id: str,
    data: dict[str, str | int | float | None] | None,
) -> RepairsFlow:
    """Return the flow of the only issue that can be fixed from here."""
    return ListenHereFlow(str((data or {})["entry_id"]))
