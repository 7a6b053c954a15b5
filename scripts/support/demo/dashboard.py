"""Dashboards of the demo: the telephone, and calls to try with their results."""

from collections.abc import Mapping, Sequence

from sandbox import Sandbox

from ..booted.client import Json
from ..booted.home_assistant import BootedHomeAssistant
from ..booted.pbx import DOMAIN, entities, people
from .calls import CALLS, DemoCall
from .escalation import ACTION as ESCALATE, DATA as ESCALATION

TELEPHONE = "pbx-telephone"
PATH = "pbx-demo"
_TITLE = "Try it"

_ICONS = {
    "answered": "mdi:phone-in-talk",
    "busy": "mdi:phone-remove",
    "no_answer": "mdi:phone-missed",
    "caller_unreachable": "mdi:phone-off",
    None: "mdi:phone-cancel",
}
_NAMES = {
    "answered": "The kitchen answers",
    "busy": "The workshop is busy",
    "no_answer": "The garden does not answer",
    "caller_unreachable": "The garage is unreachable",
}

_SCRIPT = "call_and_notify"
# Waits for the result of the call, and creates a notification.
_SCRIPT_CONFIG: Json = {
    "alias": "Call and notify",
    "description": "Places a call, waits until it ends, and shows the result.",
    "mode": "parallel",
    "fields": {
        "caller": {"name": "Caller", "required": True, "selector": {"text": {}}},
        "callee": {"name": "Callee", "required": True, "selector": {"text": {}}},
    },
    "sequence": [
        {
            "action": f"{DOMAIN}.originate",
            "data": {
                "caller": "({{ caller }})",
                "callee": "({{ callee }})",
                "call_limit": 3,
                "wait_until": "ended",
            },
            "response_variable": "call",
        },
        {
            "action": "persistent_notification.create",
            "data": {
                "title": "{{ caller }} to {{ callee }}: {{ call.result }}",
                "message": (
                    'Ring time: {{ call.ring_time | int("?") }} s, '
                    'talk time: {{ call.talk_time | int("?") }} s'
                ),
            },
        },
    ],
}


async def add_telephone(home_assistant: BootedHomeAssistant) -> None:
    """Add the dashboard that builds itself, and let Home Assistant open with it."""
    client = home_assistant.client
    strategy = {"strategy": {"type": "custom:pbx-telephone"}}
    if await _save(home_assistant, TELEPHONE, "Telephone", "mdi:phone", strategy):
        # A configuration that is kept may have another one since.
        await client.command(
            "frontend/set_system_data", key="core", value={"default_panel": TELEPHONE}
        )


async def add_dashboard(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox, entry_id: str
) -> None:
    """Add or update the dashboard with calls to try, and its script."""
    client = home_assistant.client
    await client.post(f"/api/config/script/config/{_SCRIPT}", _SCRIPT_CONFIG)
    ids = await entities(home_assistant, entry_id)
    buttons = await people(home_assistant, "call")
    view = {
        "title": _TITLE,
        "type": "sections",
        "max_columns": 2,
        "sections": [
            _section("Calls that end in different ways", _calls(sandbox.url)),
            _section("Activity", [_activity([*buttons, ids["connected"]])]),
        ],
    }
    config = {"views": [view]}
    await _save(home_assistant, PATH, _TITLE, "mdi:phone-plus", config)


async def _save(
    home_assistant: BootedHomeAssistant, path: str, title: str, icon: str, config: Json
) -> bool:
    """Add or update a dashboard; return whether it is new."""
    client = home_assistant.client
    dashboards = await client.command("lovelace/dashboards/list")
    is_new = not any(each["url_path"] == path for each in dashboards)
    if is_new:
        await client.command(
            "lovelace/dashboards/create", url_path=path, title=title, icon=icon
        )
    await client.command("lovelace/config/save", url_path=path, config=config)
    return is_new


def _calls(sandbox_url: str) -> list[Json]:
    """Return a button for each kind of call, and where the phones can be seen."""
    phones = f"Watch the phones: [sandbox PBX]({sandbox_url}/)"
    return [
        *(_button(call) for call in CALLS if call.result),
        _WAITING,
        _ESCALATING,
        {"type": "markdown", "content": phones},
    ]


def _activity(entity_ids: Sequence[str]) -> Json:
    """Return a card with the calls of contacts."""
    return {
        "type": "logbook",
        "target": {"entity_id": list(entity_ids)},
        "hours_to_show": 1,
        "grid_options": {"columns": "full", "rows": 7},
    }


def _section(title: str, cards: list[Json]) -> Json:
    heading: Json = {"type": "heading", "heading": title}
    return {"type": "grid", "cards": [heading, *cards]}


def _button(call: DemoCall) -> Json:
    name = _NAMES[str(call.result)]
    return _perform(name, _ICONS[call.result], f"{DOMAIN}.originate", call.data)


def _perform(name: str, icon: str, action: str, data: Mapping[str, object]) -> Json:
    """Return a button that performs an action."""
    return {
        "type": "button",
        "name": name,
        "icon": icon,
        "grid_options": {"columns": 6, "rows": 2},
        "tap_action": {
            "action": "perform-action",
            "perform_action": action,
            "data": dict(data),
        },
    }


_WAITING = _perform(
    "Call and notify",
    "mdi:bell-ring",
    f"script.{_SCRIPT}",
    {"caller": "101", "callee": "102"},
)
_ESCALATING = _perform(
    "Call until one answers",
    "mdi:phone-alert",
    f"{DOMAIN}.{ESCALATE}",
    ESCALATION,
)
