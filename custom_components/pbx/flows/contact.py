"""The form of a contact."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from homeassistant.config_entries import (
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import SectionConfig, section
from homeassistant.helpers.selector import (
    AreaSelector,
    AreaSelectorConfig,
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
import voluptuous as vol

from ..backends.base import DirectoryExtension, Feature
from ..backends.kind import PbxKind
from ..backends.redaction import is_name
from ..calls.action_data import PHONE_KEYS
from ..calls.contacts import ANNOUNCEMENT_SETTINGS, PhoneBook, name_key
from ..calls.link import kind_of, pbx_settings
from ..calls.number import InvalidNumberError, NumberFault, parse_number
from ..calls.number_plan import NumberPlan
from ..calls.resolve import is_contact_name
from ..const import (
    CALL_LIMIT_RANGE,
    CONF_ALIASES,
    CONF_AREAS,
    CONF_CALL_LIMIT,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CONFIRM_KEY,
    CONF_CONTEXT,
    CONF_IS_EXTENSION,
    CONF_LANGUAGE,
    CONF_NUMBER,
    CONF_PERSON,
    CONF_REPEAT,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    CONF_TTS_ENGINE,
    CONF_VOICE,
    REPEAT_RANGE,
    SUBENTRY_CONTACT,
    TIMEOUT_RANGE,
)
from .call_defaults import (
    async_read_directory,
    caller_options,
    contact_fault,
    extension_options,
    parse_default,
    text_with_suggestions,
    whole_number,
)
from .connection import create_trial_backend

CONF_OVERRIDES = "overrides"
CONF_ANNOUNCEMENTS = "announcements"
CONF_EXTENSION = "extension"

_SECTIONS = (CONF_OVERRIDES, CONF_ANNOUNCEMENTS, CONF_EXTENSION)


def contact_schema(
    kind: PbxKind,
    known: Sequence[DirectoryExtension],
    book: PhoneBook,
) -> vol.Schema:
    """Return the form of a contact.

    Args:
        kind: of the PBX, which decides what it has.
        known: extensions of the PBX; those that are not in the phone book are offered
            as the contact's number.
        book: the phone book, whose contacts are offered as the contact's own caller.
    """
    unlisted = [each for each in known if book.with_number(each.number) is None]
    callers = text_with_suggestions(caller_options(known, book))
    names = {vol.Optional(CONF_CALLER_NAME): TextSelector()}
    overrides = vol.Schema(
        {
            vol.Optional(CONF_CALLER): callers,
            vol.Optional(CONF_CALLER_ID): TextSelector(),
            **(names if Feature.CALLER_NAME in kind.features else {}),
            vol.Optional(CONF_CONTEXT): TextSelector(),
            vol.Optional(CONF_TRUNK_NAME): TextSelector(),
            vol.Optional(CONF_TIMEOUT): whole_number(TIMEOUT_RANGE, unit="s"),
            vol.Optional(CONF_CALL_LIMIT): whole_number(CALL_LIMIT_RANGE, unit="s"),
        }
    )
    areas = AreaSelector(AreaSelectorConfig(multiple=True))
    extension = vol.Schema(
        {
            vol.Optional(CONF_IS_EXTENSION): BooleanSelector(),
            vol.Optional(CONF_AREAS): areas,
        }
    )
    collapsed = SectionConfig(collapsed=True)
    announcements = {
        vol.Required(CONF_ANNOUNCEMENTS): section(_announcements(), collapsed)
    }
    person = EntitySelector(EntitySelectorConfig(domain="person"))
    number = text_with_suggestions(extension_options(unlisted))
    return vol.Schema(
        {
            # Without a default, the first extension would be selected beforehand.
            vol.Required(CONF_NUMBER, default=""): number,
            vol.Optional(CONF_NAME): TextSelector(),
            vol.Optional(CONF_ALIASES): TextSelector(TextSelectorConfig(multiple=True)),
            vol.Optional(CONF_PERSON): person,
            vol.Required(CONF_VOICE, default=True): BooleanSelector(),
            vol.Required(CONF_OVERRIDES): section(overrides, collapsed),
            **(announcements if Feature.SPEECH in kind.features else {}),
            vol.Required(CONF_EXTENSION): section(extension, collapsed),
        }
    )


def _announcements() -> vol.Schema:
    """Return the section with the settings for announcements to a contact."""
    keys = SelectSelectorConfig(
        options=list(PHONE_KEYS), mode=SelectSelectorMode.DROPDOWN
    )
    return vol.Schema(
        {
            vol.Optional(CONF_TTS_ENGINE): EntitySelector(
                EntitySelectorConfig(domain="tts")
            ),
            vol.Optional(CONF_LANGUAGE): TextSelector(),
            vol.Optional(CONF_REPEAT): whole_number(REPEAT_RANGE),
            vol.Optional(CONF_CONFIRM_KEY): SelectSelector(keys),
        }
    )


class ContactFlow(ConfigSubentryFlow):
    """Add a contact, or change one."""

    def __init__(self) -> None:
        """Initialize the flow."""
        self._known: Sequence[DirectoryExtension] | None = None

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a new contact."""
        return await self._async_step("user", user_input, None)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for changes of a contact."""
        subentry = self._get_reconfigure_subentry()
        return await self._async_step("reconfigure", user_input, subentry)

    async def _async_step(
        self,
        step_id: str,
        user_input: dict[str, Any] | None,
        subentry: ConfigSubentry | None,
    ) -> SubentryFlowResult:
        entry = self._get_entry()
        errors: dict[str, str] = {}
        kind = kind_of(pbx_settings(entry))
        if self._known is None:
            backend = create_trial_backend(self.hass, entry.data)
            directory, _ = await async_read_directory(backend)
            self._known = directory.extensions
        book = PhoneBook(self.hass, entry, self.hass.config.country)
        if user_input is not None:
            typed = _flat(user_input)
            person = self.hass.states.get(typed.get(CONF_PERSON) or "")
            title, data, errors = parse_contact(
                typed, kind, self._known, person.name if person else ""
            )
            others = [
                each
                for each in entry.get_subentries_of_type(SUBENTRY_CONTACT)
                if subentry is None or each.subentry_id != subentry.subentry_id
            ]
            errors |= _conflicts(title, data, errors, book, others)
            if not errors:
                return self._save(title, data, book, subentry)
        shown = user_input
        if shown is None and subentry is not None:
            shown = _as_typed(subentry)
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                contact_schema(kind, self._known, book), shown
            ),
            errors=errors,
        )

    def _save(
        self,
        title: str,
        data: dict[str, Any],
        book: PhoneBook,
        subentry: ConfigSubentry | None,
    ) -> SubentryFlowResult:
        unique_id = contact_unique_id(data[CONF_NUMBER], book.plan)
        if subentry is None:
            return self.async_create_entry(title=title, data=data, unique_id=unique_id)
        return self.async_update_and_abort(
            self._get_entry(), subentry, title=title, data=data, unique_id=unique_id
        )


def parse_contact(
    typed: Mapping[str, Any],
    kind: PbxKind,
    known: Sequence[DirectoryExtension],
    person_name: str = "",
) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return the name and the data of a contact, and the form's errors by field.

    An error in a collapsed section is shown above the form. Fields that were left
    empty are not stored.

    Args:
        typed: the fields of the form, without its sections.
        kind: of the PBX, which decides what it accepts.
        known: extensions of the PBX.
        person_name: of the person that was selected, if any.
    """
    errors: dict[str, str] = {}
    data: dict[str, Any] = {CONF_VOICE: typed.get(CONF_VOICE, True)}
    try:
        data[CONF_NUMBER] = parse_number(typed[CONF_NUMBER])
    except InvalidNumberError as err:
        errors[CONF_NUMBER] = err.fault
    number = data.get(CONF_NUMBER, "")
    names = {each.number: each.name for each in known}
    suggested = filter(None, (person_name.strip(), names.get(number, "")))
    usable = (each for each in suggested if not name_fault(each, number))
    title = typed.get(CONF_NAME, "").strip() or next(usable, number)
    aliases = [alias.strip() for alias in typed.get(CONF_ALIASES, ())]
    aliases = [alias for alias in aliases if alias]
    for field, texts in ((CONF_NAME, [title]), (CONF_ALIASES, aliases)):
        if faults := [fault for text in texts if (fault := name_fault(text, number))]:
            errors[field] = faults[0]
    data[CONF_ALIASES] = aliases
    if person := typed.get(CONF_PERSON):
        data[CONF_PERSON] = person
    data[CONF_IS_EXTENSION] = typed.get(CONF_IS_EXTENSION, number in names)
    if areas := typed.get(CONF_AREAS):
        data[CONF_AREAS] = areas
    overrides, fault = _parse_overrides(typed, kind)
    if fault:
        errors["base"] = fault
    return title, data | overrides | _parse_announcements(typed), errors


