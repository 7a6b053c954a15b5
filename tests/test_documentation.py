"""Tests that the tables and the links of the documentation are correct.

No sentence is compared: what a page says in words is free to change.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
import json
from pathlib import Path
import re
import tomllib
from typing import Any
from urllib.parse import unquote

import pytest
import voluptuous as vol
import yaml

from custom_components.pbx.backends.base import Directory
from custom_components.pbx.backends.simotel import client as simotel
from custom_components.pbx.backends.simotel.events import parse_event
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    ExtensionState,
)
from custom_components.pbx.calls.escalation import (
    ENDED_BY_ANSWER,
    ENDED_BY_CALLER_GONE,
    ENDED_BY_NOBODY,
    ENDED_BY_UNTIL,
)
from custom_components.pbx.calls.escalation_targets import Mode
from custom_components.pbx.calls.number import parse_pattern
from custom_components.pbx.calls.number_plan import NumberPlan
from custom_components.pbx.calls.rules import (
    CALLS_AT_ONCE_RANGE,
    CALLS_PER_HOUR_RANGE,
    COOLDOWN_RANGE,
    DEFAULT_RULES,
)
from custom_components.pbx.const import (
    BOXES_KEY,
    CALL_LIMIT_RANGE,
    CONF_CALL_LIMIT,
    CONF_CALLS_AT_ONCE,
    CONF_CALLS_PER_HOUR,
    CONF_COOLDOWN,
    CONF_DIGITS,
    CONF_INTERNAL_DIGITS,
    CONF_KEY_TIMEOUT,
    CONF_MAX_TALK_TIME,
    CONF_PAUSE,
    CONF_REPEAT,
    CONF_REPEAT_PAUSE,
    CONF_ROUNDS,
    CONF_TIMEOUT,
    DIGITS_RANGE,
    INTERNAL_DIGITS_RANGE,
    KEY_TIMEOUT_RANGE,
    MAX_TALK_TIME_RANGE,
    PAUSE_RANGE,
    REPEAT_PAUSE_RANGE,
    REPEAT_RANGE,
    ROUNDS_RANGE,
    TIMEOUT_RANGE,
)
from custom_components.pbx.flows import FORMS
from custom_components.pbx.flows.call_defaults import (
    call_defaults_schema,
    suggested_defaults,
)
from custom_components.pbx.flows.call_log import CALL_LOG_SCHEMA
from custom_components.pbx.flows.dialing_rules import DIALING_RULES_SCHEMA
from custom_components.pbx.flows.events import EVENTS_SCHEMA
from custom_components.pbx.flows.options import VOICE_SCHEMA
from custom_components.pbx.flows.speech import speech_schema
from custom_components.pbx.services import (
    ANNOUNCE_SCHEMA,
    ESCALATE_SCHEMA,
    GET_CALLS_SCHEMA,
    HANG_UP_SCHEMA,
    ORIGINATE_SCHEMA,
    RING_SCHEMA,
    SEND_KEYS_SCHEMA,
)
from sandbox import SandboxConfig
from sandbox.__main__ import DEFAULT_PORT
from sandbox.faults import FAULT_KINDS

from .documents import PAGES, ROOT, blocks, headings, mappings, read, table

INTEGRATION = ROOT / "custom_components/pbx"
CARD_PAGE = "docs/dashboard.md"
REPOSITORY = "https://github.com/seed-39570137/homeassistant-pbx"
RANGES = {
    CONF_TIMEOUT: TIMEOUT_RANGE,
    CONF_CALL_LIMIT: CALL_LIMIT_RANGE,
    CONF_INTERNAL_DIGITS: INTERNAL_DIGITS_RANGE,
    CONF_MAX_TALK_TIME: MAX_TALK_TIME_RANGE,
    CONF_CALLS_AT_ONCE: CALLS_AT_ONCE_RANGE,
    CONF_CALLS_PER_HOUR: CALLS_PER_HOUR_RANGE,
    CONF_COOLDOWN: COOLDOWN_RANGE,
    CONF_PAUSE: PAUSE_RANGE,
    CONF_ROUNDS: ROUNDS_RANGE,
    CONF_REPEAT: REPEAT_RANGE,
    CONF_REPEAT_PAUSE: REPEAT_PAUSE_RANGE,
    CONF_DIGITS: DIGITS_RANGE,
    CONF_KEY_TIMEOUT: KEY_TIMEOUT_RANGE,
}
ENDED_BY = (
    ENDED_BY_ANSWER,
    ENDED_BY_NOBODY,
    ENDED_BY_UNTIL,
    ENDED_BY_CALLER_GONE,
)
EN_DASH = "\N{EN DASH}"


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def read_yaml(name: str) -> dict[str, Any]:
    """Return the content of a file that describes the editor's forms."""
    data: dict[str, Any] = yaml.safe_load((INTEGRATION / f"{name}.yaml").read_text())
    return data


