"""Connection form for Asterisk: address, credentials, channel templates."""

from collections.abc import Mapping
import secrets
from typing import Any, Final

from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.helpers.selector import TextSelector
import voluptuous as vol

from ..backends.asterisk.access import normalize_address
from ..backends.asterisk.channels import (
    EXTERNAL_CHANNEL,
    INTERNAL_CHANNEL,
    InvalidTemplateError,
    check_external,
    check_internal,
)
from ..const import CONF_APPLICATION, CONF_EXTERNAL_CHANNEL, CONF_INTERNAL_CHANNEL
from .fields import ADDRESS, LOGIN, NAME, TRUST, login_errors, typed_login

ASTERISK_CREDENTIALS = vol.Schema(LOGIN)
ASTERISK_CONNECTION = vol.Schema(
    {
        **NAME,
        **ADDRESS,
        **LOGIN,
        **TRUST,
        vol.Required(CONF_INTERNAL_CHANNEL, default=INTERNAL_CHANNEL): TextSelector(),
        vol.Required(CONF_EXTERNAL_CHANNEL, default=EXTERNAL_CHANNEL): TextSelector(),
    }
)
ASTERISK_EXAMPLES: Final = {
    "host": "192.168.1.20",
    "address": "https://pbx.example.com:8089",
    "internal": INTERNAL_CHANNEL,
    "external": EXTERNAL_CHANNEL,
}

_CHANNELS = {
    CONF_INTERNAL_CHANNEL: check_internal,
    CONF_EXTERNAL_CHANNEL: check_external,
}


def new_application() -> dict[str, str]:
    """Return the entry data of a unique Stasis application name."""
    return {CONF_APPLICATION: f"home-assistant-{secrets.token_hex(4)}"}


def parse_asterisk(
    user_input: Mapping[str, Any], stored: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the entry data from a form, and its errors by field.

    Args:
        user_input: of `ASTERISK_CONNECTION`, without the name, or of
            `ASTERISK_CREDENTIALS`.
        stored: the current data of the entry. Fields that are not in the form are
            kept, and so is the password of the same user if it is left empty.
    """
    data = {**stored, **user_input}
    errors = {}
    try:
        data[CONF_URL] = str(normalize_address(data[CONF_URL]))
    except ValueError:
        errors[CONF_URL] = "invalid_url"
    login = typed_login(user_input)
    if login[CONF_USERNAME] == stored.get(CONF_USERNAME) and not login[CONF_PASSWORD]:
        login[CONF_PASSWORD] = stored[CONF_PASSWORD]
    data.update(login)
    if not any(login.values()):
        errors["base"] = "missing_login"
    for name, error in login_errors(login).items():
        errors[name] = error.replace("credentials", "login")
    for name, check in _CHANNELS.items():
        data[name] = data[name].strip()
        try:
            check(data[name])
        except InvalidTemplateError:
            errors[name] = f"invalid_{name}"
    return data, errors
