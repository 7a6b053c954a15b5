"""Location of Asterisk and SIPp: on PATH, or in the folder of scripts/asterisk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import shutil
import tempfile
from typing import Self

from ..machine import ROOT

# Daemons are in folders that are often not on a user's PATH.
_MORE_PATH = ("/usr/sbin", "/usr/local/sbin")
_USER = "asterisk"


class NotInstalledError(Exception):
    """Asterisk or SIPp is not installed."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The paths of both programs, and how to start them.

    Attributes:
        chroot: root folder of the programs; None for that of the machine.
        asterisk: path of Asterisk inside the root folder.
        sipp: path of SIPp inside the root folder.
    """

    chroot: Path | None
    asterisk: str
    sipp: str

    @classmethod
    def find(cls) -> Self:
        """Find the programs on PATH, or in the folder of scripts/asterisk.

        Raises:
            NotInstalledError: they are in neither.
        """
        path = os.pathsep.join((os.environ.get("PATH", ""), *_MORE_PATH))
        asterisk = shutil.which("asterisk", path=path)
        sipp = shutil.which("sipp", path=path)
        if asterisk and sipp:
            return cls(None, asterisk, sipp)
        chroot = Path(os.environ.get("ASTERISK_ROOT") or ROOT / ".tools/asterisk")
        if (chroot / "usr/sbin/asterisk").exists() and os.geteuid() == 0:
            return cls(chroot, "/usr/sbin/asterisk", "/usr/bin/sipp")
        raise NotInstalledError(
            "Asterisk and SIPp are not installed. As root on Debian, run "
            "`scripts/asterisk --install` to install both."
        )

    def command(self, *words: str) -> list[str]:
        """Return a command line that runs as the user, and ends with this process."""
        if self.chroot is None:
            setpriv = shutil.which("setpriv")
            return [setpriv, "--pdeathsig=KILL", *words] if setpriv else [*words]
        # Inside the chroot: changing the user would reset the parent death signal.
        user = (f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups")
        setpriv = "/usr/bin/setpriv"
        return ["chroot", str(self.chroot), setpriv, "--pdeathsig=KILL", *user, *words]

    def seen(self, path: Path) -> str:
        """Return a path inside the root folder of the programs."""
        return str(path if self.chroot is None else "/" / path.relative_to(self.chroot))

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Yield a new folder that the programs can access."""
        parent = self.chroot and self.chroot / "tmp"
        # A program that is ending may still write files during the cleanup.
        with tempfile.TemporaryDirectory(
            prefix="pbx-asterisk-", dir=parent, ignore_cleanup_errors=True
        ) as name:
            yield Path(name)

    def hand_over(self, folder: Path) -> None:
        """Change the owner of a folder and its content to the user of the programs."""
        if self.chroot is None:
            return
        # The package has created this folder with the user ID inside the chroot.
        owner = (self.chroot / "var/lib/asterisk").stat()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
