"""Announcements through the boxes, from the request to the result."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from custom_components.pbx.backends.announcement import (
    Announced,
    Announcement,
    Audio,
    Played,
)
from custom_components.pbx.backends.base import CallRequest, Clock
from custom_components.pbx.backends.errors import DeniedError, PbxErrorCode
from custom_components.pbx.backends.simotel import (
    SimotelBackend,
    SimotelClient,
    announcer,
)
from custom_components.pbx.backends.simotel.announcer import KEPT, call_to_boxes
from custom_components.pbx.backends.simotel.boxes import SpeechSetup
from custom_components.pbx.backends.simotel.client import ORIGINATE
from custom_components.pbx.backends.simotel.sound_api import ADD, SEARCH, UPLOAD
from custom_components.pbx.backends.updates import (
    CallResult,
    CallState,
    CallUpdate,
    Source,
)
from custom_components.pbx.calls.call import Call
from sandbox import Box, Fault, ManualClock, Phone, Sandbox, SandboxConfig
from sandbox.faults import FaultKind

from .announcing import PERSON, SPEECH, Scene, staged, value


@pytest.fixture
async def sandbox(clock: ManualClock) -> AsyncIterator[Sandbox]:
    """Return phones that do not hang up by themselves."""
    config = replace(
        SandboxConfig(),
        phones=(
            Phone(PERSON, "Person", after=2),
            Phone("102", "Hasty", after=2, hang_up_after=2),
            Phone("103", "Patient", after=2, hang_up_after=4),
            Phone("104", "Nobody", behavior="no_answer"),
            Phone("200", "Nurse", after=3, hang_up_after=9),
        ),
        external=(Phone("0912*", "Mobile", after=2),),
    )
    async with Sandbox(config, clock=clock) as running:
        yield running


@pytest.fixture
async def scene(sandbox: Sandbox, clock: ManualClock) -> AsyncIterator[Scene]:
    """Return a running backend."""
    async with staged(sandbox, clock) as running:
        yield running


async def test_message(scene: Scene) -> None:
    """A message is heard to its end, and the call is about the person."""
    call = await scene.announce()
    await scene.pass_time(2)
    assert call.state is CallState.CONNECTED
    assert call.announced == Announced(played=Played.PART)
    await scene.pass_time(10)
    assert call.result is CallResult.ANSWERED
    assert call.announced == Announced(played=Played.FULL)
    assert (call.caller, call.callee, call.trunk) == ("", PERSON, "")
    assert (call.ring_time, call.talk_time) == (2, 4)
    assert len(scene.heard()) == 1
    assert all(SPEECH not in (u.caller, u.callee) for u in scene.sink.updates)
    assert not scene.sink.failed_speech


async def test_repetitions(scene: Scene) -> None:
    """A message is repeated, with silence at the end of the sound."""
    call = await scene.announce(repeat=3)
    await scene.pass_time(2 + 12)
    assert len(scene.heard()) == 3
    assert len(set(scene.heard())) == 1
    assert (call.result, call.talk_time) == (CallResult.ANSWERED, 12)


@pytest.mark.parametrize(
    ("keys", "after", "confirmed", "played"),
    [
        ("1", None, True, Played.FULL),
        ("1", 4, True, Played.FULL),
        ("1", 1.5, True, Played.FULL),
        # Before any of it can have been heard to the end.
        ("1", 0.5, True, Played.PART),
        ("2", None, False, Played.FULL),
        ("9", 2, False, Played.FULL),
        ("", None, False, Played.FULL),
    ],
)
async def test_confirmation(
    scene: Scene, keys: str, after: float | None, played: Played, *, confirmed: bool
) -> None:
    """One key answers the question, also a wrong one; without, it ends by itself."""
    scene.sandbox.change_phone(PERSON, keys=keys, keys_at=after)
    call = await scene.announce(
        confirm_key="1", decline_key="2", key_timeout=5, repeat=2
    )
    await scene.pass_time(30)
    assert call.result is CallResult.ANSWERED
    assert call.announced == Announced(played=played, confirmed=confirmed)
    assert scene.trace(call).digits == keys


@pytest.mark.parametrize("keeps_hash", [False, True])
@pytest.mark.parametrize(
    ("keys", "digits", "collected"),
    [("0451", 4, "0451"), ("0451", 6, "0451"), ("04#", 4, "04"), ("", 4, "")],
)
async def test_digits(
    scene: Scene, keys: str, digits: int, collected: str, *, keeps_hash: bool
) -> None:
    """Digits are collected, without the key that ends them."""
    scene.draw(keeps_hash=keeps_hash)
    scene.sandbox.change_phone(PERSON, keys=keys)
    call = await scene.announce(digits=digits, key_timeout=5)
    await scene.pass_time(30)
    assert call.announced == Announced(played=Played.FULL, digits=collected)


@pytest.mark.parametrize(
    ("number", "confirm_key", "played", "talk_time"),
    [
        ("102", None, Played.PART, 2),
        ("102", "1", Played.PART, 2),
        ("103", "1", Played.FULL, 4),
    ],
)
async def test_hung_up(
    scene: Scene,
    number: str,
    confirm_key: str | None,
    played: Played,
    talk_time: float,
) -> None:
    """Of a person who hangs up, the time tells what they have heard."""
    call = await scene.announce(caller=number, confirm_key=confirm_key)
    await scene.pass_time(30)
    assert call.result is CallResult.ANSWERED
    assert call.announced is not None
    assert (call.announced.played, call.talk_time) == (played, talk_time)


@pytest.mark.parametrize("method", ["post", "get"])
@pytest.mark.parametrize("dst", ["number", "person"])
@pytest.mark.parametrize("answer", ["definite_answer", "answer"])
@pytest.mark.parametrize("has_events", [True, False])
async def test_report(
    scene: Scene, method: str, dst: str, answer: str, *, has_events: bool
) -> None:
    """What a box has asked is believed, whatever the PBX reports of the call."""
    scene.draw(method=method, dst=dst, answer=answer)
    if not has_events:
        scene.sandbox.configure(events=None)
    scene.sandbox.change_phone(PERSON, keys="1")
    call = await scene.announce(confirm_key="1", request={"is_external": False})
    await scene.pass_time(30)
    assert call.result is CallResult.ANSWERED
    assert call.announced == Announced(played=Played.FULL, confirmed=True)
    assert (call.caller, call.callee) == ("", PERSON)
    assert (call.ring_time, call.direction) == (2, None)
    assert call.talk_time == pytest.approx(4, abs=1.1)
    reported = "answered" if answer == "definite_answer" else "no_answer"
    trace = scene.trace(call)
    assert trace.reported_result == reported
    assert [each for each, _ in scene.sink.states] == [call] * 3
    assert all(SPEECH not in (u.caller, u.callee) for u in scene.sink.updates)


async def test_no_answer(scene: Scene) -> None:
    """A person who does not answer is not an unreachable caller."""
    call = await scene.announce(caller="104")
    await scene.pass_time(60)
    assert (call.result, call.callee) == (CallResult.NO_ANSWER, "104")
    assert call.announced == Announced()
    assert scene.trace(call).say_at is None


@pytest.mark.parametrize("confirm_key", ["1", None])
async def test_failed(scene: Scene, confirm_key: str | None) -> None:
    """A sound that cannot be played is told from a person who hangs up."""
    audio = await scene.prepare()
    scene.sandbox.configure(
        announcements=replace(scene.sandbox.config.announcements, playable_after=900)
    )
    call = await scene.announce(audio, confirm_key=confirm_key)
    await scene.pass_time(10)
    assert call.result is CallResult.ANSWERED
    assert call.announced is not None
    assert (call.announced.played, call.announced.confirmed) == (
        Played.NONE,
        None if confirm_key is None else False,
    )
    assert scene.sink.failed_speech == [call.originated_call_id]
    trace = scene.trace(call)
    assert (trace.failed, trace.names) == (True, ("say", "key"))
    assert scene.heard() == []


@pytest.mark.parametrize("kind", ["reset", "hang", "html", "truncated"])
async def test_box_without_an_answer(scene: Scene, kind: FaultKind) -> None:
    """A box that gets no answer is left by its error, and the next one is told."""
    scene.sandbox.faults.set("/box/say", Fault(kind))
    call = await scene.announce(confirm_key="1")
    await scene.pass_time(10)
    assert call.result is CallResult.ANSWERED
    assert call.announced == Announced(played=Played.NONE, confirmed=False)
    assert scene.sink.failed_speech == [call.originated_call_id]
    trace = scene.trace(call)
    assert trace.failed
    # Whether the first box has asked depends on where the answer was lost.
    assert (trace.say_at is None) is (kind == "reset")


async def test_box_that_asks_again(scene: Scene) -> None:
    """A box that asks again without an answer is given the same one."""
    scene.draw(retries=1)
    scene.sandbox.faults.set("/box/say", Fault("hang", times=1))
    scene.sandbox.change_phone(PERSON, keys="1")
    call = await scene.announce(confirm_key="1")
    await scene.pass_time(20)
    assert call.announced == Announced(played=Played.FULL, confirmed=True)
    assert scene.trace(call).names == ("say", "key")
    assert len(scene.sandbox.questions) == 3


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("app_names", ["own", "default"])
async def test_names(scene: Scene, app_names: str, copies: int) -> None:
    """Two boxes with one name, and requests that come twice, do no harm."""
    scene.draw(app_names=app_names, copies=copies)
    scene.sandbox.change_phone(PERSON, keys="1")
    call = await scene.announce(confirm_key="1")
    await scene.pass_time(30)
    assert call.announced == Announced(played=Played.FULL, confirmed=True)
    trace = scene.trace(call)
    assert trace.is_same_name is (app_names == "default")
    assert len(trace.names) == 2
    assert len(scene.sandbox.questions) == 2 * copies
    assert (trace.key_at or 0) - (trace.say_at or 0) == 4


@pytest.mark.parametrize(
    "switch",
    [
        {"method": "get"},
        {"with_unique_id": False},
        {"with_outgoing_call": False},
        {"ok": "string"},
        {"keeps_hash": True},
        {"leading_zeros": "kept"},
        {"dst": "person"},
        {"answer": "answer"},
        {"answer": "answer", "answer_reports": "answered"},
        {"no_key": "error"},
        {"retries": 1},
        {"app_names": "default", "copies": 2, "with_unique_id": False},
    ],
    ids="-".join,
)
async def test_left_open(scene: Scene, switch: dict[str, Any]) -> None:
    """However the PBX does what its documents leave open, people get the same."""
    scene.draw(**switch)
    scene.sandbox.change_phone(PERSON, keys="1")
    audio = await scene.prepare(scene.engine.text("Part"), value("digits", "0107"))
    call = await scene.announce(audio, confirm_key="1", key_timeout=5)
    await scene.pass_time(40)
    assert call.result is CallResult.ANSWERED
    assert call.announced is not None
    assert call.announced.confirmed is True
    assert (call.caller, call.callee, call.trunk) == ("", PERSON, "")
    digits = "".join(each[7:] for each in scene.heard() if each.startswith("digits:"))
    assert digits == "0107"
    assert not scene.sink.failed_speech


async def test_retry(scene: Scene) -> None:
    """A box that asks again, as the answer was lost, gets the same again."""
    scene.draw(retries=1)
    scene.sandbox.change_phone(PERSON, keys="1")
    scene.sandbox.faults.set("/box/say", Fault("hang", times=1))
    call = await scene.announce(confirm_key="1")
    await scene.pass_time(40)
    assert call.announced == Announced(played=Played.FULL, confirmed=True)


@pytest.mark.parametrize(
    "style", [{"unique_names": True}, {"id_field": "_id"}, {"listed_after": 0.4}]
)
async def test_left_open_of_sounds(scene: Scene, style: dict[str, Any]) -> None:
    """However the PBX stores sounds, they are heard, found again and removed."""
    announcements = replace(scene.sandbox.config.announcements, **style)
    scene.sandbox.configure(announcements=announcements)
    preparing = asyncio.create_task(scene.prepare())
    await scene.pass_time(5)
    call = await scene.announce(await preparing)
    await scene.pass_time(20)
    assert call.announced == Announced(played=Played.FULL)
    await scene.backend.remove_sounds()
    assert scene.stored() == []


@pytest.mark.parametrize("no_key", ["next", "error"])
async def test_no_key(scene: Scene, no_key: str) -> None:
    """A box that is left by its error after the wait has not failed."""
    scene.draw(no_key=no_key)
    call = await scene.announce(confirm_key="1", key_timeout=5)
    await scene.pass_time(30)
    assert call.announced == Announced(played=Played.FULL, confirmed=False)
    assert scene.sink.failed_speech == []


async def test_one_box(scene: Scene) -> None:
    """With one box, nobody knows whether a message was heard to its end."""
    scene.boxes = scene.boxes.SAY
    scene.draw(key=None, say=Box("say", {"done": "hang_up"}))
    await scene.reload()
    call = await scene.announce()
    await scene.pass_time(10)
    assert call.result is CallResult.ANSWERED
    assert call.announced == Announced(played=Played.PART)
    assert len(scene.heard()) == 1
    commands = scene.answered[-1]["commands"]
    assert commands.startswith("PlayAnnouncement(")
    assert commands.endswith("Exit('done');")


async def _connects(scene: Scene, confirm_key: str | None = None) -> Call:
    scene.boxes = scene.boxes.SAY_KEY_CONNECT
    await scene.reload()
    return await scene.announce(
        connect_to="200", request={"call_limit": 60}, confirm_key=confirm_key
    )


async def test_connect(scene: Scene) -> None:
    """After the confirmation, the second party is called, and answers."""
    scene.sandbox.change_phone(PERSON, keys="1")
    call = await _connects(scene, confirm_key="1")
    await scene.pass_time(6)
    assert call.announced is not None
    assert (call.announced.confirmed, call.announced.connected) == (True, False)
    assert "SetLimitOnCall(60);SetExten('200');" in scene.answered[-1]["commands"]
    await scene.pass_time(4)
    assert call.is_announced
    assert call.announced.connected is True
    assert call in scene.sink.tracker.open
    await scene.pass_time(20)
    assert (call.result, call.callee) == (CallResult.ANSWERED, PERSON)
    assert call.talk_time == pytest.approx(16, abs=1.1)


async def test_connect_without_key(scene: Scene) -> None:
    """Without a confirmation, the message leads to the second party."""
    call = await _connects(scene)
    await scene.pass_time(2 + 4 + 4)
    assert call.announced == Announced(played=Played.FULL, connected=True)


async def test_not_connected(scene: Scene) -> None:
    """Without the key that confirms, the second party is not called."""
    scene.sandbox.change_phone(PERSON, keys="2")
    call = await _connects(scene, confirm_key="1")
    await scene.pass_time(20)
    assert call.announced == Announced(
        played=Played.FULL, confirmed=False, connected=False
    )
    assert all(each.connected_to == "" for each in scene.sandbox.calls)


@pytest.mark.parametrize("change", ["restart", "reload"])
@pytest.mark.parametrize("moment", [1, 4])
async def test_restart(scene: Scene, change: str, moment: float) -> None:
    """A call goes on after a restart, before the message and during it."""
    scene.sandbox.change_phone(PERSON, keys="1")
    await scene.announce(confirm_key="1")
    await scene.pass_time(moment)
    await getattr(scene, change)()
    (call,) = scene.sink.tracker.open.placed
    await scene.pass_time(10)
    assert call.result is CallResult.ANSWERED
    assert call.announced == Announced(played=Played.FULL, confirmed=True)
    assert len(scene.heard()) == 1


async def test_reload_after_the_key(scene: Scene) -> None:
    """A call that is connected stays so."""
    scene.sandbox.change_phone(PERSON, keys="1")
    call = await _connects(scene, confirm_key="1")
    await scene.pass_time(7)
    await scene.reload()
    await scene.pass_time(4)
    assert call.announced is not None
    assert call.announced.connected is True


async def test_lost_answer(scene: Scene) -> None:
    """The second box asks first: the message was not heard."""
    call = await scene.announce(confirm_key="1")
    call_id = call.originated_call_id
    assert await scene.ask(app_name="key", data="", originated_call_id=call_id) == (
        "Exit('done');"
    )
    assert call.announced == Announced(played=Played.NONE, confirmed=False)
    assert scene.sink.failed_speech == [call_id]


async def test_lost_answer_and_a_key(scene: Scene) -> None:
    """Who presses a key has heard the message before a restart."""
    call = await scene.announce(confirm_key="1")
    call_id = call.originated_call_id
    await scene.ask(app_name="Key", data="1", originated_call_id=call_id)
    assert call.announced == Announced(played=Played.PART, confirmed=True)
    assert scene.sink.failed_speech == []


async def test_end_before_the_key(scene: Scene) -> None:
    """The last key counts even if the end of the call is reported first."""
    call = await scene.announce(caller="104", confirm_key="1")
    call_id = call.originated_call_id
    await scene.ask(app_name="say", data="", originated_call_id=call_id)
    await scene.clock.advance(3)
    cdr = {
        "event_name": "Cdr",
        "src": "104",
        "dst": SPEECH,
        "disposition": "ANSWERED",
        "originated_call_id": call_id,
    }
    await scene.backend.receive(cdr)
    assert call.result is None
    await scene.ask(app_name="key", data="1", originated_call_id=call_id)
    await scene.pass_time(2)
    assert call.result is CallResult.ANSWERED
    assert call.announced == Announced(played=Played.FULL, confirmed=True)
    # The call has ended.
    assert await scene.ask(app_name="say", originated_call_id=call_id) == (
        "Exit('done');"
    )


def _report_nothing(scene: Scene) -> None:
    account = scene.sandbox.config.accounts[0]
    silent = replace(account, permissions=(ORIGINATE, SEARCH, UPLOAD, ADD))
    scene.sandbox.configure(events=None, accounts=(silent,))


@pytest.mark.parametrize(
    ("has_key", "at"), [(True, 2 + 4 + 5), (False, 2 + 3 + 1 + 50)]
)
async def test_no_report(scene: Scene, at: float, *, has_key: bool) -> None:
    """A call of which nothing is reported ends by itself, as answered."""
    _report_nothing(scene)
    # Otherwise, the person hangs up.
    phone = {"keys": "1"} if has_key else {"hang_up_after": 1}
    scene.sandbox.change_phone(PERSON, **phone)
    call = await scene.announce(confirm_key="1")
    await scene.pass_time(at - 1)
    assert call.result is None
    await scene.pass_time(2)
    assert call.result is CallResult.ANSWERED
    assert call.announced is not None
    assert call.announced.played is (Played.FULL if has_key else Played.PART)


async def test_no_report_of_a_second_party(scene: Scene) -> None:
    """A conversation with a limit is over at the latest then."""
    _report_nothing(scene)
    call = await _connects(scene)
    await scene.pass_time(2 + 4 + 30 + 60 + 4)
    assert call in scene.sink.tracker.open
    await scene.pass_time(2)
    assert (call.result, call.talk_time) == (CallResult.ANSWERED, None)


# --- Requests of boxes ---


@pytest.mark.parametrize(
    "fields",
    [
        {"app_name": "say", "originated_call_id": "orig.call.1.2"},
        {"app_name": "say", "originated_call_id": ""},
        {"app_name": "say", "src": PERSON, "dst": SPEECH},
        {"originated_call_id": None},
    ],
)
async def test_unknown(scene: Scene, fields: dict[str, object]) -> None:
    """A box of another call hears nothing of ours, and waits for nothing."""
    await scene.announce(caller="104")
    assert await scene.ask(**fields) == "Exit('done');"
    assert scene.sink.tracker.open.placed


@pytest.mark.parametrize("is_reloaded", [False, True])
async def test_early_request(scene: Scene, *, is_reloaded: bool) -> None:
    """A box that asks before the response to the request for its call waits for it."""
    audio = await scene.prepare()
    announcement = Announcement(audio=audio, repeat=1)
    request = scene.request("104", announcement=announcement)
    call = scene.sink.tracker.add(request)
    first = scene.backend
    if is_reloaded:
        await scene.reload()
    asking = asyncio.ensure_future(
        scene.ask(app_name="say", originated_call_id="orig.call.1703145054.787335")
    )
    await scene.clock.advance(0.4)
    assert not asking.done()
    placed = await first.originate(request)
    call_id = placed.call_id
    assert call_id is not None
    scene.sink.tracker.confirm(call, call_id)
    # It is another call, so the box gets nothing as soon as none is being placed.
    await scene.clock.advance(0.1)
    assert await asking == "Exit('done');"

    asked = await scene.ask(app_name="say", originated_call_id=call_id)
    assert asked.startswith("PlayAnnouncement(")
    assert call.state is CallState.CONNECTED


async def test_early_request_of_this_call(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered as soon as the id is known, before the owner of the calls."""
    audio = await scene.prepare()
    request = scene.request("104", announcement=Announcement(audio=audio, repeat=1))
    call = scene.sink.tracker.add(request)
    known = "orig.call.1703145054.787335"

    async def originate(_client: SimotelClient, _request: CallRequest) -> str:
        return known

    monkeypatch.setattr(SimotelClient, "originate", originate)
    asking = [
        asyncio.ensure_future(scene.ask(app_name="say", originated_call_id=each))
        for each in (known, known)
    ]
    await asyncio.sleep(0)
    await scene.backend.originate(request)
    await scene.clock.advance(0.1)
    answers = [await each for each in asking]
    assert answers[0] == answers[1]
    assert answers[0].startswith("PlayAnnouncement(")
    assert not scene.sink.states
    scene.sink.tracker.confirm(call, known)
    assert call.state is CallState.CONNECTED


