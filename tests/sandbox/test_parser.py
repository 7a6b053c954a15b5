"""The commands that the documents have, and everything that they do not."""

import contextlib

from hypothesis import example, given, strategies as st
import pytest

from sandbox.commands import (
    CALENDARS,
    ClearUserData,
    Command,
    CommandError,
    Exit,
    GetData,
    MusicOnHold,
    PlayAnnouncement,
    Playback,
    SayClock,
    SayDate,
    SayDigit,
    SayDuration,
    SayNumber,
    SetExten,
    SetLimitOnCall,
)
from sandbox.parser import parse

ID = "id:64b7f58b7a302f4de51ae494"
OTHER = "id:5be6a5f294c28e3f068b4575"


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("Exit('3')", [Exit("3")]),
        ("Exit('3');", [Exit("3")]),
        ("  Exit( 'next' ) ; ", [Exit("next")]),
        (f"PlayAnnouncement('{ID}'); Exit('3');", [PlayAnnouncement(ID), Exit("3")]),
        (
            "PlayAnnouncement('filename-nasim');Exit('a')",
            [PlayAnnouncement("filename-nasim"), Exit("a")],
        ),
        ("Playback('hello-world');Exit('a')", [Playback("hello-world"), Exit("a")]),
        ("SayNumber(5201);Exit('a')", [SayNumber(5201), Exit("a")]),
        ("SayDigit(0123);Exit('a')", [SayDigit("0123"), Exit("a")]),
        (
            "SayDuration('6.16:0:51');Exit('a')",
            [SayDuration(6 * 86400 + 16 * 3600 + 51), Exit("a")],
        ),
        ("SayDuration('0.0:05:00');Exit('a')", [SayDuration(300), Exit("a")]),
        ("SayClock('12:14:09');Exit('a')", [SayClock("12:14:09"), Exit("a")]),
        ("SayClock('14:00');Exit('a')", [SayClock("14:00"), Exit("a")]),
        (
            "SayDate('1395-02-21','jalali');Exit('a')",
            [SayDate("1395-02-21", "jalali"), Exit("a")],
        ),
        (
            "SayDate('2024-02-29', 'gregorian');Exit('a')",
            [SayDate("2024-02-29", "gregorian"), Exit("a")],
        ),
        (
            f"GetData('{ID}&{OTHER}&pause', 10, 1);Exit('next');",
            [GetData((ID, OTHER, "pause"), 10, 1), Exit("next")],
        ),
        (
            "MusicOnHold('default', 60);Exit('a')",
            [MusicOnHold("default", 60), Exit("a")],
        ),
        (
            "ClearUserData();SetExten('200');SetLimitOnCall(150);Exit('a')",
            [ClearUserData(), SetExten("200"), SetLimitOnCall(150), Exit("a")],
        ),
    ],
)
def test_what_the_documents_have(text: str, commands: list[Command]) -> None:
    """Each command, with spaces and the last semicolon or without."""
    assert list(parse(text)) == commands


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "there is no Exit"),
        ("   ", "there is no Exit"),
        ("SayNumber(1);", "there is no Exit"),
        ("Exit('a');Exit('b')", "Exit is not the last command"),
        ("Exit('a');;", "Exit is not the last command"),
        ("Exit('a'", "no comma"),
        ("Exit", "not a command with parentheses"),
        ("Exit ('a')", "not a command with parentheses"),
        (";Exit('a')", "not a command with parentheses"),
        ("exit('a')", "unknown command exit"),
        ("Hangup();Exit('a')", "unknown command Hangup"),
        ("SayNumber(1);;Exit('a')", "not a command with parentheses"),
        ("SayNumber(1) Exit('a')", "no semicolon after SayNumber"),
        ("SayNumber('1');Exit('a')", "takes a whole number without quotes"),
        ("SayNumber(-1);Exit('a')", "neither quoted nor a whole number"),
        ("SayNumber(1.5);Exit('a')", "no comma"),
        ("SayNumber(1000000000);Exit('a')", "from 0 to 999999999"),
        ("SayNumber();Exit('a')", "takes a whole number without quotes"),
        ("SayNumber(1,2);Exit('a')", "takes a whole number without quotes"),
        ("SayDigit('12');Exit('a')", "takes a whole number without quotes"),
        (f"SayDigit({'1' * 19});Exit('a')", "takes at most 18 digits"),
        (f"SayNumber({'0' * 9_000});Exit('a')", "from 0 to 999999999"),
        ("SayClock(14:00);Exit('a')", "no comma"),
        ("SayClock('24:00');Exit('a')", "no such time"),
        ("SayClock('12:60');Exit('a')", "no such time"),
        ("SayClock('12:00:60');Exit('a')", "no such time"),
        ("SayClock('noon');Exit('a')", "'noon' is not valid"),
        ("SayDuration('5:00');Exit('a')", "is not valid"),
        ("SayDuration('0.24:00:00');Exit('a')", "no such time"),
        ("SayDate('2024-02-30','gregorian');Exit('a')", "SayDate: "),
        ("SayDate('1404-12-30','jalali');Exit('a')", "SayDate: "),
        ("SayDate('1447-13-01','hijri');Exit('a')", "no such day"),
        ("SayDate('1447-12-31','hijri');Exit('a')", "no such day"),
        ("SayDate('2024-02-01','julian');Exit('a')", "takes one of jalali"),
        ("SayDate('21 Feb','jalali');Exit('a')", "is not valid"),
        ("SayDate('2024-02-01');Exit('a')", "takes a text in quotes, a text"),
        ("GetData('a', 10);Exit('a')", "takes a text in quotes, a whole"),
        ("GetData('a&&b', 10, 1);Exit('a')", "'' is not valid"),
        ("GetData('a', 0, 1);Exit('a')", "from 1 to 86400"),
        ("GetData('a', 10, 0);Exit('a')", "from 1 to 40"),
        ("GetData('a', 10, 41);Exit('a')", "from 1 to 40"),
        ("GetData('a', '10', 1);Exit('a')", "takes a text in quotes, a whole"),
        ("PlayAnnouncement(:id);Exit('a')", "neither quoted"),
        ("PlayAnnouncement('id:5be6');Exit('a')", "is not valid"),
        ("PlayAnnouncement('a b');Exit('a')", "is not valid"),
        ("PlayAnnouncement(\"a\");Exit('a')", "neither quoted"),
        ("Playback('a'b');Exit('a')", "no comma"),
        ("Playback('a';Exit('a')", "no comma"),
        ("MusicOnHold(\u2018default\u2019, 60);Exit('a')", "not ASCII"),
        ("SayNumber(\u06f2);Exit('a')", "not ASCII"),
        ("MusicOnHold('default');Exit('a')", "takes a text in quotes, a whole"),
        ("ClearUserData(1);Exit('a')", "takes nothing"),
        ("SetExten('a');Exit('a')", "is not valid"),
        ("SetExten('00\n98');Exit('a')", "is not valid"),
        ("SetLimitOnCall(0);Exit('a')", "from 1 to 86400"),
        ("Exit('')", "is not valid"),
        ("Exit('a;b')", "is not valid"),
        ("Exit(3)", "takes a text in quotes"),
        ("\nExit('a')", "not a command with parentheses"),
    ],
)
def test_what_they_do_not_have(text: str, problem: str) -> None:
    """It is an error, whatever another PBX would make of it."""
    with pytest.raises(CommandError, match=problem):
        list(parse(text))


