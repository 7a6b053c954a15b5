"""Configuration folder of a temporary Home Assistant."""

from collections.abc import Mapping
import json
from pathlib import Path
import shutil

from ..machine import LOOPBACK, ROOT

# No default_config: it would discover devices, check for updates, and send analytics.
_CONFIGURATION = """\
homeassistant:
  name: PBX demo
  latitude: 0
  longitude: 0
  elevation: 0
  time_zone: UTC
  unit_system: metric
  country: GB
  currency: EUR
frontend:
history:
logbook:
logger:
  default: warning
  logs:
    custom_components.pbx: {level}
    # Suppress warnings about missing libraries for cameras.
    haffmpeg: critical
    homeassistant.components.camera.img_util: critical
person:
recorder:
  commit_interval: 1
automation: !include automations.yaml
script: !include scripts.yaml
scene: !include scenes.yaml
"""


def prepare(config_dir: Path, port: int, *, debug: bool, more: str = "") -> None:
    """Prepare a configuration folder; existing state is kept.

    Args:
        config_dir: the folder, which may already contain custom components.
        port: of the web server.
        debug: whether to enable debug logging of the integration.
        more: additional YAML configuration.
    """
    config_dir.mkdir(parents=True, exist_ok=True)
    (config_dir / "configuration.yaml").write_text(
        _CONFIGURATION.format(level="debug" if debug else "info") + more
    )
    for name in ("automations", "scripts", "scenes"):
        (config_dir / f"{name}.yaml").touch()
    components = config_dir / "custom_components"
    if not (components.is_symlink() or components.is_dir()):
        components.symlink_to(ROOT / "custom_components")
    # Links are not followed.
    shutil.copytree(ROOT / "blueprints", config_dir / "blueprints", dirs_exist_ok=True)
    _store(config_dir, "core.network", {"configured_adapters": ["lo"]})
    # Written in version 1 of this store, which Home Assistant migrates. In YAML, it
    # would have to be confirmed in the browser within 5 minutes.
    _store(config_dir, "http", {"server_host": [LOOPBACK], "server_port": port})
    if not (config_dir / ".storage/core.config_entries").exists():
        _store(config_dir, "core.config_entries", {"entries": [_MARKETPLACE]})
        # These steps would set up integrations for weather and radio, which need the
        # internet.
        _store(config_dir, "onboarding", _ONBOARDING, version=4)


def _store(
    config_dir: Path, key: str, data: Mapping[str, object], version: int = 1
) -> None:
    """Write one of Home Assistant's stores, by default in its oldest version."""
    path = config_dir / ".storage" / key
    path.parent.mkdir(exist_ok=True)
    store = {"version": version, "minor_version": 1, "key": key, "data": data}
    path.write_text(json.dumps(store))


_ONBOARDING = {"done": ["core_config", "analytics", "integration"]}

# It sets itself up and fetches its catalog from GitHub unless it is disabled.
_MARKETPLACE = {
    "entry_id": "01J0000000000000000000PBX0",
    "version": 1,
    "domain": "marketplace",
    "title": "",
    "data": {},
    "source": "system",
    "disabled_by": "user",
}
