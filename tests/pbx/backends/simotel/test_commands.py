"""Commands: what they look like, and that a strict PBX takes each of them."""

from hypothesis import given, strategies as st
import pytest

from custom_components.pbx.backends.announcement import SpokenValue, ValueKind
from custom_components.pbx.backends.simotel.commands import (
    Question,
    connect,
    leave,
    perform,
    play,
    sound_ids,
    value_item,
    value_seconds,
)
from sandbox.commands import SayDigit
from sandbox.parser import parse

ID = "64b7f58b7a302f4de51ae494"
OTHER = "5be6a5f294c28e3f068b4575"
SOUND, SECOND = f"id:{ID}", f"id:{OTHER}"
PARTS = f"PlayAnnouncement('{SOUND}');SayNumber(21);"


@pytest.mark.parametrize(
    ("kind", "value", "item", "commands"),
    [
        ("number", "21", "number:21", "SayNumber(21);"),
        ("number", "0", "number:0", "SayNumber(0);"),
        ("number", "999999999", "number:999999999", "SayNumber(999999999);"),
        ("number", "007", "number:007", "SayNumber(7);"),
        ("digits", "1239", "digits:1239", "SayDigit(1239);"),
        ("digits", "0", "digits:0", "SayDigit(0);"),
        (
            "digits",
            "0012",
            "digits:0012",
            "SayDigit(0);SayDigit(0);SayDigit(12);",
        ),
        (
            "digits",
            "1234567890123",
            "digits:1234567890123",
            "SayDigit(123456789);SayDigit(0);SayDigit(123);",
        ),
        ("time", "14:05", "time:14:05", "SayClock('14:05');"),
        ("time", "00:00:30", "time:00:00:30", "SayClock('00:00:30');"),
        ("duration", "300", "duration:300", "SayDuration('0.00:05:00');"),
        ("duration", "0", "duration:0", "SayDuration('0.00:00:00');"),
        ("duration", "576051", "duration:576051", "SayDuration('6.16:00:51');"),
    ],
)
@pytest.mark.parametrize("is_persian", [False, True])
def test_values(
    kind: str, value: str, item: str, commands: str, *, is_persian: bool
) -> None:
    """A value is spoken by a command of its kind."""
    spoken = SpokenValue(ValueKind(kind), value)
    assert value_item(spoken, is_persian=is_persian) == item
    assert play(item) == commands
    assert list(parse(commands + leave("done")))


@pytest.mark.parametrize(
    ("value", "is_persian", "commands"),
    [
        ("2026-11-27", False, "SayDate('2026-11-27','gregorian');"),
        ("2026-11-27", True, "SayDate('1405-09-06','jalali');"),
        ("2016-05-10", True, "SayDate('1395-02-21','jalali');"),
        # Before the rule that is used.
        ("1500-01-01", True, "SayDate('1500-01-01','gregorian');"),
    ],
)
def test_dates(value: str, commands: str, *, is_persian: bool) -> None:
    """A date is spoken in the calendar of the page."""
    spoken = SpokenValue(ValueKind.DATE, value)
    made = play(value_item(spoken, is_persian=is_persian))
    assert made == commands
    assert list(parse(commands + leave("done")))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "-1"),
        ("number", "1.5"),
        ("number", "1000000000"),
        ("number", "1)"),
        ("number", "۲۱"),
        ("digits", ""),
        ("digits", "1" * 41),
        ("digits", "12#"),
        ("time", "24:00"),
        ("time", "9:05"),
        ("time", "09:60"),
        ("date", "2026-02-30"),
        ("date", "tomorrow"),
        ("duration", "1.5"),
        ("duration", "'"),
    ],
)
def test_invalid_values(kind: str, value: str) -> None:
    """Nothing else gets into a command, and no error repeats it."""
    with pytest.raises(ValueError, match=r"\w") as error:
        value_item(SpokenValue(ValueKind(kind), value), is_persian=False)
    assert kind == "date" or not value or value not in str(error.value)


@pytest.mark.parametrize(
    "item",
    [
        "",
        "id",
        "id:",
        f"id:{ID.upper()}",
        f"id:{ID}0",
        f"id:{ID}\n",
        f"id:{ID}');SetExten('00",
        "sound:hello",
        "jalali:1405-13-01",
        "gregorian:2026-11-27'",
        "text:hello",
    ],
)
def test_invalid_items(item: str) -> None:
    """A playlist that was changed in the store is not played."""
    with pytest.raises(ValueError, match=r"\w"):
        play(item)
    with pytest.raises(ValueError, match=r"\w"):
        perform([item], 1, Question(5, 1))


@given(st.from_regex(r"[0-9]{1,40}", fullmatch=True))
def test_digits(digits: str) -> None:
    """All digits are spoken, and no command has a leading zero."""
    commands = list(parse(play(f"digits:{digits}") + leave("done")))
    spoken = [each.digits for each in commands if isinstance(each, SayDigit)]
    assert "".join(spoken) == digits
    assert all(each == "0" or not each.startswith("0") for each in spoken)


@pytest.mark.parametrize(
    ("playlist", "repeat", "question", "commands"),
    [
        ([SOUND], 1, None, f"PlayAnnouncement('{SOUND}');"),
        ([SOUND], 2, None, f"PlayAnnouncement('{SOUND}');" * 2),
        ([SOUND], 1, Question(10, 1), f"GetData('{SOUND}', 10, 1);"),
        (
            [SOUND, SECOND],
            2,
            Question(5, 4),
            f"GetData('{SOUND}&{SECOND}&{SOUND}&{SECOND}', 5, 4);",
        ),
        (
            [SOUND, "number:21", SECOND],
            2,
            Question(5, 1),
            f"{PARTS}PlayAnnouncement('{SECOND}');{PARTS}GetData('{SECOND}', 5, 1);",
        ),
    ],
)
def test_perform(
    playlist: list[str], repeat: int, question: Question | None, commands: str
) -> None:
    """The sounds at the end listen, in one question."""
    made = perform(playlist, repeat, question)
    assert made == commands
    assert list(parse(made + leave("next")))


def test_no_sound_that_listens() -> None:
    """A value cannot take keys."""
    with pytest.raises(ValueError, match="listens"):
        perform([SOUND, "number:21"], 1, Question(5, 1))


@pytest.mark.parametrize(
    ("number", "limit", "commands"),
    [
        ("200", None, "SetExten('200');"),
        ("+989121234567", 60, "SetLimitOnCall(60);SetExten('+989121234567');"),
        ("*31#0912", 5, "SetLimitOnCall(5);SetExten('*31#0912');"),
    ],
)
def test_connect(number: str, limit: int | None, commands: str) -> None:
    """The next call has a number, and may have a limit."""
    assert connect(number, limit) == commands
    assert list(parse(commands + leave("connect")))


@pytest.mark.parametrize("number", ["", "1'", "1;", "sara", "1" * 41, "12\n"])
def test_invalid_numbers(number: str) -> None:
    """Only what a telephone dials is a number."""
    with pytest.raises(ValueError, match="command"):
        connect(number, None)


@pytest.mark.parametrize("case", ["", "Done", "a b", "x" * 41, "e'"])
def test_invalid_cases(case: str) -> None:
    """A case has small letters, digits and hyphens."""
    with pytest.raises(ValueError, match="command"):
        leave(case)


def test_what_a_playlist_holds() -> None:
    """The ids of its sounds, and how long its values last at most."""
    assert sound_ids([SOUND, "number:21", SECOND]) == [ID, OTHER]
    assert value_seconds("digits:123") == pytest.approx(3.4)
