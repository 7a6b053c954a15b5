"""Dashboard of the demo: buttons that place calls, and their results."""

from collections.abc import Mapping, Sequence

from sandbox import Sandbox

from ..booted.client import Json
from ..booted.home_assistant import BootedHomeAssistant
from ..booted.pbx import DOMAIN, entities, people
from .calls import CALLS, DemoCall
from .escalation import ACTION as ESCALATE, DATA as ESCALATION

PATH = "pbx-demo"

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


async def add_dashboard(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox, entry_id: str
) -> None:
    """Add or update the dashboard and its script."""
    client = home_assistant.client
    await client.post(f"/api/config/script/config/{_SCRIPT}", _SCRIPT_CONFIG)
    dashboards = await client.command("lovelace/dashboards/list")
    if not any(each["url_path"] == PATH for each in dashboards):
        await client.command(
            "lovelace/dashboards/create", url_path=PATH, title="PBX", icon="mdi:phone"
        )
    ids = await entities(home_assistant, entry_id)
    phones = await people(home_assistant, "extension_state")
    buttons = await people(home_assistant, "call")
    # The button of an extension has the name of its phone.
    names = {each.partition(".")[2].removesuffix("_state") for each in phones}
    contacts = [each for each in buttons if each.partition(".")[2] not in names]
    view = {
        "title": "PBX",
        "type": "sections",
        "max_columns": 3,
        "sections": [
            _section("Contacts", list(map(_contact, contacts))),
            _section("Extensions", list(map(_phone, phones))),
            _section("Activity", [_activity([*buttons, ids["connected"]])]),
            _section("Try", [*_demonstrations(), _WAITING, _ESCALATING]),
            _section("PBX", _pbx(ids, sandbox.url)),
        ],
    }
    await client.command(
        "lovelace/config/save", url_path=PATH, config={"views": [view]}
    )


def _pbx(ids: Mapping[str, str], sandbox_url: str) -> list[Json]:
    phones = f"Watch the phones: [sandbox PBX]({sandbox_url}/)"
    return [
        _tile(ids["connected"], "Connected"),
        _tile(ids["active_calls"], "Active calls"),
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


def _tile(entity_id: str, name: str) -> Json:
    return {
        "type": "tile",
        "entity": entity_id,
        "name": name,
        "grid_options": {"columns": 6},
    }


def _demonstrations() -> list[Json]:
    return [_button(call) for call in CALLS if call.result]


def _contact(entity_id: str) -> Json:
    """Return a tile that calls a contact, and describes the last call with it."""
    press = {
        "action": "perform-action",
        "perform_action": "button.press",
        "target": {"entity_id": entity_id},
    }
    return {
        "type": "tile",
        "entity": entity_id,
        "state_content": ["last_result", "last_direction"],
        "tap_action": press,
        "icon_tap_action": press,
        "grid_options": {"columns": 6},
    }


def _phone(entity_id: str) -> Json:
    """Return a tile that shows the state and the other party of an extension."""
    return {
        "type": "tile",
        "entity": entity_id,
        "name": {"type": "device"},
        "state_content": ["state", "participant_name"],
        "grid_options": {"columns": 6},
    }


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