@pytest.mark.parametrize(
    ("rest", "is_left"),
    [("Beep();Exit('a')", False), ("Exit('a');Beep()", False), ("Exit('a')", True)],
)
def test_what_comes_before_an_error_is_run(rest: str, *, is_left: bool) -> None:
    """An error counts when it is reached, and so does an Exit that is not last."""
    commands = parse(f"SayNumber(7);{rest}")
    assert next(commands) == SayNumber(7)
    if is_left:
        assert next(commands) == Exit("a")
    else:
        with pytest.raises(CommandError):
            next(commands)


# Every command that can be written, and its text.
_names = st.from_regex(r"[A-Za-z0-9_./-]{1,20}", fullmatch=True)
_files = st.one_of(st.just(ID), st.just(OTHER), _names)
_cases = st.from_regex(r"[A-Za-z0-9_-]{1,10}", fullmatch=True)
_seconds = st.integers(1, 86_400)


def _quoted(make: type, texts: st.SearchStrategy[str]) -> st.SearchStrategy[Command]:
    return texts.map(make)


def _days(most: int) -> st.SearchStrategy[str]:
    return st.builds(
        "{:04d}-{:02d}-{:02d}".format,
        st.integers(1300, 1500),
        st.integers(1, 12),
        st.integers(1, most),
    )


