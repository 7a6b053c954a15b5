"""Form of the call defaults, for the config flow and the options flow."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, override

from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
import voluptuous as vol

from ..backends.base import Backend, Directory, DirectoryExtension, Feature
from ..backends.errors import CredentialsError, PbxError
from ..backends.kind import PbxKind
from ..backends.redaction import is_name
from ..calls.contacts import Contact, PhoneBook
from ..calls.number import InvalidNumberError, is_external, parse_number
from ..calls.request import parse_caller_id
from ..calls.resolve import is_contact_name
from ..const import (
    CALL_LIMIT_RANGE,
    CONF_CALL_LIMIT,
    CONF_CALLER,
    CONF_CALLER_ID,
    CONF_CALLER_NAME,
    CONF_CONTEXT,
    CONF_INTERNAL_DIGITS,
    CONF_TIMEOUT,
    CONF_TRUNK_NAME,
    DEFAULT_INTERNAL_DIGITS,
    DEFAULT_TIMEOUT,
    INTERNAL_DIGITS_RANGE,
    TIMEOUT_RANGE,
)

# Seconds. The user waits for the form, which also works without suggestions.
_DIRECTORY_TIMEOUT = 5


def suggested_defaults(default_context: str) -> dict[str, Any]:
    """Return the suggested values of a new PBX."""
    return {
        CONF_CONTEXT: default_context,
        CONF_TIMEOUT: DEFAULT_TIMEOUT,
        CONF_INTERNAL_DIGITS: DEFAULT_INTERNAL_DIGITS,
    }


async def async_read_directory(backend: Backend) -> tuple[Directory, bool]:
    """Read the directory of the PBX for suggestions.

    Returns:
        The directory, which is empty if it cannot be read in time, and whether the
        PBX rejected the credentials.
    """
    try:
        async with asyncio.timeout(_DIRECTORY_TIMEOUT):
            return await backend.directory(), False
    except CredentialsError:
        return Directory(), True
    except PbxError, TimeoutError:
        return Directory(), False


def call_defaults_schema(
    directory: Directory, book: PhoneBook | None = None, *, shows_names: bool
) -> vol.Schema:
    """Return the schema of the form, with the directory's entries as suggestions.

    Args:
        directory: of the PBX.
        book: the phone book of the PBX; None for a new one.
        shows_names: whether phones show a name in addition to the caller ID.
    """
    phones = caller_options(directory.extensions, book)
    trunks = [SelectOptionDict(value=name, label=name) for name in directory.trunks]
    name = {vol.Optional(CONF_CALLER_NAME): TextSelector()} if shows_names else {}
    return vol.Schema(
        {
            vol.Optional(CONF_CONTEXT): TextSelector(),
            vol.Optional(CONF_CALLER): text_with_suggestions(phones),
            vol.Optional(CONF_CALLER_ID): TextSelector(),
            **name,
            vol.Optional(CONF_TRUNK_NAME): text_with_suggestions(trunks),
            vol.Required(CONF_TIMEOUT): whole_number(TIMEOUT_RANGE, unit="s"),
            vol.Optional(CONF_CALL_LIMIT): whole_number(CALL_LIMIT_RANGE, unit="s"),
            vol.Required(CONF_INTERNAL_DIGITS): whole_number(INTERNAL_DIGITS_RANGE),
        }
    )


def parse_call_defaults(
    user_input: Mapping[str, Any], kind: PbxKind, book: PhoneBook | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the options from a form, and its errors by field.

    Empty fields are omitted from the options.

    Args:
        user_input: of the form.
        kind: of the PBX.
        book: the phone book of the PBX, whose names are accepted as the caller; None
            for a new one.
    """
    options: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, value in user_input.items():
        text = value.strip() if isinstance(value, str) else value
        if text == "":
            continue
        try:
            options[name] = parse_default(name, text, kind)
        except InvalidNumberError as err:
            errors[name] = err.fault
        except ValueError:
            errors[name] = "not_printable"
    caller = options.get(CONF_CALLER, "")
    own_trunk: Mapping[str, Any] = {}
    if is_contact_name(caller):
        found = book.find(caller) if book else []
        if fault := contact_fault(found):
            return options, {**errors, CONF_CALLER: fault}
        caller, own_trunk = found[0].number, found[0].overrides
    caller_is_external = is_external(caller, options[CONF_INTERNAL_DIGITS])
    needs_trunk = caller_is_external and Feature.OPTIONAL_TRUNK not in kind.features
    if needs_trunk and CONF_TRUNK_NAME not in {**own_trunk, **options, **errors}:
        errors[CONF_TRUNK_NAME] = "trunk_required"
    return options, errors


