"""Store of announcements: sounds that were uploaded, and added with a name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
import re

from .clock import Clock
from .config import SandboxConfig
from .dates import gregorian, jalali
from .directory import matching
from .multipart import Upload, wav_seconds

# Uploads that are kept until they are added.
KEPT_UPLOADS = 100

_ID = re.compile(r"[0-9a-f]{24}")
_MACHINE = "7a302f4de5"
_FIRST_COUNT = 0x1AE494


class AnnouncementRefusedError(Exception):
    """The request is not valid; the message is the PBX's response."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Announcement:
    """A sound with a name; the time is a Unix time, the length is in seconds."""

    id: str
    name: str
    filename: str
    comment: str
    added: float
    seconds: float
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Announcements:
    """All announcements, in the order in which they were added."""

    config: Callable[[], SandboxConfig]
    clock: Clock
    _uploads: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    _sounds: dict[str, Announcement] = field(default_factory=dict)
    _count: int = 0

    def __iter__(self) -> Iterator[Announcement]:
        """Iterate over the announcements."""
        return iter(list(self._sounds.values()))

    def __len__(self) -> int:
        """Return the number of announcements."""
        return len(self._sounds)

    def upload(self, upload: Upload) -> str:
        """Take a sound, and return its filename on the PBX.

        Raises:
            AnnouncementRefusedError: it is not a WAV, whose length can be read.
        """
        try:
            seconds = wav_seconds(upload.content)
        except ValueError as error:
            raise AnnouncementRefusedError("Requested operation failed") from error
        stamp = re.sub(r"\D", "", gregorian(self.clock.time(), self.config().time_zone))
        given = re.sub(r"[^A-Za-z0-9_-]", "", upload.filename)
        filename = f"file-{stamp}-{self._next():05d}-{given}_.wav"
        self._uploads[filename] = (seconds, upload.content)
        for oldest in list(self._uploads)[:-KEPT_UPLOADS]:
            del self._uploads[oldest]
        return filename

    def add(self, body: Mapping[str, object]) -> str:
        """Give an uploaded sound a name, and return its ID.

        Raises:
            AnnouncementRefusedError: the request is not valid.
        """
        name, filename = _text(body, "name"), _text(body, "filename")
        if filename not in self._uploads:
            raise AnnouncementRefusedError("Field 'filename':value is invalid")
        self._check_name(name, "")
        seconds, content = self._uploads.pop(filename)
        now = self.clock.time()
        count = (_FIRST_COUNT + self._next()) & 0xFFFFFF
        sound = Announcement(
            id=f"{int(now):08x}{_MACHINE}{count:06x}",
            name=name,
            filename=filename,
            comment=_optional(body, "comment"),
            added=now,
            seconds=seconds,
            content=content,
        )
        self._sounds[sound.id] = sound
        return sound.id

    def search(self, body: Mapping[str, object]) -> list[dict[str, object]]:
        """Return the rows of the announcements that match the conditions."""
        config = self.config()
        latest = self.clock.time() - config.announcements.listed_after
        rows: list[dict[str, object]] = [
            {
                "_id": sound.id,
                "filename": sound.filename,
                "name": sound.name,
                "comment": sound.comment,
                "date": jalali(sound.added, config.time_zone),
            }
            for sound in self._sounds.values()
            if sound.added <= latest
        ]
        return matching(rows, body, ("name", "filename", "comment"))

    def update(self, body: Mapping[str, object]) -> None:
        """Change the name and the comment of an announcement, or its sound.

        Raises:
            AnnouncementRefusedError: the request is not valid.
        """
        sound = self._find(body)
        name, filename = _text(body, "name"), _text(body, "filename")
        self._check_name(name, sound.id)
        seconds, content = sound.seconds, sound.content
        if filename != sound.filename:
            if filename not in self._uploads:
                raise AnnouncementRefusedError("Field 'filename':value is invalid")
            seconds, content = self._uploads.pop(filename)
        self._sounds[sound.id] = replace(
            sound,
            name=name,
            filename=filename,
            comment=_optional(body, "comment"),
            seconds=seconds,
            content=content,
        )

    def remove(self, body: Mapping[str, object]) -> None:
        """Remove an announcement.

        Raises:
            AnnouncementRefusedError: it does not exist.
        """
        del self._sounds[self._find(body).id]

    def get(self, sound_id: str) -> Announcement | None:
        """Return the announcement with this ID."""
        return self._sounds.get(sound_id)

    def playable(self, file: str) -> Announcement | None:
        """Return the announcement that a command means, if it can be played now."""
        style = self.config().announcements
        latest = self.clock.time() - style.playable_after
        return next(
            (
                sound
                for sound in self._sounds.values()
                if sound.added <= latest
                and file in {f"id:{sound.id}", getattr(sound, style.names)}
            ),
            None,
        )

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _check_name(self, name: str, own_id: str) -> None:
        """Check that no other announcement has the name, if names are unique."""
        is_taken = any(
            sound.name == name and sound.id != own_id for sound in self._sounds.values()
        )
        if is_taken and self.config().announcements.unique_names:
            raise AnnouncementRefusedError("Field 'name':value is duplicate")

    def _find(self, body: Mapping[str, object]) -> Announcement:
        wanted = self.config().announcements.id_field
        names = ("_id", "id_") if wanted == "any" else (wanted,)
        found = next((body[name] for name in names if body.get(name)), None)
        if not isinstance(found, str):
            raise AnnouncementRefusedError(f"Field '{names[0]}':value is missing")
        if _ID.fullmatch(found) is None:
            raise AnnouncementRefusedError(f"Field '{names[0]}':value is invalid")
        sound = self._sounds.get(found)
        if sound is None:
            raise AnnouncementRefusedError("Requested operation failed")
        return sound


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if value is None or value == "":
        raise AnnouncementRefusedError(f"Field '{name}':value is missing")
    if not isinstance(value, str):
        raise AnnouncementRefusedError(f"Field '{name}':value must be a string")
    return value


def _optional(body: Mapping[str, object], name: str) -> str:
    return _text(body, name) if body.get(name) else ""
