"""Tests of the structure: allowed imports, and fields that are used."""

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import custom_components.pbx
from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.base import Feature
from custom_components.pbx.backends.updates import (
    CallUpdate,
    ExtensionUpdate,
    VoicemailUpdate,
)
from custom_components.pbx.flows import FORMS

ROOT = Path(custom_components.pbx.__file__).parent
ROOMS = {
    "backends": set(),
    "calls": {"backends", "speech"},
    "flows": {"backends", "calls"},
    "speech": {"backends"},
    "voice": {"backends", "calls"},
}
# Below everything; every room but the backends may import them.
FOUNDATION = {"const", "errors"}
LONGEST = 400

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(
        ".__init__"
    ): path
    for path in sorted(ROOT.rglob("*.py"))
}


def imports_of(name: str) -> Iterator[str]:
    """Return what a module imports: of ours by its path below the root."""
    path = MODULES[name]
    package = path.parent.relative_to(ROOT).parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (f"/{each.name}" for each in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield f"/{node.module}"
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            parts = (*base, *(node.module.split(".") if node.module else ()))
            for each in node.names:
                inner = ".".join((*parts, each.name))
                yield inner if inner in MODULES else ".".join(parts)


def ours(name: str) -> set[str]:
    """Return the modules of ours that a module imports."""
    return {each for each in imports_of(name) if not each.startswith("/")} - {name}


def room_of(name: str) -> str:
    """Return the room of a module; empty for what lies at the top."""
    room = name.partition(".")[0]
    return room if room in ROOMS else ""


@pytest.mark.parametrize("name", [name for name in MODULES if room_of(name)])
def test_directions(name: str) -> None:
    """A package only imports from those below it."""
    room = room_of(name)
    allowed = {room} | ROOMS[room]
    if room != "backends":
        allowed |= FOUNDATION
    assert {each.partition(".")[0] for each in ours(name)} <= allowed


@pytest.mark.parametrize("name", sorted(FOUNDATION))
def test_foundation(name: str) -> None:
    """What every room may import imports the seam alone."""
    assert {room_of(each) or each for each in ours(name)} <= {"backends", "const"}


@pytest.mark.parametrize("name", [n for n in MODULES if room_of(n) == "backends"])
def test_no_home_assistant(name: str) -> None:
    """A backend knows nothing of Home Assistant."""
    assert not [each for each in imports_of(name) if each.startswith("/homeassistant")]


def test_no_circles() -> None:
    """No module imports itself by way of others."""
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " > ".join((*way, name))
        if name not in done:
            for each in ours(name):
                # A package is there before its modules: that is no circle.
                if not name.startswith(f"{each}."):
                    visit(each, (*way, name))
            done.add(name)

    for name in MODULES:
        visit(name, ())


def test_lengths() -> None:
    """No module is too long to be read in one go."""
    lengths = {name: len(p.read_text().splitlines()) for name, p in MODULES.items()}
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_forms() -> None:
    """Every kind has a form, and every form a kind."""
    assert FORMS.keys() == KINDS.keys()


READ = {
    node.attr
    for name, path in MODULES.items()
    if room_of(name) != "backends"
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Attribute)
}


@pytest.mark.parametrize("feature", Feature)
def test_features(feature: Feature) -> None:
    """Every feature is used."""
    assert feature.name in READ


@pytest.mark.parametrize(
    "name",
    sorted({each.name for each in fields(CallUpdate)} | {*ExtensionUpdate._fields}),
)
def test_fields(name: str) -> None:
    """Every field of an update is used."""
    assert name in READ


def test_voicemail() -> None:
    """A voice message is shown as a whole."""
    assert VoicemailUpdate._fields
    assert "_asdict" in READ
