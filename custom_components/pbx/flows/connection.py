"""The forms of a PBX's address and credentials: one for each kind of PBX."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback
import voluptuous as vol
from yarl import URL

from ..backends import KINDS
from ..backends.base import (
    Backend,
    Channel,
    ChannelState,
    OpenCall,
    PbxError,
    PbxErrorCode,
    PbxKind,
)
from ..backends.updates import CallUpdate, ExtensionUpdate, VoicemailUpdate
from ..calls.link import create_backend
from ..const import CONF_KIND, DOMAIN
from ..errors import error_key
from .asterisk import (
    ASTERISK_CONNECTION,
    ASTERISK_CREDENTIALS,
    ASTERISK_EXAMPLES,
    new_application,
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
        connection: the whole form.
        credentials: the part of it that a PBX may refuse later.
        parse: makes the entry's data of what was typed and of the data so far,
            and the form's errors by field.
        secrets: the fields whose content is not shown again.
        examples: what fills the texts of the form; translations hold no addresses.
        default_context: the context that calls usually go by.
        invent: returns the data of a new entry that nobody types.
    """

    connection: vol.Schema
    credentials: vol.Schema
    parse: _Parse
    secrets: frozenset[str]
    examples: Mapping[str, str]
    default_context: str
    invent: Callable[[], dict[str, str]] = dict


FORMS: Final[dict[str, ConnectionForm]] = {
    "simotel": ConnectionForm(
        connection=SIMOTEL_CONNECTION,
        credentials=SIMOTEL_CREDENTIALS,
        parse=parse_simotel,
        secrets=frozenset({"password", "api_key"}),
        examples=SIMOTEL_EXAMPLES,
        default_context="main_routing",
    ),
    "asterisk": ConnectionForm(
        connection=ASTERISK_CONNECTION,
        credentials=ASTERISK_CREDENTIALS,
        parse=parse_asterisk,
        secrets=frozenset({"password"}),
        examples=ASTERISK_EXAMPLES,
        default_context="from-internal",
        invent=new_application,
    ),
}
"""By the id of the kind, as in `backends.KINDS`."""


class _Nothing:
    """Remembers nothing, and passes nothing on; meets `Memory` and `Sink`."""

    def get(self, key: str) -> str:
        """Return nothing."""
        del key
        return ""

    def set(self, key: str, value: str) -> None:
        """Drop a value."""

    def call(self, update: CallUpdate) -> None:
        """Drop a fact about a call."""

    def extension(self, update: ExtensionUpdate) -> None:
        """Drop what an extension is doing."""

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Drop a voice message."""

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Drop whether the PBX can be heard."""

    def open_calls(self) -> Sequence[OpenCall]:
        """Return no call."""
        return ()


def kind_of(data: Mapping[str, Any]) -> PbxKind:
    """Return the kind that entry data are of."""
    return KINDS[data[CONF_KIND]].as_set_up(data)


@callback
def create_trial_backend(hass: HomeAssistant, data: Mapping[str, Any]) -> Backend:
    """Return a backend that a form asks something, and that nobody listens to."""
    return create_backend(hass, data, _Nothing(), _Nothing())


async def async_test_connection(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> PbxError | None:
    """Return what is wrong with entry data at the PBX itself, or None."""
    try:
        await create_trial_backend(hass, data).ping()
    except PbxError as err:
        return err
    return None


def form_error(err: PbxError, data: Mapping[str, Any]) -> tuple[str, str]:
    """Return the form's error for a PBX's, and the words that go with it.

    Args:
        err: what is wrong with the entry data.
        data: the same, as they were typed.
    """
    if err.code is PbxErrorCode.HOST_NOT_FOUND:
        # To a form it is one of the ways in which there is no connection. Whoever
        # typed the host may read it.
        host = URL(data[CONF_URL]).host
        return PbxErrorCode.CANNOT_CONNECT, f"Host not found: {host}"
    return error_key(kind_of(data), err.code), err.detail


@callback
def default_name(hass: HomeAssistant, kind: PbxKind) -> str:
    """Return a name for a new PBX, with a number where another has the name."""
    taken = {entry.title for entry in hass.config_entries.async_entries(DOMAIN)}
    if kind.name not in taken:
        return kind.name
    names = (f"{kind.name} {number}" for number in count(2))
    return next(each for each in names if each not in taken)
