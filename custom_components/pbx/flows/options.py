"""Options flow of a PBX: a menu of pages."""

import asyncio
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentry,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import BooleanSelector, SelectOptionDict
import voluptuous as vol

from ..backends.base import Directory, Feature
from ..backends.kind import PbxKind
from ..calls.contacts import PhoneBook
from ..calls.link import kind_of, pbx_settings
from ..calls.rules import DEFAULT_RULES
from ..const import CONF_LLM_ANNOUNCE, CONF_LLM_CALLS, CONF_LLM_TOOL, CONF_VOICE
from .call_defaults import (
    async_read_directory,
    call_defaults_schema,
    caller_options,
    parse_call_defaults,
)
from .call_log import CALL_LOG_SCHEMA, parse_call_log
from .connection import create_trial_backend
from .dialing_rules import DIALING_RULES_SCHEMA, parse_dialing_rules
from .events import EVENTS_SCHEMA, Inbox, async_sender_settings, async_test_events
from .import_extensions import (
    CONF_EXTENSIONS,
    MAX_SELECTED,
    import_schema,
    import_step,
    imported_contacts,
)
from .ring_phone import RingPhoneFlow, RingSettings
from .speech import SpeechFlow

_NO_FIELDS = vol.Schema({})
VOICE_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_VOICE, default=True): BooleanSelector(),
        vol.Required(CONF_LLM_TOOL, default=False): BooleanSelector(),
        vol.Required(CONF_LLM_ANNOUNCE, default=False): BooleanSelector(),
        vol.Required(CONF_LLM_CALLS, default=False): BooleanSelector(),
    }
)


