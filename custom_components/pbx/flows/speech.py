"""Speech that the owner draws in the PBX's dialplan: the page, and its test."""

from abc import abstractmethod
import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from homeassistant.components.network import async_get_source_ip
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigFlowResult,
    OptionsFlow,
)
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.helpers.typing import UNDEFINED
from homeassistant.util.network import is_ipv4_address
import voluptuous as vol
from yarl import URL

from ..backends.announcement import SpeechTrace
from ..backends.errors import PbxError, PbxErrorCode
from ..backends.updates import CallResult
from ..calls.announcement import (
    async_announce,
    async_wait_until_announced,
    resolve_announcement,
)
from ..calls.call import Call
from ..calls.contacts import PhoneBook
from ..calls.manager import DATA_MANAGERS, CallManager
from ..calls.number import InvalidNumberError, parse_number
from ..calls.resolve import is_contact_name
from ..calls.rules import CallOrigin
from ..const import (
    BOXES_CONNECT,
    BOXES_KEY,
    BOXES_SAY,
    CONF_CALLEE,
    CONF_CONTEXT,
    CONF_DIGITS,
    CONF_MESSAGE,
    CONF_SPEECH_BOXES,
    CONF_SPEECH_NUMBER,
    CONF_TEST_PHONE,
)
from .call_defaults import contact_fault, text_with_suggestions
from .connection import form_error
from .events import async_address

_NO_FIELDS: Final = vol.Schema({})

# What is shown until the owner has chosen them.
_EXAMPLE: Final = "8801"
_CONTEXT: Final = "main_routing"
# Simotel does not dial these, unless that is changed.
_BARRED: Final = ("00", "+")

_SENTENCES: Final = {
    "en": "This is a test call of Home Assistant. You can hear it, so speech works.",
    "fa": "این یک تماس آزمایشی از هوم اسیستنت است. صدا می‌رسد، پس گفتار کار می‌کند.",
}
_ASKING: Final = {
    "en": "Press any key now.",
    "fa": "اکنون یک کلید را بزنید.",
}
# What the PBX itself says where Home Assistant has no voice.
_OWN_VOICE: Final = ({"digits": "123"},)
_NO_VOICE: Final = frozenset(
    {
        "no_speech_engine",
        "unknown_speech_engine",
        "speech_not_supported",
        "speech_failed",
        "speech_no_sound",
        "speech_timeout",
        "ffmpeg_missing",
    }
)

# Errors that only calls have: no form has a text for them.
_OF_CALLS: Final = frozenset(
    {
        PbxErrorCode.CALL_UNCERTAIN,
        PbxErrorCode.ENDPOINT_NOT_FOUND,
        PbxErrorCode.INTERNAL,
        PbxErrorCode.NO_SPEECH,
    }
)
# What a PBX reports of a call that its dialplan has not answered.
_NOT_ANSWERED: Final = (CallResult.NO_ANSWER, CallResult.CALLER_UNREACHABLE)
# Results after which no dialplan was reached. A call that failed may have been
# answered, but have found no route.
_NOT_REACHED: Final = (
    CallResult.BUSY,
    CallResult.DECLINED,
    CallResult.CALLER_UNREACHABLE,
)


def speech_schema(phones: list[SelectOptionDict]) -> vol.Schema:
    """Return the form, with phones to choose from for the test."""
    return vol.Schema(
        {
            vol.Optional(CONF_SPEECH_NUMBER): TextSelector(),
            vol.Required(CONF_SPEECH_BOXES, default=BOXES_KEY): SelectSelector(
                SelectSelectorConfig(
                    options=[BOXES_SAY, BOXES_KEY, BOXES_CONNECT],
                    translation_key=CONF_SPEECH_BOXES,
                    mode=SelectSelectorMode.LIST,
                )
            ),
            vol.Optional(CONF_TEST_PHONE): text_with_suggestions(phones),
        }
    )


