"""Tests of the blueprints' files; `recipes/test_blueprints_*.py` run them."""

from typing import Any

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.components.blueprint import Blueprint
from homeassistant.components.blueprint.schemas import BLUEPRINT_SCHEMA
from homeassistant.helpers.selector import selector
from homeassistant.util.yaml import load_yaml_dict
import pytest

from tests.documents import PAGES, ROOT, mappings, read

from .recipes.test_pages import SCHEMAS

FOLDER = ROOT / "blueprints/automation/pbx"
ADDRESS = "https://github.com/seed-39570137/homeassistant-pbx/blob/main"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
EACH = pytest.mark.parametrize("name", NAMES)


def blueprint_of(name: str) -> Blueprint:
    """Return a blueprint, loaded as Home Assistant does."""
    data = load_yaml_dict(str(FOLDER / f"{name}.yaml"))
    return Blueprint(
        data, path=name, expected_domain=AUTOMATION, schema=BLUEPRINT_SCHEMA
    )


def test_names() -> None:
    """They are those of the documentation."""
    assert NAMES == [
        "alarm",
        "alarm_confirmed",
        "doorbell",
        "gate_key",
        "help_button",
        "missed_call",
        "no_motion",
        "notification_first",
        "quiet_music",
        "reminder",
        "wake_up_call",
    ]


@EACH
def test_import_link(name: str) -> None:
    """Each can be imported from the documentation."""
    pages = "".join(map(read, PAGES))
    address = f"{ADDRESS}/blueprints/automation/pbx/{name}.yaml"
    quoted = address.replace(":", "%3A").replace("/", "%2F")

    assert f"blueprint_import/?blueprint_url={quoted}" in pages


@EACH
def test_loads(name: str) -> None:
    """Each is a blueprint for all versions that are supported."""
    blueprint = blueprint_of(name)

    assert blueprint.validate() is None
    metadata = blueprint.metadata
    assert metadata["source_url"] == f"{ADDRESS}/blueprints/automation/pbx/{name}.yaml"
    assert metadata["homeassistant"]["min_version"] == "2026.9.0"


@EACH
def test_defaults(name: str) -> None:
    """Each default is a value that the selector of its input takes."""
    for key, each in blueprint_of(name).inputs.items():
        # An empty list stands for no entity.
        default = each.get("default", [])
        validate: Any = selector(each["selector"])
        assert default == [] or validate(default) is not None, key


@EACH
def test_fields(name: str) -> None:
    """Actions get fields that they have."""
    config: dict[str, Any] = load_yaml_dict(str(FOLDER / f"{name}.yaml"))
    for each in mappings(config):
        known = SCHEMAS.get(str(each.get("action")))
        if known is not None:
            known(dict.fromkeys(each["data"], ""))