async def test_early_request_that_waits_in_vain(scene: Scene) -> None:
    """It waits less than the second that a box does."""
    scene.sink.tracker.add(scene.request("104", announcement=Announcement()))
    asking = asyncio.ensure_future(
        scene.ask(app_name="say", originated_call_id="orig.call.1.2")
    )
    await scene.clock.advance(0.69)
    assert not asking.done()
    await scene.clock.advance(0.02)
    assert asking.result() == "Exit('done');"


async def test_early_request_while_busy(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits no longer if each look takes a while."""

    async def look(_event: asyncio.Event, clock: Clock, seconds: float) -> None:
        await clock.sleep(seconds + 0.05)

    monkeypatch.setattr(announcer, "wait_for", look)
    scene.sink.tracker.add(scene.request("104", announcement=Announcement()))
    asking = asyncio.ensure_future(
        scene.ask(app_name="say", originated_call_id="orig.call.1.2")
    )
    await scene.clock.advance(0.8)
    assert asking.result() == "Exit('done');"


async def test_other_calls_hold_nothing(scene: Scene) -> None:
    """Only the id of an announcement is waited for."""
    scene.sink.tracker.add(scene.request("104"))
    assert await scene.ask(app_name="say", originated_call_id="orig.call.1.2") == (
        "Exit('done');"
    )


async def test_kept(scene: Scene) -> None:
    """Of the calls that have ended, the latest are kept."""
    audio = await scene.prepare()
    ids = []
    for _ in range(KEPT + 2):
        call = await scene.announce(
            audio,
            caller="09121234567",
            request={"is_external": True, "trunk_name": "main_trunk"},
        )
        ids.append(call.originated_call_id)
        scene.sandbox.hang_up(call.originated_call_id)
        await scene.pass_time(2)
    last = await scene.announce(audio)
    known = [scene.backend.speech_trace(each) is not None for each in ids]
    assert known == [False, False] + [True] * KEPT
    assert scene.backend.speech_trace(last.originated_call_id) is not None


# --- Updates of other sources ---


def _event(**fields: object) -> dict[str, object]:
    return {"event_name": "Cdr", "src": PERSON, "dst": SPEECH, **fields}


async def test_events_do_not_connect(scene: Scene) -> None:
    """No event shows that a person has answered, or names the number."""
    call = await scene.announce()
    call_id = call.originated_call_id
    for fields in (
        {"event_name": "OutgoingCall", "number": SPEECH, "originated_call_id": call_id},
        {"event_name": "OutgoingCall", "number": SPEECH, "unique_id": "9.1"},
        {
            "event_name": "NewState",
            "exten": PERSON,
            "state": "InUse",
            "participant": SPEECH,
            "unique_id": "9.1",
        },
        {"event_name": "IncomingCall", "number": SPEECH, "unique_id": "9.2"},
    ):
        await scene.backend.receive(fields)
    assert call.state is CallState.PLACED
    assert (call.callee, call.trunk) == (PERSON, "")
    assert len(scene.sink.tracker.open) == 1


async def test_end_without_id(scene: Scene) -> None:
    """The end of an announcement is known by its person, if it is the only one."""
    call = await scene.announce()
    await scene.pass_time(2)
    scene.sandbox.configure(events=None)
    await scene.backend.receive(_event(disposition="ANSWERED"))
    assert call.result is CallResult.ANSWERED
    # The same again, and late.
    await scene.backend.receive(_event(disposition="NO ANSWER"))
    assert len(scene.sink.states) == 3


async def test_end_of_one_of_two(scene: Scene) -> None:
    """Of two announcements to one person, none is guessed."""
    audio = await scene.prepare()
    trunk = {"is_external": True, "trunk_name": "main_trunk"}
    calls = [
        await scene.announce(audio, caller="09121234567", request=trunk)
        for _ in range(2)
    ]
    await scene.backend.receive(_event(src="9121234567", disposition="ANSWERED"))
    assert [call.result for call in calls] == [None, None]


async def test_dialed_number(scene: Scene) -> None:
    """Somebody who dials the number themselves makes a call of their own."""
    await scene.backend.receive(
        {"event_name": "OutgoingCall", "number": SPEECH, "unique_id": "9.1"}
    )
    await scene.backend.receive(_event(src="102", disposition="ANSWERED"))
    (outgoing, end) = scene.sink.updates
    assert (outgoing.callee, end.callee) == (SPEECH, SPEECH)


async def test_row_of_another_time(scene: Scene) -> None:
    """The report's row of a forgotten announcement is about the person, too."""
    call = await scene.announce(caller="104")
    await scene.pass_time(50)
    assert call.result is CallResult.NO_ANSWER
    await scene.reload()
    scene.sink.updates.clear()
    await scene.backend.catch_up("000000010000000000000000")
    (update,) = scene.sink.updates
    assert (update.caller, update.callee) == ("", "104")
    assert update.result is CallResult.NO_ANSWER


async def test_lost_response(scene: Scene) -> None:
    """A call whose id is not known gets nothing, and is found in the report."""
    audio = await scene.prepare()
    scene.sandbox.faults.set(ORIGINATE, Fault("reset", times=1, placed=True))
    call = await scene.announce(audio)
    assert call.is_uncertain
    await scene.pass_time(40)
    assert scene.heard() == []
    assert call.result is CallResult.ANSWERED
    assert call.announced == Announced()
    assert (call.caller, call.callee) == ("", PERSON)


async def test_call_without_id(scene: Scene) -> None:
    """A PBX that does not return an id cannot be answered."""
    audio = await scene.prepare()
    scene.sandbox.faults.set(ORIGINATE, Fault("no_id", times=1))
    call = await scene.announce(audio)
    await scene.pass_time(20)
    assert call.announced == Announced()
    assert scene.heard() == []


async def test_calls_of_others(scene: Scene) -> None:
    """They are reported as they are, also while a person hears a message."""
    await scene.announce()
    await scene.pass_time(3)
    scene.sink.updates.clear()
    scene.sandbox.incoming("09121112233", "102")
    await scene.pass_time(3)
    assert {(u.caller, u.callee) for u in scene.sink.updates if u.caller} == {
        ("09121112233", ""),
        ("09121112233", "102"),
    }


# --- The call ---


@pytest.mark.parametrize(
    ("caller_id", "shown"),
    [(None, SPEECH), (PERSON, SPEECH), ("Home", "Home")],
)
def test_call_to_boxes(caller_id: str | None, shown: str) -> None:
    """The person calls the boxes, and does not see their own number."""
    request = CallRequest(
        call_id="ha-1",
        caller=PERSON,
        callee=PERSON,
        context="main_routing",
        timeout=30,
        caller_id=caller_id,
        announcement=Announcement(audio=Audio(b"", ("id:1",), 3), repeat=2),
    )
    placed = call_to_boxes(request, SpeechSetup(SPEECH))
    assert (placed.caller, placed.callee, placed.caller_id) == (PERSON, SPEECH, shown)
    assert (placed.call_limit, placed.announcement) == (2 * 4 + 15, None)


@pytest.mark.parametrize(
    ("call_limit", "limit"), [(None, None), (60, 60 + 30 + 6 + 15)]
)
def test_limit_of_a_call_with_a_second_party(
    call_limit: int | None, limit: int | None
) -> None:
    """The conversation with the second party is part of the call."""
    announcement = Announcement(
        audio=Audio(b"", ("id:1",), 5), repeat=1, connect_to="200"
    )
    request = CallRequest(
        call_id="ha-1",
        caller=PERSON,
        callee=PERSON,
        context="main_routing",
        timeout=30,
        call_limit=call_limit,
        announcement=announcement,
    )
    assert call_to_boxes(request, SpeechSetup(SPEECH)).call_limit == limit


async def test_not_drawn(scene: Scene) -> None:
    """Without a number, nobody is called."""
    scene.backend = SimotelBackend(
        scene.backend._client,  # noqa: SLF001 - the same PBX
        scene.memory,
        scene.sink,
        Clock(scene.clock.time),
    )
    request = scene.request(announcement=Announcement())
    for refused in (scene.backend.check_speech(request), scene.place(request)):
        with pytest.raises(DeniedError) as error:
            await refused
        assert error.value.code is PbxErrorCode.NO_SPEECH
    assert scene.sandbox.calls == []


async def test_forgotten_end(scene: Scene) -> None:
    """Who dials the number long after an announcement makes a call of their own."""
    scene.sandbox.configure(events=None)
    call = await scene.announce(caller="104")
    scene.sink.tracker.observe(
        CallUpdate(
            state=CallState.ENDED,
            source=Source.DEADLINE,
            originated_call_id=call.originated_call_id,
            result=CallResult.UNDETERMINED,
        )
    )
    await scene.clock.advance(9)
    await scene.backend.receive(_event(src="104", disposition="ANSWERED"))
    await scene.clock.advance(2)
    scene.sink.updates.clear()
    await scene.backend.receive(_event(src="104", disposition="ANSWERED"))
    (end,) = scene.sink.updates
    assert (end.caller, end.callee, end.originated_call_id) == ("104", SPEECH, "")


async def test_events_while_it_is_placed(scene: Scene) -> None:
    """Before the response, an event may be about an announcement; it says nothing."""
    request = scene.request("104", announcement=Announcement())
    call = scene.sink.tracker.add(request)
    await scene.backend.receive(
        {"event_name": "OutgoingCall", "number": SPEECH, "unique_id": "9.1"}
    )
    assert scene.sink.updates == []
    placed = await scene.backend.originate(request)
    scene.sink.tracker.confirm(call, placed.call_id)
    await scene.backend.receive(_event(src="104", disposition="NO ANSWER"))
    (end,) = scene.sink.updates
    assert end.originated_call_id == placed.call_id
