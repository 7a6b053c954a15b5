"""Tests of files that no code checks: texts, icons, services, the manifest."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
from string import Formatter
from typing import Any
import unicodedata

from homeassistant.core import HomeAssistant
from homeassistant.helpers import selector
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml

from custom_components.pbx import const, event
from custom_components.pbx.backends import KINDS
from custom_components.pbx.backends.base import ChannelState, Directory, Feature
from custom_components.pbx.backends.errors import PbxErrorCode
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    Direction,
    ExtensionState,
    VoicemailUpdate,
)
from custom_components.pbx.calls import rules
from custom_components.pbx.calls.action_data import validate_action_data
from custom_components.pbx.calls.call import Call
from custom_components.pbx.calls.contacts import PhoneBook
from custom_components.pbx.calls.number import NumberFault
from custom_components.pbx.calls.people import describe
from custom_components.pbx.config_flow import PbxConfigFlow
from custom_components.pbx.const import SUBENTRY_CONTACT
from custom_components.pbx.errors import error_key
from custom_components.pbx.flows import (
    asterisk as asterisk_form,
    call_defaults,
    contact as contact_flow,
    dialing_rules,
    fields,
    import_extensions,
    simotel as simotel_form,
)
from custom_components.pbx.flows.call_defaults import call_defaults_schema
from custom_components.pbx.flows.connection import FORMS
from custom_components.pbx.flows.dialing_rules import DIALING_RULES_SCHEMA
from custom_components.pbx.flows.events import EVENTS_SCHEMA
from custom_components.pbx.flows.options import VOICE_SCHEMA, PbxOptionsFlow
from custom_components.pbx.flows.speech import speech_schema
from custom_components.pbx.services import (
    ANNOUNCE_SCHEMA,
    ESCALATE_SCHEMA,
    GET_CALLS_SCHEMA,
    HANG_UP_SCHEMA,
    MARK_SEEN_SCHEMA,
    ORIGINATE_SCHEMA,
    RING_SCHEMA,
    SEND_KEYS_SCHEMA,
)

FOLDER = Path(const.__file__).parent
# Those that hold the answers of voice alone: see tests/pbx/voice/test_answers.py.
OF_VOICE = {"ar", "de", "es", "fr"}
LANGUAGES = sorted(
    {path.stem for path in (FOLDER / "translations").glob("*.json")} - OF_VOICE
)


def load(name: str) -> Any:  # noqa: ANN401 - the type depends on the file
    """Return the parsed content of a file of the integration."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


def flat(tree: dict[str, Any], *path: str) -> Iterator[tuple[str, str]]:
    """Yield the full key and the text of each leaf of a tree."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, *path, key)
        else:
            yield ".".join((*path, key)), value


def placeholders(text: str) -> set[str]:
    """Return the names of the placeholders in a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


TEXTS = {
    language: dict(flat(load(f"translations/{language}.json")))
    for language in LANGUAGES
}
EN = load("translations/en.json")
SERVICES = load("services.yaml")
SCHEMAS = {
    "originate": ORIGINATE_SCHEMA,
    "announce": ANNOUNCE_SCHEMA,
    "escalate": ESCALATE_SCHEMA,
    "ring": RING_SCHEMA,
    "hang_up": HANG_UP_SCHEMA,
    "send_keys": SEND_KEYS_SCHEMA,
    "get_calls": GET_CALLS_SCHEMA,
    "mark_missed_calls_seen": MARK_SEEN_SCHEMA,
}
# Errors that a connection test cannot end with.
OF_CALLS = {
    PbxErrorCode.CALL_UNCERTAIN,
    PbxErrorCode.CALL_NOT_FOUND,
    PbxErrorCode.ENDPOINT_NOT_FOUND,
    PbxErrorCode.HANG_UP_NOT_SUPPORTED,
    PbxErrorCode.ANSWERED_ELSEWHERE,
    PbxErrorCode.NO_STREAM,
    PbxErrorCode.NO_RING_TONE,
    PbxErrorCode.NO_SPEECH,
    PbxErrorCode.NO_KEYS,
    PbxErrorCode.CALLER_GONE,
    PbxErrorCode.TAKEN_OVER,
    PbxErrorCode.INTERNAL,
    # A form reports it as a failed connection.
    PbxErrorCode.HOST_NOT_FOUND,
}
RULE_PLACEHOLDERS = {"pbx", "field", "number", "limit", "seconds"}


