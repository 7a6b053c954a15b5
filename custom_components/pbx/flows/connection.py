"""Connection forms of each kind of PBX, and the test of a connection."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback
import voluptuous as vol
from yarl import URL

from ..backends.base import Backend, Channel, ChannelState, OpenCall
from ..backends.errors import PbxError, PbxErrorCode
from ..backends.kind import PbxKind
from ..backends.updates import CallUpdate, ExtensionUpdate, KeyUpdate, VoicemailUpdate
from ..calls.link import create_backend, kind_of
from ..const import DOMAIN
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
    """Connection form of one kind of PBX.

    Attributes:
        connection: schema of the form.
        credentials: schema of the form for reauthentication.
        parse: returns the entry's data and the errors by field, from the user input
            and the current data.
        secrets: fields whose values are not shown again.
        examples: placeholders of the texts; translations must not contain addresses.
        default_context: suggested context of calls.
        generate: returns generated data for a new entry.
    """

    connection: vol.Schema
    credentials: vol.Schema
    parse: _Parse
    secrets: frozenset[str]
    examples: Mapping[str, str]
    default_context: str
    generate: Callable[[], dict[str, str]] = dict


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
        generate=new_application,
    ),
}
"""By the ID of the kind, as in `backends.KINDS`."""


class _Null:
    """A `Memory` and `Sink` that stores and forwards nothing."""

    def get(self, key: str) -> str:
        """Return an empty string."""
        del key
        return ""

    def set(self, key: str, value: str) -> None:
        """Discard a value."""

    def call(self, update: CallUpdate) -> None:
        """Discard an update about a call."""

    def extension(self, update: ExtensionUpdate) -> None:
        """Discard the state of an extension."""

    def key(self, update: KeyUpdate) -> None:
        """Discard a key."""

    def voicemail(self, update: VoicemailUpdate) -> None:
        """Discard a voicemail."""

    def health(
        self, channel: Channel, state: ChannelState, error: PbxError | None = None
    ) -> None:
        """Discard the health of a channel."""

    def speech_failed(self, call_id: str) -> None:
        """Discard that an announcement could not be played."""

    def open_calls(self) -> Sequence[OpenCall]:
        """Return no calls."""
        return ()


@callback
def create_trial_backend(hass: HomeAssistant, data: Mapping[str, Any]) -> Backend:
    """Return a temporary backend for the requests of a form."""
    return create_backend(hass, data, _Null(), _Null())


async def async_test_connection(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> PbxError | None:
    """Test the connection to the PBX; return the error, or None."""
    try:
        await create_trial_backend(hass, data).ping()
    except PbxError as err:
        return err
    return None


def form_error(err: PbxError, data: Mapping[str, Any]) -> tuple[str, str]:
    """Return the form's error key for an error of the PBX, and its detail.

    Args:
        err: of the connection test.
        data: of the entry, as entered.
    """
    if err.code is PbxErrorCode.HOST_NOT_FOUND:
        # A form has one error for all failed connections. The host is not private
        # to the user who entered it.
        host = URL(data[CONF_URL]).host
        return PbxErrorCode.CANNOT_CONNECT, f"Host not found: {host}"
    return error_key(kind_of(data), err.code), err.detail


@callback
def default_name(hass: HomeAssistant, kind: PbxKind) -> str:
    """Return a unique name for a new PBX, with a number if needed."""
    taken = {entry.title for entry in hass.config_entries.async_entries(DOMAIN)}
    if kind.name not in taken:
        return kind.name
    names = (f"{kind.name} {number}" for number in count(2))
    return next(each for each in names if each not in taken)
