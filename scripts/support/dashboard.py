"""A dashboard that places the demo's calls, and shows what came of each."""

from collections.abc import Mapping

from sandbox import Sandbox

from .client import Json
from .demo_calls import CALLS, DemoCall
from .demo_escalation import ACTION as ESCALATE, DATA as ESCALATION
from .home_assistant import BootedHomeAssistant
from .pbx import DOMAIN, entities, people

PATH = "pbx-demo"

_ICONS = {
    "answered": "mdi:phone-in-talk",
    "busy": "mdi:phone-lock",
    "no_answer": "mdi:phone-missed",
    "caller_unreachable": "mdi:phone-off",
    None: "mdi:phone-cancel",
}
_NAMES = {
    "answered": "The kitchen answers",
    "busy": "The workshop is busy",
    "no_answer": "Nobody in the garden",
    "caller_unreachable": "The garage is off",
}

_SCRIPT = "call_and_tell"
# Waits for the result, and says in words what came of the call.
_SCRIPT_CONFIG: Json = {
    "alias": "Call and tell",
    "description": "Places a call, waits until it has ended, and tells how.",
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
                "wait_for_result": True,
            },
            "response_variable": "call",
        },
        {
            "action": "persistent_notification.create",
            "data": {
                "title": "{{ caller }} to {{ callee }}: {{ call.result }}",
                "message": (
                    'It rang for {{ call.ring_time | int("?") }} s, they talked '
                    'for {{ call.talk_time | int("?") }} s. '
                    "Told by: {{ call.evidence }}."
                ),
            },
        },
    ],
}


async def add_dashboard(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox, entry_id: str
) -> None:
    """Add it with its script, or bring both up to date."""
    client = home_assistant.client
    await client.post(f"/api/config/script/config/{_SCRIPT}", _SCRIPT_CONFIG)
    known = await client.command("lovelace/dashboards/list")
    if not any(dashboard["url_path"] == PATH for dashboard in known):
        await client.command(
            "lovelace/dashboards/create", url_path=PATH, title="PBX", icon="mdi:phone"
        )
    ids = await entities(home_assistant, entry_id)
    view = _view(ids, sandbox.url)
    view["sections"].insert(
        1,
        _section(
            "Contacts and phones",
            [
                *[_contact(each) for each in await people(home_assistant, "call")],
                *[
                    _phone(each)
                    for each in await people(home_assistant, "extension_state")
                ],
            ],
        ),
    )
    await client.command(
        "lovelace/config/save", url_path=PATH, config={"views": [view]}
    )


def _view(ids: Mapping[str, str], sandbox_url: str) -> Json:
    buttons = [_button(call) for call in CALLS if call.result]
    latest = _LATEST.format(entity_id=ids["originated_call"])
    phones = f"What happens at the phones: [the sandbox PBX]({sandbox_url}/)"
    return {
        "title": "PBX",
        "type": "sections",
        "max_columns": 4,
        "sections": [
            _section("Place a call", [*buttons, _WAITING, _ESCALATING]),
            _section(
                "The PBX",
                [
                    _tile(ids["connected"], "Connected"),
                    _tile(ids["active_calls"], "Active calls"),
                    _tile(ids["last_result"], "Last result", wide=True),
                    _tile(ids["originated_call"], "Originated call", wide=True),
                    _tile(ids["pbx_call"], "PBX call", wide=True),
                    {"type": "markdown", "content": latest},
                    {"type": "markdown", "content": phones},
                ],
            ),
            _section(
                "What came of them",
                [
                    {
                        "type": "logbook",
                        "target": _target(ids["originated_call"]),
                        **_TALL,
                    }
                ],
            ),
        ],
    }


_TALL: Json = {"hours_to_show": 1, "grid_options": {"columns": "full", "rows": 10}}

# Its attributes are those of the action's response.
_LATEST = """\
{{% set entity = states["{entity_id}"] -%}}
{{% set call = entity.attributes if entity else {{}} -%}}
{{% if call.get("result") -%}}
**{{{{ call.caller }}}} to {{{{ call.callee }}}}: {{{{ call.result }}}}**

Rang for {{{{ call.ring_time | int("?") }}}} s,
talked for {{{{ call.talk_time | int("?") }}}} s.
Told by: {{{{ call.evidence }}}}.
{{%- elif call.get("caller") -%}}
**{{{{ call.caller }}}} to {{{{ call.callee }}}}** is on.
{{%- else -%}}
No call yet.
{{%- endif %}}"""


def _target(entity_id: str) -> Json:
    return {"entity_id": [entity_id]}


def _section(title: str, cards: list[Json]) -> Json:
    heading: Json = {"type": "heading", "heading": title}
    return {"type": "grid", "cards": [heading, *cards]}


def _tile(entity_id: str, name: str, *, wide: bool = False) -> Json:
    columns = "full" if wide else 6
    return {
        "type": "tile",
        "entity": entity_id,
        "name": name,
        "grid_options": {"columns": columns},
    }


def _contact(entity_id: str) -> Json:
    """Return a tile that calls a contact."""
    press = {
        "action": "perform-action",
        "perform_action": "button.press",
        "target": {"entity_id": entity_id},
    }
    tile = {"type": "tile", "entity": entity_id, "tap_action": press}
    return {**tile, "icon_tap_action": press, "grid_options": {"columns": 6}}


def _phone(entity_id: str) -> Json:
    """Return a tile that shows what a phone is doing, and with whom."""
    return {
        "type": "tile",
        "entity": entity_id,
        "state_content": ["state", "participant"],
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
    "Call, then tell",
    "mdi:bell-ring",
    f"script.{_SCRIPT}",
    {"caller": "101", "callee": "102"},
)
_ESCALATING = _perform(
    "Until somebody answers",
    "mdi:phone-alert",
    f"{DOMAIN}.{ESCALATE}",
    ESCALATION,
)
