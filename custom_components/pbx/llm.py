"""A tool by which language models call contacts, where the owner has allowed it."""

from typing import Any, override

from homeassistant.components.llm import LLMTools
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import llm
from homeassistant.helpers.llm import LLM_API_ASSIST, LLMContext, Tool, ToolInput
import voluptuous as vol

from .calls.contacts import names_of
from .calls.manager import DATA_MANAGERS
from .const import CONF_LLM_TOOL, DOMAIN
from .voice.contacts import VoiceContact, phone_near, voice_contacts
from .voice.sentences import folded


@callback
def async_get_tools(
    hass: HomeAssistant, _llm_context: LLMContext, api_id: str
) -> LLMTools | None:
    """Return the tool, if there is anybody whom it may call."""
    if api_id != LLM_API_ASSIST:
        return None
    contacts = _callable_contacts(hass)
    return LLMTools(tools=[CallTool(hass, contacts)]) if contacts else None


@callback
def _callable_contacts(hass: HomeAssistant) -> list[VoiceContact]:
    return [
        each
        for manager in hass.data.get(DATA_MANAGERS, {}).values()
        if manager.link.backend is not None
        and manager.entry.options.get(CONF_LLM_TOOL, False)
        for each in voice_contacts(hass, manager)
    ]


def _result(data: dict[str, Any], *, error: bool = False) -> Any:  # noqa: ANN401 - the name of the type depends on Home Assistant
    """Return a result as Home Assistant wants it: before 2026.10, the data alone."""
    result = getattr(llm, "ToolResult", None)
    return result(data=data, error=error) if result else data


class CallTool(Tool):
    """Calls a contact that voice may call; never a free number."""

    name = f"{DOMAIN}__call"
    title = "Call a contact"
    integration = DOMAIN
    # Without it (before 2026.10 nobody asks), a call would count as destructive.
    if hasattr(llm, "ToolAnnotations"):
        annotations = llm.ToolAnnotations(destructive=False)

    def __init__(self, hass: HomeAssistant, contacts: list[VoiceContact]) -> None:
        """Name those whom it may call, by all their names."""
        names = sorted(
            {name for each in contacts for name in names_of(hass, each.contact)}
        )
        self.description = (
            "Places a phone call: rings the phone next to the user, and connects it"
            " to the contact when somebody answers. Only when the user asks for it."
        )
        self.parameters = vol.Schema({vol.Required("contact"): vol.In(names)})

    @override
    async def async_call(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> Any:
        """Place the call, unless it was taken back meanwhile that it may."""
        wanted = folded(str(tool_input.tool_args["contact"]))
        fitting = [
            each
            for each in _callable_contacts(hass)
            if wanted in map(folded, names_of(hass, each.contact))
        ]
        if len(fitting) != 1:
            reason = "There is no such contact, or more than one."
            return _result({"error": reason}, error=True)
        (found,) = fitting
        phone = phone_near(hass, found.manager, llm_context.device_id)
        try:
            await found.async_call(phone, llm_context.context)
        except HomeAssistantError as err:
            return _result({"error": str(err)}, error=True)
        return _result({"calling": found.contact.name})
