"""Keeping both open for a person."""

from pathlib import Path
import socket

import pytest

from scripts.support.demo import serve


@pytest.mark.usefixtures("socket_enabled")
async def test_the_sandbox_s_port_is_taken(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It says which, and what to do, before anything is started."""
    config_dir = tmp_path / "develop"
    monkeypatch.setattr("sys.argv", ["serve", str(config_dir)])
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(serve, "_SANDBOX_PORT", port)
        assert await serve.main() == 1
    error = capsys.readouterr().err
    assert f"Port {port} is in use" in error
    assert "Stop the program that uses it" in error
    assert not config_dir.exists()