def parse_speech(
    user_input: Mapping[str, Any], book: PhoneBook
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the options from the form, and its errors by field.

    Empty fields are omitted from the options.

    Args:
        user_input: of the form.
        book: the phone book of the PBX, in which no contact has the speech number.
    """
    options = {CONF_SPEECH_BOXES: user_input[CONF_SPEECH_BOXES]}
    errors: dict[str, str] = {}
    for name, parse in (
        (CONF_SPEECH_NUMBER, _parse_number),
        (CONF_TEST_PHONE, _parse_phone),
    ):
        if not (text := user_input.get(name, "").strip()):
            continue
        options[name], fault = parse(text, book)
        if fault:
            errors[name] = fault
    return options, errors


def _parse_number(text: str, book: PhoneBook) -> tuple[str, str]:
    try:
        number = parse_number(text)
    except InvalidNumberError as err:
        return text, err.fault
    if number.startswith(_BARRED):
        return text, "speech_number_barred"
    return number, "speech_number_taken" if book.has_number(number) else ""


def _parse_phone(text: str, book: PhoneBook) -> tuple[str, str]:
    if is_contact_name(text):
        return text, contact_fault(book.find(text))
    try:
        return parse_number(text), ""
    except InvalidNumberError as err:
        return text, err.fault


async def async_drawing_settings(
    hass: HomeAssistant, entry: ConfigEntry
) -> dict[str, str]:
    """Return what the owner copies into the PBX."""
    return {
        "address": async_address(hass, entry),
        "number": entry.options.get(CONF_SPEECH_NUMBER, _EXAMPLE),
        "context": entry.options.get(CONF_CONTEXT) or _CONTEXT,
        "ip": await _async_own_ip(hass, entry),
    }


async def _async_own_ip(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the IP address that the PBX has to permit; a dash if it is not known."""
    host = URL(entry.data[CONF_URL]).host or ""
    try:
        # A name would have to be looked up first.
        return await async_get_source_ip(
            hass, host if is_ipv4_address(host) else UNDEFINED
        )
    except HomeAssistantError:
        return "-"


async def async_test_speech(hass: HomeAssistant, entry: ConfigEntry) -> tuple[str, str]:
    """Call the phone of the test, speak a sentence, and ask for a key.

    Returns:
        The form's error key, which is empty if all of it works, and the detail of the
        error.
    """
    manager: CallManager | None = hass.data.get(DATA_MANAGERS, {}).get(entry.entry_id)
    if manager is None or entry.state is not ConfigEntryState.LOADED:
        return "speech_not_loaded", ""
    if not all(map(entry.options.get, (CONF_SPEECH_NUMBER, CONF_TEST_PHONE))):
        return "speech_no_test_phone", ""
    asks = entry.options.get(CONF_SPEECH_BOXES, BOXES_KEY) != BOXES_SAY
    try:
        call = await _async_call(manager, asks=asks)
        # The call forgets what it plays when it ends.
        announcement = call.request.announcement if call.request else None
        await async_wait_until_announced(manager, call)
    except HomeAssistantError as err:
        cause = err.__cause__
        if isinstance(cause, PbxError) and cause.code not in _OF_CALLS:
            # It names the right that is missing.
            return form_error(cause, entry.data)
        return "speech_test_refused", str(err)
    backend = manager.link.backend
    trace = backend.speech_trace(call.originated_call_id) if backend else None
    fault = diagnose(trace, call.result, asks=asks)
    # No other call plays the sentence, and its removal needs a right as well.
    if backend and announcement:
        try:
            await backend.remove_audio(announcement.audio)
        except PbxError as err:
            return (fault, "") if fault else form_error(err, entry.data)
    return fault, ""


async def _async_call(manager: CallManager, *, asks: bool) -> Call:
    """Call the phone; the PBX itself speaks if Home Assistant cannot."""
    language = manager.hass.config.language
    language = language if language in _SENTENCES else "en"
    sentence = _SENTENCES[language]
    if asks:
        sentence = f"{sentence} {_ASKING[language]}"
    try:
        return await _async_say(manager, sentence, asks=asks)
    except HomeAssistantError as err:
        if err.translation_key not in _NO_VOICE:
            raise
    return await _async_say(manager, _OWN_VOICE, asks=asks)


async def _async_say(
    manager: CallManager, message: str | Sequence[object], *, asks: bool
) -> Call:
    data = {CONF_CALLEE: manager.entry.options[CONF_TEST_PHONE], CONF_MESSAGE: message}
    if asks:
        data[CONF_DIGITS] = 1
    request, speech = resolve_announcement(manager, data)
    return await async_announce(manager, request, speech, CallOrigin(cooldown=0))


def diagnose(
    trace: SpeechTrace | None, result: CallResult | None, *, asks: bool
) -> str:
    """Return the error key for the step of the drawing that is missing, or "".

    Args:
        trace: what the boxes asked for in the call; None if none did.
        result: of the call.
        asks: whether a key was asked for.
    """
    if trace is None or trace.say_at is None:
        if result in _NOT_REACHED:
            return "speech_not_answered"
        # With a wrong drawing, an answered call may be reported as this, too.
        is_answered = result is CallResult.ANSWERED
        return "speech_no_request" if is_answered else "speech_no_answer"
    faults: Mapping[str, Callable[[], bool]] = {
        "speech_box_failed": lambda: trace.failed,
        "speech_same_name": lambda: trace.is_same_name,
        "speech_key_missing": lambda: asks and trace.key_at is None,
        "speech_answer_type": lambda: trace.reported_result in _NOT_ANSWERED,
        "speech_no_key": lambda: asks and not trace.digits,
    }
    return next((error for error, is_true in faults.items() if is_true()), "")


class SpeechFlow(OptionsFlow):
    """The pages of the options that set speech up, and test it."""

    _speaking: asyncio.Task[tuple[str, str]] | None = None
    _speech_fault: tuple[str, str] = ("", "")

    @property
    @abstractmethod
    def _book(self) -> PhoneBook:
        """The phone book of the PBX."""

    @abstractmethod
    async def _async_phones(self) -> list[SelectOptionDict]:
        """Return phones to choose from."""

    @abstractmethod
    def _save(self, page: vol.Schema, options: dict[str, Any]) -> ConfigFlowResult:
        """Store the options of one page, and keep the options of the others."""

    async def async_step_speech(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what to draw in the PBX, and ask which of it is drawn."""
        schema = speech_schema(await self._async_phones())
        errors: dict[str, str] = {}
        if user_input is not None:
            options, errors = parse_speech(user_input, self._book)
            if not errors:
                return self._save(schema, options)
        return self.async_show_form(
            step_id="speech",
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or self.config_entry.options
            ),
            errors=errors,
            description_placeholders=await async_drawing_settings(
                self.hass, self.config_entry
            ),
        )

    async def async_step_test_speech(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Call the phone of the test, and show the progress meanwhile."""
        if self._speaking is not None and self._speaking.done():
            self._speech_fault = self._speaking.result()
            self._speaking = None
            has_failed = bool(self._speech_fault[0])
            return self.async_show_progress_done(
                next_step_id="speech_fails" if has_failed else "speech_works"
            )
        # Show the progress even if the test is done immediately: otherwise the next
        # step would get the user input of this one.
        entry = self.config_entry
        if self._speaking is None:
            self._speaking = self.hass.async_create_background_task(
                async_test_speech(self.hass, entry), "pbx test of speech"
            )
        return self.async_show_progress(
            step_id="test_speech",
            progress_action="test_speech",
            progress_task=self._speaking,
            description_placeholders={"phone": entry.options.get(CONF_TEST_PHONE, "")},
        )

    async def async_step_speech_works(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show that all of it works."""
        if user_input is None:
            return self.async_show_form(step_id="speech_works", data_schema=_NO_FIELDS)
        return self._save(_NO_FIELDS, {})

    async def async_step_speech_fails(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show which step is missing, then test again."""
        if user_input is not None:
            return await self.async_step_test_speech()
        error, detail = self._speech_fault
        return self.async_show_form(
            step_id="speech_fails",
            data_schema=_NO_FIELDS,
            errors={"base": error},
            description_placeholders={"detail": detail},
        )