def contact_fault(found: Sequence[Contact]) -> str:
    """Return why a name does not stand for a contact; empty if it does.

    Args:
        found: the contacts with the name.
    """
    if len(found) == 1:
        return ""
    return "ambiguous_contact" if found else "unknown_contact"


def caller_options(
    extensions: Sequence[DirectoryExtension], book: PhoneBook | None
) -> list[SelectOptionDict]:
    """Return the options of a field that offers callers, with their names.

    Args:
        extensions: of the directory of the PBX.
        book: the phone book, whose contacts come first; None for a new PBX.
    """
    if book is None:
        return extension_options(extensions)
    listed = [
        SelectOptionDict(
            value=_caller_value(contact, book),
            label=_label(contact.number, contact.name),
        )
        for contact in book.contacts
    ]
    others = [each for each in extensions if book.with_number(each.number) is None]
    return listed + extension_options(others)


def _caller_value(contact: Contact, book: PhoneBook) -> str:
    """Return how a contact is stored as a caller.

    An external caller is stored by name, as its trunk and its caller ID apply then.
    """
    is_named = book.plan.is_external(contact.number) and is_contact_name(contact.name)
    return contact.name if is_named else contact.number


def extension_options(
    extensions: Sequence[DirectoryExtension],
) -> list[SelectOptionDict]:
    """Return the options of a field that offers extensions, with their names."""
    return [
        SelectOptionDict(value=each.number, label=_label(each.number, each.name))
        for each in extensions
    ]


def _label(number: str, name: str) -> str:
    return " ".join(dict.fromkeys(filter(None, (number, name))))


def parse_default(name: str, value: Any, kind: PbxKind) -> Any:  # noqa: ANN401 - text or a number
    """Return the parsed value of a call default of a PBX or of a contact.

    Args:
        name: of the field.
        value: of the field, without surrounding spaces.
        kind: of the PBX.

    Raises:
        InvalidNumberError: the value is not a valid number.
        ValueError: the value is not a single line of printable text.
    """
    if name == CONF_CALLER:
        return value if is_contact_name(value) else parse_number(value)
    if name == CONF_CALLER_ID:
        may_be_name = Feature.NAMED_CALLER_ID in kind.features
        return parse_caller_id(value, may_be_name=may_be_name)
    if isinstance(value, str) and not is_name(value):
        raise ValueError("not one line")
    return value


def text_with_suggestions(
    suggestions: list[SelectOptionDict],
) -> SelectSelector | TextSelector:
    """Return a field of text that offers suggestions, where there are any."""
    if not suggestions:
        return TextSelector()
    return SelectSelector(
        SelectSelectorConfig(
            options=suggestions,
            custom_value=True,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )


class _WholeNumberSelector(NumberSelector):
    """A number selector that refuses fractions instead of truncating them."""

    @override
    def __call__(self, data: Any) -> int:
        """Return the number as an integer; forms provide a float."""
        number = super().__call__(data)
        if not number.is_integer():
            raise vol.Invalid("expected a whole number")
        return int(number)


def whole_number(limits: tuple[int, int], unit: str | None = None) -> NumberSelector:
    """Return a selector of a whole number within the limits."""
    low, high = limits
    config = NumberSelectorConfig(min=low, max=high, mode=NumberSelectorMode.BOX)
    if unit is not None:
        config["unit_of_measurement"] = unit
    return _WholeNumberSelector(config)
