"""Tests of the script of an announcement: what is heard when, and what a key means."""

import math
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.announcement import (
    SAMPLE_RATE,
    SAMPLE_WIDTH,
    Announcement,
    Audio,
)
from custom_components.pbx.backends.asterisk.key_script import (
    LAST_WORD_DELAY,
    KeyScript,
)

NOW = 1_795_485_600.0
# Seconds of the message.
SPEECH = 4.0
MESSAGE = Audio(bytes(round(SPEECH) * SAMPLE_RATE * SAMPLE_WIDTH))
KEYS = "0123456789*#"
# Seconds, at most, that times of this size are wrong.
ROUNDING = 1e-5


class Person:
    """Hears an announcement, and presses keys.

    The message is played as the script says, for `SPEECH` seconds.
    """

    def __init__(self, **fields: Any) -> None:  # noqa: ANN401 - any field
        """Answer the phone."""
        self.script = KeyScript(Announcement(audio=MESSAGE, **fields))
        self.heard: list[int] = []
        self.now = NOW
        self.ended_at = math.inf
        self._until = math.inf
        self.script.begin(self.now)
        self._listen()

    @property
    def seconds(self) -> float:
        """The seconds since the first word."""
        return round(self.now - NOW, 3)

    def press(self, keys: str) -> None:
        """Press keys at once."""
        for key in keys:
            self.script.press(key, self.now)
            self._listen()

    def wait(self, seconds: float) -> None:
        """Wait, and follow the script."""
        until = self.now + seconds
        while (due := min(self._until, self.script.due)) <= until:
            self.now = max(self.now, due)
            if due == self._until:
                self._until = math.inf
                self.script.finish(self.script.heard_now, self.now)
            else:
                self.script.advance(self.now)
            self._listen()
        self.now = until

    def wait_for_end(self) -> None:
        """Wait until the person is let go or connected."""
        while not self.script.is_over:
            before, due = self.now, min(self._until, self.script.due)
            assert due < math.inf
            self.wait(due - before)

    def _listen(self) -> None:
        number = self.script.heard_now
        if number and number not in self.heard:
            self.heard.append(number)
            self._until = self.now + SPEECH
        elif not number:
            self._until = math.inf
        if self.script.is_over:
            self.ended_at = min(self.ended_at, self.now)

    @property
    def answer(self) -> tuple[bool | None, str | None, bool]:
        """What was confirmed, the digits, and whether the second party is called."""
        return self.script.confirmed, self.script.digits, self.script.connects


# --- no key is asked for ---


def test_message() -> None:
    """The message is repeated after pauses; the call ends after the last word."""
    person = Person(repeat=3, repeat_pause=1.5)
    person.wait_for_end()

    assert person.heard == [1, 2, 3]
    assert person.seconds == 3 * SPEECH + 2 * 1.5 + LAST_WORD_DELAY
    assert person.answer == (None, None, False)


def test_defaults() -> None:
    """By default, the message is heard twice, with a second in between."""
    person = Person()
    person.wait_for_end()

    assert person.heard == [1, 2]
    assert person.seconds == 2 * SPEECH + 1 + LAST_WORD_DELAY


def test_pause_is_silent() -> None:
    """Nothing is heard in a pause."""
    person = Person(repeat_pause=1)
    person.wait(SPEECH + 0.9)
    assert person.script.heard_now == 0

    person.wait(0.1)
    assert person.script.heard_now == 2


def test_once_without_pause() -> None:
    """A message that is heard once has no pause."""
    person = Person(repeat=1, repeat_pause=5)
    person.wait_for_end()

    assert person.seconds == SPEECH + LAST_WORD_DELAY


def test_no_pause() -> None:
    """Without a pause, the repetition follows at once."""
    person = Person(repeat=2, repeat_pause=0)
    person.wait(SPEECH)

    assert person.script.heard_now == 2


@pytest.mark.parametrize("fields", [{}, {"decline_key": "9"}, {"connect_to": "552"}])
@pytest.mark.parametrize("at", [0, 1, SPEECH + 0.5, 2 * SPEECH + 1.1])
def test_key_that_is_not_asked_for(fields: dict[str, Any], at: float) -> None:
    """A cheek on the screen changes nothing, in speech and in a pause."""
    person = Person(**fields)
    person.wait(at)
    person.press("190#")
    person.wait_for_end()

    assert person.heard == [1, 2]
    assert person.seconds == 2 * SPEECH + 1 + LAST_WORD_DELAY
    assert person.answer == (None, None, "connect_to" in fields)


# --- a key confirms ---


@pytest.mark.parametrize("at", [0, 2, SPEECH + 0.5, SPEECH + 2, 2 * SPEECH + 9])
def test_confirmed(at: float) -> None:
    """The key confirms at once: from the first word, in pauses and at the end."""
    person = Person(confirm_key="1", decline_key="2", connect_to="552")
    person.wait(at)
    assert person.answer == (False, None, False)
    person.press("1")

    assert (person.script.is_over, person.script.heard_now) == (True, 0)
    assert person.answer == (True, None, True)
    assert person.script.due == math.inf


