"""A dashboard that places the demo's calls at the touch of a button."""

from sandbox import Sandbox

from .client import Json
from .demo_calls import ACTION, CALLS, DemoCall
from .home_assistant import BootedHomeAssistant
from .pbx import DOMAIN, connected_sensor

PATH = "pbx-demo"

_ICONS = {
    "answered": "mdi:phone-in-talk",
    "busy": "mdi:phone-lock",
    "no_answer": "mdi:phone-missed",
    "caller_unreachable": "mdi:phone-off",
    None: "mdi:phone-cancel",
}


async def add_dashboard(home_assistant: BootedHomeAssistant, sandbox: Sandbox) -> None:
    """Add it, or bring it up to date."""
    command = home_assistant.client.command
    known = await command("lovelace/dashboards/list")
    if not any(dashboard["url_path"] == PATH for dashboard in known):
        await command(
            "lovelace/dashboards/create", url_path=PATH, title="PBX", icon="mdi:phone"
        )
    sensor = await connected_sensor(home_assistant)
    config = {"views": [_view(sensor["entity_id"], sandbox.url)]}
    await command("lovelace/config/save", url_path=PATH, config=config)


def _view(sensor: str, sandbox_url: str) -> Json:
    buttons = [_button(call) for call in CALLS]
    phones = {
        "type": "markdown",
        "content": f"What happens at the phones: [the sandbox PBX]({sandbox_url}/)",
    }
    tile = {"type": "tile", "entity": sensor, "grid_options": {"columns": "full"}}
    return {
        "title": "PBX",
        "type": "sections",
        "max_columns": 2,
        "sections": [
            _section("PBX", [tile, phones]),
            _section("Place a call", buttons),
        ],
    }


def _section(title: str, cards: list[Json]) -> Json:
    heading: Json = {"type": "heading", "heading": title}
    return {"type": "grid", "cards": [heading, *cards]}


def _button(call: DemoCall) -> Json:
    return {
        "type": "button",
        "name": call.title,
        "icon": _ICONS[call.result],
        "grid_options": {"columns": 6, "rows": 3},
        "tap_action": {
            "action": "perform-action",
            "perform_action": f"{DOMAIN}.{ACTION}",
            "data": dict(call.data),
        },
    }
