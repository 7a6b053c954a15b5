"""A script that is reached through a link, from a folder on PATH for instance."""

from pathlib import Path
import subprocess

import pytest

from .test_help import SCRIPTS

OWN = [path for path in SCRIPTS if path.parent.name == "scripts"]


@pytest.mark.parametrize("script", OWN, ids=lambda path: path.name)
def test_help_through_a_link(script: Path, tmp_path: Path) -> None:
    """It finds what it needs, and its own text, where it really is."""
    (tmp_path / "first").symlink_to(script)
    (tmp_path / "second").symlink_to("first")
    answer = subprocess.run(
        ["./second", "--help"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert answer.stderr == ""
    assert f"\n  scripts/{script.name}" in answer.stdout


def test_complaints_through_a_link(tmp_path: Path) -> None:
    """They go by the script's own name."""
    link = tmp_path / "x"
    link.symlink_to(OWN[0])
    answer = subprocess.run(  # noqa: S603 - our own
        [link, "--nonsense"], check=False, capture_output=True, text=True
    )
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"scripts/{OWN[0].name}: unknown argument")
