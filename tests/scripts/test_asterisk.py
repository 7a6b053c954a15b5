"""Getting an Asterisk, with stand-ins for what would install it."""

from pathlib import Path
import shutil
import subprocess

import pytest

from .test_help import ROOT

SCRIPT = ROOT / "scripts/asterisk"
CANNOT_BE_HAD = 77
MIRROR = "http://mirror.example/debian/"

pytestmark = pytest.mark.skipif(
    not Path("/etc/debian_version").exists()
    or shutil.which("sipp", path="/bin:/usr/bin:/usr/local/bin") is not None,
    reason="a Debian without SIPp is needed",
)


class Machine:
    """A machine that the script runs on, with an empty folder for Asterisk."""

    def __init__(self, folder: Path) -> None:
        """Stand in for the programs that it asks."""
        self.root = folder / "asterisk"
        self.calls = folder / "calls"
        self._programs = folder / "bin"
        self._programs.mkdir()
        self.has("id", "echo 0")
        self.has("apt-get", f"echo {MIRROR}")
        self.has("apt-config", "")
        self.has("umount", "")
        self.installs()

    def has(self, name: str, body: str) -> None:
        """Put a program on its PATH."""
        program = self._programs / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    def installs(self, *, until: str = "true") -> None:
        """Let an installation leave its files, and then do something else."""
        self.has(
            "debootstrap",
            f'echo "$3" "$5" >>{self.calls}\n'
            'mkdir -p "$4/etc" "$4/usr/sbin" "$4/usr/bin" "$4/usr/share/doc/asterisk"\n'
            'for file in "$4/usr/sbin/asterisk" "$4/usr/bin/sipp"; do\n'
            '  touch "$file" && chmod 755 "$file"\n'
            f"done\n{until}",
        )

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return subprocess.run(  # noqa: S603 - one of our own
            [SCRIPT, "--install"],
            env={
                "PATH": f"{self._programs}:/usr/bin:/bin",
                "ASTERISK_ROOT": str(self.root),
            },
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return one that can install."""
    return Machine(tmp_path)


def test_installs_once(machine: Machine) -> None:
    """It takes the machine's own mirror, and finds afterwards what it has installed."""
    first = machine.run()
    assert (first.returncode, first.stderr) == (0, "")
    assert "Installing Asterisk" in first.stdout
    assert (machine.root / "etc/resolv.conf").read_text() == ""
    assert not (machine.root / "usr/share/doc/asterisk").exists()
    second = machine.run()
    assert second.stdout == f"Asterisk and SIPp are ready: {machine.root}\n"
    assert machine.calls.read_text() == f"forky {MIRROR}\n"


def test_installs_anew_what_was_interrupted(machine: Machine) -> None:
    """Half an installation is not taken for a whole one."""
    machine.installs(until="kill -9 $PPID; sleep 1")
    assert machine.run().returncode not in {0, CANNOT_BE_HAD}
    assert not machine.root.exists()
    left_over = machine.root.with_name("asterisk.part") / "left-over"
    left_over.touch()
    machine.installs()
    assert machine.run().returncode == 0
    assert not (machine.root / left_over.name).exists()


def test_installation_fails(machine: Machine) -> None:
    """It tries the next release, says why at the end, and leaves nothing behind."""
    machine.installs(until="echo no such package; exit 1")
    answer = machine.run()
    assert answer.returncode == CANNOT_BE_HAD
    assert "no such package\n" in answer.stderr
    assert answer.stderr.endswith(f"See the log: {machine.root}.log\n")
    assert [line.split()[0] for line in machine.calls.read_text().splitlines()] == [
        "forky",
        "sid",
    ]
    assert not machine.root.with_name("asterisk.part").exists()


def test_no_mirror(machine: Machine) -> None:
    """Another distribution has packages of its own."""
    machine.has("apt-get", "echo http://mirror.example/ubuntu/")
    answer = machine.run()
    assert answer.returncode == CANNOT_BE_HAD
    assert "have no Debian mirror" in answer.stderr
    assert "Install asterisk and sip-tester" in answer.stderr


def test_not_root(machine: Machine) -> None:
    """It says in a sentence what would help."""
    machine.has("id", "echo 1000")
    answer = machine.run()
    assert answer.returncode == CANNOT_BE_HAD
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert "asterisk and sipp are not on PATH" in answer.stderr


def test_on_path(machine: Machine) -> None:
    """Programs on PATH are used, by any user."""
    machine.has("id", "echo 1000")
    machine.has("asterisk", "")
    machine.has("sipp", "")
    answer = machine.run()
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "are ready" in answer.stdout
    assert not machine.root.exists()