def _parse_announcements(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contact's own settings for announcements."""
    settings = _only(typed, ANNOUNCEMENT_SETTINGS)
    if CONF_REPEAT in settings:
        settings[CONF_REPEAT] = int(settings[CONF_REPEAT])
    if CONF_LANGUAGE in settings:
        settings[CONF_LANGUAGE] = settings[CONF_LANGUAGE].strip()
    return {name: value for name, value in settings.items() if value}


def _parse_overrides(
    typed: Mapping[str, Any], kind: PbxKind
) -> tuple[dict[str, Any], str]:
    """Return the contact's own call defaults, and what is wrong with one of them."""
    overrides: dict[str, Any] = {}
    fault = ""
    for field in _OVERRIDES:
        value = typed.get(field, "")
        text = value.strip() if isinstance(value, str) else value
        if text == "":
            continue
        try:
            overrides[field] = parse_default(field, text, kind)
        except InvalidNumberError as err:
            fault = err.fault
        except ValueError:
            fault = "not_printable"
    return overrides, fault


_OVERRIDES = (
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CONTEXT,
    CONF_TRUNK_NAME,
    CONF_TIMEOUT,
    CONF_CALL_LIMIT,
)


def name_fault(name: str, number: str) -> str:
    """Return why a text cannot be the name of a contact; empty if it can.

    Args:
        name: the text.
        number: of the contact; empty if it is invalid.
    """
    if not is_name(name):
        return "name_invalid"
    try:
        is_own = parse_number(name) == number
    except InvalidNumberError as err:
        if err.is_other_text:
            return ""
        is_own = False
        if err.fault is NumberFault.NO_STATE:
            return "name_no_state"
    return "" if is_own or not number else "name_is_number"


def _conflicts(
    title: str,
    data: Mapping[str, Any],
    errors: Mapping[str, str],
    book: PhoneBook,
    others: Sequence[ConfigSubentry],
) -> dict[str, str]:
    """Return what collides with other contacts, by field."""
    found: dict[str, str] = {}
    number = data.get(CONF_NUMBER)
    if number and _is_taken(number, others, book.plan):
        found[CONF_NUMBER] = "number_taken"
    contacts = filter(None, (book.contact(each.subentry_id) for each in others))
    taken = {name_key(name) for each in contacts for name in book.names_of(each)}
    for field, names in ((CONF_NAME, [title]), (CONF_ALIASES, data[CONF_ALIASES])):
        if field not in errors and taken & set(map(name_key, names)):
            found[field] = "name_taken"
    caller = data.get(CONF_CALLER)
    if is_contact_name(caller) and (fault := contact_fault(book.find(str(caller)))):
        found["base"] = fault
    return found


def _is_taken(number: str, others: Iterable[ConfigSubentry], plan: NumberPlan) -> bool:
    """Return whether another contact has the same number, in any notation."""
    unique_id = contact_unique_id(number, plan)
    # A contact that was added before the country was changed has a different ID.
    return any(
        unique_id in (each.unique_id, contact_unique_id(each.data[CONF_NUMBER], plan))
        for each in others
    )


def contact_unique_id(number: str, plan: NumberPlan) -> str:
    """Return what no two contacts of a PBX have in common."""
    return f"{SUBENTRY_CONTACT}_{plan.identity(number)}"


def _flat(user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a form without its sections."""
    fields = {k: v for k, v in user_input.items() if k not in _SECTIONS}
    for name in _SECTIONS:
        fields |= user_input.get(name, {})
    return fields


def _as_typed(subentry: ConfigSubentry) -> dict[str, Any]:
    """Return the form's fields of a contact that exists."""
    data = subentry.data
    return {
        CONF_NAME: subentry.title,
        **_only(data, (CONF_NUMBER, CONF_ALIASES, CONF_PERSON, CONF_VOICE)),
        CONF_OVERRIDES: _only(data, _OVERRIDES),
        CONF_ANNOUNCEMENTS: _only(data, ANNOUNCEMENT_SETTINGS),
        CONF_EXTENSION: _only(data, (CONF_IS_EXTENSION, CONF_AREAS)),
    }


def _only(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: data[name] for name in names if name in data}
