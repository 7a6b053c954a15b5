"""The config flow of a PBX."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_PASSWORD, CONF_URL
from homeassistant.core import callback
import voluptuous as vol

from .call_defaults import (
    SUGGESTED_DEFAULTS,
    Directory,
    async_read_directory,
    call_defaults_schema,
    parse_call_defaults,
)
from .connection import (
    CONNECTION_SCHEMA,
    CREDENTIALS_SCHEMA,
    async_test_connection,
    default_title,
    form_error,
    parse_connection,
)
from .const import CONF_API_KEY, CONF_KIND, DOMAIN
from .kinds import PbxKind, async_create_client
from .options_flow import PbxOptionsFlow
from .webhook import async_new_address

# Translations hold no addresses.
_EXAMPLES = {"host": "192.168.1.20", "address": "https://pbx.example.com/api/v4"}


class PbxConfigFlow(ConfigFlow, domain=DOMAIN):
    """Ask for a PBX's address and credentials, then for its call defaults."""

    MINOR_VERSION = 2

    def __init__(self) -> None:
        """Know nothing yet."""
        self._data: dict[str, Any] = {}
        self._directory: Directory | None = None

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> PbxOptionsFlow:
        """Return the flow of the options."""
        return PbxOptionsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask where the PBX is and how it knows us."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            stored = {CONF_KIND: PbxKind.SIMOTEL.value}
            data, errors, detail = await self._async_check(user_input, stored)
            if not errors:
                self._data = data
                return await self.async_step_defaults()
        return self._show_form("user", CONNECTION_SCHEMA, user_input, errors, detail)

    async def async_step_defaults(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the call defaults."""
        errors: dict[str, str] = {}
        if user_input is not None:
            options, errors = parse_call_defaults(user_input)
            if not errors:
                # Another entry may have moved to this address meanwhile; it
                # would be replaced.
                self._abort_if_unique_id_configured()
                return self.async_create_entry(
                    title=default_title(self._data),
                    data={**self._data, **async_new_address()},
                    options=options,
                )
        if self._directory is None:
            client = async_create_client(self.hass, self._data)
            self._directory = await async_read_directory(client)
        return self.async_show_form(
            step_id="defaults",
            data_schema=self.add_suggested_values_to_schema(
                call_defaults_schema(self._directory), user_input or SUGGESTED_DEFAULTS
            ),
            errors=errors,
        )

    async def async_step_reauth(
        self, _entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask for new credentials: the PBX refused those that are stored."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take new credentials."""
        return await self._async_change(
            "reauth_confirm", CREDENTIALS_SCHEMA, self._get_reauth_entry(), user_input
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take another address, other credentials, or another trust."""
        return await self._async_change(
            "reconfigure",
            CONNECTION_SCHEMA,
            self._get_reconfigure_entry(),
            user_input,
        )

    async def _async_change(
        self,
        step_id: str,
        schema: vol.Schema,
        entry: ConfigEntry,
        user_input: dict[str, Any] | None,
    ) -> ConfigFlowResult:
        """Change the data of an entry, once they have been tested."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            data, errors, detail = await self._async_check(
                user_input, entry.data, entry
            )
            if not errors:
                return self._update(entry, data)
        shown = user_input or {
            name: value
            for name, value in entry.data.items()
            if name not in (CONF_PASSWORD, CONF_API_KEY)
        }
        return self._show_form(step_id, schema, shown, errors, detail)

    async def _async_check(
        self,
        user_input: dict[str, Any],
        stored: Mapping[str, Any],
        entry: ConfigEntry | None = None,
    ) -> tuple[dict[str, Any], dict[str, str], str]:
        """Return the entry data, the form's errors, and the words for them.

        Args:
            user_input: what was typed.
            stored: the data so far.
            entry: the entry that is being changed, None for a new one.

        Raises:
            AbortFlow: another entry has this address.
        """
        data, errors = parse_connection(user_input, stored)
        if errors:
            return data, errors, ""
        if entry is None or entry.unique_id != data[CONF_URL]:
            await self.async_set_unique_id(data[CONF_URL], raise_on_progress=False)
            self._abort_if_unique_id_configured()
        if (err := await async_test_connection(self.hass, data)) is not None:
            error, detail = form_error(err)
            return data, {"base": error}, detail
        return data, {}, ""

    @callback
    def _update(self, entry: ConfigEntry, data: dict[str, Any]) -> ConfigFlowResult:
        """Store new data and start the entry anew."""
        # An entry that could not be set up has no listener to start it again.
        finish = (
            self.async_update_and_abort
            if entry.update_listeners
            else self.async_update_reload_and_abort
        )
        is_named = entry.title != default_title(entry.data)
        return finish(
            entry,
            unique_id=data[CONF_URL],
            title=entry.title if is_named else default_title(data),
            data=data,
        )

    @callback
    def _show_form(
        self,
        step_id: str,
        schema: vol.Schema,
        shown: Mapping[str, Any] | None,
        errors: dict[str, str],
        detail: str,
    ) -> ConfigFlowResult:
        """Show a form of the connection with what was typed still in it."""
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders={**_EXAMPLES, "detail": detail},
        )
