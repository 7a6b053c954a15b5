"""What may stand in a configuration file."""

import contextlib
import dataclasses
from math import inf, nan
from typing import Any

from hypothesis import given, strategies as st
import pytest
import voluptuous as vol
import yaml

from sandbox import (
    AnnouncementStyle,
    Box,
    ConfigError,
    EventPush,
    Fault,
    Manner,
    Phone,
    Speech,
)
from sandbox.checks import web_address
from sandbox.config import EXAMPLE, SandboxConfig, parse
from sandbox.schema import SCHEMA, network, time_zone

SPEECH: dict[str, Any] = {"number": "8801", "url": "http://a"}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"phones": [{"number": 101}]}, "phones[0].number: must be text: put it in"),
        ({"phones": [{"number": "1"}, {"name": "x"}]}, "phones[1].number: "),
        ({"phones": [{"number": "1", "behavior": "sing"}]}, "phones[0].behavior: "),
        ({"phones": [{"number": "1", "after": -1}]}, "phones[0].after: must be a num"),
        ({"phones": [{"number": "1", "after": nan}]}, "phones[0].after: must be a num"),
        ({"phones": [{"number": "1", "after": inf}]}, "phones[0].after: must be a num"),
        ({"phones": [{"number": "1", "after": 10**400}]}, "phones[0].after: must be"),
        ({"phones": [{"number": ""}]}, "phones[0].number: must be 1 to 40 digits"),
        ({"phones": [{"number": "1 0;1"}]}, "phones[0].number: must be 1 to 40"),
        ({"phones": [{"number": "10?"}]}, "phones[0].number: must be 1 to 40"),
        ({"external": [{"number": ""}]}, "external[0].number: must be 1 to 40 digits"),
        ({"external": [{"number": "0 *"}]}, "external[0].number: must be 1 to 40"),
        ({"phones": [{"number": "1", "after": True}]}, "phones[0].after: must be a n"),
        ({"phones": [{"number": "1", "lines": 0}]}, "phones[0].lines: must be a whol"),
        ({"phones": [{"number": "1", "lines": "2"}]}, "phones[0].lines: must be a wh"),
        ({"phones": [{"number": "1", "active": "no"}]}, "phones[0].active: must be t"),
        (
            {"phones": [{"number": "1", "as_callee": {"after": "x"}}]},
            "phones[0].as_callee.after: must be a number of seconds",
        ),
        ({"phones": "101"}, "phones: must be a list"),
        ({"phones": ["101"]}, "phones[0]: must be a mapping"),
        ({"colour": "red"}, "colour: "),
        ({"base_path": "api"}, "base_path: must start with a slash"),
        ({"base_path": "/api/"}, "base_path: must start with a slash"),
        ({"time_zone": "Mars/Base"}, "time_zone: must be a time zone"),
        ({"time_zone": "../x"}, "time_zone: must be a time zone"),
        ({"accounts": [{"mode": "none"}]}, "accounts[0].mode: must be one of basic"),
        ({"permitted_addresses": ["home"]}, "permitted_addresses[0]: must be an IP"),
        ({"report": {"dates": "mayan"}}, "report.dates: must be one of jalali"),
        ({"report": {"history": 1.5}}, "report.history: must be a whole number"),
        ({"events": {}}, "events.url: "),
        ({"events": {"url": "http://[x"}}, "events.url: must be a URL"),
        ({"events": {"url": "ftp://x"}}, "events.url: must be a URL"),
        ({"events": {"url": "http://x", "drop": ["X"]}}, "events.drop[0]: must be"),
        ({"events": "http://x"}, "events: must be a mapping"),
        ({"faults": [{"path": "/x", "kind": 7}]}, "faults[0].kind: must be one of"),
        ({"faults": [{"path": "call", "kind": "hang"}]}, "faults[0].path: must start"),
        ({"phones": [{"number": "1", "keys": 1}]}, "phones[0].keys: must be text"),
        ({"phones": [{"number": "1", "keys": "A"}]}, "phones[0].keys: must be at mos"),
        ({"phones": [{"number": "1", "keys_after": -1}]}, "phones[0].keys_after: mus"),
        ({"speech": {"number": "8801"}}, "speech.url: "),
        ({"speech": {"url": "http://a"}}, "speech.number: "),
        ({"speech": {**SPEECH, "url": "a"}}, "speech.url: must be a URL"),
        ({"speech": {**SPEECH, "answer": "yes"}}, "speech.answer: must be one of"),
        ({"speech": {**SPEECH, "method": "put"}}, "speech.method: must be one of"),
        ({"speech": {**SPEECH, "copies": 0}}, "speech.copies: must be a whole num"),
        ({"speech": {**SPEECH, "say": None}}, "speech.say: must be a mapping"),
        ({"speech": {**SPEECH, "say": {"name": "s"}}}, "speech.say.outputs: "),
        (
            {"speech": {**SPEECH, "say": {"name": "s", "outputs": {"a": "b"}}}},
            "speech.say.outputs.a: must be one of say, key, hang_up, dial",
        ),
        (
            {"speech": {**SPEECH, "say": {"name": "s", "outputs": {"a b": "key"}}}},
            "speech.say.outputs.a b: must be 1 to 40 letters",
        ),
        ({"announcements": None}, "announcements: must be a mapping"),
        ({"announcements": {"names": "x"}}, "announcements.names: must be one of"),
        (
            {"announcements": {"sounds": {"a": "long"}}},
            "announcements.sounds.a: must be a number of seconds",
        ),
        ([], "must be a mapping of keys to values"),
    ],
)
def test_errors_name_the_file_and_the_key(data: object, problem: str) -> None:
    """So that one finds the line."""
    with pytest.raises(ConfigError) as caught:
        parse(data, "my.yaml")
    assert str(caught.value).startswith("my.yaml: ")
    assert problem in str(caught.value)


