"""Config flow of the PBX integration."""

from collections.abc import Mapping
from functools import partial
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryData,
    ConfigSubentryFlow,
    FlowType,
    SubentryFlowContext,
)
from homeassistant.const import CONF_NAME, CONF_URL
from homeassistant.core import callback
import voluptuous as vol

from .backends import KINDS
from .backends.base import Directory, Feature
from .backends.redaction import one_line
from .calls.link import kind_of
from .calls.number_plan import NumberPlan
from .const import (
    CONF_CALLER,
    CONF_INTERNAL_DIGITS,
    CONF_KIND,
    CONF_NUMBER,
    DOMAIN,
    SUBENTRY_CONTACT,
)
from .flows.call_defaults import (
    async_read_directory,
    call_defaults_schema,
    extension_options,
    parse_call_defaults,
    suggested_defaults,
)
from .flows.connection import (
    FORMS,
    ConnectionForm,
    async_test_connection,
    create_trial_backend,
    default_name,
    form_error,
)
from .flows.contact import ContactFlow
from .flows.import_extensions import (
    CONF_EXTENSIONS,
    MAX_SELECTED,
    import_schema,
    import_step,
    imported_contacts,
)
from .flows.options import PbxOptionsFlow
from .flows.ring_phone import RingPhoneFlow, RingSettings
from .webhook import async_new_address, inbox_of


