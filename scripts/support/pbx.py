"""The sandbox PBX, set up in a booted Home Assistant as a person would do it."""

from sandbox import Sandbox

from .client import Json
from .home_assistant import BootedHomeAssistant

DOMAIN = "pbx"

# The account of the sandbox's default configuration.
_CREDENTIALS = {
    "username": "homeassistant",
    "password": "sandbox-password",
    "api_key": "sandbox-key",
    "verify_ssl": True,
}

CALL_DEFAULTS = {
    "context": "main_routing",
    # The door station, which picks up sooner than anyone.
    "caller": "106",
    "timeout": 5,
    "internal_digits": 5,
}


async def add_pbx(home_assistant: BootedHomeAssistant, sandbox: Sandbox) -> Json:
    """Take both steps of the config flow, and return the entry."""
    connection = {"url": sandbox.api_url, **_CREDENTIALS}
    return await home_assistant.add_config_entry(DOMAIN, [connection, CALL_DEFAULTS])


async def has_pbx(home_assistant: BootedHomeAssistant) -> bool:
    """Whether one has been set up before."""
    entries = await home_assistant.client.get("/api/config/config_entries/entry")
    return any(entry["domain"] == DOMAIN for entry in entries)


async def connected_sensor(home_assistant: BootedHomeAssistant) -> Json:
    """Return the state of the sensor that tells whether the PBX is there."""
    for state in await home_assistant.states():
        domain, _, name = state["entity_id"].partition(".")
        if domain == "binary_sensor" and name.endswith("_connected"):
            return state
    raise LookupError("there is no sensor for the connection")
