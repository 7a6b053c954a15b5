"""The configuration that a throw-away Home Assistant starts from."""

import json
from pathlib import Path
from typing import Any

import yaml

from scripts.support.booted.config_dir import prepare


def _stored(config_dir: Path, key: str) -> dict[str, Any]:
    store: dict[str, Any] = json.loads((config_dir / ".storage" / key).read_text())
    data: dict[str, Any] = store["data"]
    return data


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    """The port is the given one, on loopback only."""
    prepare(tmp_path, 8123, debug=False)
    http = _stored(tmp_path, "http")
    assert http == {"server_host": ["127.0.0.1"], "server_port": 8123}
    assert _stored(tmp_path, "core.network") == {"configured_adapters": ["lo"]}


def test_nothing_discovers_or_reports(tmp_path: Path) -> None:
    """What would ask the internet is not set up."""
    prepare(tmp_path, 8123, debug=False)
    text = (tmp_path / "configuration.yaml").read_text().replace("!include", "")
    assert "default_config" not in yaml.safe_load(text)
    (entry,) = _stored(tmp_path, "core.config_entries")["entries"]
    assert (entry["domain"], entry["disabled_by"]) == ("marketplace", "user")
    assert "user" not in _stored(tmp_path, "onboarding")["done"]


def test_it_finds_the_integration_of_this_folder(tmp_path: Path) -> None:
    """The code that runs is the code that is edited."""
    prepare(tmp_path, 8123, debug=False)
    assert (tmp_path / "custom_components/pbx/manifest.json").is_file()


def test_it_finds_the_blueprints(tmp_path: Path) -> None:
    """They are there as after an import, also in a folder that is kept."""
    for _ in range(2):
        prepare(tmp_path, 8123, debug=False)
    found = {path.name for path in (tmp_path / "blueprints/automation/pbx").iterdir()}
    assert "missed_call.yaml" in found


def test_more_is_configured_besides(tmp_path: Path) -> None:
    """A folder may have custom components of its own, and what sets them up."""
    own = tmp_path / "custom_components/own"
    own.mkdir(parents=True)
    prepare(tmp_path, 8123, debug=False, more="own:\n")
    text = (tmp_path / "configuration.yaml").read_text().replace("!include", "")
    assert {"own", "frontend"} <= set(yaml.safe_load(text))
    assert own.is_dir()


def test_a_used_folder_keeps_what_it_has_learnt(tmp_path: Path) -> None:
    """Only the port is new: what was set up there stays."""
    prepare(tmp_path, 8123, debug=False)
    entries = tmp_path / ".storage/core.config_entries"
    entries.write_text("what Home Assistant has written since")
    (tmp_path / "automations.yaml").write_text("[]")
    prepare(tmp_path, 8200, debug=True)
    assert entries.read_text() == "what Home Assistant has written since"
    assert (tmp_path / "automations.yaml").read_text() == "[]"
    assert _stored(tmp_path, "http")["server_port"] == 8200
    assert "debug" in (tmp_path / "configuration.yaml").read_text()