class PbxOptionsFlow(RingPhoneFlow, SpeechFlow):
    """Options flow with a menu of pages; each page only changes its own options."""

    is_ring_offered = False

    def __init__(
        self, inbox_of: Callable[[HomeAssistant, ConfigEntry], Inbox | None]
    ) -> None:
        """Initialize the flow.

        Args:
            inbox_of: returns the inbox of a PBX.
        """
        self._inbox_of = inbox_of
        self._directory: Directory | None = None
        self._test: asyncio.Task[tuple[str, str]] | None = None
        self._fault = ("", "")

    async def async_step_init(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the menu."""
        pages = ["call_defaults", "dialing_rules"]
        if Feature.PUSHED_EVENTS in self._kind.features:
            pages += ["events", "test_events"]
        if Feature.DRAWN_SPEECH in self._kind.features:
            pages += ["speech", "test_speech"]
        pages += ["call_log", "voice", "import_extensions", "ring_phone"]
        return self.async_show_menu(step_id="init", menu_options=pages)

    async def async_step_call_defaults(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the call defaults."""
        errors: dict[str, str] = {}
        directory = await self._async_read_directory()
        shows_names = Feature.CALLER_NAME in self._kind.features
        schema = call_defaults_schema(directory, self._book, shows_names=shows_names)
        if user_input is not None:
            options, errors = parse_call_defaults(user_input, self._kind, self._book)
            if not errors:
                return self._save(schema, options)
        return self.async_show_form(
            step_id="call_defaults",
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or self.config_entry.options
            ),
            errors=errors,
        )

    async def async_step_call_log(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how many calls are kept, and who may read them."""
        if user_input is not None:
            return self._save(CALL_LOG_SCHEMA, parse_call_log(user_input))
        return self.async_show_form(
            step_id="call_log",
            data_schema=self.add_suggested_values_to_schema(
                CALL_LOG_SCHEMA, self.config_entry.options
            ),
        )

    async def async_step_voice(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the voice options."""
        if user_input is not None:
            return self._save(VOICE_SCHEMA, user_input)
        return self.async_show_form(
            step_id="voice",
            data_schema=self.add_suggested_values_to_schema(
                VOICE_SCHEMA, self.config_entry.options
            ),
        )

    async def async_step_import_extensions(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which of the missing extensions to put into the phone book."""
        book = self._book
        directory = await self._async_read_directory()
        missing = [
            each
            for each in directory.extensions
            if book.with_number(each.number) is None
        ]
        if not missing:
            reason = "all_imported" if directory.extensions else "no_directory"
            return self.async_abort(reason=reason)
        if user_input is None:
            return self.async_show_form(
                step_id=import_step(missing),
                data_schema=import_schema(missing),
                description_placeholders={"selected": str(MAX_SELECTED)},
            )
        names = [name for each in book.contacts for name in book.names_of(each)]
        chosen = user_input.get(CONF_EXTENSIONS, ())
        for contact in imported_contacts(missing, chosen, book.plan, names):
            self.hass.config_entries.async_add_subentry(
                self.config_entry,
                ConfigSubentry(
                    data=MappingProxyType(contact["data"]),
                    subentry_type=contact["subentry_type"],
                    title=contact["title"],
                    unique_id=contact["unique_id"],
                ),
            )
        return self._finish()

    async_step_select_extensions = async_step_import_extensions

    @override
    async def _async_ring_settings(self) -> RingSettings:
        """Return the settings of this PBX, with its extensions and contacts."""
        book = self._book
        return RingSettings(
            data=self.config_entry.data,
            options=self.config_entry.options,
            plan=book.plan,
            phones=await self._async_phones(),
            find=book.find,
            has_number=book.has_number,
        )

    @override
    async def _async_finish_ringing(self) -> ConfigFlowResult:
        """Finish without changes."""
        return self._finish()

    def _finish(self) -> ConfigFlowResult:
        """Finish without changing an option."""
        return self._save(_NO_FIELDS, {})

    @override
    async def _async_phones(self) -> list[SelectOptionDict]:
        """Return the contacts and the extensions of the PBX."""
        directory = await self._async_read_directory()
        return caller_options(directory.extensions, self._book)

    @property
    @override
    def _book(self) -> PhoneBook:
        return PhoneBook(self.hass, self.config_entry, self.hass.config.country)

    async def _async_read_directory(self) -> Directory:
        """Return the directory of the PBX, which is read once."""
        if self._directory is None:
            backend = create_trial_backend(self.hass, self.config_entry.data)
            self._directory, is_locked = await async_read_directory(backend)
            if is_locked:
                self.config_entry.async_start_reauth(self.hass)
        return self._directory

    async def async_step_dialing_rules(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the dialing rules."""
        schema = DIALING_RULES_SCHEMA
        errors: dict[str, str] = {}
        invalid = ""
        if user_input is not None:
            options, errors, invalid = parse_dialing_rules(user_input)
            if not errors:
                return self._save(schema, options)
        stored = {**DEFAULT_RULES, **self.config_entry.options}
        return self.async_show_form(
            step_id="dialing_rules",
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or stored
            ),
            errors=errors,
            description_placeholders={"detail": invalid},
        )

    async def async_step_events(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the settings to enter in the PBX, and ask which events to accept."""
        if user_input is not None:
            return self._save(EVENTS_SCHEMA, user_input)
        return self.async_show_form(
            step_id="events",
            data_schema=self.add_suggested_values_to_schema(
                EVENTS_SCHEMA, self.config_entry.options
            ),
            description_placeholders=async_sender_settings(
                self.hass, self.config_entry
            ),
        )

    async def async_step_test_events(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Test the events, and show the progress meanwhile."""
        if self._test is not None and self._test.done():
            self._fault = self._test.result()
            self._test = None
            return self.async_show_progress_done(
                next_step_id="test_failed" if any(self._fault) else "test_passed"
            )
        # Show the progress even if the test is done immediately: otherwise the next
        # step would get the user input of this one.
        if self._test is None:
            entry = self.config_entry
            inbox = self._inbox_of(self.hass, entry)
            self._test = self.hass.async_create_task(
                async_test_events(self.hass, entry, inbox), "pbx test of events"
            )
        return self.async_show_progress(
            step_id="test_events",
            progress_action="test_events",
            progress_task=self._test,
        )

    async def async_step_test_passed(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show that the events are received."""
        if user_input is None:
            return self.async_show_form(step_id="test_passed", data_schema=_NO_FIELDS)
        return self._finish()

    async def async_step_test_failed(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what to check, then test again."""
        if user_input is not None:
            return await self.async_step_test_events()
        error, detail = self._fault
        return self.async_show_form(
            step_id="test_failed",
            data_schema=_NO_FIELDS,
            errors={"base": error},
            description_placeholders={"detail": detail},
        )

    @property
    def _kind(self) -> PbxKind:
        return kind_of(pbx_settings(self.config_entry))

    @override
    def _save(self, page: vol.Schema, options: dict[str, Any]) -> ConfigFlowResult:
        """Store the options of one page, and keep the options of the others."""
        fields = {str(name) for name in page.schema}
        others = {
            name: value
            for name, value in self.config_entry.options.items()
            if name not in fields
        }
        return self.async_create_entry(data=others | options)
