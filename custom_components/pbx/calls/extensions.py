"""The phones of the house that a PBX's owner wants to see."""

from collections.abc import Sequence
from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback

from ..const import CONF_AREAS, CONF_NUMBER, CONF_SATELLITES, SUBENTRY_EXTENSION


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseExtension:
    """A phone of the house.

    Attributes:
        subentry_id: of the config subentry that it is.
        name: as people say it.
        number: as it is dialled.
        areas: where it is rung for somebody who speaks there.
        satellites: the devices of voice for which it is rung, likewise.
    """

    subentry_id: str
    name: str
    number: str
    areas: Sequence[str]
    satellites: Sequence[str]


@callback
def extensions_of(entry: ConfigEntry) -> list[HouseExtension]:
    """Return the phones of a PBX, in the order in which they were added."""
    return [
        HouseExtension(
            subentry_id=subentry.subentry_id,
            name=subentry.title,
            number=subentry.data[CONF_NUMBER],
            areas=tuple(subentry.data.get(CONF_AREAS, ())),
            satellites=tuple(subentry.data.get(CONF_SATELLITES, ())),
        )
        for subentry in entry.get_subentries_of_type(SUBENTRY_EXTENSION)
    ]