@pytest.mark.parametrize("language", [*LANGUAGES, *sorted(OF_VOICE)])
def test_no_key_twice(language: str) -> None:
    """No text stands twice in a file: only the last one would be shown."""

    def check(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs]
        assert len(set(keys)) == len(keys), keys
        return dict(pairs)

    text = (FOLDER / f"translations/{language}.json").read_text(encoding="utf-8")
    assert json.loads(text, object_pairs_hook=check)


def test_languages() -> None:
    """The integration is translated into the languages of its users."""
    assert LANGUAGES == ["en", "fa"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_complete(language: str) -> None:
    """Every language has the same keys and placeholders as English."""
    texts = TEXTS[language]
    assert list(texts) == list(TEXTS["en"])
    assert {key: placeholders(text) for key, text in texts.items()} == {
        key: placeholders(text) for key, text in TEXTS["en"].items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules(language: str) -> None:
    """The texts meet the rules of Home Assistant's own validator."""
    for key, text in TEXTS[language].items():
        assert re.fullmatch(r"[a-z0-9_.-]+", key)
        assert text
        assert text == text.strip(), key
        assert not re.search(r"<[a-z/]|://|www\.|'\{|\}'|\[%key", text), key


def test_persian_is_persian() -> None:
    """No text is left in English; one of placeholders alone has no language."""
    texts = {key: re.sub(r"\{\w+\}", "", text) for key, text in TEXTS["fa"].items()}
    latin = [
        key
        for key, text in texts.items()
        if re.search("[A-Za-z]", text) and not re.search("[آ-ی]", text)
    ]
    assert latin == []


def test_one_word_for_one_thing() -> None:
    """A field has the same Persian name in all forms and actions."""
    names: dict[str, set[str]] = {}
    for key, text in TEXTS["en"].items():
        if re.search(r"\.data\.\w+$|^services\..*\.name$", key):
            names.setdefault(text, set()).add(TEXTS["fa"][key])
    assert {name: words for name, words in names.items() if len(words) > 1} == {}


# Words that texts quote: those of Home Assistant and of phones, and what people say.
QUOTED = {
    "ارسال",
    "پیکربندی",
    "پیکربندی مجدد",
    "مزاحم نشوید",
    "به مامان زنگ بزن",
    "به مامان بگو شام حاضر است",
}


def test_quoted_names() -> None:
    """A Persian text that quotes a field or an action has its name."""
    names = {*TEXTS["fa"].values(), *QUOTED}
    unknown = {
        key: quoted
        for key, text in TEXTS["fa"].items()
        for quoted in re.findall("«([^»]*)»", text)
        if quoted not in names and re.search("[آ-ی]", quoted)
    }
    assert unknown == {}


# --- Right to left ---

# First strong isolate and pop directional isolate: the text between them is laid out
# separately, in its own direction. The other control characters are not needed.
OPEN, CLOSE = "\u2068", "\u2069"
OTHER_CONTROLS = re.compile("[\u200e\u200f\u202a-\u202e\u2066\u2067]")
ISOLATE = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}")
# Replaces an isolate.
OBJECT = "\ufffc"
# Marks that belong to the number, path or pattern beside them.
MARKS = r"/.:*+#_\-?@%"
LEFT_TO_RIGHT = re.compile(
    rf"[{MARKS}]*(?:[A-Za-z0-9۰-۹]|\{{\w+\}})(?:[{MARKS}A-Za-z0-9۰-۹]|\{{\w+\}})*"
)
# A period or a colon that ends a sentence belongs to the sentence.
STRAY_MARK = re.compile(
    rf"[{MARKS}]+{OBJECT}|{OBJECT}(?![.:](?:[\s)»]|$))[{MARKS}]+", re.MULTILINE
)
TORN_APART = re.compile(rf"{OBJECT}[\s>|&]+{OBJECT}")


def direction_faults(text: str) -> list[str]:
    """Return what would be shown in the wrong order in a right-to-left sentence."""
    faults = [f"{char!a} sets a direction" for char in OTHER_CONTROLS.findall(text)]
    # Bold is markup; a single asterisk is part of a pattern.
    rest = ISOLATE.sub(OBJECT, text).replace("**", "")
    if OPEN in rest or CLOSE in rest:
        faults.append("an isolate is not closed, not opened, or inside another")
    faults += [f"{run} is not isolated" for run in LEFT_TO_RIGHT.findall(rest)]
    faults += [
        f"{stray} belongs inside the isolate".replace(OBJECT, "…")
        for stray in STRAY_MARK.findall(rest)
    ]
    faults += ["adjacent isolates should be one" for _ in TORN_APART.findall(rest)]
    for isolated in ISOLATE.findall(text):
        if not isolated.strip() or isolated != isolated.strip() or "\n" in isolated:
            faults.append(f"{isolated!r} is empty, or has a space at an end or a line")
        if any(unicodedata.bidirectional(char) in {"R", "AL"} for char in isolated):
            faults.append(f"{isolated} is not only left to right")
        if isolated.endswith((".", ":")):
            faults.append(f"{isolated} ends with the end of a sentence")
    return faults


def test_right_to_left() -> None:
    """Left-to-right text in Persian is isolated, so that it keeps its order."""
    faults = [
        f"{key}: {fault}"
        for key, text in TEXTS["fa"].items()
        for fault in direction_faults(text)
    ]
    assert not faults, "\n".join(faults)


def test_left_to_right() -> None:
    """English has no isolates."""
    marks = re.compile(f"[{OPEN}{CLOSE}]|{OTHER_CONTROLS.pattern}")
    assert [key for key, text in TEXTS["en"].items() if marks.search(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "از [{caller}] به [{callee}]: اشغال بود.",
        "شمارهٔ [{field}] ([{number}]) است: [{value}].",
        "الگوی [0912*] یا [?]، [+] و «[.0]».",
        "[Maintenance > API Accounts] را باز کنید.",
        "رویداد [**Ping**] و **رویدادها** و **[Ping]**.",
        "تنظیمات > دستگاه‌ها و سرویس‌ها",
        "- نشانی: [`{address}`]\n- [API Username]: [`{username}`]",
        "[api/webhook/c585…6d/]",
        "هر [۱۵] دقیقه",
    ],
)
def test_isolated(text: str) -> None:
    """Isolated text is accepted."""
    assert direction_faults(text.replace("[", OPEN).replace("]", CLOSE)) == []


@pytest.mark.parametrize(
    "text",
    [
        "از {caller}",
        "هر ۱۵ دقیقه",
        "در Home Assistant",
        "الگوی [0912]* است",
        "الگوی +[98] است",
        "نشانی [api/webhook]/ است",
        "در [Home] [Assistant] است",
        "در [Maintenance] > [API Accounts] است",
        "در [[FreePBX]] است",
        "در [FreePBX است",
        "در FreePBX] است",
        "در [] است",
        "در [FreePBX ]است",
        "در [بخش FreePBX] است",
        "در [FreePBX.]",
        "در [FreePBX\nAsterisk] است",
        "شمارهٔ \u200e.0",
        "شمارهٔ \u200e[.0]",
    ],
)
def test_not_isolated(text: str) -> None:
    """Text that is not isolated, or not correctly, is found."""
    assert direction_faults(text.replace("[", OPEN).replace("]", CLOSE)) != []


# --- Everything the code refers to has a text ---


def of_the_pbx(*without: PbxErrorCode) -> set[str]:
    """Return the keys of PBX errors, both general and specific to a kind."""
    codes = set(PbxErrorCode) - set(without)
    own = {error_key(kind, code) for kind in KINDS.values() for code in codes}
    return own | {str(code) for code in codes}


def raised() -> dict[str, set[str]]:
    """Return the exceptions that can be raised, with the placeholders they set."""
    keys = {key: {"pbx", "detail"} for key in of_the_pbx()}
    # Each one with its placeholders is tested in test_manager_rules.py.
    keys |= {str(rule): RULE_PLACEHOLDERS for rule in rules.Rule}
    for call in (*calls_of("user_error"), *calls_of("action_error")):
        given = {str(keyword.arg) for keyword in call.keywords}
        key = call.args[0]
        for each in (key.body, key.orelse) if isinstance(key, ast.IfExp) else (key,):
            if isinstance(each, ast.Constant):
                keys[str(each.value)] = given
            elif isinstance(each, ast.Attribute) and each.attr == "fault":
                keys |= dict.fromkeys(map(str, NumberFault), given)
    # These are raised in actions that wait for a result.
    return keys | {"pbx_removed": set(), "stopping": set()}


def calls_of(function: str) -> Iterator[ast.Call]:
    """Yield all calls of a function in the integration."""
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and function in (
                getattr(node.func, "id", ""),
                getattr(node.func, "attr", ""),
            ):
                yield node


def literal_errors(module: Any) -> set[str]:  # noqa: ANN401 - a module
    """Return the keys that a module assigns to the errors of a form."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    return {
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Subscript)
        and getattr(node.targets[0].value, "id", "") == "errors"
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def test_exceptions() -> None:
    """Every exception has a text and sets its placeholders; no text is unused."""
    exceptions = raised()
    assert set(EN["exceptions"]) == set(exceptions)
    for key, given in exceptions.items():
        assert placeholders(EN["exceptions"][key]["message"]) <= given


def test_form_errors() -> None:
    """Every error of a form has a text in its flow, and no text is unused."""
    of_numbers = set(NumberFault) | literal_errors(call_defaults)
    assert of_numbers > set(NumberFault)
    # Tested in test_call_defaults.py.
    of_names = {"unknown_contact"}
    of_pings = of_the_pbx(*OF_CALLS)
    of_input = {
        *literal_errors(simotel_form),
        # Each is tested in test_simotel_form.py and test_asterisk_form.py.
        "invalid_username",
        "missing_login",
        "invalid_internal_channel",
        "invalid_external_channel",
    }
    assert literal_errors(asterisk_form) < of_input
    assert literal_errors(fields) == set()
    # Each is tested in test_event_settings.py.
    of_the_events = {
        "not_loaded",
        "event_login_refused",
        "event_not_understood",
        "no_ping_event",
        "no_event",
    }
    # Each is tested in test_speech.py.
    of_speech = {
        "speech_not_loaded",
        "speech_no_test_phone",
        "speech_number_barred",
        "speech_number_taken",
        "speech_test_refused",
        "speech_not_answered",
        "speech_no_answer",
        "speech_no_request",
        "speech_box_failed",
        "speech_same_name",
        "speech_key_missing",
        "speech_answer_type",
        "speech_no_key",
    }
    of_the_rules = {error for _, error in dialing_rules._LISTS.values()}  # noqa: SLF001
    of_all = of_numbers | of_names | of_pings
    for flow, own in {
        "config": of_input,
        # A new PBX has no contacts. Tested in test_call_defaults.py.
        "options": of_the_events | of_speech | of_the_rules | {"ambiguous_contact"},
    }.items():
        texts = EN[flow]["error"]
        # Each is tested in test_ring_phone.py.
        of_a_ring = {key for key in texts if key.startswith("ring_")}
        if of_a_ring:
            of_a_ring |= set(map(str, rules.Rule)) & set(texts)
        assert set(texts) == of_all | own | of_a_ring
        for key, text in texts.items():
            given = {"detail", "internal", "external"}
            if key in of_a_ring:
                given = {"detail", "caller", "seconds", "context"}
            assert placeholders(text) <= given
    for error in of_numbers | of_pings:
        assert EN["options"]["error"][error] == EN["config"]["error"][error]


def test_aborts() -> None:
    """Every abort reason of the flows has a text."""
    assert set(EN["options"]["abort"]) == {"all_imported", "no_directory"}
    assert set(EN["config"]["abort"]) == {
        "already_configured",
        # Home Assistant provides texts for these since 2026.10.
        "reauth_successful",
        "reconfigure_successful",
    }


def test_forms() -> None:
    """Every field of every form has a name and a description; no text is unused."""
    defaults = call_defaults_schema(Directory(), shows_names=True)
    imported = import_extensions.import_schema(())
    steps, options = EN["config"]["step"], EN["options"]["step"]
    imports = {step: imported for step in steps if step.endswith("_extensions")}
    forms = {"defaults": defaults, **imports}
    for kind, form in FORMS.items():
        forms[kind] = form.connection
        forms[f"reauth_{kind}"] = form.credentials
        forms[f"reconfigure_{kind}"] = form.connection
    assert set(steps["user"]["menu_options"]) == set(FORMS)
    assert all(hasattr(PbxConfigFlow(), f"async_step_{step}") for step in steps)
    for step, schema in forms.items():
        expect_fields(steps[step], schema.schema)
    of_options = {
        "call_defaults": defaults,
        "dialing_rules": DIALING_RULES_SCHEMA,
        "events": EVENTS_SCHEMA,
        "voice": VOICE_SCHEMA,
        "speech": speech_schema([]),
        **imports,
    }
    for step, schema in of_options.items():
        expect_fields(options[step], schema.schema)
    assert {step: options[step] for step in imports} == {
        step: steps[step] for step in imports
    }
    # The fields of the others depend on the PBX.
    for flow, known in ((steps, forms), (options, of_options)):
        for step in set(flow) - set(known):
            described = set(flow[step].get("data_description", ()))
            assert set(flow[step].get("data", ())) == described


def test_steps_of_the_options() -> None:
    """Every step of the options flow has its texts; no text is unused."""
    steps = set(EN["options"]["step"])
    shows_progress = set(EN["options"]["progress"])
    assert {f"async_step_{step}" for step in steps | shows_progress} == {
        name for name in dir(PbxOptionsFlow) if name.startswith("async_step_")
    }
    init = EN["options"]["step"]["init"]
    assert set(init["menu_options"]) == set(init["menu_option_descriptions"])
    assert set(init["menu_options"]) <= steps | shows_progress


def expect_fields(step: dict[str, Any], fields: dict[Any, Any]) -> None:
    """Check the texts of one form."""
    names = {str(name) for name in fields}
    assert set(step) == {"title", "description", "data", "data_description"}
    assert set(step["data"]) == set(step["data_description"]) == names


# --- The actions, the icons, the manifest ---


def test_boxes() -> None:
    """Everything that can be drawn has a text."""
    fields = {str(name): each for name, each in speech_schema([]).schema.items()}
    config = fields["speech_boxes"].config
    texts = EN["selector"][config["translation_key"]]["options"]
    assert config["options"] == list(texts)


@pytest.mark.parametrize("name", SCHEMAS)
def test_services(name: str) -> None:
    """Every field is in the schema, in services.yaml and in the texts."""
    texts, described = EN["services"][name], fields_of(name)
    sections = {
        key for key, field in SERVICES[name]["fields"].items() if "fields" in field
    }
    assert set(described) == {str(field) for field in SCHEMAS[name].schema}
    assert set(described) == set(texts["fields"])
    texts_of_sections = texts.get("sections", {})
    assert sections == set(texts_of_sections)
    for text in (texts, *texts["fields"].values(), *texts_of_sections.values()):
        assert {"name", "description"} <= set(text)
    for field in described.values():
        assert "selector" in field


def test_no_other_services() -> None:
    """No other actions are described."""
    assert set(SERVICES) == set(EN["services"]) == set(SCHEMAS)


def fields_of(service: str) -> dict[str, Any]:
    """Return the fields of an action, including those in sections."""
    fields: dict[str, Any] = {}
    for name, field in SERVICES[service]["fields"].items():
        fields |= field.get("fields", {name: field})
    return fields


@pytest.mark.parametrize(
    ("service", "name", "limits"),
    [
        ("originate", "timeout", const.TIMEOUT_RANGE),
        ("escalate", "timeout", const.TIMEOUT_RANGE),
        ("ring", "timeout", const.TIMEOUT_RANGE),
        ("escalate", "rounds", const.ROUNDS_RANGE),
        ("announce", "timeout", const.TIMEOUT_RANGE),
        ("announce", "repeat", const.REPEAT_RANGE),
        ("announce", "repeat_pause", const.REPEAT_PAUSE_RANGE),
        ("announce", "digits", const.DIGITS_RANGE),
        ("announce", "key_timeout", const.KEY_TIMEOUT_RANGE),
        ("get_calls", "limit", const.LIMIT_RANGE),
    ],
)
def test_ranges(service: str, name: str, limits: tuple[int, int]) -> None:
    """The selectors have the same ranges as the action."""
    number = fields_of(service)[name]["selector"]["number"]
    assert (number["min"], number["max"]) == limits
    counts = {"rounds", "repeat", "digits", "limit"}
    assert number.get("unit_of_measurement") == (None if name in counts else "s")


@pytest.mark.parametrize("name", SCHEMAS)
def test_selectors(name: str) -> None:
    """Home Assistant knows the selectors, and what they select is accepted."""
    chosen = {"duration": {"minutes": 1, "seconds": 30}, "boolean": True}
    for field, description in fields_of(name).items():
        made = selector.selector(description["selector"])
        value = description.get("example", chosen.get(made.selector_type))
        if field in {"call_limit", "cooldown", "pause"}:
            assert made.selector_type == "duration"
        if made.selector_type in chosen:
            assert callable(made)
            picked = made(chosen[made.selector_type])
            assert validate_action_data({field: picked})
        if isinstance(value, str) and made.selector_type == "text":
            value = json.loads(value) if value.startswith("[") else value
        if value is not None:
            assert validate_action_data({field: value})


@pytest.mark.parametrize(
    ("service", "name"),
    [("originate", "wait_until"), ("escalate", "mode"), ("send_keys", "to")],
)
def test_choices(service: str, name: str) -> None:
    """Every option of a select selector has a text, and is accepted."""
    field = fields_of(service)[name]
    select = field["selector"]["select"]
    texts = EN["selector"][select["translation_key"]]["options"]
    assert select["options"] == list(texts)
    assert field["default"] in texts
    for option in select["options"]:
        assert validate_action_data({name: option}) == {name: option}


def test_icons() -> None:
    """Everything has an icon, and no icon is unused."""
    icons = load("icons.json")
    assert set(icons) == {"entity", "services", "triggers", "conditions"}
    assert {
        (platform, key) for platform, keys in icons["entity"].items() for key in keys
    } == {(platform, key) for platform, keys in EN["entity"].items() for key in keys}
    assert set(icons["services"]) == set(EN["services"])
    for name, service in icons["services"].items():
        sections = EN["services"][name].get("sections", {})
        assert set(service.get("sections", {})) == set(sections)
    for kind in ("triggers", "conditions"):
        assert set(icons[kind]) == set(EN[kind])
    for _, icon in flat(icons):
        assert re.fullmatch(r"mdi:[a-z0-9-]+", icon)


@pytest.mark.parametrize("kind", ["triggers", "conditions"])
def test_triggers_and_conditions(kind: str) -> None:
    """Each of them and each field has a name and a description, each option a text."""
    described = load(f"{kind}.yaml")
    assert set(described) == set(EN[kind])
    for name, description in described.items():
        texts = EN[kind][name]
        assert set(texts) == {"name", "description", "fields"}
        assert set(description["fields"]) == set(texts["fields"])
        for field, texts_of_field in texts["fields"].items():
            assert set(texts_of_field) == {"name", "description"}
            selector = description["fields"][field]["selector"]
            if "select" in selector:
                key = selector["select"]["translation_key"]
                options = EN["selector"][key]["options"]
                assert selector["select"]["options"] == list(options)


def test_states() -> None:
    """Every state, result and event type of an entity has a text."""
    (calls,) = EN["entity"]["event"].values()
    calls, button = (
        calls["state_attributes"],
        EN["entity"]["button"]["call"]["state_attributes"],
    )
    phone = EN["entity"]["sensor"]["extension_state"]
    assert list(phone["state"]) == list(ExtensionState)
    for texts in (
        button["last_result"]["state"],
        calls["result"]["state"],
        EN["selector"]["result"]["options"],
    ):
        assert list(texts) == list(CallResult)
    for texts in (phone["state_attributes"], calls):
        assert list(texts["direction"]["state"]) == list(Direction)
    assert list(calls["event_type"]["state"]) == event._EVENT_TYPES  # noqa: SLF001
    channels = EN["entity"]["binary_sensor"]["connected"]["state_attributes"]
    assert set(channels) == {
        channel.value for kind in KINDS.values() for channel in kind.channels
    }
    for texts in channels.values():
        assert list(texts["state"]) == list(ChannelState)


def test_attributes(hass: HomeAssistant) -> None:
    """Every attribute of the event entity has a name; no text is unused."""
    call = Call(began_at=0, deadline=0)
    book = PhoneBook(hass, MockConfigEntry(), None)
    attributes = {*call.details(CallState.ENDED), *VoicemailUpdate._fields}
    attributes |= {"event_type", *describe(hass, call, book)}
    assert set(EN["entity"]["event"]["calls"]["state_attributes"]) == attributes


def test_issues() -> None:
    """Every repair issue has a title, and a description or a fix flow."""
    given = [call.args[0] for call in calls_of("_Issue")]
    given += [
        keyword.value
        for call in calls_of("async_create_issue")
        for keyword in call.keywords
        if keyword.arg == "translation_key"
    ]
    keys = {key.value for key in given if isinstance(key, ast.Constant)}
    assert set(EN["issues"]) == keys
    for issue in EN["issues"].values():
        assert set(issue) in ({"title", "description"}, {"title", "fix_flow"})
        for _, text in flat(issue):
            assert placeholders(text) <= {
                "automation",
                "contact",
                "detail",
                "limit",
                "pbx",
            }


def test_manifest() -> None:
    """The keys of the manifest are sorted, and include those that HACS requires."""
    manifest = load("manifest.json")
    first, *rest = manifest
    assert [first, rest[0]] == ["domain", "name"]
    assert rest[1:] == sorted(rest[1:])
    assert manifest["domain"] == FOLDER.name == const.DOMAIN
    assert {"codeowners", "documentation", "issue_tracker", "version"} <= set(manifest)
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert manifest["config_flow"] is True


def test_contact(hass: HomeAssistant) -> None:
    """Every field and every error of a contact has a text; no text is unused."""
    book = PhoneBook(hass, MockConfigEntry(), None)
    assert set(EN["config_subentries"]) == {SUBENTRY_CONTACT}
    texts = EN["config_subentries"][SUBENTRY_CONTACT]
    for kind in KINDS.values():
        speaks = Feature.SPEECH in kind.features
        named = {"overrides", "extension", *(["announcements"] if speaks else [])}
        schema = contact_flow.contact_schema(kind, (), book).schema
        sections = {str(key): each for key, each in schema.items() if key in named}
        assert set(sections) == named
        for step in texts["step"].values():
            fields = {str(key) for key in schema} - named
            assert set(step["data"]) == set(step["data_description"]) == fields
            assert set(step["sections"]) == named | {"announcements"}
            for name, section in sections.items():
                shown = step["sections"][name]
                fields = {str(key) for key in section.schema.schema}
                assert set(shown["data"]) == set(shown["data_description"])
                of_some_kinds = set(shown["data"]) - fields
                assert fields <= set(shown["data"])
                assert of_some_kinds <= {"caller_name"}
    new, changed = texts["step"]["user"], texts["step"]["reconfigure"]
    for part in ("data", "data_description"):
        assert new[part] == changed[part]
    assert set(texts["error"]) == {
        *map(str, NumberFault),
        "name_invalid",
        "name_is_number",
        "name_no_state",
        "name_taken",
        "not_printable",
        "number_taken",
        "unknown_contact",
        "ambiguous_contact",
    }
