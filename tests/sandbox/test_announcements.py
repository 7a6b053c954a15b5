"""The announcements of the PBX, through its API."""

from dataclasses import replace

import pytest

from sandbox import Account, AnnouncementStyle, Fault, SandboxConfig
from sandbox.announcements import KEPT_UPLOADS

from .helpers import ADD, REMOVE, SEARCH, UPDATE, UPLOAD, Pbx, wav


def _style(pbx: Pbx, **changes: object) -> None:
    pbx.sandbox.configure(announcements=AnnouncementStyle(**changes))  # type: ignore[arg-type]


async def _found(pbx: Pbx, name: str, alike: str = "false") -> list[str]:
    body = {"alike": alike, "conditions": {"name": name}}
    rows = (await pbx.post(SEARCH, body)).json["data"]
    return [row["name"] for row in rows]


async def test_upload_and_add(pbx: Pbx) -> None:
    """The answers are those of the documents."""
    reply = await pbx.upload(wav(2.5), "announce.mp3")
    filename = "file-20230613125640-00001-announcemp3_.wav"
    assert reply.json == {
        "success": 1,
        "message": "1 file(s) uploaded successfully",
        "data": {"filename": filename},
    }
    body = {"name": "water", "filename": filename, "comment": "of the house"}
    sound_id = (await pbx.post(ADD, body)).json["data"]["_id"]
    sound = pbx.sandbox.announcements.get(sound_id)
    assert sound is not None
    assert (sound.seconds, sound.content) == (2.5, wav(2.5))
    (row,) = (await pbx.post(SEARCH)).json["data"]
    assert row == {
        "_id": sound_id,
        "filename": filename,
        "name": "water",
        "comment": "of the house",
        "date": "1402-03-23 12:56:40",
    }
    # It is kept once, and not in the requests.
    assert pbx.sandbox.requests[0].path == UPLOAD
    assert pbx.sandbox.requests[0].body == b""


@pytest.mark.parametrize(
    ("name", "alike", "found"),
    [
        ("hass-1", "false", ["hass-1"]),
        ("hass", "false", []),
        ("HASS", "true", ["hass-1", "hass-2"]),
        ("", "true", ["hass-1", "hass-2", "door"]),
        ("", "false", ["hass-1", "hass-2", "door"]),
    ],
)
async def test_search(pbx: Pbx, name: str, alike: str, found: list[str]) -> None:
    """Alike finds a part of the name, in any case of letters."""
    for each in ("hass-1", "hass-2", "door"):
        await pbx.add_sound(each, 1)
    assert await _found(pbx, name, alike) == found


async def test_update(pbx: Pbx) -> None:
    """A new name, and perhaps another sound; the ID stays."""
    sound_id = await pbx.add_sound("old", 1)
    sound = pbx.sandbox.announcements.get(sound_id)
    assert sound is not None
    body = {"_id": sound_id, "name": "new", "filename": sound.filename, "comment": ""}
    assert (await pbx.post(UPDATE, body)).json["data"] == ""
    assert pbx.sandbox.announcements.get(sound_id) == replace(sound, name="new")
    uploaded = (await pbx.upload(wav(3))).json["data"]["filename"]
    await pbx.post(UPDATE, body | {"filename": uploaded})
    changed = pbx.sandbox.announcements.get(sound_id)
    assert changed is not None
    assert (changed.seconds, changed.filename) == (3, uploaded)
    refused = await pbx.post(UPDATE, body | {"filename": "other.wav"})
    assert refused.message == "Field 'filename':value is invalid"


@pytest.mark.parametrize(
    ("style", "sent", "is_removed"),
    [
        ("any", "_id", True),
        ("any", "id_", True),
        ("_id", "_id", True),
        ("_id", "id_", False),
        ("id_", "id_", True),
        ("id_", "_id", False),
    ],
)
async def test_remove(pbx: Pbx, style: str, sent: str, *, is_removed: bool) -> None:
    """The ID has two names in the documents."""
    _style(pbx, id_field=style)
    sound_id = await pbx.add_sound("water", 1)
    reply = await pbx.post(REMOVE, {sent: sound_id})
    assert reply.json["success"] == is_removed
    assert len(pbx.sandbox.announcements) == (not is_removed)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Field '_id':value is missing"),
        ({"_id": 7}, "Field '_id':value is missing"),
        ({"_id": "7"}, "Field '_id':value is invalid"),
        ({"_id": "0" * 24}, "Requested operation failed"),
    ],
)
async def test_removing_what_is_not_there(
    pbx: Pbx, body: dict[str, object], message: str
) -> None:
    """It is refused."""
    assert (await pbx.post(REMOVE, body)).message == message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Field 'name':value is missing"),
        ({"name": "", "filename": "a"}, "Field 'name':value is missing"),
        ({"name": 1, "filename": "a"}, "Field 'name':value must be a string"),
        ({"name": "a"}, "Field 'filename':value is missing"),
        ({"name": "a", "filename": "a.wav"}, "Field 'filename':value is invalid"),
    ],
)
async def test_adding_what_was_not_uploaded(
    pbx: Pbx, body: dict[str, object], message: str
) -> None:
    """It is refused."""
    assert (await pbx.post(ADD, body)).message == message
    assert len(pbx.sandbox.announcements) == 0


async def test_an_upload_is_added_once(pbx: Pbx) -> None:
    """A second announcement needs a second upload."""
    filename = (await pbx.upload(wav(1))).json["data"]["filename"]
    body = {"name": "a", "filename": filename}
    assert (await pbx.post(ADD, body)).json["success"] == 1
    assert (await pbx.post(ADD, body)).json["success"] == 0