@pytest.mark.parametrize("at", [0, 2, SPEECH + 0.5, 2 * SPEECH + 9])
def test_declined(at: float) -> None:
    """The key to decline ends the call at once, and connects nothing."""
    person = Person(confirm_key="1", decline_key="2", connect_to="552")
    person.wait(at)
    person.press("2")

    assert (person.script.is_over, person.script.heard_now) == (True, 0)
    assert person.answer == (False, None, False)


@pytest.mark.parametrize("key", ["#", "*", "0"])
def test_any_key_confirms(key: str) -> None:
    """Each key of a phone can be asked for."""
    person = Person(confirm_key=key)
    person.press(key)

    assert person.answer == (True, None, False)


def test_first_answer_counts() -> None:
    """Keys after the end change nothing."""
    confirmed, declined = (Person(confirm_key="1", decline_key="2") for _ in "12")
    confirmed.press("12")
    declined.press("21")

    assert (confirmed.script.confirmed, declined.script.confirmed) == (True, False)


def test_no_key() -> None:
    """Without a key, the call ends after the time for the first key."""
    person = Person(confirm_key="1", key_timeout=7, connect_to="552")
    person.wait_for_end()

    assert person.heard == [1, 2]
    assert person.seconds == 2 * SPEECH + 1 + 7
    assert person.answer == (False, None, False)


def test_last_moment() -> None:
    """A key counts until the time is over."""
    person = Person(confirm_key="1", key_timeout=7)
    person.wait(2 * SPEECH + 1 + 6.9)
    person.press("1")

    assert person.script.confirmed


@pytest.mark.parametrize("at", [0, 2, SPEECH + 0.5])
def test_wrong_key(at: float) -> None:
    """A wrong key starts the next repetition at once, also in a pause."""
    person = Person(confirm_key="1", repeat=2)
    person.wait(at)
    person.press("5")
    assert person.script.heard_now == 2
    person.wait_for_end()

    assert person.heard == [1, 2]
    assert person.seconds == at + SPEECH + 10
    assert person.answer == (False, None, False)


def test_wrong_key_in_the_last_repetition() -> None:
    """It stops the speech; the right key may follow within the time for a key."""
    person = Person(confirm_key="1", repeat=1, key_timeout=7)
    person.wait(2)
    person.press("5")
    assert (person.script.heard_now, person.script.is_over) == (0, False)
    assert person.script.due == person.now + 7

    person.wait(6)
    person.press("1")
    assert person.script.confirmed


def test_wrong_key_at_the_end() -> None:
    """After the last word, each wrong key gives the time for another one."""
    person = Person(confirm_key="1", repeat=1, key_timeout=7)
    person.wait(SPEECH + 6)
    person.press("5")
    person.wait(6)
    assert not person.script.is_over

    person.wait_for_end()
    assert person.seconds == SPEECH + 6 + 7
    assert person.script.confirmed is False


def test_wrong_keys_without_end() -> None:
    """Wrong keys do not keep the person on the phone forever."""
    person = Person(confirm_key="1", repeat=1, repeat_pause=0, key_timeout=7)
    person.wait(SPEECH)
    while not person.script.is_over:
        person.wait(6)
        person.press("5")

    assert person.ended_at == NOW + SPEECH + 4 * 7
    assert person.script.announcement.longest == SPEECH + 4 * 7


def test_many_wrong_keys() -> None:
    """Each wrong key uses up a repetition."""
    person = Person(confirm_key="1", repeat=3, key_timeout=7)
    person.press("555")
    assert (person.heard, person.script.heard_now) == ([1, 2, 3], 0)

    person.wait_for_end()
    assert person.seconds == 7


# --- digits ---


def test_digits() -> None:
    """The keys are collected in order, and the last one ends the call."""
    person = Person(digits=4, connect_to="552")
    assert person.answer == (None, "", True)
    person.press("01*")
    assert not person.script.is_over
    person.press("97")

    assert person.script.is_over
    assert person.answer == (None, "01*9", True)


def test_hash_ends_digits() -> None:
    """The hash key ends the collection, and is none of the digits."""
    person = Person(digits=4)
    person.press("12#3")

    assert (person.script.is_over, person.script.digits) == (True, "12")


def test_hash_first() -> None:
    """The hash key alone ends the call without digits."""
    person = Person(digits=4)
    person.press("#")

    assert (person.script.is_over, person.script.digits) == (True, "")


@pytest.mark.parametrize("at", [0, 2, SPEECH + 0.5])
def test_digit_stops_the_speech(at: float) -> None:
    """The first key stops all repetitions, also in a pause."""
    person = Person(digits=4, repeat=10, key_timeout=5)
    person.wait(at)
    person.press("1")
    assert person.script.heard_now == 0
    person.wait_for_end()

    assert person.heard == [1]
    assert person.seconds == at + 5
    assert person.script.digits == "1"


