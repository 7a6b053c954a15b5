"""What takes its time shows that it goes on."""

from io import StringIO
from pathlib import Path
import signal
import subprocess
import time
from typing import override

import pytest

from scripts.support.terminal import progress
from scripts.support.terminal.progress import Progress

from .test_help import ROOT


class _Stream(StringIO):
    """A terminal, or none."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    @override
    def isatty(self) -> bool:
        return self._is_terminal


def _until(stream: StringIO, text: str) -> None:
    began = time.monotonic()
    while text not in stream.getvalue():
        assert time.monotonic() - began < 50
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a terminal that can do what most can."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")


def test_on_a_terminal() -> None:
    """The seconds move in place, and are gone in the end."""
    stream = _Stream(is_terminal=True)
    with Progress("it boots", stream):
        _until(stream, "it boots: 1 s")

    shown = stream.getvalue()
    assert shown.startswith("\r")
    assert shown.endswith("\r")
    assert "\n" not in shown
    assert "\x1b" not in shown
    *_, last, _ = shown.split("\r")
    assert not last.strip()


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_elsewhere(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    """There is a plain line now and then."""
    monkeypatch.setattr(progress, "_BETWEEN_LINES", 0.2)
    monkeypatch.setenv("TERM", term)
    stream = _Stream(is_terminal=term == "dumb")
    with Progress("it boots", stream):
        _until(stream, "so far\n")

    assert set(stream.getvalue().splitlines()) == {"   it boots: 0 s so far"}


def test_what_takes_no_time() -> None:
    """Nothing is said of it."""
    stream = _Stream(is_terminal=False)
    with Progress("it boots", stream):
        pass

    assert stream.getvalue() == ""


def _run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script of ours that does this."""
    path = folder / "script"
    path.write_text(f"source {ROOT}/scripts/lib.sh\n{script}")
    return subprocess.run(  # noqa: S603 - one of our own
        ["bash", path],  # noqa: S607 - as every script names it
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_step_of_a_script(tmp_path: Path) -> None:
    """What it prints is kept; its status is what it was."""
    log = tmp_path / "log"
    ran = _run(f"with_progress {log} sh -c 'echo said; exit 3' || echo $?", tmp_path)

    assert (ran.stdout, ran.stderr) == ("3\n", "")
    assert log.read_text() == "said\n"


def test_a_long_step_of_a_script(tmp_path: Path) -> None:
    """Where nothing can move, there is a line after ten seconds, and after twenty."""
    # It is the shell's clock that is set, and then the end of what took so long.
    script = """
    read() { SECONDS=$((SECONDS + 5)); return $((SECONDS < 27 ? 142 : 1)); }
    tick
    """
    ran = _run(script, tmp_path)

    assert ran.stdout == "   10 s so far\n   20 s so far\n"


def test_a_step_that_fails(tmp_path: Path) -> None:
    """All that it said is shown then, and only then."""
    ran = _run("quietly sh -c 'echo why; exit 3' || echo $?", tmp_path)
    assert (ran.stdout, ran.stderr) == ("3\n", "why\n")
    ran = _run("quietly echo fine", tmp_path)
    assert (ran.stdout, ran.stderr) == ("", "")


def test_a_script_that_is_killed(tmp_path: Path) -> None:
    """Nothing of it goes on."""
    ran = _run(f"with_progress {tmp_path}/log sh -c 'kill -9 $PPID'", tmp_path)
    assert ran.returncode == -signal.SIGKILL
