"""Form fields that several kinds of PBX share."""

from collections.abc import Mapping
from typing import Any

from homeassistant.const import (
    CONF_NAME,
    CONF_PASSWORD,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol


def text(kind: TextSelectorType, autocomplete: str) -> TextSelector:
    """Return a text field that supports the browser's autocomplete."""
    return TextSelector(TextSelectorConfig(type=kind, autocomplete=autocomplete))


# If it is left empty, the PBX gets the default name, or keeps its name.
NAME = {vol.Optional(CONF_NAME): text(TextSelectorType.TEXT, "off")}
# Not a URL field: browsers would refuse a host name without a scheme.
ADDRESS = {vol.Required(CONF_URL): text(TextSelectorType.TEXT, "url")}
LOGIN = {
    vol.Optional(CONF_USERNAME): text(TextSelectorType.TEXT, "username"),
    vol.Optional(CONF_PASSWORD): text(TextSelectorType.PASSWORD, "current-password"),
}
TRUST = {vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector()}


def typed_login(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the entered username and password."""
    return {
        CONF_USERNAME: fields.get(CONF_USERNAME, "").strip(),
        # Spaces can be part of a password.
        CONF_PASSWORD: fields.get(CONF_PASSWORD, ""),
    }


def login_errors(login: Mapping[str, str]) -> dict[str, str]:
    """Return the errors by field of a login; an empty login has none."""
    if ":" in login[CONF_USERNAME]:
        # HTTP basic authentication does not allow colons in usernames (RFC 7617).
        return {CONF_USERNAME: "invalid_username"}
    missing = "missing_credentials"
    if login[CONF_USERNAME] and not login[CONF_PASSWORD]:
        return {CONF_PASSWORD: missing}
    if login[CONF_PASSWORD] and not login[CONF_USERNAME]:
        return {CONF_USERNAME: missing}
    return {}
