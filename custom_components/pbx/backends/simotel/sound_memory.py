"""What is remembered of the sounds that are stored on the PBX."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
import json
import re
from typing import Any, Final

from ..base import Memory

MOST: Final = 100
DAY: Final = 86_400
UNUSED: Final = 30 * DAY
UNUSED_LASTING: Final = 365 * DAY
"""Seconds without use until a sound is removed; longer if an escalation plays it."""

_KEY: Final = "sounds"


@dataclass(slots=True)
class KnownSound:
    """A sound of ours.

    Attributes:
        id: on the PBX.
        seconds: length without the silence at its end; None if it is not known.
        used: Unix time at which it was used last.
        is_lasting: whether an escalation plays it.
    """

    id: str
    seconds: float | None
    used: float
    is_lasting: bool = False

    def is_unused(self, now: float) -> bool:
        """Return whether it was not used for so long that it is removed."""
        return now - self.used > (UNUSED_LASTING if self.is_lasting else UNUSED)


class SoundNames:
    """The names of the sounds of one installation.

    Two installations that use one PBX leave each other's sounds alone.

    Args:
        installation: a secret that is unique to the config entry.
    """

    def __init__(self, installation: str) -> None:
        """Initialize the names."""
        self._secret = installation.encode()[: blake2b.MAX_KEY_SIZE]
        owner = blake2b(self._secret, digest_size=4).hexdigest()
        self.prefix = f"hass-{owner}-"
        self._pattern = re.compile(re.escape(self.prefix) + r"[0-9a-f]{32}")

    def is_ours(self, name: str) -> bool:
        """Return whether a name is one of this installation."""
        return self._pattern.fullmatch(name) is not None

    def name_of(self, content: bytes, pause: float) -> str:
        """Return the name of a sound, from which its text cannot be found out.

        Args:
            content: of the sound, or what it is made from.
            pause: seconds of silence at its end.
        """
        digest = blake2b(key=self._secret, digest_size=16)
        digest.update(f"{pause:.3f} ".encode())
        digest.update(content)
        return self.prefix + digest.hexdigest()


class SoundMemory:
    """The known sounds by name, kept across restarts.

    Args:
        memory: keeps them.
        names: of this installation.
    """

    def __init__(self, memory: Memory, names: SoundNames) -> None:
        """Initialize it."""
        self._memory = memory
        self._names = names

    def read(self) -> dict[str, KnownSound]:
        """Return the known sounds; whatever is not valid is forgotten."""
        with suppress(ValueError, TypeError, AttributeError):
            stored: dict[str, Any] = json.loads(self._memory.get(_KEY) or "{}")
            return {
                name: _read(row)
                for name, row in stored.items()
                if self._names.is_ours(name)
            }
        return {}

    def put(self, name: str, sound: KnownSound) -> None:
        """Remember a sound."""
        self._write(self.read() | {name: sound})

    def forget(self, name: str) -> None:
        """Forget a sound."""
        self._write({k: known for k, known in self.read().items() if k != name})

    def note_use(self, ids: set[str], now: float) -> None:
        """Note that sounds are used."""
        sounds = self.read()
        for known in sounds.values():
            if known.id in ids:
                known.used = now
        self._write(sounds)

    def _write(self, sounds: Mapping[str, KnownSound]) -> None:
        rows = {
            name: [known.id, known.seconds, known.used, known.is_lasting]
            for name, known in sounds.items()
        }
        self._memory.set(_KEY, json.dumps(rows))


def _read(row: Any) -> KnownSound:  # noqa: ANN401 - whatever is stored
    """Return a stored row.

    Raises:
        TypeError, ValueError: it is not valid.
    """
    sound_id, seconds, used, is_lasting = row
    length = None if seconds is None else float(seconds)
    return KnownSound(str(sound_id), length, float(used), bool(is_lasting))


def removable(
    sounds: Mapping[str, KnownSound],
    now: float,
    is_needed: Callable[[str, KnownSound], bool],
) -> list[str]:
    """Return the names of the sounds to remove: unused ones, and those too many.

    Args:
        sounds: by name.
        now: Unix time.
        is_needed: returns whether a call uses a sound, or is about to.
    """
    oldest_first = sorted(sounds, key=lambda name: sounds[name].used)
    free = [name for name in oldest_first if not is_needed(name, sounds[name])]
    unused = [name for name in free if sounds[name].is_unused(now)]
    surplus = max(len(sounds) - MOST, 0)
    return list(dict.fromkeys([*unused, *free[:surplus]]))
