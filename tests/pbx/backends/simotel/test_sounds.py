"""Stored sounds: what is uploaded, found again, and removed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
import io
import json
import logging
from typing import Any
import wave

import pytest

from custom_components.pbx.backends.announcement import Announcement, Audio, Sound
from custom_components.pbx.backends.errors import DeniedError, PbxError, PbxErrorCode
from custom_components.pbx.backends.simotel import (
    boxes as boxes_module,
    sound_memory,
)
from custom_components.pbx.backends.simotel.client import ORIGINATE
from custom_components.pbx.backends.simotel.sound_api import (
    ADD,
    REMOVE,
    SEARCH,
    UPLOAD,
)
from custom_components.pbx.backends.simotel.sound_memory import (
    DAY,
    MOST,
    UNUSED,
    UNUSED_LASTING,
    KnownSound,
    SoundNames,
    removable,
)
from sandbox import Fault, ManualClock, Sandbox, SandboxConfig
from sandbox.faults import FaultKind

from . import announcing
from .announcing import Scene, staged, value

SECRET_WORDS = "The code of the alarm is 4711"


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    """Return a PBX."""
    async with Sandbox(SandboxConfig(), clock=clock) as running:
        yield running


@pytest.fixture
async def scene(sandbox: Sandbox, clock: ManualClock) -> AsyncIterator[Scene]:
    """Return a running backend."""
    async with staged(sandbox, clock) as running:
        yield running


def _requests(scene: Scene) -> list[str]:
    return [
        request.path
        for request in scene.sandbox.requests
        if request.path.startswith("/pbx/announcements")
    ]


def _items(scene: Scene) -> list[str]:
    return [f"id:{sound.id}" for sound in scene.sandbox.announcements]


async def test_uploaded_once(scene: Scene) -> None:
    """A text is made and uploaded the first time, and found from then on."""
    await scene.stop()
    first = await scene.prepare()
    assert _requests(scene) == [SEARCH, UPLOAD, ADD, SEARCH]
    second = await scene.prepare()
    assert _requests(scene)[4:] == [SEARCH]
    assert scene.engine.made == ["The water is rising"]
    assert first == second
    assert first.playlist == tuple(_items(scene))
    assert (first.pcm, first.seconds) == (b"", 3)
    (sound,) = scene.sandbox.announcements
    with wave.open(io.BytesIO(sound.content)) as file:
        assert file.getparams()[:4] == (1, 2, 8000, 4 * 8000)


async def test_names(scene: Scene) -> None:
    """The text cannot be found out by a name, which is of this installation."""
    await scene.prepare(scene.engine.text(SECRET_WORDS))
    (name,) = scene.stored()
    names = SoundNames(announcing.INSTALLATION)
    assert names.is_ours(name)
    assert not SoundNames("another").is_ours(name)
    other = SoundNames("another").name_of(b"key " + SECRET_WORDS.encode(), 1)
    assert name[-32:] != other[-32:]
    assert names.name_of(b"key " + SECRET_WORDS.encode(), 1) == name
    shown = json.dumps([str(each.json) for each in scene.sandbox.requests])
    assert SECRET_WORDS not in shown + json.dumps(scene.memory.values)


@pytest.mark.parametrize(("pause", "sounds"), [(1, 1), (2, 2)])
async def test_pause(scene: Scene, pause: float, sounds: int) -> None:
    """The silence at the end is part of a sound."""
    await scene.prepare(pause=1)
    audio = await scene.prepare(pause=pause)
    assert len(scene.stored()) == sounds
    assert audio.seconds == 3


async def test_media(scene: Scene) -> None:
    """Media are known by their samples, and made each time."""
    first = await scene.prepare(scene.engine.media())
    assert first == await scene.prepare(scene.engine.media())
    assert first != await scene.prepare(scene.engine.media(level=7))
    assert len(scene.engine.made) == 3
    assert len(scene.stored()) == 2


async def test_parts(scene: Scene) -> None:
    """Each text is a sound of its own; the pause is at the end."""
    parts = (
        scene.engine.text("The temperature is", 2),
        value("number", "21"),
        scene.engine.text("degrees", 1),
    )
    audio = await scene.prepare(*parts, is_persian=True)
    first, last = _items(scene)
    assert audio.playlist == (first, "number:21", last)
    assert audio.seconds == pytest.approx(2 + (1 + 2 * 0.8) + 1)
    lengths = [sound.seconds for sound in scene.sandbox.announcements]
    assert lengths == [2, 2]


async def test_value_at_the_end(scene: Scene) -> None:
    """A silent sound follows, which listens."""
    audio = await scene.prepare(value("date", "2026-11-27"), is_persian=True)
    (silence,) = _items(scene)
    assert audio.playlist == ("jalali:1405-09-06", silence)
    (sound,) = scene.sandbox.announcements
    assert sound.seconds == 1.2
    assert not any(sound.content[44:])
    await scene.prepare(value("digits", "007"), pause=1)
    assert len(scene.stored()) == 1
    assert scene.engine.made == []


async def test_spoken(scene: Scene) -> None:
    """All parts are heard, in order, and a key is taken at the end."""
    audio = await scene.prepare(
        scene.engine.text("The code is", 2), value("digits", "0123")
    )
    scene.sandbox.change_phone("101", keys="1")
    call = await scene.announce(audio, confirm_key="1")
    await scene.pass_time(20)
    said, *digits, silence = scene.heard()
    assert [said, silence] == _items(scene)
    assert digits == ["digits:0", "digits:123"]
    assert call.announced is not None
    assert call.announced.confirmed is True


@pytest.mark.parametrize(("after", "seconds"), [(0.4, 0.5), (3, 3.5), (60, 3.5)])
async def test_listed_later(scene: Scene, after: float, seconds: float) -> None:
    """A sound that is not found at once is looked for again."""
    style = replace(scene.sandbox.config.announcements, listed_after=after)
    scene.sandbox.configure(announcements=style)
    preparing = asyncio.ensure_future(scene.prepare())
    began = scene.clock.time()
    while not preparing.done():
        await asyncio.sleep(0.01)
        await scene.clock.advance(0.1)
    assert scene.clock.time() - began == pytest.approx(seconds, abs=0.35)
    assert preparing.result().playlist == tuple(_items(scene))


async def test_together(scene: Scene) -> None:
    """The same text is made once for those who want it at once."""
    audios = await asyncio.gather(*(scene.prepare() for _ in range(3)))
    assert len(set(audios)) == 1
    assert len(scene.engine.made) == 1
    assert len(scene.stored()) == 1


async def test_sound_that_somebody_removed(scene: Scene) -> None:
    """It is made again."""
    first = await scene.prepare()
    (sound,) = scene.sandbox.announcements
    scene.sandbox.announcements.remove({"_id": sound.id})
    second = await scene.prepare()
    assert first.playlist != second.playlist
    assert second.playlist == tuple(_items(scene))


@pytest.mark.parametrize("comment", [None, "", "Home Assistant, 12 s"])
async def test_forgotten_sound(scene: Scene, comment: str | None) -> None:
    """Its length is in its comment; otherwise it is made again, for its length."""
    await scene.prepare()
    (sound,) = scene.sandbox.announcements
    if comment is not None:
        body = {"_id": sound.id, "name": sound.name, "filename": sound.filename}
        scene.sandbox.announcements.update(body | {"comment": comment})
    scene.memory.values.clear()
    audio = await scene.prepare()
    assert audio.seconds == 3
    assert len(scene.engine.made) == (1 if comment is None else 2)
    assert len(scene.stored()) == 1


@pytest.mark.parametrize(
    "stored",
    ["", "{", "[]", '{"x": 1}', '{"NAME": [1, 2]}', '{"NAME": ["a", "b", 1, 1]}'],
)
async def test_changed_memory(scene: Scene, stored: str) -> None:
    """What is not valid is forgotten."""
    await scene.prepare()
    (name,) = scene.stored()
    scene.memory.values["sounds"] = stored.replace("NAME", name)
    assert (await scene.prepare()).seconds == 3


# --- Errors ---


@pytest.mark.parametrize("path", [SEARCH, UPLOAD, ADD])
async def test_denied(scene: Scene, path: str) -> None:
    """A missing right is named, and nobody is called."""
    (account,) = scene.sandbox.config.accounts
    allowed = {SEARCH, UPLOAD, ADD, REMOVE, ORIGINATE} - {path}
    scene.sandbox.configure(
        accounts=(replace(account, permissions=tuple(sorted(allowed))),)
    )
    with pytest.raises(DeniedError) as error:
        await scene.announce()
    assert (error.value.code, error.value.detail) == (PbxErrorCode.ACCESS_DENIED, path)
    assert scene.sandbox.calls == []


@pytest.mark.parametrize("path", [SEARCH, UPLOAD, ADD])
@pytest.mark.parametrize("kind", ["refuse", "reset", "html"])
async def test_refused(scene: Scene, path: str, kind: FaultKind) -> None:
    """No error is swallowed, and the same works later."""
    scene.sandbox.faults.set(path, Fault(kind, times=1))
    with pytest.raises(PbxError):
        await scene.prepare()
    assert (await scene.prepare()).seconds == 3


async def test_no_name_of_the_file(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A response without what is needed is an error."""

    async def send_file(*_args: object) -> object:
        return []

    monkeypatch.setattr(announcing.WatchedClient, "send_file", send_file)
    with pytest.raises(PbxError) as error:
        await scene.prepare()
    assert error.value.code is PbxErrorCode.UNEXPECTED_ANSWER
    assert error.value.detail == "no filename"


