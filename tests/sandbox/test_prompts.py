"""The lengths and the texts of what is heard."""

import pytest

from sandbox import Heard, ManualClock, Prompt, SandboxConfig, Speech
from sandbox.announcements import Announcements
from sandbox.commands import SayClock, SayDate, SayDigit, SayDuration, SayNumber
from sandbox.prompts import DIGIT_SECONDS, PromptMaker, Spoken


@pytest.mark.parametrize(
    ("command", "text", "digits"),
    [
        (SayNumber(0), "number:0", 1),
        (SayNumber(5201), "number:5201", 4),
        (SayDigit("1239"), "digits:1239", 4),
        (SayDuration(300), "duration:300", 3),
        (SayClock("14:05"), "time:14:05", 4),
        (SayDate("1405-09-06", "jalali"), "date:1405-09-06 jalali", 8),
    ],
)
def test_values(command: Spoken, text: str, digits: int) -> None:
    """Each is known by its kind and its value, and lasts."""
    announcements = Announcements(SandboxConfig, ManualClock())
    maker = PromptMaker(announcements, Speech(number="8801", url="http://a/"))
    assert maker.spoken(command) == Prompt(text, digits * DIGIT_SECONDS)


@pytest.mark.parametrize(
    ("seconds", "is_whole"), [(0, False), (1.9, False), (1.9999, True), (2, True)]
)
def test_whole(seconds: float, *, is_whole: bool) -> None:
    """Sums of times are not exact."""
    assert Heard(Prompt("id:1", 2), 0, seconds).is_whole is is_whole
