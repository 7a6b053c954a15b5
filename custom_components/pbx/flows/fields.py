"""Fields that the forms of several kinds of PBX have."""

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
    """Return a field of text that a browser may fill in."""
    return TextSelector(TextSelectorConfig(type=kind, autocomplete=autocomplete))


# Left empty, the PBX gets a name all the same, or keeps its own.
NAME = {vol.Optional(CONF_NAME): text(TextSelectorType.TEXT, "off")}
# Not a URL field: a browser would refuse a bare host in one.
ADDRESS = {vol.Required(CONF_URL): text(TextSelectorType.TEXT, "url")}
LOGIN = {
    vol.Optional(CONF_USERNAME): text(TextSelectorType.TEXT, "username"),
    vol.Optional(CONF_PASSWORD): text(TextSelectorType.PASSWORD, "current-password"),
}
TRUST = {vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector()}


def typed_login(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return a user name and a password as they were typed."""
    return {
        CONF_USERNAME: fields.get(CONF_USERNAME, "").strip(),
        # A space may belong to a password.
        CONF_PASSWORD: fields.get(CONF_PASSWORD, ""),
    }


def login_errors(login: Mapping[str, str]) -> dict[str, str]:
    """Return the errors of a login of which there is at least a half."""
    if ":" in login[CONF_USERNAME]:
        # It would end the user name on the wire (RFC 7617).
        return {CONF_USERNAME: "invalid_username"}
    missing = "missing_credentials"
    if login[CONF_USERNAME] and not login[CONF_PASSWORD]:
        return {CONF_PASSWORD: missing}
    if login[CONF_PASSWORD] and not login[CONF_USERNAME]:
        return {CONF_USERNAME: missing}
    return {}