ENGLISH = read_json(INTEGRATION / "translations/en.json")
OPTIONS = ENGLISH["options"]["step"]
SETUP = ENGLISH["config"]["step"]
CONTACT = ENGLISH["config_subentries"]["contact"]["step"]["user"]
CALL_DEFAULTS_SCHEMA = call_defaults_schema(Directory(), shows_names=True)


def names(schema: vol.Schema) -> list[str]:
    """Return the names of a form's fields, in order."""
    return [str(field) for field in schema.schema]


def suggested(schema: vol.Schema) -> dict[str, Any]:
    """Return the values that a form shows at first."""
    return {str(field): field.default() for field in schema.schema}


def as_word(value: object) -> str:
    """Return a value as the tables have it."""
    if isinstance(value, list):
        value = ", ".join(value)
    return {"True": "on", "False": "off", "": "none"}.get(str(value), str(value))


def limits_of(name: str) -> str:
    """Return the limits of a field as the tables have them."""
    return EN_DASH.join(map(str, RANGES[name]))


# Tables


@pytest.mark.parametrize(
    ("page", "labels", "schema"),
    [
        ("docs/simotel.md", SETUP["simotel"], FORMS["simotel"].connection),
        ("docs/asterisk.md", SETUP["asterisk"], FORMS["asterisk"].connection),
        ("docs/contacts.md", CONTACT, None),
    ],
)
def test_fields(page: str, labels: dict[str, Any], schema: vol.Schema | None) -> None:
    """The fields are those of the form, with its labels."""
    rows = {row["Key"]: row["Field"] for row in table(page, "Field")}

    assert rows == labels["data"]
    assert schema is None or list(rows) == names(schema)


def test_contact_sections() -> None:
    """The settings of the sections of a contact are all named, with their labels."""
    page = read("docs/contacts.md")
    rows = {row["Key"]: row["Setting"] for row in table("docs/contacts.md", "Setting")}

    names = ("overrides", "announcements", "extension")
    sections = [CONTACT["sections"][name] for name in names]
    overrides, announcements, extension = sections
    spoken = table("docs/contacts.md", "Announcement setting")
    said = {row["Key"]: row["Announcement setting"] for row in spoken}
    assert all(f"*{each['name']}*" in page for each in sections)
    assert said == announcements["data"]
    assert all(f"`{name}`" in page for name in overrides["data"])
    assert rows == extension["data"]


@pytest.mark.parametrize(
    ("page", "step", "schema", "values"),
    [
        (
            "docs/call-defaults.md",
            "call_defaults",
            CALL_DEFAULTS_SCHEMA,
            suggested_defaults(FORMS["simotel"].default_context),
        ),
        ("docs/voice.md", "voice", VOICE_SCHEMA, suggested(VOICE_SCHEMA)),
        (
            "docs/call-log.md",
            "call_log",
            CALL_LOG_SCHEMA,
            suggested(CALL_LOG_SCHEMA),
        ),
        ("docs/simotel.md", "events", EVENTS_SCHEMA, suggested(EVENTS_SCHEMA)),
        (
            "docs/simotel-speech.md",
            "speech",
            speech_schema([]),
            {"speech_boxes": BOXES_KEY},
        ),
        (
            "docs/dialing-rules.md",
            "dialing_rules",
            DIALING_RULES_SCHEMA,
            DEFAULT_RULES,
        ),
    ],
)
def test_options(
    page: str, step: str, schema: vol.Schema, values: dict[str, Any]
) -> None:
    """The options are those of the form, with its labels, defaults and limits."""
    rows = table(page, "Option")

    labels = {row["Key"]: row["Option"] for row in rows}
    assert labels == OPTIONS[step]["data"]
    assert list(labels) == names(schema)
    for row in rows:
        assert row["Default"] == as_word(values.get(row["Key"], "none")), row
        assert row["Key"] not in RANGES or limits_of(row["Key"]) in row["Meaning"], row


