"""Tests of the card's JavaScript that need no browser and no Node.

Those that need Node are run by `scripts/frontend test`.
"""

from pathlib import Path
import re

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "custom_components" / "pbx" / "frontend"
MODULES = sorted(FOLDER.glob("*.js"))
NAMES = [path.name for path in MODULES]

# Names and numbers of callers are foreign text: nothing may make elements or code of a
# text.
SINKS = re.compile(
    r"""
    innerHTML | outerHTML | insertAdjacentHTML | setHTML | parseFromString
    | createContextualFragment | document\.write | srcdoc | \beval\b
    | new\s+Function | javascript: | \bimport\s*\( | unsafeHTML
    """,
    re.VERBOSE,
)
# What is not there, or not to be relied on: Home Assistant's own elements, other hosts.
FOREIGN = re.compile(r"""["'<]/?ha-[a-z]|["'<]/?hui-[a-z]|fetch\(|XMLHttpRequest""")


def read(path: Path) -> str:
    """Return the source of a module."""
    return path.read_text(encoding="utf-8")


def without_comments(source: str) -> str:
    """Return a source without whole-line and block comments."""
    return re.sub(r"(?m)/\*(?s:.*?)\*/|^\s*//.*$", "", source)


def test_there_are_modules() -> None:
    """The entry is where the integration looks for it."""
    assert "pbx-phone-card.js" in NAMES
    # Everything in the folder is public.
    assert {path.suffix for path in FOLDER.iterdir()} == {".js"}


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_no_module_makes_html_of_text(path: Path) -> None:
    """Text is set as text."""
    assert SINKS.findall(without_comments(read(path))) == []


@pytest.mark.parametrize(
    "source",
    [
        "element.innerHTML = name",
        "element.insertAdjacentHTML('beforeend', name)",
        "document.write(name)",
        "eval(name)",
        "new Function(name)",
        'await import("./" + name)',
        "frame.srcdoc = name",
    ],
)
def test_the_search_finds_sinks(source: str) -> None:
    """The pattern finds what it is for, after a comment, too."""
    assert SINKS.search(without_comments(f"// A comment.\n{source}\n/* Another. */"))


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_modules_stand_alone(path: Path) -> None:
    """Imports are relative and exist; no element of Home Assistant is used."""
    source = without_comments(read(path))
    assert FOREIGN.findall(source) == []
    for imported in re.findall(r"""(?m)^(?:import|\}) .*?from "([^"]+)";""", source):
        assert imported.startswith("./"), imported
        assert imported[2:] in NAMES, imported


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_styles_have_no_left_and_right(path: Path) -> None:
    """Only logical directions, which turn around in Persian."""
    found = re.findall(
        r"(?:margin|padding|border)-(?:left|right)|[;{\s](?:left|right|float)\s*:"
        r"|text-align: (?:left|right)",
        without_comments(read(path)),
    )
    assert found == []


def words() -> dict[str, dict[str, str]]:
    """Return the words of each language."""
    source = read(FOLDER / "words.js")
    languages: dict[str, dict[str, str]] = {}
    for name, body in re.findall(r"(?ms)^  (\w\w): \{$(.*?)^  \},$", source):
        languages[name] = dict(
            re.findall(r'(?m)^    (\w+): "((?:[^"\\]|\\.)*)",$', body)
        )
        # No line is overlooked.
        assert len(languages[name]) == len(body.strip().splitlines())
    return languages


def test_the_languages_have_the_same_words() -> None:
    """No key is missing in one of them, and none is empty."""
    languages = words()
    assert set(languages) == {"en", "fa"}
    assert list(languages["en"]) == list(languages["fa"])
    for texts in languages.values():
        assert all(texts.values())


def test_words_have_the_same_placeholders() -> None:
    """What one language puts in, the other does, too."""
    english, persian = words()["en"], words()["fa"]
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(
            re.findall(r"\{\w+\}", persian[key])
        ), key


def test_every_word_is_used_and_known() -> None:
    """A key that is asked for exists, and one that exists is asked for."""
    source = "\n".join(without_comments(read(path)) for path in MODULES)
    source = re.sub(r"(?ms)^  \w\w: \{$.*?^  \},$", "", source)
    keys = set(words()["en"])
    asked = set(re.findall(r'\bt\(\s*"(\w+)"', source))
    bases = {re.sub(r"_(one|other)$", "", key) for key in keys}
    assert asked <= keys | bases
    # Of values of the server and of the form.
    made = re.compile(
        r"state_|form_|confirm_|no_answer|busy|declined|failed|caller_unreachable"
        r"|undetermined|incoming|outgoing|internal|automation|script|voice|button"
    )
    unused = {
        key
        for key in keys
        if f'"{re.sub(r"_(one|other)$", "", key)}"' not in source
        and not made.match(key)
    }
    assert unused == set()
