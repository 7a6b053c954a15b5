"""A tool that lets language models call contacts, if an option allows it."""

from functools import partial
from typing import Any, override

from homeassistant.components.llm import LLMTools
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import llm
from homeassistant.helpers.llm import LLM_API_ASSIST, LLMContext, Tool, ToolInput
import voluptuous as vol

from .calls.manager import DATA_MANAGERS, CallManager
from .const import CONF_LLM_TOOL, DOMAIN
from .voice.contacts import (
    VoiceContact,
    allowed_of,
    contacts_of,
    names_apart,
    phone_near,
    with_phones,
)
from .voice.spelling import folded


@callback
def async_get_tools(
    hass: HomeAssistant, _llm_context: LLMContext, api_id: str
) -> LLMTools | None:
    """Return the tool if there are contacts that it is allowed to call."""
    if api_id != LLM_API_ASSIST:
        return None
    contacts = [
        each
        for each in contacts_of(_managers(hass))
        if each.contact.by_voice and not each.is_disabled
    ]
    return LLMTools(tools=[CallTool(contacts)]) if contacts else None


@callback
def _managers(hass: HomeAssistant) -> list[CallManager]:
    """Return the managers of the PBXs whose contacts language models may call."""
    return [
        manager
        for manager in hass.data.get(DATA_MANAGERS, {}).values()
        if manager.link.backend is not None
        and manager.entry.options.get(CONF_LLM_TOOL, False)
    ]


def _result(data: dict[str, Any], *, error: bool = False) -> Any:  # noqa: ANN401 - the name of the type depends on Home Assistant
    """Return a result of the tool; before Home Assistant 2026.10, only its data."""
    result = getattr(llm, "ToolResult", None)
    return result(data=data, error=error) if result else data


class CallTool(Tool):
    """Calls a contact that can be called by voice, never any other number."""

    name = f"{DOMAIN}__call"
    title = "Call a contact"
    integration = DOMAIN
    # Without it, a call counts as destructive. New in 2026.10.
    if hasattr(llm, "ToolAnnotations"):
        annotations = llm.ToolAnnotations(destructive=False)

    def __init__(self, contacts: list[VoiceContact]) -> None:
        """Initialize the tool with all names of the contacts that it can call."""
        names = sorted({name for each in contacts for name in each.names})
        self.description = (
            "Places a phone call: rings the phone next to the user, and connects it"
            " to the contact when the user answers. Only when the user asks for it."
        )
        self.parameters = vol.Schema({vol.Required("contact"): vol.In(names)})

    @override
    async def async_call(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> Any:
        """Place the call, if it is still allowed."""
        name = str(tool_input.tool_args["contact"])
        contacts = contacts_of(_managers(hass))
        fitting = [each for each in contacts if name in each.names] or [
            each for each in contacts if folded(name) in map(folded, each.names)
        ]
        if not fitting:
            reason = "There is no contact with this name."
            return _result({"error": reason}, error=True)
        near = partial(phone_near, device_id=llm_context.device_id)
        try:
            found = with_phones(allowed_of(fitting), near)
            if len(found) > 1:
                names = names_apart([callee for callee, _ in found])
                reason = f"More than one contact has this name: {names}."
                return _result({"error": reason}, error=True)
            ((callee, phone),) = found
            await callee.async_call(phone, llm_context.context)
        except HomeAssistantError as err:
            return _result({"error": str(err)}, error=True)
        return _result({"calling": callee.name})