def test_card_options() -> None:
    """The options of the card are those of its form, with its labels."""
    rows = {row["Key"]: row["Card option"] for row in table(CARD_PAGE, "Card option")}

    source = (INTEGRATION / "frontend/words.js").read_text(encoding="utf-8")
    english = dict(
        re.findall(r'(?m)^    (\w+): "(.*)",$', source.partition("fa: {")[0])
    )
    card = (INTEGRATION / "frontend/config.js").read_text(encoding="utf-8")
    form = re.findall(r'\{ name: "(\w+)",.* selector: ', card)
    assert rows == {key: english[f"form_{key}"] for key in form}
    cards = [
        each
        for page in PAGES
        for block in blocks(page, "yaml")
        for each in mappings(yaml.safe_load(block.text))
        if each.get("type") == "custom:pbx-phone-card"
    ]
    assert cards
    for each in cards:
        assert each.keys() - {"type"} <= rows.keys()
        assert {*each.get("show", ())} <= {"now", "contacts", "keypad", "calls"}
        assert each.get("confirm", "always") in {"never", "numbers", "always"}


def test_patterns() -> None:
    """Each number matches the patterns that the table says, and no other."""
    plan = NumberPlan(region="IR", internal_digits=5)
    patterns = [row["Pattern"] for row in table("docs/dialing-rules.md", "Pattern")]

    expected = {
        "09123456789": ["0912 345 6789", "0912*", "+98912*"],
        "1234": ["????"],
        "02112345678": ["021????????"],
        "0049301": ["00*"],
    }
    assert {
        number: [
            pattern
            for pattern in patterns
            if plan.permits((parse_pattern(pattern),), number)
        ]
        for number in expected
    } == expected


def test_events_to_select() -> None:
    """The events to select are parsed, and named by the form."""
    dialog = OPTIONS["events"]["description"]
    for row in table("docs/simotel.md", "Event"):
        assert parse_event({"event_name": row["Event"]}) != parse_event({}), row
        assert row["Event"] in dialog


@pytest.mark.parametrize(
    ("page", "action", "schema"),
    [
        ("docs/action-originate.md", "originate", ORIGINATE_SCHEMA),
        ("docs/action-announce.md", "announce", ANNOUNCE_SCHEMA),
        ("docs/action-escalate.md", "escalate", ESCALATE_SCHEMA),
        ("docs/action-ring.md", "ring", RING_SCHEMA),
        ("docs/action-hang-up.md", "hang_up", HANG_UP_SCHEMA),
        ("docs/action-send-keys.md", "send_keys", SEND_KEYS_SCHEMA),
        ("docs/call-log.md", "get_calls", GET_CALLS_SCHEMA),
    ],
)
def test_action_fields(page: str, action: str, schema: vol.Schema) -> None:
    """The fields of an action are those of its schema and of the editor."""
    rows = {row["Key"]: row for row in table(page, "Field")}

    fields: dict[str, Any] = {}
    for name, field in read_yaml("services")[action]["fields"].items():
        fields |= field.get("fields", {name: field})
    translations = ENGLISH["services"][action]["fields"]
    assert sorted(rows) == sorted(fields) == sorted(names(schema))
    for name, row in rows.items():
        assert row["Field"] == translations[name]["name"]
        assert name not in RANGES or limits_of(name) in row["Meaning"], row


@pytest.mark.parametrize(
    ("page", "column", "values"),
    [
        ("docs/results.md", "State", CallState),
        ("docs/results.md", "Result", CallResult),
        ("docs/results.md", "Ended by", ENDED_BY),
        ("docs/action-escalate.md", "Modes", Mode),
        ("docs/contacts.md", "State", ExtensionState),
        (
            "docs/entities.md",
            "Value",
            ENGLISH["entity"]["binary_sensor"]["connected"]["state_attributes"][
                "stream"
            ]["state"],
        ),
    ],
)
def test_values(page: str, column: str, values: Iterable[str]) -> None:
    """The values are those of the code, in its order."""
    assert [row[column] for row in table(page, column)] == list(values)