async def test_id_that_no_command_takes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a sound is an error before anybody is called, and not uploaded again."""
    await scene.stop()
    ask = announcing.WatchedClient.ask
    rows: list[dict[str, str]] = []

    async def strange(self: Any, request: str, query: Any) -> object:  # noqa: ANN401 - as it is
        if request == SEARCH:
            return rows
        await ask(self, request, query)
        rows.append({"_id": "sound-1'", "name": query["name"]})
        return {"_id": "sound-1'"}

    monkeypatch.setattr(announcing.WatchedClient, "ask", strange)
    for _ in range(2):
        with pytest.raises(PbxError) as error:
            await scene.prepare()
        assert error.value.code is PbxErrorCode.UNEXPECTED_ANSWER
    assert _requests(scene) == [UPLOAD, ADD]


@pytest.mark.parametrize(
    "found",
    [
        None,
        {"data": "none"},
        ["text", {"name": "x"}, {"_id": 5, "name": []}],
    ],
)
async def test_strange_search(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, found: object
) -> None:
    """Whatever a search returns, only a sound of this name is taken."""
    ask = announcing.WatchedClient.ask

    async def strange(self: Any, request: str, query: Any) -> object:  # noqa: ANN401 - as it is
        return found if request == SEARCH else await ask(self, request, query)

    monkeypatch.setattr(announcing.WatchedClient, "ask", strange)
    preparing = asyncio.ensure_future(scene.prepare())
    while not preparing.done():
        await asyncio.sleep(0.01)
        await scene.clock.advance(1)
    assert preparing.result().playlist == tuple(_items(scene))


async def test_rows_of_another_form(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of rows, and ids of MongoDB, are understood."""
    await scene.prepare()
    (sound,) = scene.sandbox.announcements
    row = {"_id": {"$oid": sound.id}, "name": sound.name, "comment": sound.comment}

    async def paged(*_args: object) -> object:
        return {"data": [row]}

    monkeypatch.setattr(announcing.WatchedClient, "ask", paged)
    assert (await scene.prepare()).playlist == (f"id:{sound.id}",)