def test_time_for_each_digit() -> None:
    """The time counts from each key."""
    person = Person(digits=4, repeat=1, key_timeout=5)
    person.wait(SPEECH + 4)
    for _ in range(3):
        person.press("7")
        person.wait(4.5)
    assert not person.script.is_over
    person.wait(0.5)

    assert (person.script.is_over, person.script.digits) == (True, "777")


def test_no_digits() -> None:
    """Without a key, the digits are empty, not missing."""
    person = Person(digits=4, key_timeout=5)
    person.wait_for_end()

    assert person.seconds == 2 * SPEECH + 1 + 5
    assert person.answer == (None, "", False)


@pytest.mark.parametrize("decline_key", ["9", "#"])
def test_declined_digits(decline_key: str) -> None:
    """The key to decline is none of the digits, and connects nothing."""
    person = Person(digits=4, decline_key=decline_key, connect_to="552")
    person.press("1" + decline_key)

    assert person.script.is_over
    assert person.answer == (None, "1", False)


# --- reports at odd times ---


def test_key_before_the_first_word() -> None:
    """Keys count from the first word."""
    script = KeyScript(Announcement(confirm_key="1", decline_key="2"))
    script.press("1", NOW)
    script.press("2", NOW)

    assert (script.is_over, script.confirmed) == (False, False)


def test_end_of_a_stopped_repetition() -> None:
    """The late end of a repetition that was stopped does not stop the next one."""
    person = Person(confirm_key="1", repeat=2)
    person.press("5")
    person.script.finish(1, person.now)

    assert (person.script.heard_now, person.script.due) == (2, math.inf)


def test_end_after_the_end() -> None:
    """A repetition that ends after the confirmation changes nothing."""
    person = Person(confirm_key="1")
    person.press("1")
    for number in (0, 1, 2):
        person.script.finish(number, person.now)
        person.script.advance(person.now + 100)

    assert (person.script.is_over, person.script.due) == (True, math.inf)
    assert person.script.heard_now == 0


def test_too_early() -> None:
    """Nothing happens before it is due."""
    person = Person(repeat_pause=1)
    person.wait(SPEECH)
    person.script.advance(person.now + 0.999)
    assert person.script.heard_now == 0

    person.script.advance(person.now + 1)
    assert person.script.heard_now == 2


def test_digits_are_private() -> None:
    """The digits, which may be a PIN, are in no representation."""
    person = Person(digits=8)
    person.press("8642")

    assert "8642" not in repr(person.script)


# --- any keys at any time ---


@st.composite
def announcements(draw: st.DrawFn) -> Announcement:
    """Return any announcement that the action takes."""
    asked = draw(st.sampled_from(["nothing", "confirm", "digits"]))
    confirm_key = draw(st.sampled_from(KEYS)) if asked == "confirm" else None
    others = [key for key in KEYS if key != confirm_key]
    return Announcement(
        repeat=draw(st.integers(1, 10)),
        repeat_pause=draw(st.floats(0, 10)),
        confirm_key=confirm_key,
        decline_key=draw(st.none() | st.sampled_from(others)),
        digits=draw(st.integers(1, 32)) if asked == "digits" else None,
        key_timeout=draw(st.integers(1, 60)),
        connect_to=draw(st.none() | st.just("552")),
    )


@given(
    announcement=announcements(),
    presses=st.lists(
        st.tuples(st.floats(0, 70), st.sampled_from(KEYS + "ABCD")), max_size=40
    ),
)
def test_any_keys(announcement: Announcement, presses: list[tuple[float, str]]) -> None:
    """Whatever is pressed when: it ends in time, and the outcome fits the keys."""
    person = Person(
        **{
            name: getattr(announcement, name)
            for name in Announcement.__dataclass_fields__.keys() - {"audio"}
        }
    )
    script = person.script
    pressed = ""
    for seconds, key in presses:
        person.wait(seconds)
        if not script.is_over:
            pressed += key
        person.press(key)
    last_key = person.now
    person.wait_for_end()

    longest = announcement.repeat * (SPEECH + announcement.repeat_pause)
    assert person.now <= last_key + longest + announcement.key_timeout + LAST_WORD_DELAY
    longest = script.announcement.longest
    assert person.ended_at <= NOW + longest + LAST_WORD_DELAY + ROUNDING
    assert person.heard == list(range(1, len(person.heard) + 1))
    assert len(person.heard) <= announcement.repeat
    assert (script.due, script.heard_now) == (math.inf, 0)

    is_declined = announcement.takes_keys and pressed.endswith(
        announcement.decline_key or "none"
    )
    if announcement.confirm_key is None:
        assert script.confirmed is None
    else:
        is_confirmed = announcement.confirm_key in pressed
        assert script.confirmed is is_confirmed
        assert not (is_confirmed and is_declined)
    if announcement.digits is None:
        assert script.digits is None
    else:
        assert script.digits is not None
        assert "#" not in script.digits
        assert pressed.startswith(script.digits)
        assert len(script.digits) <= announcement.digits
    is_refused = is_declined or script.confirmed is False
    assert script.connects == (announcement.connect_to is not None and not is_refused)
    if not announcement.takes_keys:
        assert len(person.heard) == announcement.repeat
