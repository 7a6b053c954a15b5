"""Where Asterisk and SIPp are: on PATH, or in the folder that was made for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import shutil
import tempfile
from typing import Self

from ..machine import ROOT

# Daemons stand where a person's own PATH often does not lead.
_MORE_PATH = ("/usr/sbin", "/usr/local/sbin")
_USER = "asterisk"


class NotInstalledError(Exception):
    """There is no Asterisk, or no SIPp."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Both programs, and how they are started.

    Attributes:
        chroot: the root folder that they live in, where that is not the machine's.
        asterisk: where Asterisk is, as seen from there.
        sipp: likewise.
    """

    chroot: Path | None
    asterisk: str
    sipp: str

    @classmethod
    def find(cls) -> Self:
        """Look on PATH, then where scripts/asterisk installs.

        Raises:
            NotInstalledError: if they are in neither.
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
            "There is no Asterisk with SIPp here. As root on Debian, `scripts/asterisk "
            "--install` installs both."
        )

    def command(self, *words: str) -> list[str]:
        """Return a command line that ends with this process, and is the user's own."""
        if self.chroot is None:
            setpriv = shutil.which("setpriv")
            return [setpriv, "--pdeathsig=KILL", *words] if setpriv else [*words]
        # Within the other root: a change of the user would take the signal back.
        user = (f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups")
        setpriv = "/usr/bin/setpriv"
        return ["chroot", str(self.chroot), setpriv, "--pdeathsig=KILL", *user, *words]

    def seen(self, path: Path) -> str:
        """Return a path as the programs see it."""
        return str(path if self.chroot is None else "/" / path.relative_to(self.chroot))

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Yield a new folder that the programs see and may write to."""
        parent = self.chroot and self.chroot / "tmp"
        # What is written while a program ends may stand in the way.
        with tempfile.TemporaryDirectory(
            prefix="pbx-asterisk-", dir=parent, ignore_cleanup_errors=True
        ) as name:
            yield Path(name)

    def hand_over(self, folder: Path) -> None:
        """Give a folder with all that is in it to the user that the programs run as."""
        if self.chroot is None:
            return
        # Its package has made this folder for the user, whose number is known there.
        owner = (self.chroot / "var/lib/asterisk").stat()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