_commands: st.SearchStrategy[Command] = st.one_of(
    _quoted(PlayAnnouncement, _files),
    _quoted(Playback, _names),
    _quoted(SetExten, st.from_regex(r"[0-9*#+]{1,20}", fullmatch=True)),
    _quoted(SayDigit, st.from_regex(r"[0-9]{1,18}", fullmatch=True)),
    _quoted(SayClock, st.times().map("{:%H:%M:%S}".format)),
    st.integers(0, 999_999_999).map(SayNumber),
    st.integers(0, 9_999 * 86_400).map(SayDuration),
    st.builds(SayDate, _days(28), st.sampled_from(CALENDARS)),
    st.builds(
        GetData,
        st.lists(_files, min_size=1, max_size=4).map(tuple),
        _seconds,
        st.integers(1, 40),
    ),
    st.builds(MusicOnHold, _cases, _seconds),
    _seconds.map(SetLimitOnCall),
    st.just(ClearUserData()),
)


def _written(command: Command) -> str:
    match command:
        case SayDuration(seconds):
            minutes, second = divmod(seconds, 60)
            hours, minute = divmod(minutes, 60)
            day, hour = divmod(hours, 24)
            inner = f"'{day}.{hour}:{minute}:{second:02d}'"
        case SayDigit(digits):
            inner = digits
        case GetData(files, timeout, digits):
            inner = f"'{'&'.join(files)}', {timeout}, {digits}"
        case _:
            values = (getattr(command, name) for name in command.__slots__)
            inner = ",".join(
                str(value) if isinstance(value, int) else f"'{value}'"
                for value in values
            )
    return f"{type(command).__name__}({inner})"


@given(st.lists(_commands, max_size=8), _cases, st.booleans())
def test_what_is_written_is_read(
    commands: list[Command], case: str, ends_with_semicolon: bool
) -> None:
    """Nothing is lost, changed or confused between the two."""
    every = [*commands, Exit(case)]
    text = ";".join(map(_written, every)) + ";" * ends_with_semicolon
    assert list(parse(text)) == every


@given(st.text() | st.text(alphabet="Exit('a');SayNumber(1,&.:-) "))
@example("Exit('a')" * 3)
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing that a web service sends breaks the box."""
    with contextlib.suppress(CommandError):
        assert isinstance(list(parse(text))[-1], Exit)


@given(st.lists(_commands, max_size=4), st.data())
def test_one_character_less(commands: list[Command], data: st.DataObject) -> None:
    """A command that lost a parenthesis, a quote or a comma is never run as another."""
    text = ";".join(map(_written, [*commands, Exit("done")]))
    marks = [index for index, sign in enumerate(text) if sign in "()';"]
    lost = data.draw(st.sampled_from(marks))
    with pytest.raises(CommandError):
        list(parse(text[:lost] + text[lost + 1 :]))
