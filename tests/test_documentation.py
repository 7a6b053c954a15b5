"""Tests that the documents say what is so."""

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
from custom_components.pbx.backends.updates import CallResult, CallState
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.number import parse_pattern
from custom_components.pbx.calls.number_plan import NumberPlan
from custom_components.pbx.calls.rules import (
    CALLS_AT_ONCE_RANGE,
    CALLS_PER_HOUR_RANGE,
    COOLDOWN_RANGE,
    DEFAULT_RULES,
)
from custom_components.pbx.const import (
    CALL_LIMIT_RANGE,
    CONF_CALL_LIMIT,
    CONF_CALLS_AT_ONCE,
    CONF_CALLS_PER_HOUR,
    CONF_COOLDOWN,
    CONF_INTERNAL_DIGITS,
    CONF_MAX_TALK_TIME,
    CONF_PAUSE,
    CONF_ROUNDS,
    CONF_TIMEOUT,
    INTERNAL_DIGITS_RANGE,
    MAX_TALK_TIME_RANGE,
    PAUSE_RANGE,
    ROUNDS_RANGE,
    TIMEOUT_RANGE,
)
from custom_components.pbx.flows import FORMS
from custom_components.pbx.flows.call_defaults import (
    call_defaults_schema,
    suggested_defaults,
)
from custom_components.pbx.flows.dialing_rules import DIALING_RULES_SCHEMA
from custom_components.pbx.flows.events import EVENTS_SCHEMA
from custom_components.pbx.flows.options import VOICE_SCHEMA
from custom_components.pbx.services import (
    ESCALATE_SCHEMA,
    HANG_UP_SCHEMA,
    ORIGINATE_SCHEMA,
)
from sandbox import SandboxConfig
from sandbox.__main__ import DEFAULT_PORT
from sandbox.faults import FAULT_KINDS

from .documents import ROOT, headings, readme, table

INTEGRATION = ROOT / "custom_components/pbx"
DOCUMENTS = [
    "README.md",
    "info.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/*.md"))),
]
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
}
EN_DASH = "\N{EN DASH}"


def read_json(path: Path) -> dict[str, Any]:
    """Return what a JSON file holds."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def read_yaml(name: str) -> dict[str, Any]:
    """Return what a file for the editor holds."""
    data: dict[str, Any] = yaml.safe_load((INTEGRATION / f"{name}.yaml").read_text())
    return data


ENGLISH = read_json(INTEGRATION / "translations/en.json")
OPTIONS = ENGLISH["options"]["step"]
CALL_DEFAULTS_SCHEMA = call_defaults_schema(Directory(), shows_names=True)


def names(schema: vol.Schema) -> list[str]:
    """Return the names of a form's fields, in order."""
    return [str(field) for field in schema.schema]


def suggested(schema: vol.Schema) -> dict[str, Any]:
    """Return what stands in the fields of a form at first."""
    return {str(field): field.default() for field in schema.schema}


def as_word(value: object) -> str:
    """Return a value as the tables have it."""
    if isinstance(value, list):
        value = ", ".join(value)
    return {"True": "on", "False": "off", "": "none"}.get(str(value), str(value))


# The README's tables


@pytest.mark.parametrize(
    ("heading", "labels", "schema"),
    [
        ("Set up", ENGLISH["config"]["step"]["simotel"], FORMS["simotel"].connection),
        ("Contacts", ENGLISH["config_subentries"]["contact"]["step"]["user"], None),
    ],
)
def test_fields(heading: str, labels: dict[str, Any], schema: vol.Schema) -> None:
    """The fields of a form have the names that stand there."""
    rows = {row["Key"]: row["Field"] for row in table(heading, "Field")}

    assert rows == labels["data"]
    assert schema is None or list(rows) == names(schema)


def test_asterisk_fields() -> None:
    """So have those of an Asterisk, on its own page."""
    page = (ROOT / "docs/asterisk.md").read_text(encoding="utf-8")
    section = page.partition("\n## Set it up\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| `(\w+)` \|", section, re.MULTILINE)

    labels = ENGLISH["config"]["step"]["asterisk"]["data"]
    assert [key for _, key in rows] == names(FORMS["asterisk"].connection)
    assert {key: label for label, key in rows} == labels


