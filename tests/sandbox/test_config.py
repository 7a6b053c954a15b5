"""The configuration and its file."""

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from sandbox import ConfigError, ReportStyle, SandboxConfig, load
from sandbox.config import EXAMPLE, parse


def test_the_default_is_the_example() -> None:
    """One truth: the documented file."""
    assert SandboxConfig() == load(EXAMPLE)
    (account,) = SandboxConfig().accounts
    assert (account.username, account.mode) == ("homeassistant", "both")
    assert SandboxConfig().base_path == "/api/v4"
    assert SandboxConfig().report == ReportStyle()


def test_the_example_has_every_key() -> None:
    """What is left out of a file is looked up there, so it must be complete."""
    data = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    assert list(data) == [field.name for field in fields(SandboxConfig)]


def test_what_a_file_leaves_out(tmp_path: Path) -> None:
    """It stays as in the example."""
    file = tmp_path / "my.yaml"
    file.write_text('base_path: /api/v4.1\nphones: [{number: "7"}]\n')
    config = load(file)
    assert config.base_path == "/api/v4.1"
    assert [phone.number for phone in config.phones] == ["7"]
    assert config.trunks == SandboxConfig().trunks
    file.write_text("")
    assert load(file) == SandboxConfig()


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\xfd", None])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """It is named."""
    file = tmp_path / "my.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"my\.yaml: cannot be read"):
        load(file)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (
            {"contexts": [{"name": "out", "trunk": "cisco"}]},
            "contexts[0].trunk: there is no trunk cisco",
        ),
        (
            {"phones": [{"number": "1"}, {"number": "1"}]},
            "phones[1].number: 1 is a duplicate",
        ),
        (
            {"accounts": [{"username": "a"}]},
            "accounts[0].password: must not be empty with the mode both",
        ),
        (
            {"accounts": [{"mode": "basic", "password": "b"}]},
            "accounts[0].username: must not be empty with the mode basic",
        ),
        (
            {"accounts": [{"mode": "key", "username": "a", "password": "b"}]},
            "accounts[0].api_key: must not be empty with the mode key",
        ),
        (
            {"accounts": [{"mode": "key", "api_key": "k", "username": "a:b"}]},
            "accounts[0].username: must not contain a colon",
        ),
        (
            {"events": {"url": "http://a", "username": "a:b"}},
            "events.username: must not contain a colon",
        ),
        (
            {"speech": {"number": "8801", "url": "http://a", "username": "a:b"}},
            "speech.username: must not contain a colon",
        ),
        (
            {"speech": {"number": "101", "url": "http://a"}},
            "speech.number: 101 is an extension",
        ),
        (
            {"speech": {"number": "8801", "url": "http://a", "context": "night"}},
            "speech.context: there is no context night",
        ),
        (
            {"speech": {"number": "8801", "url": "http://a", "key": None}},
            "speech.say.outputs: there is no box key",
        ),
    ],
)
def test_contradictions(data: dict[str, object], problem: str) -> None:
    """Right by itself and wrong together."""
    with pytest.raises(ConfigError) as caught:
        parse(data, "my.yaml")
    assert str(caught.value) == f"my.yaml: {problem}"


def test_trunks_that_the_example_s_contexts_do_not_suit(tmp_path: Path) -> None:
    """The error explains that the context comes from the example."""
    file = tmp_path / "my.yaml"
    file.write_text("trunks: [{name: cisco}]\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    text = str(caught.value)
    assert "my.yaml: trunks: main_trunk is missing" in text
    assert "main_routing of example.yaml uses it" in text
    assert "set your own contexts" in text
    file.write_text("trunks: [{name: main_trunk}]\n")
    assert load(file).contexts == SandboxConfig().contexts


def test_a_context_may_lead_nowhere() -> None:
    """It knows extensions only then."""
    config = parse({"contexts": [{"name": "inside"}], "trunks": []}, "my.yaml")
    assert config.contexts[0].trunk is None
