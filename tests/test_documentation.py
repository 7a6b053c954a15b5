"""Tests that the documents say what is so."""

import json
from pathlib import Path
import re
import struct
import tomllib
from typing import Any
from urllib.parse import unquote

import pytest
import voluptuous as vol
import yaml

from custom_components.pbx.backends.simotel import client as simotel
from custom_components.pbx.backends.simotel.events import parse_event
from custom_components.pbx.backends.updates import (
    CALL_EVENTS,
    CallResult,
    CallState,
    EvidenceSource,
)
from custom_components.pbx.calls.escalation import (
    CONF_PAUSE,
    CONF_ROUNDS,
    PAUSE_RANGE,
    ROUNDS_RANGE,
)
from custom_components.pbx.calls.number import MAX_LENGTH, parse_pattern
from custom_components.pbx.calls.number_plan import NumberPlan
from custom_components.pbx.calls.rules import (
    CALLS_AT_ONCE_RANGE,
    CALLS_PER_HOUR_RANGE,
    COOLDOWN_RANGE,
    History,
)
from custom_components.pbx.calls.tracker import (
    DEFAULT_MAX_TALK_TIME,
    GRACE,
    RECENT_CALLS,
)
from custom_components.pbx.const import (
    CALL_LIMIT_RANGE,
    CONF_CALL_LIMIT,
    CONF_CALLS_AT_ONCE,
    CONF_CALLS_PER_HOUR,
    CONF_COOLDOWN,
    CONF_INTERNAL_DIGITS,
    CONF_MAX_TALK_TIME,
    CONF_TIMEOUT,
    INTERNAL_DIGITS_RANGE,
    MAX_TALK_TIME_RANGE,
    TIMEOUT_RANGE,
)
from custom_components.pbx.coordinator import PING_INTERVAL
from custom_components.pbx.flows.call_defaults import (
    Directory,
    call_defaults_schema,
    suggested_defaults,
)
from custom_components.pbx.flows.connection import FORMS
from custom_components.pbx.flows.dialing_rules import (
    DEFAULT_DIALLING_RULES,
    DIALLING_RULES_SCHEMA,
)
from custom_components.pbx.flows.events import EVENTS_SCHEMA, PONG_TIMEOUT
from custom_components.pbx.flows.options import VOICE_SCHEMA
from custom_components.pbx.kinds import PbxKind
from custom_components.pbx.report import FIRST_DELAY, MARGIN, MAX_DELAY
from custom_components.pbx.services import (
    ESCALATE_SCHEMA,
    HANGUP_SCHEMA,
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
    "docs/architecture.md",
    "docs/asterisk.md",
    "docs/performance.md",
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
# Of https://www.hacs.xyz/docs/publish/start: others are refused.
HACS_KEYS = {
    "name",
    "homeassistant",
    "hacs",
    "zip_release",
    "filename",
    "hide_default_branch",
    "country",
    "persistent_directory",
}


def read_json(path: Path) -> dict[str, Any]:
    """Return what a JSON file holds."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


MANIFEST = read_json(INTEGRATION / "manifest.json")
HACS = read_json(ROOT / "hacs.json")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENGLISH = read_json(INTEGRATION / "translations/en.json")
SERVICES = yaml.safe_load((INTEGRATION / "services.yaml").read_text())
TRIGGERS = yaml.safe_load((INTEGRATION / "triggers.yaml").read_text())
CONDITIONS = yaml.safe_load((INTEGRATION / "conditions.yaml").read_text())


def prose() -> str:
    """Return the README with its line breaks as spaces, and without emphasis."""
    return " ".join(readme().replace("*", "").split())


def defaults(schema: vol.Schema) -> list[str]:
    """Return the names of a form's fields, in order."""
    return [str(field) for field in schema.schema]


def is_documented_range(name: str, meaning: str) -> bool:
    """Tell whether a field's limits, if it has any, stand in its description."""
    return name not in RANGES or EN_DASH.join(map(str, RANGES[name])) in meaning


# The README's tables


def test_connection_fields() -> None:
    """The first dialog's fields are those of its form, by their names there."""
    rows = {row["Key"]: row["Field"] for row in table("Set up", "Field")}

    assert rows == ENGLISH["config"]["step"]["simotel"]["data"]
    assert list(rows) == defaults(FORMS[PbxKind.SIMOTEL].connection)


def test_asterisk_fields() -> None:
    """So are those of an Asterisk, on its own page."""
    page = (ROOT / "docs/asterisk.md").read_text(encoding="utf-8")
    _, _, section = page.partition("\n## Set it up\n")
    section, _, _ = section.partition("\n## ")
    keys = re.findall(r"^\| [^|]+ \| `(\w+)` \|", section, re.MULTILINE)

    assert keys == defaults(FORMS[PbxKind.ASTERISK].connection)
    labels = ENGLISH["config"]["step"]["asterisk"]["data"]
    assert all(f"| {labels[key]} | `{key}` |" in section for key in keys)


def test_call_defaults() -> None:
    """The call defaults are those of their form, with names, values and limits."""
    rows = table("Call defaults", "Option")

    labels = {row["Key"]: row["Option"] for row in rows}
    assert labels == ENGLISH["config"]["step"]["defaults"]["data"]
    assert labels == ENGLISH["options"]["step"]["call_defaults"]["data"]
    assert list(labels) == defaults(call_defaults_schema(Directory(), shows_names=True))
    suggestions = suggested_defaults(FORMS[PbxKind.SIMOTEL].default_context)
    assert f"`{FORMS[PbxKind.ASTERISK].default_context}` is suggested" in readme()
    for row in rows:
        suggested = suggestions.get(row["Key"], "none")
        assert row["Suggested"] == str(suggested), row
        assert is_documented_range(row["Key"], row["Meaning"]), row


def test_voice_options() -> None:
    """The options of voice are those of their form, likewise."""
    rows = table("Voice", "Option")

    labels = {row["Key"]: row["Option"] for row in rows}
    assert labels == ENGLISH["options"]["step"]["voice"]["data"]
    suggested = {str(field): field.default() for field in VOICE_SCHEMA.schema}
    for row in rows:
        assert row["Suggested"] == ("on" if suggested[row["Key"]] else "off")


def test_contact_fields() -> None:
    """The fields of a contact are those of its form."""
    rows = {row["Key"]: row["Field"] for row in table("Contacts", "Field")}

    assert rows == ENGLISH["config_subentries"]["contact"]["step"]["user"]["data"]


def test_event_options() -> None:
    """The options of the events are those of their form, likewise."""
    rows = table("Events", "Option")

    labels = {row["Key"]: row["Option"] for row in rows}
    assert labels == ENGLISH["options"]["step"]["events"]["data"]
    assert list(labels) == defaults(EVENTS_SCHEMA)
    suggested = {str(field): field.default() for field in EVENTS_SCHEMA.schema}
    for row in rows:
        shown = str(suggested[row["Key"]]).replace("False", "off")
        assert row["Suggested"] == shown, row
        assert is_documented_range(row["Key"], row["Meaning"]), row


def test_dialling_rules() -> None:
    """The options of the rules are those of their form, with what is there at first."""
    rows = table("Dialling rules", "Option")

    labels = {row["Key"]: row["Option"] for row in rows}
    assert labels == ENGLISH["options"]["step"]["dialling_rules"]["data"]
    assert list(labels) == defaults(DIALLING_RULES_SCHEMA)
    words = {"True": "on", "False": "off", "": "none"}
    for row in rows:
        name = row["Key"]
        default = DEFAULT_DIALLING_RULES[name]
        shown = ", ".join(default) if isinstance(default, list) else str(default)
        assert row["Default"] == words.get(shown, shown), row
        assert is_documented_range(name, row["Meaning"]), row


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
    for row in table("Patterns", "Pattern"):
        pattern = parse_pattern(row["Pattern"])
        plan = NumberPlan(region="IR", internal_digits=5)
        assert plan.permits((pattern,), number) is (row["Pattern"] in patterns), row


def test_events_to_tick() -> None:
    """The events to tick are known here, and among those that the dialog names."""
    cells = " ".join(row["Event"] for row in table("Events", "Event"))
    names = cells.replace(",", "").split()

    dialog = ENGLISH["options"]["step"]["events"]["description"]
    for name in names:
        assert parse_event({"event_name": name}) is not None, name
        assert name in dialog


@pytest.mark.parametrize(
    ("action", "schema"),
    [
        ("originate", ORIGINATE_SCHEMA),
        ("escalate", ESCALATE_SCHEMA),
        ("hangup", HANGUP_SCHEMA),
    ],
)
def test_action_fields(action: str, schema: vol.Schema) -> None:
    """An action's fields are those of its schema and of the editor."""
    rows = table(f"The action `pbx.{action}`", "Field")

    described = SERVICES[action]["fields"]
    fields = {**described, **described.get("routing", {"fields": {}})["fields"]}
    fields.pop("routing", None)
    names = [row["Key"] for row in rows]
    assert sorted(names) == sorted(fields)
    assert sorted(names) == sorted(defaults(schema))
    # What has a default need not be there, either.
    required = {
        str(key)
        for key in schema.schema
        if isinstance(key, vol.Required) and key.default is vol.UNDEFINED
    }
    translations = ENGLISH["services"][action]["fields"]
    for row in rows:
        name = row["Key"]
        assert row["Field"] == translations[name]["name"]
        assert (row["Required"] == "yes") == (name in required)
        assert (name in required) == fields[name].get("required", False)
        assert is_documented_range(name, row["Meaning"]), row


def test_states_and_results() -> None:
    """The words for the states, the results and the evidence are those of the code."""
    states = [row["State"] for row in table("How a call ends", "State")]
    results = [row["Result"] for row in table("How a call ends", "Result")]

    assert states == list(CallState)
    assert results == list(CallResult)
    for source in EvidenceSource:
        assert f"- `{source}`: " in readme()


def test_response_keys() -> None:
    """The keys of the response are those of a call's outcome, in the example too."""
    heading = "Response with `wait_for_result`"
    keys = [row["Key"] for row in table(heading, "Key")]
    example = readme().partition(f"# {heading}\n")[2].partition("```json")[2]

    assert list(json.loads(example.partition("```")[0])) == keys


def test_entities() -> None:
    """The entities are all that there are, by their names and their words."""
    rows = {row["Key"]: row for row in table("What you get", "Entity")}

    names = {
        f"{platform}.{key}": entity["name"]
        for platform, entities in ENGLISH["entity"].items()
        for key, entity in entities.items()
    }
    assert {key: row["Entity"] for key, row in rows.items()} == names
    told = rows["event.pbx_call"]["What it tells"]
    for event in CALL_EVENTS:
        assert event in told


@pytest.mark.parametrize(
    ("category", "column", "described"),
    [("triggers", "Trigger", TRIGGERS), ("conditions", "Condition", CONDITIONS)],
)
def test_triggers_and_condition(
    category: str, column: str, described: dict[str, Any]
) -> None:
    """They are all that the editor offers, with their names and options."""
    rows = table("Triggers and condition", column)

    names = {row["Key"]: row[column] for row in rows}
    texts = ENGLISH[category].items()
    assert names == {f"pbx.{key}": text["name"] for key, text in texts}
    for row in rows:
        fields = described[row["Key"].removeprefix("pbx.")]["fields"]
        assert row["Options"].split(", ") == list(fields)


def test_requests_to_permit() -> None:
    """The requests to permit are all that the client makes."""
    rows = table("Prepare the PBX", "Request")

    assert [row["Request"] for row in rows] == [
        simotel.PING,
        simotel.ORIGINATE,
        simotel.REPORT,
        simotel.USERS_SEARCH,
        simotel.TRUNKS_SEARCH,
    ]


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

    assert (
        f"address `127.0.0.1:{DEFAULT_PORT}`, username `{account.username}`, "
        f"password `{account.password}`, API key `{account.api_key}`"
    ) in prose()


def test_figures() -> None:
    """The figures in the prose are those of the code."""
    text = prose()

    assert f"Once every {PING_INTERVAL.total_seconds():.0f} seconds" in text
    assert f"the latest {RECENT_CALLS} calls" in text
    assert f"come back within {PONG_TIMEOUT} seconds" in text
    assert f"after {FIRST_DELAY} second, then less and less often" in text
    assert text.count(f"up to every {MAX_DELAY} seconds") == 2
    assert f"from {MARGIN} seconds before the call" in text
    assert f"Longest conversation), plus {GRACE} seconds" in text
    assert f"plus the call limit where there is one, plus {GRACE} seconds" in text
    assert DEFAULT_MAX_TALK_TIME == 3600
    assert f"{MAX_LENGTH} characters at most" in text
    assert f"callees of the last day, at most {History.SIZE}" in text
    assert f"Home Assistant {HACS['homeassistant'].removesuffix('.0')} or newer" in text


def messages() -> list[str]:
    """Return all that a dialog or an action may say is wrong."""
    config, options = ENGLISH["config"], ENGLISH["options"]
    exceptions = [each["message"] for each in ENGLISH["exceptions"].values()]
    refusal = config["abort"]["already_configured"]
    errors = {*config["error"].values(), *options["error"].values()}
    for subentry in ENGLISH["config_subentries"].values():
        errors |= set(subentry["error"].values())
    issues = [each["title"] for each in ENGLISH["issues"].values()]
    return sorted({*exceptions, *errors, *issues, refusal})


@pytest.mark.parametrize("message", messages())
def test_every_error_is_explained(message: str) -> None:
    """Each error has a row under Troubleshooting, by its first sentence."""
    first_sentence, _, _ = re.sub(r"\{\w+\}", "…", message).partition(". ")

    first_column = re.findall(r"^\| (.+?) \|", readme(), re.MULTILINE)
    assert any(cell.startswith(first_sentence) for cell in first_column)


# Links and pictures


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def test_promises_are_tested() -> None:
    """Each promise of the page on security names a test that there is."""
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", text)

    assert len(named) == text.count("\n| ") - text.count("| Promise |")
    for path, test in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {test}\(", source, re.MULTILINE), test


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
    """Prose can be read in a terminal; tables and pictures cannot be wrapped."""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        unbreakable = re.match(r"\s*(\||!?\[)", line)
        assert len(line) <= 120 or unbreakable, line


def png_size(path: Path) -> tuple[int, int]:
    """Return the width and the height of a picture, from its header."""
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", header[16:])
    return width, height


def test_brand_icons() -> None:
    """The icons are squares of the sizes that Home Assistant asks for."""
    assert png_size(INTEGRATION / "brand/icon.png") == (256, 256)
    assert png_size(INTEGRATION / "brand/icon@2x.png") == (512, 512)


@pytest.mark.parametrize("name", ["logo", "dark_logo"])
def test_brand_logos(name: str) -> None:
    """The logos are 128 to 256 high, and twice that."""
    width, height = png_size(INTEGRATION / f"brand/{name}.png")

    assert 128 <= height <= 256
    assert width > height
    twice = png_size(INTEGRATION / f"brand/{name}@2x.png")
    assert twice == (2 * width, 2 * height)


def test_brand_has_only_what_is_served() -> None:
    """Every picture is one that Home Assistant looks for."""
    names = {path.name for path in (INTEGRATION / "brand").iterdir()}

    assert names == {
        f"{name}{size}.png"
        for name in ("icon", "logo", "dark_logo")
        for size in ("", "@2x")
    }


def test_screenshot() -> None:
    """The picture of the demo is as big as a page shows it, and not heavy."""
    path = ROOT / "docs/images/demo.png"

    assert png_size(path) == (1200, 800)
    assert path.stat().st_size < 300_000


# What belongs to a release


def test_version() -> None:
    """The newest version in the changelog is the manifest's and the project's."""
    changelog = headings((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    versions = [title for title in changelog if title[0].isdigit()]

    assert versions[0] == MANIFEST["version"] == PROJECT["version"]


def test_hacs() -> None:
    """HACS gets the keys that it knows, and the project's oldest Home Assistant."""
    assert set(HACS) <= HACS_KEYS
    assert HACS["zip_release"] is True
    assert HACS["filename"] == f"{MANIFEST['domain']}.zip"
    assert f"homeassistant>={HACS['homeassistant']}" in PROJECT["dependencies"]


def test_licence() -> None:
    """The licence is the one that the project names."""
    assert (ROOT / "LICENSE").read_text().startswith(f"{PROJECT['license']} License\n")
