"""The forms of a PBX's address and credentials: one for each kind of PBX."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback
import voluptuous as vol
from yarl import URL

from ..backends.base import CannotConnectError, HostNotFoundError, PbxError
from ..const import CONF_KIND, DOMAIN
from ..kinds import PbxKind, async_create_client
from .asterisk import (
    ASTERISK_CONNECTION,
    ASTERISK_CREDENTIALS,
    ASTERISK_EXAMPLES,
    parse_asterisk,
)
from .simotel import (
    SIMOTEL_CONNECTION,
    SIMOTEL_CREDENTIALS,
    SIMOTEL_EXAMPLES,
    parse_simotel,
)

type _Parse = Callable[
    [Mapping[str, Any], Mapping[str, Any]], tuple[dict[str, Any], dict[str, str]]
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionForm:
    """What is asked of a person to connect a PBX of one kind.

    Attributes:
        default_name: what a PBX is called that nobody gives a name.
        connection: the whole form.
        credentials: the part of it that a PBX may refuse later.
        parse: makes the entry's data of what was typed and of the data so far,
            and the form's errors by field.
        secrets: the fields whose content is not shown again.
        examples: what fills the texts of the form; translations hold no addresses.
        default_context: the context that calls usually go by.
        shows_names: whether phones show a name beside the caller ID.
    """

    default_name: str
    connection: vol.Schema
    credentials: vol.Schema
    parse: _Parse
    secrets: frozenset[str]
    examples: Mapping[str, str]
    default_context: str
    shows_names: bool


FORMS: Mapping[PbxKind, ConnectionForm] = {
    PbxKind.SIMOTEL: ConnectionForm(
        default_name="Simotel",
        connection=SIMOTEL_CONNECTION,
        credentials=SIMOTEL_CREDENTIALS,
        parse=parse_simotel,
        secrets=frozenset({"password", "api_key"}),
        examples=SIMOTEL_EXAMPLES,
        default_context="main_routing",
        shows_names=False,
    ),
    PbxKind.ASTERISK: ConnectionForm(
        default_name="Asterisk",
        connection=ASTERISK_CONNECTION,
        credentials=ASTERISK_CREDENTIALS,
        parse=parse_asterisk,
        secrets=frozenset({"password"}),
        examples=ASTERISK_EXAMPLES,
        default_context="from-internal",
        shows_names=True,
    ),
}


def form_of(data: Mapping[str, Any]) -> ConnectionForm:
    """Return the form of the kind that entry data are of."""
    return FORMS[PbxKind(data[CONF_KIND])]


async def async_test_connection(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> PbxError | None:
    """Return what is wrong with entry data at the PBX itself, or None."""
    try:
        await async_create_client(hass, data).ping()
    except PbxError as err:
        return err
    return None


def form_error(err: PbxError, data: Mapping[str, Any]) -> tuple[str, str]:
    """Return the form's error for a PBX's, and the words that go with it.

    Args:
        err: what is wrong with the entry data.
        data: the same, as they were typed.
    """
    if isinstance(err, HostNotFoundError):
        # To a form it is one of the ways in which there is no connection. Whoever
        # typed the host may read it.
        host = URL(data[CONF_URL]).host
        return CannotConnectError.translation_key, f"{err.summary}: {host}"
    return err.translation_key, err.detail


@callback
def default_name(hass: HomeAssistant, kind: PbxKind) -> str:
    """Return a name for a new PBX, with a number where another has the name."""
    name = FORMS[kind].default_name
    taken = {entry.title for entry in hass.config_entries.async_entries(DOMAIN)}
    if name not in taken:
        return name
    names = (f"{name} {number}" for number in count(2))
    return next(each for each in names if each not in taken)
