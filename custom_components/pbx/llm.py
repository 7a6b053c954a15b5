"""Tools of language models: they call contacts and read calls, if options allow it."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, override

from homeassistant.components.llm import LLMTools
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import llm
from homeassistant.helpers.llm import LLM_API_ASSIST, LLMContext, Tool, ToolInput
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .calls.call_query import find_calls
from .calls.manager import DATA_MANAGERS, CallManager
from .calls.permissions import async_get_user
from .const import (
    CONF_CONTACT,
    CONF_LIMIT,
    CONF_LLM_ANNOUNCE,
    CONF_LLM_CALLS,
    CONF_LLM_TOOL,
    CONF_MESSAGE,
    CONF_MISSED,
    DOMAIN,
)
from .voice.call_answers import readable_by_voice
from .voice.contacts import (
    VoiceContact,
    allowed_of,
    contacts_of,
    names_apart,
    phone_near,
    with_phones,
)
from .voice.spelling import folded

# How many calls a language model is told of.
_CALLS: Final = 20


@callback
def async_get_tools(
    hass: HomeAssistant, _llm_context: LLMContext, api_id: str
) -> LLMTools | None:
    """Return the tools for which there are contacts that they are allowed to call."""
    if api_id != LLM_API_ASSIST:
        return None
    tools: list[Tool] = [
        kind(contacts)
        for kind in (CallTool, AnnounceTool)
        if (contacts := _offered(hass, kind.option))
    ]
    if _managers(hass, CONF_LLM_CALLS):
        tools.append(GetCallsTool())
    return LLMTools(tools=tools) if tools else None


@callback
def _managers(hass: HomeAssistant, option: str) -> list[CallManager]:
    """Return the managers of the PBXs that allow a tool by an option."""
    return [
        manager
        for manager in hass.data.get(DATA_MANAGERS, {}).values()
        if manager.link.backend is not None and manager.entry.options.get(option, False)
    ]


@callback
def _offered(hass: HomeAssistant, option: str) -> list[VoiceContact]:
    """Return the contacts that a tool offers."""
    return [
        each
        for each in _contacts(hass, option)
        if each.contact.by_voice and not each.is_disabled
    ]


@callback
def _contacts(hass: HomeAssistant, option: str) -> list[VoiceContact]:
    """Return the contacts of the PBXs that allow a tool by an option."""
    found = contacts_of(_managers(hass, option))
    if option == CONF_LLM_ANNOUNCE:
        return [each for each in found if each.takes_messages]
    return found


def _result(data: dict[str, Any], *, error: bool = False) -> Any:  # noqa: ANN401 - the name of the type depends on Home Assistant
    """Return a result of the tool; before Home Assistant 2026.10, only its data."""
    result = getattr(llm, "ToolResult", None)
    return result(data=data, error=error) if result else data


class _RefusedError(Exception):
    """A reason, for the language model, why nothing was called."""


class _ContactTool(Tool):
    """Calls a contact that can be called by voice, never any other number.

    Attributes:
        option: of a PBX, which allows the tool.
    """

    integration = DOMAIN
    option: str
    # Without it, a call counts as destructive. New in 2026.10.
    if hasattr(llm, "ToolAnnotations"):
        annotations = llm.ToolAnnotations(destructive=False)

    def __init__(self, contacts: list[VoiceContact]) -> None:
        """Initialize the tool with all names of the contacts that it can call."""
        names = sorted({name for each in contacts for name in each.names})
        self.parameters = vol.Schema({vol.Required("contact"): vol.In(names)})

    @override
    async def async_call(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> Any:
        """Place the call, if it is still allowed."""
        try:
            return _result(await self._async_run(hass, tool_input, llm_context))
        except (HomeAssistantError, _RefusedError) as err:
            return _result({"error": str(err)}, error=True)

    async def _async_run(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> dict[str, Any]:
        """Place the call, and return its result.

        Raises:
            _RefusedError, HomeAssistantError: nothing was called.
        """
        raise NotImplementedError

    @callback
    def _named(self, hass: HomeAssistant, tool_input: ToolInput) -> list[VoiceContact]:
        """Return the contacts with the name that the language model gives.

        Raises:
            _RefusedError: there is none.
            ServiceValidationError: none of them can be called by voice.
        """
        name = str(tool_input.tool_args["contact"])
        contacts = _contacts(hass, self.option)
        fitting = [each for each in contacts if name in each.names] or [
            each for each in contacts if folded(name) in map(folded, each.names)
        ]
        if not fitting:
            raise _RefusedError("There is no contact with this name.")
        return allowed_of(fitting)


class CallTool(_ContactTool):
    """Connects the user to a contact."""

    name = f"{DOMAIN}__call"
    title = "Call a contact"
    description = (
        "Places a phone call: rings the phone next to the user, and connects it"
        " to the contact when the user answers. Only when the user asks for it."
    )
    option = CONF_LLM_TOOL

    @override
    async def _async_run(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> dict[str, Any]:
        near = partial(phone_near, device_id=llm_context.device_id)
        found = with_phones(self._named(hass, tool_input), near)
        _check_one([callee for callee, _ in found])
        ((callee, phone),) = found
        await callee.async_call(phone, llm_context.context)
        return {"calling": callee.name}


class AnnounceTool(_ContactTool):
    """Says a message to a contact."""

    name = f"{DOMAIN}__announce"
    title = "Call a contact and say a message"
    description = (
        "Calls a contact by phone and says a message when the call is answered. Only"
        " when the user asks for it. Returns when the phone rings: whether the message"
        " is heard is not known yet."
    )
    option = CONF_LLM_ANNOUNCE

    @override
    def __init__(self, contacts: list[VoiceContact]) -> None:
        """Initialize the tool with all names of the contacts that it can call."""
        super().__init__(contacts)
        self.parameters = self.parameters.extend(
            {
                vol.Required(
                    CONF_MESSAGE,
                    description="What the contact hears, in whole sentences, as said"
                    " to them",
                ): str
            }
        )

    @override
    async def _async_run(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> dict[str, Any]:
        found = self._named(hass, tool_input)
        _check_one(found)
        message = str(tool_input.tool_args.get(CONF_MESSAGE, "")).strip()
        if not message:
            raise _RefusedError("The message is empty.")
        (callee,) = found
        await callee.async_tell(message, llm_context.context)
        return {"calling": callee.name}


class GetCallsTool(Tool):
    """Tells of recent calls, by the names of contacts, without numbers."""

    name = f"{DOMAIN}__get_calls"
    title = "Get recent calls"
    description = (
        "Returns the latest phone calls, the newest first: who called or was called,"
        " when, and whether the call was missed. Numbers are left out."
    )
    integration = DOMAIN
    if hasattr(llm, "ToolAnnotations"):
        annotations = llm.ToolAnnotations(read_only=True)

    def __init__(self) -> None:
        """Initialize the tool."""
        self.parameters = vol.Schema(
            {
                vol.Optional(
                    CONF_CONTACT, description="Only calls with this contact, by name"
                ): str,
                vol.Optional(
                    CONF_MISSED, description="Only missed calls, or only others"
                ): bool,
            }
        )

    @override
    async def async_call(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> Any:
        """Return the calls that the user may read."""
        try:
            user = await async_get_user(hass, llm_context.context)
            readable = readable_by_voice(_managers(hass, CONF_LLM_CALLS), user)
            if not readable:
                raise _RefusedError("Only administrators may ask about calls.")  # noqa: TRY301 - as another error
            data = {**tool_input.tool_args, CONF_LIMIT: _CALLS}
            found = find_calls(readable, data, user)
        except (HomeAssistantError, _RefusedError) as err:
            return _result({"error": str(err)}, error=True)
        return _result({"calls": [_told(call) for call in found]})


def _told(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a language model is told of a call."""
    started_at = dt_util.parse_datetime(call["started_at"], raise_on_error=True)
    unknown = "withheld number" if call["anonymous"] else "unknown number"
    if call["number"] is None and not call["anonymous"]:
        unknown = "internal"
    return {
        "with": call["name"] or unknown,
        "direction": call["direction"],
        "time": dt_util.as_local(started_at).isoformat(timespec="minutes"),
        "result": call["result"] or call["state"],
        "missed": call["missed"],
    }


def _check_one(found: list[VoiceContact]) -> None:
    """Check that a name stands for one contact.

    Raises:
        _RefusedError: there are several.
    """
    if len(found) > 1:
        names = names_apart(found)
        raise _RefusedError(f"More than one contact has this name: {names}.")
