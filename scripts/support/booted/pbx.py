"""Setup of the sandbox PBX in Home Assistant through its config flows."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urljoin

from sandbox import EventPush, Sandbox

from .client import FlowError, Json
from .home_assistant import BootedHomeAssistant

DOMAIN = "pbx"

_ENTRIES = "/api/config/config_entries/entry"
_SUBENTRIES = "/api/config/config_entries/subentries/flow"
_RELOAD_TIMEOUT = 300
_POLL_INTERVAL = 0.05

# The account of the sandbox's default configuration.
_CREDENTIALS = {
    "username": "homeassistant",
    "password": "sandbox-password",
    "api_key": "sandbox-key",
    "verify_ssl": True,
}

CALL_DEFAULTS = {
    "context": "main_routing",
    # The door station, which answers fastest.
    "caller": "106",
    "timeout": 5,
    "internal_digits": 5,
}


async def add_pbx(
    home_assistant: BootedHomeAssistant,
    sandbox: Sandbox,
    *,
    extensions: Sequence[str] = (),
    **call_defaults: object,
) -> Json:
    """Complete the config flow, and return the entry.

    Args:
        home_assistant: that gets the PBX.
        sandbox: the PBX.
        extensions: numbers to import into the phone book.
        call_defaults: that differ from `CALL_DEFAULTS`.
    """
    pages: list[Json] = [
        {"next_step_id": "simotel"},
        {"url": sandbox.api_url, **_CREDENTIALS},
        {**CALL_DEFAULTS, **call_defaults},
        {"extensions": list(extensions)},
        # No phone is rung.
        {},
    ]
    return await home_assistant.add_config_entry(DOMAIN, pages)


async def add_contact(
    home_assistant: BootedHomeAssistant, entry_id: str, **fields: object
) -> None:
    """Add a contact with the fields of its form, such as `name` and `number`."""
    client = home_assistant.client
    form = await client.post(_SUBENTRIES, {"handler": [entry_id, "contact"]})
    typed = {"overrides": {}, "extension": {}, **fields}
    step = await client.post(f"{_SUBENTRIES}/{form['flow_id']}", typed)
    if step["type"] != "create_entry":
        raise FlowError(f"{fields}: {step.get('errors')}")


async def people(home_assistant: BootedHomeAssistant, key: str) -> list[str]:
    """Return the entities of contacts with this key, in order."""
    known: list[Json] = await home_assistant.client.command(
        "config/entity_registry/list"
    )
    return sorted(
        entity["entity_id"]
        for entity in known
        if entity["config_subentry_id"]
        and entity["unique_id"] == f"{entity['config_subentry_id']}_{key}"
    )


async def find_pbx(home_assistant: BootedHomeAssistant) -> Json | None:
    """Return the entry of a PBX that was set up before."""
    entries: list[Json] = await home_assistant.client.get(_ENTRIES)
    return next((entry for entry in entries if entry["domain"] == DOMAIN), None)


async def connect_events(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox, entry_id: str
) -> EventPush:
    """Configure the sandbox to send events to the URL that the options show."""
    page = await home_assistant.client.open_options(entry_id, "events")
    shown = page["description_placeholders"]
    push = EventPush(
        # It starts with a slash if Home Assistant does not know its own URL, as on
        # loopback.
        url=urljoin(home_assistant.url, shown["address"]),
        username=shown["username"],
        password=shown["password"],
    )
    sandbox.configure(events=push)
    await _change(home_assistant, page, require_event_login=True)
    return push


async def set_dialing_rules(
    home_assistant: BootedHomeAssistant, entry_id: str, **rules: object
) -> None:
    """Change some of the dialing rules, and keep the others."""
    page = await home_assistant.client.open_options(entry_id, "dialing_rules")
    await _change(home_assistant, page, **rules)


async def set_speech(
    home_assistant: BootedHomeAssistant, entry_id: str, **options: object
) -> None:
    """Enter what is drawn for speech in the dialplan of the PBX."""
    page = await home_assistant.client.open_options(entry_id, "speech")
    await _change(home_assistant, page, **options)


async def check_events(home_assistant: BootedHomeAssistant, entry_id: str) -> str:
    """Run the event test of the options; return the error, or an empty string."""
    client = home_assistant.client
    page = await client.open_options(entry_id, "test_events")
    page = await client.pass_progress(page)
    if page["step_id"] != "test_passed":
        return f"{page['step_id']}: {page.get('errors')}"
    await client.submit_options(page, {})
    return ""


async def entities(
    home_assistant: BootedHomeAssistant, entry_id: str
) -> dict[str, str]:
    """Return the entity IDs of the PBX by their keys."""
    known: list[Json] = await home_assistant.client.command(
        "config/entity_registry/list"
    )
    return {
        entity["unique_id"].removeprefix(f"{entry_id}_"): entity["entity_id"]
        for entity in known
        if entity["config_entry_id"] == entry_id
    }


async def _change(
    home_assistant: BootedHomeAssistant, page: Json, **fields: object
) -> None:
    """Change some fields on a page of the options, and wait until it is loaded."""
    await home_assistant.client.submit_options(page, {**_suggested(page), **fields})
    await _until_loaded(home_assistant)


def _suggested(page: Json) -> Json:
    """Return the suggested values of the fields of a page."""
    hints = {
        field["name"]: field.get("description", {}) for field in page["data_schema"]
    }
    return {
        name: hint["suggested_value"]
        for name, hint in hints.items()
        if "suggested_value" in hint
    }


async def _until_loaded(home_assistant: BootedHomeAssistant) -> None:
    async with asyncio.timeout(_RELOAD_TIMEOUT):
        while not await _is_loaded(home_assistant):  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(_POLL_INTERVAL)


async def _is_loaded(home_assistant: BootedHomeAssistant) -> bool:
    entry = await find_pbx(home_assistant)
    return entry is not None and entry["state"] == "loaded"