def test_everything_can_be_written() -> None:
    """Each key arrives in its field."""
    config = parse(
        {
            "phones": [
                {
                    "number": "1",
                    "name": "One",
                    "behavior": "decline",
                    "after": 1,
                    "hang_up_after": 2,
                    "gives_up_after": 3,
                    "lines": 2,
                    "active": False,
                    "as_caller": {"behavior": "busy"},
                    "keys": "12#",
                    "keys_after": 4,
                    "keys_at": 5,
                }
            ],
            "events": {"url": "https://[::1]:1/x", "method": "get", "copies": 2},
            "faults": [{"path": "*", "kind": "slow", "seconds": 2}],
            "permitted_addresses": ["10.0.0.0/8", "::1"],
            "external": [{"number": "0?1*"}],
            "speech": {
                "number": "8801",
                "url": "http://a",
                "answer": "progress",
                "say": {"name": "s", "outputs": {"done": "hang_up"}},
                "key": None,
                "give_up_after": 5,
            },
            "announcements": {"unique_names": True, "sounds": {"beep": 1}},
        },
        "my.yaml",
    )
    assert config.phones == (
        Phone(
            "1",
            "One",
            behavior="decline",
            after=1,
            hang_up_after=2,
            gives_up_after=3,
            lines=2,
            active=False,
            as_caller=Manner(behavior="busy"),
            keys="12#",
            keys_after=4,
            keys_at=5,
        ),
    )
    assert config.events == EventPush(url="https://[::1]:1/x", method="get", copies=2)
    assert config.external == (Phone("0?1*"),)
    assert config.speech == Speech(
        number="8801",
        url="http://a",
        answer="progress",
        say=Box("s", {"done": "hang_up"}),
        key=None,
        give_up_after=5,
    )
    assert config.announcements == AnnouncementStyle(
        unique_names=True, sounds={"beep": 1}
    )
    assert config.faults == (("*", Fault("slow", seconds=2)),)


def test_every_field_has_its_key() -> None:
    """And no key is without a field."""
    keys = {str(key) for key in SCHEMA.schema}
    assert keys == {field.name for field in dataclasses.fields(SandboxConfig)}


@pytest.mark.parametrize(
    ("section", "made", "required"),
    [("speech", Speech, SPEECH), ("announcements", AnnouncementStyle, {})],
)
def test_every_default_can_be_written(
    section: str, made: type, required: dict[str, Any]
) -> None:
    """The fields of a section and its keys are the same."""
    default = made(**required)
    written = {
        field.name: getattr(default, field.name)
        for field in dataclasses.fields(default)
    }
    boxes = {
        name: dataclasses.asdict(box)
        for name, box in written.items()
        if isinstance(box, Box)
    }
    config = parse({section: {**written, **boxes}}, "my.yaml")
    assert getattr(config, section) == default


def test_the_example_has_the_defaults_of_speech() -> None:
    """The lines that are commented out show every key and its default."""
    text = EXAMPLE.read_text(encoding="utf-8")
    lines = text[text.index("# speech:") : text.index("speech: null")].splitlines()
    section = yaml.safe_load(
        "\n".join(line[2:] for line in lines if line.startswith(("# speech", "#   ")))
    )
    default = Speech(number="8801", url=section["speech"]["url"])
    assert parse(section, "example").speech == default
    assert set(section["speech"]) == {
        field.name for field in dataclasses.fields(Speech)
    }


@given(st.text())
def test_any_text_is_taken_or_refused(text: str) -> None:
    """Nothing that a person writes breaks the checks."""
    for check in (web_address, network, time_zone):
        with contextlib.suppress(vol.Invalid):
            assert check(text) == text