@pytest.mark.parametrize(
    ("heading", "column", "step", "schema", "values"),
    [
        (
            "Call defaults",
            "Suggested",
            "call_defaults",
            CALL_DEFAULTS_SCHEMA,
            suggested_defaults(FORMS["simotel"].default_context),
        ),
        ("Voice", "Suggested", "voice", VOICE_SCHEMA, suggested(VOICE_SCHEMA)),
        ("Events", "Suggested", "events", EVENTS_SCHEMA, suggested(EVENTS_SCHEMA)),
        (
            "Dialing rules",
            "Default",
            "dialing_rules",
            DIALING_RULES_SCHEMA,
            DEFAULT_RULES,
        ),
    ],
)
def test_options(
    heading: str, column: str, step: str, schema: vol.Schema, values: dict[str, Any]
) -> None:
    """The options are those of their form, with names, values and limits."""
    rows = table(heading, "Option")

    labels = {row["Key"]: row["Option"] for row in rows}
    assert labels == OPTIONS[step]["data"]
    assert list(labels) == names(schema)
    for row in rows:
        assert row[column] == as_word(values.get(row["Key"], "none")), row
        has_limits = row["Key"] in RANGES
        assert not has_limits or limits_of(row["Key"]) in row["Meaning"], row


def limits_of(name: str) -> str:
    """Return the limits of a field as the documents write them."""
    return EN_DASH.join(map(str, RANGES[name]))


@pytest.mark.parametrize(
    ("number", "patterns"),
    [
        ("09123456789", ["0912 345 6789", "0912*", "+98912*"]),
        ("1234", ["????"]),
        ("02112345678", ["021????????"]),
        ("0049301", ["00*"]),
    ],
)
def test_patterns(number: str, patterns: list[str]) -> None:
    """The patterns of the table fit what it says, and no other number of it."""
    plan = NumberPlan(region="IR", internal_digits=5)
    rows = [row["Pattern"] for row in table("Patterns", "Pattern")]
    fits = [row for row in rows if plan.permits((parse_pattern(row),), number)]
    assert fits == patterns


def test_events_to_tick() -> None:
    """The events to tick are known here, and named by the dialog."""
    events = [row["Event"] for row in table("Events", "Event")]

    dialog = OPTIONS["events"]["description"]
    for event in events:
        assert parse_event({"event_name": event}) != parse_event({}), event
        assert event in dialog


@pytest.mark.parametrize(
    ("action", "schema"),
    [
        ("originate", ORIGINATE_SCHEMA),
        ("escalate", ESCALATE_SCHEMA),
        ("hang_up", HANG_UP_SCHEMA),
    ],
)
def test_action_fields(action: str, schema: vol.Schema) -> None:
    """An action's fields are those of its schema and of the editor."""
    rows = {row["Key"]: row for row in table(f"The action `pbx.{action}`", "Field")}

    fields = read_yaml("services")[action]["fields"]
    fields |= fields.pop("routing", {"fields": {}})["fields"]
    translations = ENGLISH["services"][action]["fields"]
    assert sorted(rows) == sorted(fields) == sorted(names(schema))
    for name, row in rows.items():
        assert row["Field"] == translations[name]["name"]
        assert name not in RANGES or limits_of(name) in row["Meaning"], row


def test_states_and_results() -> None:
    """The words for the states and the results are those of the code."""
    states = [row["State"] for row in table("How a call ends", "State")]
    results = [row["Result"] for row in table("How a call ends", "Result")]

    assert states == list(CallState)
    assert results == list(CallResult)


def test_response_keys() -> None:
    """The keys of the response are those of the example."""
    heading = "Response with `wait_until`"
    keys = [row["Key"] for row in table(heading, "Key")]
    example = readme().partition(f"# {heading}\n")[2].partition("```json")[2]

    assert list(json.loads(example.partition("```")[0])) == keys


def test_entities() -> None:
    """The entities are all that there are, by their names and their words."""
    rows = {row["Key"]: row for row in table("What you get", "Entity")}

    entities = {
        f"{platform}.{key}": entity
        for platform, each in ENGLISH["entity"].items()
        for key, entity in each.items()
    }
    assert {key: row["Entity"] for key, row in rows.items()} == {
        key: entity["name"] for key, entity in entities.items()
    }
    attributes = dict(entities["event.calls"]["state_attributes"])
    told = rows["event.calls"]["What it tells"]
    assert all(event in told for event in attributes.pop("event_type")["state"])
    # The table of the response has the others.
    of_the_response = Call(began_at=0, deadline=0).outcome().keys()
    assert all(name in told for name in attributes.keys() - of_the_response)


