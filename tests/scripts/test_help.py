"""Every script says what it does."""

from pathlib import Path
import subprocess

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = [
    path
    for path in [*sorted((ROOT / "scripts").iterdir()), ROOT / ".ci/run"]
    if path.is_file() and path.suffix in {"", ".14"}
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(script: Path, option: str, tmp_path: Path) -> None:
    """It prints the comment at its head, wherever it is called from."""
    answer = subprocess.run(  # noqa: S603 - one of our own
        [script, option], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert answer.stderr == ""
    name = script.relative_to(ROOT).as_posix()
    assert f"\n  {name}" in answer.stdout
    assert "#!" not in answer.stdout