@pytest.mark.parametrize("action", ["originate", "announce", "escalate"])
def test_response_keys(action: str) -> None:
    """The keys of the response are those of the example."""
    page = f"docs/action-{action}.md"
    keys = [row["Key"] for row in table(page, "Key")]

    assert list(json.loads(blocks(page, "json")[-1].text)) == keys


def test_entities() -> None:
    """The entities are all that exist, with their names and event types."""
    rows = {row["Key"]: row for row in table("docs/entities.md", "Entity")}

    entities = {
        f"{platform}.{key}": entity
        for platform, each in ENGLISH["entity"].items()
        for key, entity in each.items()
    }
    # The button of a contact has the name of the contact.
    assert {key: row["Entity"] for key, row in rows.items()} == {
        key: entity.get("name", EN_DASH) for key, entity in entities.items()
    }
    pages = ("entities", "action-originate", "triggers-and-conditions")
    page = "".join(read(f"docs/{name}.md") for name in pages)
    button = entities["button.call"]["state_attributes"]
    assert [row["Attribute"] for row in table("docs/entities.md", "Attribute")] == list(
        button
    )
    attributes = dict(entities["event.calls"]["state_attributes"])
    event_types = attributes.pop("event_type")["state"]
    assert all(f"`{name}`" in page for name in (*event_types, *attributes))


@pytest.mark.parametrize(
    ("category", "column"), [("triggers", "Trigger"), ("conditions", "Condition")]
)
def test_triggers_and_conditions(category: str, column: str) -> None:
    """They are all that the editor offers, with their names and options."""
    rows = {row["Key"]: row for row in table("docs/triggers-and-conditions.md", column)}

    texts = {f"pbx.{key}": text["name"] for key, text in ENGLISH[category].items()}
    assert {key: row[column] for key, row in rows.items()} == texts
    options = {
        row["Option"] for row in table("docs/triggers-and-conditions.md", "Option")
    }
    for key, described in read_yaml(category).items():
        named = rows[f"pbx.{key}"]["Options"].split(", ")
        assert named == list(described["fields"])
        assert {*named} <= options


def test_requests_to_permit() -> None:
    """The requests to permit are all that the client sends."""
    assert {row["Request"] for row in table("docs/simotel.md", "Request")} == {
        simotel.PING,
        simotel.ORIGINATE,
        simotel.REPORT,
        simotel.USERS_SEARCH,
        simotel.TRUNKS_SEARCH,
    }


def test_sandbox() -> None:
    """The phones, the faults and the account of the sandbox are its defaults."""
    page = read("CONTRIBUTING.md")
    phones = " ".join(row["Phone"] for row in table("CONTRIBUTING.md", "Phone"))
    faults = [row["Fault"] for row in table("CONTRIBUTING.md", "Fault")]

    config = SandboxConfig()
    account = config.accounts[0]
    assert sorted(faults) == sorted(FAULT_KINDS)
    assert all(f"{phone.number} {phone.name}" in phones for phone in config.phones)
    shown = (f"127.0.0.1:{DEFAULT_PORT}", account.username, account.password)
    assert all(f"`{each}`" in page for each in (*shown, account.api_key))


# Links and structure


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    found: set[str] = set()
    count: Counter[str] = Counter()
    for heading in headings(text):
        title = re.sub(r"\]\([^)]*\)", "", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        found.add(f"{anchor}-{count[anchor]}" if count[anchor] else anchor)
        count[anchor] += 1
    return found


def broken_links(path: Path, links: list[str]) -> list[str]:
    """Return the links of a file that lead nowhere in this repository."""
    broken = []
    for link in links:
        base = path.parent
        relative = link.removeprefix(f"{REPOSITORY}/blob/main/")
        if relative != link:
            base = ROOT
        elif re.match(r"\w+:", link):
            continue
        file, _, fragment = relative.partition("#")
        target = base / unquote(file) if file else path
        if not target.exists() or (
            fragment and fragment not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES)
def test_links(page: str) -> None:
    """Links to files and to headings lead somewhere."""
    links = re.findall(r"\]\(([^)\s]+)\)", read(page))
    assert broken_links(ROOT / page, links) == []


def test_links_can_be_broken(tmp_path: Path) -> None:
    """A link to a file or a heading that does not exist is found."""
    page = tmp_path / "page.md"
    page.write_text("# A title\n\n## Same\n\n## Same\n")

    links = ["page.md#same-1", "#a-title", "https://example.com", "no.md", "#same-2"]
    assert broken_links(page, links) == ["no.md", "#same-2"]


def source_files() -> list[Path]:
    """Return the files of the repository that may name a page."""
    folders = ("custom_components", "blueprints", "sandbox", "scripts", "tests", ".ci")
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and path.suffix in {"", ".py", ".json", ".yaml", ".conf"}
    ]


