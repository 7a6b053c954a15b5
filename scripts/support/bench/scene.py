"""Configuration of the Home Assistant instance for the benchmark."""

import json
from pathlib import Path
from typing import Final

from aiohttp import encode_basic_auth

from ..machine import ROOT

PROBE: Final = "pbx_bench"

_USERNAME, _PASSWORD, _API_KEY = "homeassistant", "bench-password", "bench-key"

CREDENTIALS: Final = {
    "username": _USERNAME,
    "password": _PASSWORD,
    "api_key": _API_KEY,
    "verify_ssl": True,
}
CALL_DEFAULTS: Final = {
    "context": "main_routing",
    "caller": "106",
    "timeout": 30,
    "internal_digits": 5,
}
RULES: Final = {
    "allowed_numbers": ["1??", "2??", "0912*"],
    "forbidden_numbers": ["00*", "0909*"],
    "calls_per_hour": 1000,
    "cooldown": 0,
}

CALL: Final = {
    "caller": "106",
    "callee": "102",
    "context": "main_routing",
    "caller_id": "106",
    "timeout": "30",
}
"""The body of the request that all measurements send."""

HEADERS: Final = {
    "Authorization": encode_basic_auth(_USERNAME, _PASSWORD, encoding="utf-8"),
    "X-APIKEY": _API_KEY,
}

EVENT: Final = {
    "event_name": "IncomingCall",
    "number": "09121234567",
    "entry_point": "trunk_1",
}
"""Event of an incoming call, without its ID."""

END: Final = {
    "event_name": "Cdr",
    "type": "outgoing",
    "src": "106",
    "dst": "102",
    "disposition": "ANSWERED",
    "wait": "4",
    "billsec": "60",
}
"""Event of the end of a call, without its ID."""

SIZES: Final = (100, 1_000, 10_000)
"""Number of open calls of each additional PBX."""

BOOKS: Final = (3, 300)
"""Number of contacts of each PBX that has a phone book."""

OTHER: Final = "sun"
"""Integration of Home Assistant that is used for comparison."""

WEBHOOKS: Final = {
    "webhook": "bench_webhook",
    "webhook with a condition": "bench_webhook_condition",
}
"""Webhook IDs of the automations by the name of the measurement."""

_REST_COMMAND = """\
rest_command:
  originate:
    url: "{url}"
    method: post
    content_type: application/json
    headers:
      Authorization: "{authorization}"
      X-APIKEY: "{api_key}"
    payload: '{payload}'
{probe}:
"""


def contact_name(number: int) -> str:
    """Return the name of a contact."""
    return f"Contact {chr(ord('A') + number % 26)}{number}"


def contact_number(number: int) -> str:
    """Return the number of a contact, which the rules allow."""
    return f"0912{1_000_000 + number}"


def configuration(url: str) -> str:
    """Return the additional YAML configuration with the URL of originate requests."""
    # Like a typical configuration: the two numbers come from the action.
    payload = {**CALL, "caller": "{{ caller }}", "callee": "{{ callee }}"}
    return _REST_COMMAND.format(
        url=url,
        authorization=HEADERS["Authorization"],
        api_key=_API_KEY,
        payload=json.dumps(payload),
        probe=PROBE,
    )


def automations() -> list[dict[str, object]]:
    """Return an automation for each kind of trigger."""
    is_incoming = "{{ trigger.json.event_name == 'IncomingCall' }}"
    plain, with_condition = WEBHOOKS.values()
    return [
        _automation({"trigger": "pbx.incoming_call"}),
        _automation({"trigger": "webhook", "webhook_id": plain}),
        _automation({"trigger": "webhook", "webhook_id": with_condition}, is_incoming),
    ]


def write(config_dir: Path) -> None:
    """Write the automations, and install the integrations and the probe."""
    (config_dir / "automations.yaml").write_text(json.dumps(automations()))
    components = config_dir / "custom_components"
    components.mkdir()
    for path in (ROOT / "custom_components").glob("[!_]*"):
        (components / path.name).symlink_to(path)
    (components / "__init__.py").touch()
    probe = components / PROBE
    probe.mkdir()
    manifest = {"domain": PROBE, "name": "Bench", "version": "1.0.0"}
    (probe / "manifest.json").write_text(json.dumps(manifest))
    # Home Assistant runs in the root folder of the project.
    source = "from scripts.support.bench.probe import async_setup\n"
    (probe / "__init__.py").write_text(source)


def _automation(trigger: dict[str, str], *conditions: str) -> dict[str, object]:
    name = f"bench_{trigger.get('webhook_id', 'pbx')}"
    return {
        "id": name,
        "alias": name,
        # The next event may arrive before the previous run has ended.
        "mode": "queued",
        "triggers": [trigger],
        "conditions": list(conditions),
        "actions": [{"action": f"{PROBE}.fired"}],
    }
