"""The script of an announcement: requests in any order, doubled, late, or changed."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.announcement import (
    Announced,
    Announcement,
    Audio,
    Played,
)
from custom_components.pbx.backends.base import CallRequest, OpenCall
from custom_components.pbx.backends.simotel.boxes import Boxes, BoxRequest, SpeechSetup
from custom_components.pbx.backends.simotel.script import NOTHING, RETRY_TIME, Script
from custom_components.pbx.backends.updates import CallState
from sandbox.commands import Exit, GetData, PlayAnnouncement, SetExten
from sandbox.parser import parse

ID = "64b7f58b7a302f4de51ae494"
CALL = "orig.call.1703145054.787335"
BEGAN = 1_703_145_054.0


def _request(**announcement: Any) -> CallRequest:  # noqa: ANN401 - any field
    audio = Audio(b"", (f"id:{ID}",), 3)
    return CallRequest(
        call_id="ha-1",
        caller="101",
        callee="101",
        context="main_routing",
        timeout=30,
        announcement=Announcement(**{"audio": audio, "repeat": 1, **announcement}),
    )


def _script(boxes: Boxes = Boxes.SAY_KEY_CONNECT, **announcement: Any) -> Script:  # noqa: ANN401 - any field
    return Script(
        call_id=CALL,
        request=_request(**announcement),
        placed_at=BEGAN,
        setup=SpeechSetup("8801", boxes),
    )


def _box(name: str, keys: str = "", *, is_silent: bool | None = None) -> BoxRequest:
    silent = not keys if is_silent is None else is_silent
    return BoxRequest(CALL, name, keys, silent, "")


_NAMES = st.sampled_from(["say", "key", "Extension API", ""])
_KEYS = st.sampled_from(["", "", "1", "2", "12", "#", "*"])
_STEPS = st.lists(
    st.tuples(_NAMES, _KEYS, st.sampled_from([0.0, 0.2, 0.9, 1.2, 3.0, 9.0, 60.0])),
    max_size=12,
)
_ANNOUNCEMENTS = st.fixed_dictionaries(
    {},
    optional={
        "confirm_key": st.sampled_from(["1", "2"]),
        "connect_to": st.just("200"),
        "repeat": st.integers(1, 3),
    },
) | st.fixed_dictionaries({"digits": st.integers(1, 4)})


@given(_STEPS, st.sampled_from(Boxes), _ANNOUNCEMENTS)
def test_any_order(
    steps: list[tuple[str, str, float]], boxes: Boxes, announcement: dict[str, Any]
) -> None:
    """A strict PBX takes each answer, and nothing happens twice."""
    script = _script(boxes, **announcement)
    now, last, said, called, pressed = BEGAN, None, 0, 0, set()
    for name, keys, wait in steps:
        now += wait
        box = _box(name, keys)
        answer = script.answer(box, now)
        commands = list(parse(answer))
        assert isinstance(commands[-1], Exit)
        is_retry = last is not None and last[0] == box and now - last[2] <= RETRY_TIME
        if is_retry and last is not None:
            assert answer == last[1]
            continue
        last = (box, answer, now)
        pressed.add(keys)
        said += any(isinstance(each, PlayAnnouncement | GetData) for each in commands)
        called += any(isinstance(each, SetExten) for each in commands)
    assert said <= 1
    assert called <= (1 if boxes is Boxes.SAY_KEY_CONNECT else 0)
    announced = script.announced
    assert not announced.confirmed or announcement["confirm_key"] in pressed
    assert not announced.digits or any(announced.digits in each for each in pressed)
    assert not script.has_failed or announced.played is Played.NONE
    assert (announced.confirmed is None) is ("confirm_key" not in announcement)
    assert (announced.digits is None) is ("digits" not in announcement)
    script.note_end(now)
    assert script.due is None


@pytest.mark.parametrize(
    ("wait", "keys", "is_silent", "fails"),
    [
        (0.0, "", True, True),
        (1.1, "", True, True),
        (1.2, "", True, False),
        (0.1, "1", False, False),
        # `#` ends the question.
        (0.1, "", False, False),
    ],
)
def test_failed(wait: float, keys: str, *, is_silent: bool, fails: bool) -> None:
    """No sound is over within a second, unless a key has ended it."""
    script = _script(confirm_key="1")
    script.answer(_box("say"), BEGAN)
    answer = script.answer(_box("key", keys, is_silent=is_silent), BEGAN + wait)
    assert script.has_failed is fails
    assert (answer == NOTHING) or not fails


@pytest.mark.parametrize(
    ("keys", "wait", "played"),
    [
        ("", 3, Played.FULL),
        # How long a value lasts is not known, and the clocks of two machines differ.
        ("", 1.2, Played.FULL),
        ("1", 1.2, Played.FULL),
        ("1", 0.5, Played.PART),
    ],
)
def test_played(keys: str, wait: float, played: Played) -> None:
    """The second box shows that the message was played, unless it asks too early."""
    script = _script(confirm_key="1", audio=Audio(b"", (f"id:{ID}",), 3))
    script.answer(_box("say"), BEGAN)
    script.answer(_box("key", keys), BEGAN + wait)
    assert script.announced.played is played


def test_called_once() -> None:
    """A second party that was called is not called again by a circle of wires."""
    script = _script(connect_to="200", confirm_key="1")
    script.answer(_box("say"), BEGAN)
    called = script.answer(_box("key", "1"), BEGAN + 5)
    assert script.answer(_box("key", "1"), BEGAN + 5.5) == called
    assert script.answer(_box("key", "1"), BEGAN + 40) == NOTHING


@pytest.mark.parametrize("connect_to", ["sara", "1'"])
def test_invalid_number(connect_to: str) -> None:
    """What is no number is not called."""
    script = _script(connect_to=connect_to)
    script.answer(_box("say"), BEGAN)
    assert script.answer(_box("key"), BEGAN + 5) == NOTHING
    assert not script.is_connecting


def test_changed_playlist() -> None:
    """What was changed in the store is not played."""
    script = _script(audio=Audio(b"", ("text:hello",), 3))
    assert script.answer(_box("say"), BEGAN) == NOTHING
    assert script.announced.played is Played.NONE
    assert script.has_failed


def test_without_the_third_wire() -> None:
    """Without it, nobody is called."""
    script = _script(Boxes.SAY_KEY, connect_to="200")
    script.answer(_box("say"), BEGAN)
    assert script.answer(_box("key"), BEGAN + 5) == NOTHING


@pytest.mark.parametrize(
    ("announced", "is_finished", "is_connecting"),
    [
        (None, False, False),
        (Announced(played=Played.PART, confirmed=False), False, False),
        (Announced(played=Played.PART, confirmed=True), True, True),
        (Announced(played=Played.FULL, confirmed=True), True, True),
        (Announced(played=Played.FULL, confirmed=False), True, False),
    ],
)
def test_restored(
    announced: Announced | None, *, is_finished: bool, is_connecting: bool
) -> None:
    """A call is resumed where it was."""
    request = _request(confirm_key="1", connect_to="200")
    call = OpenCall(
        call_id=CALL,
        state=CallState.CONNECTED,
        since=BEGAN + 5,
        began_at=BEGAN,
        is_requested=False,
        is_uncertain=False,
        request=request,
        announced=announced,
    )
    setup = SpeechSetup("8801", Boxes.SAY_KEY_CONNECT)
    script = Script.restored(call, request, setup)
    assert (script.said_at, script.placed_at) == (BEGAN + 5, BEGAN)
    assert script.announced.played is not Played.NONE
    assert script.is_finished is is_finished
    assert script.is_connecting is is_connecting
    assert script.trace().names == ()


def test_restored_without_what_was_played() -> None:
    """After a restart, the length may not be known: the time then shows nothing."""
    script = _script(audio=Audio(b""), confirm_key="1")
    script.said_at = BEGAN
    script.note_end(BEGAN + 500)
    assert script.announced.played is Played.NONE
