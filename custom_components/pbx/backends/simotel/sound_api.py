"""The requests about the sounds that are stored on a Simotel.

Source: Simotel's v4 API documents of the PBX's announcements.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ..errors import PbxError, PbxErrorCode
from .client import SimotelClient
from .fields import text

UPLOAD: Final = "/pbx/announcements/upload"
ADD: Final = "/pbx/announcements/add"
SEARCH: Final = "/pbx/announcements/search"
REMOVE: Final = "/pbx/announcements/remove"


class StoredSound(NamedTuple):
    """A sound on the PBX."""

    id: str
    name: str
    comment: str


class SoundApi:
    """The requests about stored sounds; each of them is a right of the account.

    All of them raise `PbxError`; a `DeniedError` names the right that is missing.
    """

    def __init__(self, client: SimotelClient) -> None:
        """Initialize; nothing is sent."""
        self._client = client

    async def find(self, name: str) -> StoredSound | None:
        """Return the sound with a name."""
        found = await self._search(name, "false")
        return next((sound for sound in found if sound.name == name), None)

    async def find_all(self, prefix: str) -> list[StoredSound]:
        """Return the sounds whose names have a prefix."""
        found = await self._search(prefix, "true")
        return [sound for sound in found if sound.name.startswith(prefix)]

    async def upload(self, name: str, file: bytes) -> str:
        """Upload a WAV file, and return its name on the PBX."""
        data = await self._client.send_file(UPLOAD, f"{name}.wav", file)
        return _field(data, "filename")

    async def add(self, name: str, filename: str, comment: str) -> str:
        """Store a file that was uploaded as a sound, and return its id."""
        row = {"name": name, "filename": filename, "comment": comment}
        return _field(await self._client.ask(ADD, row), "_id")

    async def remove(self, sound_id: str) -> None:
        """Remove a sound."""
        await self._client.ask(REMOVE, {"_id": sound_id})

    async def _search(self, name: str, alike: str) -> list[StoredSound]:
        query = {"alike": alike, "conditions": {"name": name}}
        data = await self._client.ask(SEARCH, query)
        # A search returns the rows, or a page of them under "data".
        rows = data.get("data") if isinstance(data, Mapping) else data
        return [
            StoredSound(sound_id, text(row.get("name")), text(row.get("comment")))
            for row in (rows if isinstance(rows, list) else ())
            if isinstance(row, Mapping) and (sound_id := _id(row.get("_id")))
        ]


def _field(data: object, name: str) -> str:
    """Return a field of a response.

    Raises:
        PbxError: it is missing.
    """
    value = _id(data.get(name)) if isinstance(data, Mapping) else ""
    if not value:
        raise PbxError(PbxErrorCode.UNEXPECTED_ANSWER, f"no {name}")
    return value


def _id(value: object) -> str:
    """Return an id from text or from MongoDB's extended JSON (``$oid``)."""
    return text(value.get("$oid") if isinstance(value, Mapping) else value)
