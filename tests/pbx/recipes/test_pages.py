"""Tests of the recipes' pages: their form, their YAML, and that each is run."""

from pathlib import Path
import re
from typing import Final

import pytest
import yaml

from custom_components.pbx.services import (
    ANNOUNCE_SCHEMA,
    ESCALATE_SCHEMA,
    HANG_UP_SCHEMA,
    ORIGINATE_SCHEMA,
    RING_SCHEMA,
    SEND_KEYS_SCHEMA,
)
from tests.documents import mappings

from .pages import FOLDER, INDEX, blocks, configs, names, page

SCHEMAS: Final = {
    "pbx.originate": ORIGINATE_SCHEMA,
    "pbx.announce": ANNOUNCE_SCHEMA,
    "pbx.escalate": ESCALATE_SCHEMA,
    "pbx.hang_up": HANG_UP_SCHEMA,
    "pbx.ring": RING_SCHEMA,
    "pbx.send_keys": SEND_KEYS_SCHEMA,
}

# What may stand there without quotes, as it is never dialed.
QUANTITIES: Final = {
    "brightness_pct",
    "call_limit",
    "max",
    "max_columns",
    "pause",
    "rounds",
    "timeout",
}

# Each test of a recipe sets it up by its name.
_RUN: Final = re.compile(r"""(?:\.use|configs)\("([a-z-]+)"[,)]""")
_ROW: Final = re.compile(
    r"^\| \[(?P<title>[^]]+)\]\((?P<file>[^)]+)\) \|", re.MULTILINE
)
_LINK: Final = re.compile(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)")

EACH = pytest.mark.parametrize("name", names())


def test_each_is_run() -> None:
    """Each recipe has a test, and each test has a recipe."""
    here = Path(__file__).parent
    sources = [path.read_text(encoding="utf-8") for path in here.glob("test_*.py")]
    run = {name for source in sources for name in _RUN.findall(source)}

    assert run == set(names())


def test_index() -> None:
    """The index has each recipe once, with the title of its page."""
    rows = {
        match["file"]: match["title"]
        for match in _ROW.finditer(INDEX.read_text(encoding="utf-8"))
    }
    titles = {f"{name}.md": page(name).partition("\n")[0] for name in names()}

    assert {file: f"# {title}" for file, title in rows.items()} == titles


@EACH
def test_form(name: str) -> None:
    """Each says what it is for, what it needs, how it works and what to adapt."""
    text = page(name)
    title, blank, sentence = text.split("\n")[:3]

    assert title.startswith("# ")
    assert not blank
    assert sentence[0].isupper()
    parts = ["**You need:**", "```yaml", "**How it works:**", "**Adapt:**"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    siblings = [link for link in _LINK.findall(text) if "/" not in link]
    assert all((FOLDER / link).is_file() for link in siblings)


@EACH
def test_yaml(name: str) -> None:
    """Actions get fields that they have, and the syntax is the current one."""
    for config in configs(name):
        for each in mappings(config):
            action = str(each.get("action") or each.get("perform_action"))
            SCHEMAS.get(action, dict)(each.get("data", {}))
            assert not each.keys() & {"service", "platform", "data_template"}
        if "triggers" in config:
            assert not config.keys() & {"trigger", "condition", "action"}


@EACH
def test_numbers_are_in_quotes(name: str) -> None:
    """A number is text: YAML would drop or misread some of it."""
    for text in blocks(name):
        for each in mappings(yaml.safe_load(text)):
            for key, value in each.items():
                is_quantity = isinstance(value, int) and not isinstance(value, bool)
                assert not is_quantity or key in QUANTITIES, (key, value)
                items = value if isinstance(value, list) else []
                assert not any(isinstance(item, int) for item in items), key