@pytest.mark.parametrize("is_unique", [False, True])
async def test_two_of_one_name(pbx: Pbx, *, is_unique: bool) -> None:
    """The documents do not say whether it is allowed."""
    _style(pbx, unique_names=is_unique)
    first = await pbx.add_sound("a", 1)
    filename = (await pbx.upload(wav(1))).json["data"]["filename"]
    reply = await pbx.post(ADD, {"name": "a", "filename": filename})
    assert reply.json["success"] == (not is_unique)
    assert len(await _found(pbx, "a")) == 2 - is_unique
    # It is not a duplicate of itself.
    (sound, *_) = pbx.sandbox.announcements
    body = {"_id": first, "name": "a", "filename": sound.filename}
    assert (await pbx.post(UPDATE, body)).json["success"] == 1


async def test_a_sound_that_is_not_there_at_once(pbx: Pbx) -> None:
    """The search finds it, but it cannot be played; or neither."""
    _style(pbx, listed_after=2, playable_after=5)
    sound_id = await pbx.add_sound("late", 1)
    announcements = pbx.sandbox.announcements
    assert await _found(pbx, "late") == []
    await pbx.clock.advance(2)
    assert await _found(pbx, "late") == ["late"]
    assert announcements.playable(f"id:{sound_id}") is None
    await pbx.clock.advance(3)
    assert announcements.playable(f"id:{sound_id}") == announcements.get(sound_id)


@pytest.mark.parametrize("names", ["name", "filename"])
async def test_a_sound_by_its_name(pbx: Pbx, names: str) -> None:
    """The documents do not say which name it is."""
    _style(pbx, names=names)
    sound_id = await pbx.add_sound("water", 1)
    sound = pbx.sandbox.announcements.get(sound_id)
    assert sound is not None
    by_name = pbx.sandbox.announcements.playable("water")
    by_filename = pbx.sandbox.announcements.playable(sound.filename)
    assert (by_name, by_filename) == (
        (sound, None) if names == "name" else (None, sound)
    )


@pytest.mark.parametrize("path", [UPLOAD, ADD, SEARCH, UPDATE, REMOVE])
async def test_each_request_needs_a_permission(pbx: Pbx, path: str) -> None:
    """The refusal names the request."""
    (account,) = SandboxConfig().accounts
    others = tuple(each for each in account.permissions if each != path)
    pbx.sandbox.configure(accounts=(replace(account, permissions=others),))
    reply = await (pbx.upload(wav(1)) if path == UPLOAD else pbx.post(path))
    assert reply.status == 403
    assert reply.message == f'"{path}";Access denied'
    assert Account().permissions == account.permissions


async def test_what_is_no_sound(pbx: Pbx) -> None:
    """The sandbox reads the length from the WAV, so it takes nothing else."""
    assert (await pbx.upload(b"ID3")).message == "Requested operation failed"


async def test_another_type_of_body(pbx: Pbx) -> None:
    """An upload is a form, and everything else is JSON."""
    assert (await pbx.post(UPLOAD)).status == 415
    assert (await pbx.send(ADD, data={"name": "a"})).status == 415
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = await pbx.send(UPLOAD, data=b"nonsense", headers=headers)
    assert (reply.status, reply.message) == (400, "Unable to parse content")
    reply = await pbx.send(UPLOAD, data=b"--x--\r\n", headers=headers)
    assert reply.message == "Field 'file':value is missing"
    assert (await pbx.send(UPLOAD, "GET")).status == 405


async def test_a_long_sound(pbx: Pbx) -> None:
    """Ten minutes are more than the web server takes by itself."""
    assert (await pbx.upload(wav(600))).json["success"] == 1


async def test_uploads_that_are_not_added(pbx: Pbx) -> None:
    """The oldest are forgotten."""
    names = [
        (await pbx.upload(wav(0.01))).json["data"]["filename"]
        for _ in range(KEPT_UPLOADS + 1)
    ]
    oldest, second, *_ = names
    assert (await pbx.post(ADD, {"name": "a", "filename": oldest})).json["success"] == 0
    assert (await pbx.post(ADD, {"name": "a", "filename": second})).json["success"] == 1


@pytest.mark.parametrize("path", [UPLOAD, ADD, REMOVE])
async def test_what_a_fault_refuses_has_no_effect(pbx: Pbx, path: str) -> None:
    """A refused upload, for example, cannot be added."""
    sound_id = await pbx.add_sound("first", 1)
    uploaded = (await pbx.upload(wav(1))).json["data"]["filename"]
    pbx.sandbox.faults.set(path, Fault("refuse", times=1, message="Disk full"))
    match path:
        case "/pbx/announcements/upload":
            reply = await pbx.upload(wav(1))
        case "/pbx/announcements/add":
            reply = await pbx.post(ADD, {"name": "a", "filename": uploaded})
        case _:
            reply = await pbx.post(REMOVE, {"_id": sound_id})
    assert reply.message == "Disk full"
    assert [sound.name for sound in pbx.sandbox.announcements] == ["first"]


@pytest.mark.parametrize("placed", [False, True])
async def test_an_answer_that_is_lost(pbx: Pbx, *, placed: bool) -> None:
    """The sound was added or not, as the fault says."""
    filename = (await pbx.upload(wav(1))).json["data"]["filename"]
    pbx.sandbox.faults.set(ADD, Fault("status_500", times=1, placed=placed))
    reply = await pbx.post(ADD, {"name": "a", "filename": filename})
    assert reply.status == 500
    assert len(pbx.sandbox.announcements) == placed
