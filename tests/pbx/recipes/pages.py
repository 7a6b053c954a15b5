"""The recipes of the documentation, taken apart for their tests."""

import re
from typing import Any, Final

from homeassistant.util.yaml import parse_yaml

from tests.documents import ROOT

FOLDER: Final = ROOT / "docs/recipes"
INDEX: Final = FOLDER / "README.md"

_YAML: Final = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)


def names() -> list[str]:
    """Return the recipes by the names of their files."""
    return sorted(path.stem for path in FOLDER.glob("*.md") if path != INDEX)


def page(name: str) -> str:
    """Return the text of a recipe."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def blocks(name: str) -> list[str]:
    """Return the blocks of YAML of a recipe, in order."""
    return _YAML.findall(page(name))


def configs(name: str) -> list[dict[str, Any]]:
    """Return what the blocks of a recipe hold."""
    found = []
    for text in blocks(name):
        config = parse_yaml(text)
        assert isinstance(config, dict)
        found.append(config)
    return found
