"""The Home Assistant that is measured in: what is configured beside the integration."""

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
"""The body of the request that all of them send."""

HEADERS: Final = {
    "Authorization": encode_basic_auth(_USERNAME, _PASSWORD, encoding="utf-8"),
    "X-APIKEY": _API_KEY,
}

EVENT: Final = {
    "event_name": "IncomingCall",
    "number": "09121234567",
    "entry_point": "trunk_1",
}
"""What a PBX sends when somebody calls, without the id of the conversation."""

END: Final = {
    "event_name": "Cdr",
    "type": "outgoing",
    "src": "106",
    "dst": "102",
    "disposition": "ANSWERED",
    "wait": "4",
    "billsec": "60",
}
"""What a PBX sends when a call has ended, without its id."""

SIZES: Final = (100, 1_000, 10_000)
"""How many calls are open in each of the PBXs that are added for it."""

OTHER: Final = "sun"
"""The integration of Home Assistant's own that is set up for comparison."""

WEBHOOKS: Final = {
    "webhook": "bench_webhook",
    "webhook with a condition": "bench_webhook_condition",
}
"""The addresses of Home Assistant's own automations, by what they are called here."""

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


def configuration(url: str) -> str:
    """Return the YAML that is added, with the address of the request for a call."""
    # As a person would write it: the two numbers come from the action.
    payload = {**CALL, "caller": "{{ caller }}", "callee": "{{ callee }}"}
    return _REST_COMMAND.format(
        url=url,
        authorization=HEADERS["Authorization"],
        api_key=_API_KEY,
        payload=json.dumps(payload),
        probe=PROBE,
    )


def automations() -> list[dict[str, object]]:
    """Return an automation for each way that an event can take."""
    is_incoming = "{{ trigger.json.event_name == 'IncomingCall' }}"
    plain, with_condition = WEBHOOKS.values()
    return [
        _automation({"trigger": "pbx.incoming_call"}),
        _automation({"trigger": "webhook", "webhook_id": plain}),
        _automation({"trigger": "webhook", "webhook_id": with_condition}, is_incoming),
    ]


def write(config_dir: Path) -> None:
    """Write the automations, and the probe beside the integrations of this folder."""
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
    # Home Assistant is started in the project's root.
    source = "from scripts.support.bench.probe import async_setup\n"
    (probe / "__init__.py").write_text(source)


def _automation(trigger: dict[str, str], *conditions: str) -> dict[str, object]:
    name = f"bench_{trigger.get('webhook_id', 'pbx')}"
    return {
        "id": name,
        "alias": name,
        # The next event may come before the last run has quite ended.
        "mode": "queued",
        "triggers": [trigger],
        "conditions": list(conditions),
        "actions": [{"action": f"{PROBE}.fired"}],
    }