async def test_error_of_the_engine(scene: Scene) -> None:
    """It is passed on, and leaves nothing behind."""

    class EngineError(Exception):
        pass

    async def fail() -> Any:  # noqa: ANN401 - never
        raise EngineError

    with pytest.raises(EngineError):
        await scene.prepare(Sound(b"text", fail))
    assert _requests(scene) == [SEARCH]


async def test_invalid_value(scene: Scene) -> None:
    """Nothing is played that cannot be said."""
    with pytest.raises(ValueError, match="command"):
        await scene.prepare(value("number", "1e9"))


async def test_privacy(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """No log has what is said, or the keys."""
    caplog.set_level(logging.DEBUG)
    scene.sandbox.change_phone("101", keys="4711")
    audio = await scene.prepare(
        scene.engine.text(SECRET_WORDS), value("digits", "2580")
    )
    call = await scene.announce(audio, digits=4)
    await scene.pass_time(20)
    assert call.announced is not None
    assert call.announced.digits == "4711"
    ours = [each.getMessage() for each in caplog.records if "pbx" in each.name]
    assert ours
    assert not any(secret in "\n".join(ours) for secret in ("4711", "2580", "alarm"))
    shown = str(scene.trace(call)._replace(digits=""))
    assert "4711" not in shown + repr(audio) + repr(call.announced)


# --- What is removed ---


async def _age(scene: Scene, seconds: float) -> None:
    """Let sounds be unused for so long, and tidy up."""
    rows = json.loads(scene.memory.get("sounds"))
    aged = {name: [a, b, used - seconds, d] for name, (a, b, used, d) in rows.items()}
    scene.memory.set("sounds", json.dumps(aged))
    await scene.clock.advance(DAY)


async def _prepare_messages(scene: Scene, count: int) -> None:
    """Prepare messages that nobody keeps."""
    for number in range(count):
        await scene.prepare(scene.engine.text(f"Message {number}", 1.2))
        await scene.clock.advance(1)


async def test_unused(scene: Scene) -> None:
    """What is unused for a month goes; what an escalation plays stays for a year."""
    await scene.prepare(scene.engine.text("once"))
    await scene.prepare(scene.engine.text("alarm"), is_lasting=True)
    # Once lasting, always lasting.
    await scene.prepare(scene.engine.text("alarm"))
    await _age(scene, UNUSED - 2 * DAY)
    assert len(scene.stored()) == 2
    await _age(scene, DAY)
    assert len(scene.stored()) == 1
    assert len(json.loads(scene.memory.get("sounds"))) == 1
    await _age(scene, UNUSED_LASTING - UNUSED - 3 * DAY)
    assert len(scene.stored()) == 1
    await _age(scene, 3 * DAY)
    assert scene.stored() == []


async def test_used_again(scene: Scene) -> None:
    """Each use counts: one that is prepared, and one that is played."""
    await scene.prepare()
    await _age(scene, UNUSED - 2 * DAY)
    audio = await scene.prepare()
    await _age(scene, UNUSED - 2 * DAY)
    await scene.announce(audio)
    del audio
    await scene.pass_time(30)
    await _age(scene, UNUSED - 2 * DAY)
    assert len(scene.stored()) == 1


def test_surplus() -> None:
    """Those that were not used for longest go."""
    sounds = {str(n): KnownSound(str(n), 1, n) for n in range(MOST + 5)}
    free = removable(sounds, 0, lambda name, _known: name in {"1", "3"})
    assert free == ["0", "2", "4", "5", "6"]


async def test_most(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are at most so many, and the oldest go; never one that is needed."""
    monkeypatch.setattr(sound_memory, "MOST", 6)
    kept = await scene.prepare(scene.engine.text("Kept"))
    played = await scene.prepare(scene.engine.text("Played"))
    call = await scene.announce(played, caller="104")
    playing = played.playlist
    del played
    await _prepare_messages(scene, 9)
    await scene.clock.advance(1)
    assert len(scene.stored()) == 6
    (item,) = playing
    assert {kept.playlist[0], item} <= set(_items(scene))
    assert call in scene.sink.tracker.open


async def test_foreign_sounds(scene: Scene) -> None:
    """Sounds of others, and of another installation, are left alone."""
    await scene.prepare()
    (ours,) = scene.sandbox.announcements
    names = [
        "welcome",
        "hass-",
        SoundNames("another").name_of(b"", 0),
        f"{SoundNames(announcing.INSTALLATION).prefix}welcome",
    ]
    for name in names:
        filename = await scene.backend._sounds._api.upload(name, ours.content)  # noqa: SLF001
        scene.sandbox.announcements.add({"name": name, "filename": filename})
    await _age(scene, UNUSED)
    assert sorted(scene.stored()) == sorted(names)
    await scene.prepare()
    await scene.backend.remove_sounds()
    assert sorted(scene.stored()) == sorted(names)


async def test_forgotten_sounds_age(scene: Scene) -> None:
    """Sounds that are not remembered any more are removed as well."""
    await scene.prepare()
    await scene.clock.advance(1)
    scene.memory.values.clear()
    await scene.clock.advance(DAY)
    assert len(scene.stored()) == 1
    await _age(scene, UNUSED)
    assert scene.stored() == []


async def test_needed_meanwhile(scene: Scene) -> None:
    """A sound that a call wants by now is not removed."""
    await scene.prepare()
    sounds = scene.backend._sounds  # noqa: SLF001 - a race
    (name,) = scene.stored()
    (item,) = _items(scene)
    await scene.clock.advance(1)
    audio = await scene.prepare()
    await sounds._remove(name)  # noqa: SLF001
    assert _items(scene) == [item]
    del audio
    await sounds._remove("hass-unknown")  # noqa: SLF001
    await sounds._remove(name)  # noqa: SLF001
    assert _items(scene) == []
    await sounds._remove(name)  # noqa: SLF001


@pytest.mark.parametrize(("kind", "is_forgotten"), [("refuse", True), ("html", False)])
async def test_removal_that_fails(
    scene: Scene,
    kind: FaultKind,
    *,
    is_forgotten: bool,
) -> None:
    """One that does not exist is forgotten; otherwise it is tried again."""
    await scene.prepare()
    scene.sandbox.faults.set(REMOVE, Fault(kind))
    await _age(scene, UNUSED)
    await scene.clock.advance(DAY)
    assert len(scene.stored()) == 1
    remembered = json.loads(scene.memory.get("sounds"))
    # The next search finds what was forgotten.
    assert len(remembered) == 1
    (row,) = remembered.values()
    assert (scene.clock.time() - row[2] < UNUSED) is is_forgotten


async def test_remove_message(scene: Scene) -> None:
    """The sounds of a message are removed, except for those that others need."""
    one, two = scene.engine.text("one"), scene.engine.text("two")
    first = await scene.prepare(one, two)
    second = await scene.prepare(two)
    await scene.backend.remove_audio(first)
    assert _items(scene) == [*second.playlist]
    await scene.backend.remove_audio(second)
    assert scene.stored() == []
    # What is gone is no fault.
    await scene.backend.remove_audio(second)


async def test_remove_all(scene: Scene) -> None:
    """Ours go with the entry, also those that are not remembered."""
    await scene.prepare(scene.engine.text("one"))
    scene.memory.values.clear()
    await scene.prepare(scene.engine.text("two"))
    await scene.backend.remove_sounds()
    assert scene.stored() == []


@pytest.mark.parametrize(
    ("path", "kind", "left"),
    [(SEARCH, "html", 0), (REMOVE, "html", 2), (REMOVE, "refuse", 2)],
)
async def test_remove_all_fails(
    scene: Scene,
    path: str,
    kind: FaultKind,
    left: int,
) -> None:
    """What can be removed is removed; nothing is raised."""
    await scene.stop()
    await scene.prepare(scene.engine.text("one"))
    await scene.prepare(scene.engine.text("two"))
    scene.sandbox.faults.set(path, Fault(kind))
    before = len(_requests(scene))
    await scene.backend.remove_sounds()
    assert len(scene.stored()) == left
    tries = {"html": 1, "refuse": 2}[kind] if left else 2
    assert len(_requests(scene)) - before == 1 + tries


async def test_remove_nothing(scene: Scene) -> None:
    """Where nothing is drawn and nothing remembered, the PBX is not asked."""
    scene.backend._speech = boxes_module.NO_SPEECH  # noqa: SLF001 - as configured
    await scene.backend.remove_sounds()
    assert _requests(scene) == []


async def test_announcement_keeps_its_playlist() -> None:
    """What is stored of an announcement is what the PBX plays."""
    audio = Audio(b"", ("id:1", "number:21"), 5)
    announcement = Announcement(audio=audio, send_keys="4711")
    stored = json.loads(json.dumps(announcement.as_dict()))
    assert Announcement.from_dict(stored) == replace(announcement, send_keys="")
    assert "playlist" not in announcement.redacted()
    assert "playlist" not in replace(announcement, audio=announcing.tone(1)).as_dict()
