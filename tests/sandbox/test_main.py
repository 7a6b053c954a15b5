"""The program."""

import argparse
import asyncio
import os
from pathlib import Path
import signal
import sys

import pytest

from sandbox import Account, Box, EventPush, Sandbox, SandboxConfig, Speech
from sandbox.__main__ import _parser, _serve, configuration, greeting, main

from .helpers import until

ROOT = Path(__file__).parents[2]


def _options(*arguments: str) -> argparse.Namespace:
    return _parser().parse_args(arguments)


def test_without_flags() -> None:
    """The example, on this machine only."""
    options = _options()
    assert configuration(options) == SandboxConfig()
    assert (options.host, options.port) == ("127.0.0.1", 8580)


def test_flags_come_before_the_file(tmp_path: Path) -> None:
    """Each changes what it names and nothing else."""
    file = tmp_path / "my.yaml"
    file.write_text("events: {url: 'http://a/b', method: get}\naccounts: []\n")
    options = _options(
        *("--config", str(file), "--username", "me", "--mode", "basic"),
        *(
            "--password",
            "secret",
            "--event-url",
            "http://c/d",
            "--permit",
            "10.0.0.0/8",
        ),
    )
    config = configuration(options)
    assert config.accounts == (Account(username="me", password="secret", mode="basic"),)
    assert config.events == EventPush(url="http://c/d", method="get")
    assert config.permitted_addresses == ("10.0.0.0/8",)


def test_events_by_flags_alone() -> None:
    """An address is enough, and nothing is without it."""
    config = configuration(
        _options("--event-url", "http://a", "--event-style", "rest4")
    )
    assert config.events == EventPush(url="http://a", style="rest4")
    assert main(["--event-method", "get"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--event-url", "a"],
        ["--permit", "a"],
        ["--mode", "x"],
        ["--port", "x"],
        ["--port", "99999"],
        ["--port", "-1"],
    ],
)
def test_flags_that_are_wrong(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """They are named."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--mode", "key", "--api-key", ""], "accounts[0].api_key: must not be empty"),
        (["--username", ""], "accounts[0].username: must not be empty"),
        (["--username", "a:b"], "accounts[0].username: must not contain a colon"),
        (
            ["--event-url", "http://a", "--event-username", "a:b"],
            "events.username: must not contain a colon",
        ),
    ],
)
def test_flags_that_do_not_go_together(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are checked together with the file, as the file is."""
    assert main(arguments) == 2
    assert f"with these flags: {problem}" in capsys.readouterr().err


def test_every_port_there_is() -> None:
    """From the first to the last."""
    assert [_options("--port", port).port for port in ("0", "65535")] == [0, 65535]


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The help describes the program, without paths of the machine."""
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert "python -m sandbox" in text
    assert "example.yaml" in text
    assert str(ROOT) not in text


def test_a_file_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file and the key are named."""
    file = tmp_path / "my.yaml"
    file.write_text("phones: 7\n")
    assert main(["--config", str(file)]) == 2
    assert "my.yaml: phones: must be a list" in capsys.readouterr().err


async def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """The program says so and ends."""
    async with Sandbox() as sandbox:
        port = sandbox.url.rpartition(":")[2]
        code = await asyncio.to_thread(main, ["--port", port])
    assert code == 1
    assert "cannot listen" in capsys.readouterr().err


def test_what_it_says_at_the_start() -> None:
    """Where to go, and with what."""
    accounts = (
        Account(username="a", password="b", mode="basic"),
        Account(api_key="c", mode="key"),
    )
    events = EventPush(url="http://hook")
    text = "\n".join(greeting(Sandbox(SandboxConfig(accounts=accounts, events=events))))
    assert "a / b" in text
    assert "API key c" in text
    assert "http://hook (POST)" in text
    assert "101 Kitchen" in text
    plain = "\n".join(greeting(Sandbox()))
    assert "not sent (see --event-url)" in plain
    assert "speech   not drawn" in plain


@pytest.mark.parametrize(("key", "boxes"), [(Box("key"), "say and key"), (None, "say")])
def test_greeting_with_speech(key: Box | None, boxes: str) -> None:
    """It says which number leads to the boxes, and whom they ask."""
    speech = Speech(number="8801", url="http://hook", key=key)
    text = "\n".join(greeting(Sandbox(SandboxConfig(speech=speech))))
    assert f"8801 in main_routing: {boxes} ask http://hook (POST)" in text


async def test_serving(capsys: pytest.CaptureFixture[str]) -> None:
    """It listens until a signal comes, and forgets the signal then."""
    options = _options("--port", "0")
    serving = asyncio.create_task(_serve(configuration(options), options))
    await until(lambda: "Ctrl-C" in capsys.readouterr().out)
    signal.raise_signal(signal.SIGTERM)
    await serving
    assert capsys.readouterr().out == "stopped\n"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_ctrl_c_where_signals_cannot_be_handled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It ends without a traceback there as well."""

    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sandbox.__main__._serve", interrupted)
    assert main([]) == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_running_it(number: signal.Signals) -> None:
    """It prints its real port, and ends cleanly when asked to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--port", "0"),
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(120):
        first = (await process.stdout.readline()).decode()
        assert first.startswith("Sandbox PBX at http://127.0.0.1:")
        assert ":0 " not in first
        while b"Ctrl-C" not in await process.stdout.readline():
            pass
        process.send_signal(number)
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"stopped\n", b"")