class PbxConfigFlow(RingPhoneFlow, ConfigFlow, domain=DOMAIN):
    """Add a PBX: its connection, its call defaults, its extensions, and a test."""

    is_ring_offered = True

    def __init__(self) -> None:
        """Initialize the flow, and add the steps of each kind of PBX."""
        self._name = ""
        self._data: dict[str, Any] = {}
        self._options: dict[str, Any] = {}
        self._directory: Directory | None = None
        self._contacts: list[ConfigSubentryData] = []
        for kind_id in FORMS:
            for step_id, step in (
                (kind_id, self._async_add),
                (f"reauth_{kind_id}", self._async_reauth),
                (f"reconfigure_{kind_id}", self._async_reconfigure),
            ):
                setattr(self, f"async_step_{step_id}", partial(step, kind_id))

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> PbxOptionsFlow:
        """Return the options flow."""
        return PbxOptionsFlow(inbox_of)

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, _config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the subentry flows of a PBX."""
        return {SUBENTRY_CONTACT: ContactFlow}

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Continue with the flow that adds the first contact, if none was imported."""
        if result["result"].subentries:
            return result
        flow = await self.hass.config_entries.subentries.async_init(
            (result["result"].entry_id, SUBENTRY_CONTACT),
            context=SubentryFlowContext(source=SOURCE_USER),
        )
        result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"])
        return result

    @override
    async def async_step_user(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which kind of PBX it is."""
        return self.async_show_menu(step_id="user", menu_options=list(FORMS))

    async def _async_add(
        self, kind_id: str, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the connection of a new PBX, and test it."""
        form = FORMS[kind_id]
        name = default_name(self.hass, KINDS[kind_id])
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            stored = {CONF_KIND: kind_id, **form.generate()}
            data, errors, detail = await self._async_check(user_input, stored)
            if not errors:
                self._name = _typed_name(user_input) or name
                self._data = data
                return await self.async_step_defaults()
        # Keep what was entered.
        shown = {CONF_NAME: name, **(user_input or {})}
        schema = self.add_suggested_values_to_schema(form.connection, shown)
        return self._show_form(kind_id, form, schema, errors, detail)

    async def async_step_defaults(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the call defaults."""
        kind = kind_of(self._data)
        errors: dict[str, str] = {}
        if self._directory is None:
            backend = create_trial_backend(self.hass, self._data)
            self._directory, _ = await async_read_directory(backend)
        if user_input is not None:
            options, errors = parse_call_defaults(user_input, kind)
            if not errors:
                self._options = options
                return await self.async_step_import_extensions()
        shows_names = Feature.CALLER_NAME in kind.features
        return self.async_show_form(
            step_id="defaults",
            data_schema=self.add_suggested_values_to_schema(
                call_defaults_schema(self._directory, shows_names=shows_names),
                user_input or suggested_defaults(FORMS[kind.id].default_context),
            ),
            errors=errors,
        )

    async def async_step_import_extensions(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which extensions to put into the phone book, where the PBX lists any."""
        extensions = self._directory.extensions if self._directory else ()
        if extensions and user_input is None:
            return self.async_show_form(
                step_id=import_step(extensions),
                data_schema=import_schema(extensions),
                description_placeholders={"selected": str(MAX_SELECTED)},
            )
        chosen = (user_input or {}).get(CONF_EXTENSIONS, ())
        self._contacts = imported_contacts(extensions, chosen, self._plan)
        if CONF_CALLER not in self._options:
            return await self._async_finish_ringing()
        return await self.async_step_ring_phone()

    async_step_select_extensions = async_step_import_extensions

    @override
    async def _async_ring_settings(self) -> RingSettings:
        """Return the settings of the PBX that is about to be added."""
        extensions = self._directory.extensions if self._directory else ()
        imported = {each["data"][CONF_NUMBER] for each in self._contacts}
        return RingSettings(
            data=self._data,
            options=self._options,
            plan=self._plan,
            phones=extension_options(extensions),
            find=lambda _name: (),
            has_number=imported.__contains__,
        )

    @override
    async def _async_finish_ringing(self) -> ConfigFlowResult:
        """Add the PBX."""
        # Another entry may have come to this address meanwhile.
        self._abort_if_configured(self._data)
        is_pushed_to = Feature.PUSHED_EVENTS in kind_of(self._data).features
        address = async_new_address() if is_pushed_to else {}
        return self.async_create_entry(
            title=self._name,
            data={**self._data, **address},
            options=self._options,
            subentries=self._contacts,
        )

    @property
    def _plan(self) -> NumberPlan:
        return NumberPlan(
            region=self.hass.config.country,
            internal_digits=self._options[CONF_INTERNAL_DIGITS],
        )

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask for new credentials: the PBX rejected the stored ones."""
        return await self._async_reauth(entry_data[CONF_KIND])

    async def _async_reauth(
        self, kind_id: str, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for new credentials, and test them."""
        schema = FORMS[kind_id].credentials
        entry = self._get_reauth_entry()
        return await self._async_change(f"reauth_{kind_id}", schema, entry, user_input)

    async def async_step_reconfigure(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for changes to the address, credentials, or certificate check."""
        entry = self._get_reconfigure_entry()
        return await self._async_reconfigure(entry.data[CONF_KIND])

    async def _async_reconfigure(
        self, kind_id: str, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for changes to the connection, and test it."""
        schema = FORMS[kind_id].connection
        entry = self._get_reconfigure_entry()
        return await self._async_change(
            f"reconfigure_{kind_id}", schema, entry, user_input
        )

    async def _async_change(
        self,
        step_id: str,
        schema: vol.Schema,
        entry: ConfigEntry,
        user_input: dict[str, Any] | None,
    ) -> ConfigFlowResult:
        """Change the data of an entry once they have been tested."""
        form = FORMS[entry.data[CONF_KIND]]
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            data, errors, detail = await self._async_check(
                user_input, entry.data, entry
            )
            if not errors:
                return self._update(entry, data, _typed_name(user_input))
        shown = user_input or {
            CONF_NAME: entry.title,
            **{
                name: value
                for name, value in entry.data.items()
                if name not in form.secrets
            },
        }
        schema = self.add_suggested_values_to_schema(schema, shown)
        return self._show_form(step_id, form, schema, errors, detail)

    async def _async_check(
        self,
        user_input: dict[str, Any],
        stored: Mapping[str, Any],
        entry: ConfigEntry | None = None,
    ) -> tuple[dict[str, Any], dict[str, str], str]:
        """Return the entry data, the form's errors, and the detail of the error.

        Args:
            user_input: of the form.
            stored: the current data.
            entry: the entry that is being changed, None for a new one.

        Raises:
            AbortFlow: another entry has this address.
        """
        typed = {key: value for key, value in user_input.items() if key != CONF_NAME}
        data, errors = FORMS[stored[CONF_KIND]].parse(typed, stored)
        if errors:
            return data, errors, ""
        self._abort_if_configured(data, entry)
        if (err := await async_test_connection(self.hass, data)) is not None:
            error, detail = form_error(err, data)
            return data, {"base": error}, detail
        # Another entry may have taken this address meanwhile.
        self._abort_if_configured(data, entry)
        return data, {}, ""

    @callback
    def _abort_if_configured(
        self, data: Mapping[str, Any], entry: ConfigEntry | None = None
    ) -> None:
        """Abort the flow if another entry has the same address.

        Args:
            data: the new data of the entry.
            entry: the entry that is being changed, None for a new one; it may
                keep its address.

        Raises:
            AbortFlow: another entry has this address.
        """
        if entry is None or entry.data[CONF_URL] != data[CONF_URL]:
            self._async_abort_entries_match({CONF_URL: data[CONF_URL]})

    @callback
    def _update(
        self, entry: ConfigEntry, data: dict[str, Any], name: str
    ) -> ConfigFlowResult:
        """Store the new data, and a name if there is one."""
        # The update listener reloads the entry. It is not called if the data are the
        # same (they may work by now), or if the entry was never set up.
        listener_reloads = bool(entry.update_listeners) and entry.data != data
        result = self.async_update_and_abort(
            entry, title=name or entry.title, data=data
        )
        if not listener_reloads and entry.state is not ConfigEntryState.LOADED:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return result

    @callback
    def _show_form(
        self,
        step_id: str,
        form: ConnectionForm,
        schema: vol.Schema,
        errors: dict[str, str],
        detail: str,
    ) -> ConfigFlowResult:
        """Show the form of the connection, or of the credentials only."""
        return self.async_show_form(
            step_id=step_id,
            data_schema=schema,
            errors=errors,
            description_placeholders={**form.examples, "detail": detail},
        )


def _typed_name(user_input: Mapping[str, Any]) -> str:
    """Return the name that was entered for a PBX, or an empty string."""
    return one_line(user_input.get(CONF_NAME, ""))