def test_links_from_code() -> None:
    """Pages that comments, translations and blueprints name exist."""
    own = Path(__file__)
    broken = []
    for path in source_files():
        text = path.read_text(encoding="utf-8")
        links = re.findall(rf"{REPOSITORY}/blob/main/[^\s\")'>]+", text)
        if path != own:
            broken += broken_links(path, links)
        pages = re.findall(r"\b((?:docs/[\w/-]+|[A-Z]{4,})\.md(?:#[\w-]+)?)", text)
        broken += broken_links(ROOT / "README.md", pages)
    assert broken == []


def test_paths() -> None:
    """Modules and folders that the pages for developers name exist."""
    for page in ("docs/architecture.md", "CONTRIBUTING.md"):
        paths = re.findall(r"`((?:\w+/)+(?:[\w.]+\.py)?)`", read(page))
        assert paths
        missing = [
            path
            for path in paths
            if not any(
                (folder / path).exists()
                for folder in (INTEGRATION, ROOT, ROOT / "scripts/support")
            )
        ]
        assert missing == [], page


def test_commands() -> None:
    """Scripts that the pages show exist, and README shows how to run the tests."""
    for page in PAGES:
        for block in blocks(page, "console"):
            for command in re.findall(r"^(scripts/\w+)", block.text, re.MULTILINE):
                assert (ROOT / command).exists(), (page, command)

    commands = [block.text.splitlines() for block in blocks("README.md", "console")]
    assert ["scripts/demo", "scripts/test"] in commands


def test_readme_is_short() -> None:
    """README fits on a few screens; everything else has a page."""
    assert len(read("README.md").splitlines()) <= 150


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_structure(page: str) -> None:
    """A page has one title, is introduced by prose, and skips no level."""
    text = re.sub(r"^ *```.*?^ *```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in text.splitlines() if line]
    levels = [len(line.split(" ")[0]) for line in lines if re.match(r"#+ ", line)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert re.match(r"[A-Z].*[.:,\w]$", lines[1]), lines[1]


def test_index() -> None:
    """Each page of the documentation is linked from its index."""
    links = re.findall(r"\]\(([\w-]+(?:/README)?\.md)\)", read("docs/README.md"))
    pages = [path.name for path in ROOT.glob("docs/*.md") if path.name != "README.md"]

    assert len(links) == len(set(links))
    assert set(pages) <= set(links)


@pytest.mark.parametrize("page", PAGES)
def test_prose_is_wrapped(page: str) -> None:
    """Prose can be read in a terminal; tables and links cannot be wrapped."""
    for line in read(page).splitlines():
        is_unbreakable = re.match(r"\s*\|", line) or "](" in line
        assert len(line) <= 120 or is_unbreakable, line


def test_promises_are_tested() -> None:
    """Each promise names a test that exists."""
    page = "docs/privacy-and-security.md"
    text = read(page)
    named = re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", text)

    assert named
    assert len(named) == text.count("\n| ") - text.count("| Promise |")
    for path, test in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {test}\(", source, re.MULTILINE), test


def test_release() -> None:
    """All files that name a version or a file of the release agree."""
    manifest = read_json(INTEGRATION / "manifest.json")
    hacs = read_json(ROOT / "hacs.json")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = [title for title in headings(read("CHANGELOG.md")) if title[0].isdigit()]

    # Before the first release, the changelog names no version.
    assert {manifest["version"], *versions[:1]} == {project["version"]}
    assert hacs["filename"] == f"{manifest['domain']}.zip"
    assert f"homeassistant>={hacs['homeassistant']}" in project["dependencies"]
