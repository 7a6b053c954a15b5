"""The form that imports extensions of the PBX into its phone book."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from ..backends.base import DirectoryExtension
from ..calls.contacts import name_key
from ..calls.number_plan import NumberPlan
from ..const import (
    CONF_ALIASES,
    CONF_IS_EXTENSION,
    CONF_NUMBER,
    CONF_VOICE,
    SUBENTRY_CONTACT,
)
from .call_defaults import extension_options
from .contact import contact_unique_id, name_fault

CONF_EXTENSIONS: Final = "extensions"

# Up to so many are selected beforehand: those of a home, and not of a company.
MAX_SELECTED: Final = 20


def import_step(extensions: Sequence[DirectoryExtension]) -> str:
    """Return the step that offers extensions: its text says why none is selected."""
    is_few = len(extensions) <= MAX_SELECTED
    return "import_extensions" if is_few else "select_extensions"


def import_schema(extensions: Sequence[DirectoryExtension]) -> vol.Schema:
    """Return the form that offers extensions, all selected where they are few."""
    numbers = [each.number for each in extensions]
    selected = numbers if len(numbers) <= MAX_SELECTED else []
    selector = SelectSelector(
        SelectSelectorConfig(
            options=extension_options(extensions),
            multiple=True,
            mode=SelectSelectorMode.LIST,
        )
    )
    return vol.Schema({vol.Optional(CONF_EXTENSIONS, default=selected): selector})


def imported_contacts(
    extensions: Iterable[DirectoryExtension],
    chosen: Collection[str],
    plan: NumberPlan,
    taken: Iterable[str] = (),
) -> list[ConfigSubentryData]:
    """Return the contacts that are created of chosen extensions.

    An extension without a usable name of its own is called by its number.

    Args:
        extensions: that were offered.
        chosen: numbers of those to import.
        plan: numbering plan of the PBX.
        taken: names of the contacts that exist.
    """
    names = set(map(name_key, taken))
    contacts = []
    for number, name in extensions:
        if number not in chosen:
            continue
        is_usable = not name_fault(name, number) and name_key(name) not in names
        title = name if is_usable else number
        names.add(name_key(title))
        contacts.append(
            ConfigSubentryData(
                data={
                    CONF_NUMBER: number,
                    CONF_ALIASES: [],
                    CONF_VOICE: True,
                    CONF_IS_EXTENSION: True,
                },
                subentry_type=SUBENTRY_CONTACT,
                title=title,
                unique_id=contact_unique_id(number, plan),
            )
        )
    return contacts