@pytest.mark.parametrize(
    ("category", "column"), [("triggers", "Trigger"), ("conditions", "Condition")]
)
def test_triggers_and_condition(category: str, column: str) -> None:
    """They are all that the editor offers, with their names and options."""
    rows = {row["Key"]: row for row in table("Triggers and condition", column)}

    texts = {f"pbx.{key}": text["name"] for key, text in ENGLISH[category].items()}
    assert {key: row[column] for key, row in rows.items()} == texts
    for key, described in read_yaml(category).items():
        assert rows[f"pbx.{key}"]["Options"].split(", ") == list(described["fields"])


def test_requests_to_permit() -> None:
    """The requests to permit are all that the client makes."""
    rows = table("Prepare the PBX", "Request")

    assert {row["Request"] for row in rows} == {
        simotel.PING,
        simotel.ORIGINATE,
        simotel.REPORT,
        simotel.USERS_SEARCH,
        simotel.TRUNKS_SEARCH,
    }


def test_sandbox_tables() -> None:
    """The sandbox's phones and faults are those that it has."""
    phones = " ".join(row["Phone"] for row in table("The sandbox", "Phone"))
    faults = [row["Fault"] for row in table("The sandbox", "Fault")]

    assert sorted(faults) == sorted(FAULT_KINDS)
    for phone in SandboxConfig().phones:
        assert f"{phone.number} {phone.name}" in phones


def test_sandbox_account() -> None:
    """The sandbox's address and account are those that it starts with."""
    account = SandboxConfig().accounts[0]
    section = readme().partition("\n## The sandbox\n")[2].partition("\n## ")[0]

    shown = (f"127.0.0.1:{DEFAULT_PORT}", account.username, account.password)
    assert all(f"`{each}`" in section for each in (*shown, account.api_key))


def test_every_error_is_explained() -> None:
    """Each error has a row under Troubleshooting, by its first sentence."""
    texts = [each["message"] for each in ENGLISH["exceptions"].values()]
    texts += [each["title"] for each in ENGLISH["issues"].values()]
    for flow in (ENGLISH["config"], ENGLISH["options"]):
        texts += flow["error"].values()
    for subentry in ENGLISH["config_subentries"].values():
        texts += subentry["error"].values()
    column = re.findall(r"^\| (.+?) \|", readme(), re.MULTILINE)
    first = {re.sub(r"\{\w+\}", "…", text).partition(". ")[0] for text in texts}

    missing = {
        text for text in first if not any(row.startswith(text) for row in column)
    }
    assert missing == set()


# Links, and what belongs to a release


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links(name: str) -> None:
    """Links to files and to headings lead somewhere."""
    path = ROOT / name
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))

    for link in links:
        if re.match(r"https?://", link):
            continue
        file, _, fragment = link.partition("#")
        target = path.parent / unquote(file) if file else path
        assert target.exists(), link
        if fragment:
            anchors = map(anchor, headings(target.read_text(encoding="utf-8")))
            assert fragment in anchors, link


@pytest.mark.parametrize("name", DOCUMENTS)
def test_prose_is_wrapped(name: str) -> None:
    """Prose can be read in a terminal; tables and links cannot be wrapped."""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        is_unbreakable = re.match(r"\s*\|", line) or "](" in line
        assert len(line) <= 120 or is_unbreakable, line


def test_promises_are_tested() -> None:
    """Each promise of the page on security names a test that there is."""
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", text)

    assert len(named) == text.count("\n| ") - text.count("| Promise |")
    for path, test in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {test}\(", source, re.MULTILINE), test


def test_release() -> None:
    """All that names a version or a file of the release agrees."""
    manifest = read_json(INTEGRATION / "manifest.json")
    hacs = read_json(ROOT / "hacs.json")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    changelog = headings((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    versions = [title for title in changelog if title[0].isdigit()]

    assert versions[0] == manifest["version"] == project["version"]
    assert hacs["filename"] == f"{manifest['domain']}.zip"
    assert f"homeassistant>={hacs['homeassistant']}" in project["dependencies"]
