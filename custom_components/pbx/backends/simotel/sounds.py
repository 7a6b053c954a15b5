"""Sounds that are stored on the PBX: each text once, as long as it is used."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
import logging
import re
from typing import Final
from weakref import WeakValueDictionary, ref

from ..announcement import Audio, Message, Sound
from ..base import Clock, Memory
from ..errors import PbxError, PbxErrorCode
from ..reconnect import wait_for
from .commands import is_sound_id, sound_ids, sound_item, value_item, value_seconds
from .sound_api import SoundApi, StoredSound
from .sound_file import SHORTEST, sound_file
from .sound_memory import DAY, KnownSound, SoundMemory, SoundNames, removable

_LOGGER = logging.getLogger(__name__)

# Seconds before each search for a sound that was added: it may not be known at once.
_SEARCHES: Final = (0.0, 0.5, 1.0, 2.0)
# The length of a sound, in its comment on the PBX.
_LENGTH: Final = re.compile(r"Home Assistant, ([0-9]{1,4}\.[0-9]{1,2}) s")
_SILENCE: Final = b"silence"


class Sounds:
    """Stores what is to be heard on the PBX, and removes what is not used any more.

    Args:
        api: sends the requests.
        installation: a secret that is unique to the config entry.
        memory: keeps what is known of the sounds.
        clock: for all times.
        ids_in_use: returns the ids of the sounds that open calls play.
    """

    def __init__(
        self,
        api: SoundApi,
        installation: str,
        memory: Memory,
        clock: Clock,
        ids_in_use: Callable[[], Collection[str]],
    ) -> None:
        """Initialize; nothing is sent."""
        self._api = api
        self._names = SoundNames(installation)
        self._memory = SoundMemory(memory, self._names)
        self._clock = clock
        self._ids_in_use = ids_in_use
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # The sounds of messages that are being prepared, and the messages that somebody
        # still has: a call may be about to play them.
        self._preparing: Counter[str] = Counter()
        self._prepared: list[ref[Audio]] = []
        self._must_tidy = asyncio.Event()

    async def prepare(self, message: Message, pause: float) -> Audio:
        """Return a message, whose sounds are on the PBX then.

        A value at the end is followed by a silent sound: a box that has played for a
        second has not failed, and keys are taken meanwhile.

        Args:
            message: what is to be heard.
            pause: seconds of silence after it.

        Raises:
            ValueError: a value is not valid.
            PbxError: a request failed. Errors of making the audio are passed on.
        """
        *parts, last = message.parts
        pauses = [*(0.0 for _ in parts), pause]
        if isinstance(last, Sound):
            parts.append(last)
        else:
            parts += [last, Sound(_SILENCE, _silence)]
            pauses = [*pauses[:-1], 0.0, max(pause, SHORTEST)]
        playlist, length = [], 0.0
        with self._guarded() as names:
            for part, silence in zip(parts, pauses, strict=True):
                if isinstance(part, Sound):
                    known = await self._store(
                        part, silence, names, is_lasting=message.is_lasting
                    )
                    item, seconds = sound_item(known.id), known.seconds or 0
                else:
                    item = value_item(part, is_persian=message.is_persian)
                    seconds = value_seconds(item)
                playlist.append(item)
                length += seconds
            audio = Audio(b"", tuple(playlist), length)
            prepared = (each for each in self._prepared if each() is not None)
            self._prepared = [*prepared, ref(audio)]
        return audio

    def note_use(self, playlist: Collection[str]) -> None:
        """Note that a call plays sounds."""
        self._memory.note_use(set(sound_ids([*playlist])), self._clock.time())

    async def run(self) -> None:
        """Remove what is not used any more, each day and after each new sound."""
        while True:
            await wait_for(self._must_tidy, self._clock, DAY)
            try:
                await self._tidy()
            except PbxError as err:
                _LOGGER.debug("Failed to tidy the sounds on the PBX: %s", err)

    @property
    def is_empty(self) -> bool:
        """Whether no sound is remembered."""
        return not self._memory.read()

    async def remove(self, audio: Audio) -> None:
        """Remove the sounds of a message, except for those that another call needs.

        Raises:
            PbxError: a request failed.
        """
        self._prepared = [each for each in self._prepared if each() is not audio]
        ids = sound_ids(audio.playlist)
        for name, known in self._memory.read().items():
            if known.id in ids:
                await self._remove(name)

    async def remove_all(self) -> None:
        """Remove all sounds of this installation, as far as possible."""
        ids = {known.id for known in self._memory.read().values()}
        with suppress(PbxError):
            ids |= {sound.id for sound in await self._list()}
        for sound_id in sorted(ids):
            try:
                await self._api.remove(sound_id)
            except PbxError as err:
                _LOGGER.debug("Failed to remove a sound from the PBX: %s", err)
                if err.code is not PbxErrorCode.REFUSED:
                    return

    # --- one sound --------------------------------------------------------------

    @contextmanager
    def _guarded(self) -> Iterator[list[str]]:
        """Yield a list; the sounds whose names are put into it are not removed."""
        names: list[str] = []
        try:
            yield names
        finally:
            self._preparing.subtract(names)

    async def _store(
        self, sound: Sound, pause: float, names: list[str], *, is_lasting: bool
    ) -> KnownSound:
        """Return a sound, which is uploaded unless the PBX has it."""
        audio = None if sound.key else await sound.make()
        content = b"key " + sound.key if audio is None else b"pcm " + audio.pcm
        name = self._names.name_of(content, pause)
        names.append(name)
        self._preparing[name] += 1
        # The same text is made and uploaded once.
        async with self._locks.setdefault(name, asyncio.Lock()):
            stored = await self._api.find(name)
            known = self._memory.read().get(name)
            seconds = _length(stored) if known is None else known.seconds
            is_lasting = is_lasting or (known is not None and known.is_lasting)
            if audio is None and (stored is None or seconds is None):
                audio = await sound.make()
            if audio is not None:
                seconds = audio.seconds
            sound_id = (
                await self._upload(name, audio or Audio(b""), pause)
                if stored is None
                else stored.id
            )
            now = self._clock.time()
            if not is_sound_id(sound_id):
                # No command can play it.
                raise PbxError(PbxErrorCode.UNEXPECTED_ANSWER, "no valid _id")
            known = KnownSound(sound_id, seconds, now, is_lasting=is_lasting)
            self._memory.put(name, known)
        return known

    async def _upload(self, name: str, audio: Audio, pause: float) -> str:
        """Upload a sound, and return its id once the PBX knows it."""
        # Many samples take a moment.
        file = await asyncio.to_thread(sound_file, audio.pcm, pause)
        filename = await self._api.upload(name, file)
        comment = f"Home Assistant, {audio.seconds:.2f} s"
        sound_id = await self._api.add(name, filename, comment)
        self._must_tidy.set()
        for delay in _SEARCHES:
            if delay:
                await self._clock.sleep(delay)
            if (stored := await self._api.find(name)) is not None:
                return stored.id
        return sound_id

    # --- all sounds -------------------------------------------------------------

    async def _list(self) -> list[StoredSound]:
        listed = await self._api.find_all(self._names.prefix)
        return [sound for sound in listed if self._names.is_ours(sound.name)]

    async def _tidy(self) -> None:
        """Remove sounds that are unused, or too many.

        Raises:
            PbxError: a request failed.
        """
        now = self._clock.time()
        for stored in await self._list():
            if stored.name not in self._memory.read():
                # It was forgotten, with the address of the PBX or in a backup.
                known = KnownSound(stored.id, _length(stored), now)
                self._memory.put(stored.name, known)
        for name in removable(self._memory.read(), now, self._is_needed):
            await self._remove(name)

    async def _remove(self, name: str) -> None:
        """Remove a sound, unless a call is about to use it by now.

        Raises:
            PbxError: the request failed.
        """
        async with self._locks.setdefault(name, asyncio.Lock()):
            known = self._memory.read().get(name)
            if known is None or self._is_needed(name, known):
                return
            try:
                await self._api.remove(known.id)
            except PbxError as err:
                # One that the PBX does not have is refused.
                if err.code is not PbxErrorCode.REFUSED:
                    raise
            self._memory.forget(name)

    def _is_needed(self, name: str, known: KnownSound) -> bool:
        """Return whether a call uses a sound, or is about to."""
        if self._preparing[name] or known.id in self._ids_in_use():
            return True
        audios = (each() for each in self._prepared)
        item = sound_item(known.id)
        return any(audio is not None and item in audio.playlist for audio in audios)


def _length(stored: StoredSound | None) -> float | None:
    """Return the seconds of a sound by its comment; None if it does not say them."""
    found = _LENGTH.fullmatch(stored.comment) if stored else None
    return float(found[1]) if found else None


async def _silence() -> Audio:
    return Audio(b"")
