"""The form of a PBX's address and credentials, for the flows that ask for them."""

from collections.abc import Mapping
from typing import Any

from homeassistant.const import (
    CONF_PASSWORD,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol
from yarl import URL

from .client import CannotConnectError, HostNotFoundError, PbxError
from .const import CONF_API_KEY
from .kinds import async_create_client
from .simotel import normalise_address


def _text(kind: TextSelectorType, autocomplete: str) -> TextSelector:
    return TextSelector(TextSelectorConfig(type=kind, autocomplete=autocomplete))


CREDENTIALS_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_USERNAME): _text(TextSelectorType.TEXT, "username"),
        vol.Optional(CONF_PASSWORD): _text(
            TextSelectorType.PASSWORD, "current-password"
        ),
        vol.Optional(CONF_API_KEY): _text(TextSelectorType.PASSWORD, "off"),
    }
)
CONNECTION_SCHEMA = vol.Schema(
    {
        # Not a URL field: a browser would refuse a bare host in one.
        vol.Required(CONF_URL): _text(TextSelectorType.TEXT, "url"),
        **CREDENTIALS_SCHEMA.schema,
        vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector(),
    }
)


def parse_connection(
    user_input: Mapping[str, Any], stored: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the entry data that a form gives, and its errors by field.

    Args:
        user_input: of `CONNECTION_SCHEMA` or of `CREDENTIALS_SCHEMA`.
        stored: the entry's data so far. Its address stays where the form asks
            for none; its credentials stay when none are typed in.
    """
    data = {**stored, **user_input}
    errors = {}
    try:
        data[CONF_URL] = str(normalise_address(data[CONF_URL]))
    except ValueError:
        errors[CONF_URL] = "invalid_url"
    credentials = _typed_credentials(user_input)
    if _are_untouched(credentials, stored):
        credentials = _typed_credentials(stored)
    data.update(credentials)
    return data, errors | _credential_errors(credentials)


async def async_test_connection(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> PbxError | None:
    """Return what is wrong with entry data at the PBX itself, or None."""
    try:
        await async_create_client(hass, data).ping()
    except PbxError as err:
        return err
    return None


def form_error(err: PbxError) -> tuple[str, str]:
    """Return the form's error for a PBX's, and the words that go with it."""
    if isinstance(err, HostNotFoundError):
        # To a form it is one of the ways in which there is no connection.
        return CannotConnectError.translation_key, str(err)
    return err.translation_key, err.detail


def default_title(data: Mapping[str, Any]) -> str:
    """Return the name of a PBX that nobody has named: its host, or host:port."""
    return URL(data[CONF_URL]).host_port_subcomponent or ""


def _typed_credentials(fields: Mapping[str, Any]) -> dict[str, str]:
    return {
        CONF_USERNAME: fields.get(CONF_USERNAME, "").strip(),
        # A space may belong to a password.
        CONF_PASSWORD: fields.get(CONF_PASSWORD, ""),
        CONF_API_KEY: fields.get(CONF_API_KEY, "").strip(),
    }


def _are_untouched(credentials: dict[str, str], stored: Mapping[str, Any]) -> bool:
    """Tell whether a form that shows no secrets was left as it was shown."""
    return (
        credentials[CONF_USERNAME] == stored.get(CONF_USERNAME)
        and not credentials[CONF_PASSWORD]
        and not credentials[CONF_API_KEY]
    )


def _credential_errors(credentials: dict[str, str]) -> dict[str, str]:
    username, password, api_key = credentials.values()
    errors = {}
    if ":" in username:
        # It would end the user name on the wire (RFC 7617).
        errors[CONF_USERNAME] = "invalid_username"
    elif username and not password:
        errors[CONF_PASSWORD] = "missing_credentials"
    elif password and not username:
        errors[CONF_USERNAME] = "missing_credentials"
    elif not username and not api_key:
        errors["base"] = "missing_credentials"
    if not (api_key.isascii() and api_key.isprintable()):
        errors[CONF_API_KEY] = "invalid_api_key"
    return errors
