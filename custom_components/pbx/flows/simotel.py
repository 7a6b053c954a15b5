"""Connection form for Simotel: address and credentials."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import CONF_URL, CONF_USERNAME
from homeassistant.helpers.selector import TextSelectorType
import voluptuous as vol

from ..backends.simotel import normalize_address
from ..const import CONF_API_KEY
from .fields import ADDRESS, LOGIN, NAME, TRUST, login_errors, text, typed_login

SIMOTEL_CREDENTIALS = vol.Schema(
    {**LOGIN, vol.Optional(CONF_API_KEY): text(TextSelectorType.PASSWORD, "off")}
)
SIMOTEL_CONNECTION = vol.Schema(
    {**NAME, **ADDRESS, **SIMOTEL_CREDENTIALS.schema, **TRUST}
)
SIMOTEL_EXAMPLES: Final = {
    "host": "192.168.1.20",
    "address": "https://pbx.example.com/api/v4",
}


def parse_simotel(
    user_input: Mapping[str, Any], stored: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the entry data from a form, and its errors by field.

    Args:
        user_input: of `SIMOTEL_CONNECTION`, without the name, or of
            `SIMOTEL_CREDENTIALS`.
        stored: the current data of the entry. The address is kept if the form does
            not ask for it; the credentials are kept if none are entered.
    """
    data = {**stored, **user_input}
    errors = {}
    try:
        data[CONF_URL] = str(normalize_address(data[CONF_URL]))
    except ValueError:
        errors[CONF_URL] = "invalid_url"
    credentials = _typed_credentials(user_input)
    if _are_untouched(credentials, stored):
        credentials = _typed_credentials(stored)
    data.update(credentials)
    return data, errors | _credential_errors(credentials)


def _typed_credentials(fields: Mapping[str, Any]) -> dict[str, str]:
    return {**typed_login(fields), CONF_API_KEY: fields.get(CONF_API_KEY, "").strip()}


def _are_untouched(credentials: dict[str, str], stored: Mapping[str, Any]) -> bool:
    """Return whether the username is unchanged and no secrets were entered."""
    username, *secrets = credentials.values()
    return username == stored.get(CONF_USERNAME) and not any(secrets)


def _credential_errors(credentials: dict[str, str]) -> dict[str, str]:
    api_key = credentials[CONF_API_KEY]
    errors = login_errors(credentials)
    if not any(credentials.values()):
        errors["base"] = "missing_credentials"
    if not (api_key.isascii() and api_key.isprintable()):
        errors[CONF_API_KEY] = "invalid_api_key"
    return errors
