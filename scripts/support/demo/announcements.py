"""Announcements of the demo: a person confirms them with a key, a mailbox does not."""

from array import array
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple
import wave

from ..asterisk import Asterisk, Manner, SpeakingPhone, SpeakingPhoneCall, presses
from ..booted.client import Json
from ..machine import ROOT
from ..tones import find, say

PERSON, MAILBOX = "557", "558"
HEARD: Final = ROOT / ".demo/heard.wav"

MESSAGE: Final = "Water in the basement. Press one to confirm."
_WHO: Final = {
    PERSON: f"{PERSON}, where a person presses 1",
    MAILBOX: f"{MAILBOX}, where a mailbox answers",
}
# From the first word to the key: the whole message is heard before.
_KEY_AFTER = 2.5
_ALIKE = 0.98
_PHONE_RATE, _SAMPLE_WIDTH = 8_000, 2

type Run = Callable[..., Awaitable[Json]]


class Verdict(NamedTuple):
    """What was shown, and whether it is as expected."""

    text: str
    good: bool


class Phones(NamedTuple):
    """The phone of a person who presses 1, and one with a mailbox."""

    person: SpeakingPhone
    mailbox: SpeakingPhone


async def answer_phones(asterisk: Asterisk) -> Phones:
    """Start the phones."""
    person = Manner(person=presses("1", after=_KEY_AFTER))
    return Phones(
        await asterisk.speaking_phone(PERSON, person),
        await asterisk.speaking_phone(MAILBOX, Manner()),
    )


async def announce(run: Run) -> tuple[Json, Verdict]:
    """Play a message to a person who confirms it."""
    response = await run("announce", callee=PERSON, **_message())
    good = (response["played"], response["confirmed"]) == ("full", True)
    return response, Verdict(f"{_WHO[PERSON]}: {_outcome(response)}", good)


async def escalate(run: Run) -> tuple[Json, list[Verdict]]:
    """Call a mailbox, and then the person, who confirms."""
    response = await run("escalate", callers=[MAILBOX, PERSON], **_message())
    attempts: list[Json] = response["attempts"]
    verdicts = [
        Verdict(
            f"{_WHO[attempt['number']]}: {_outcome(attempt)}",
            attempt["confirmed"] is (attempt["number"] == PERSON),
        )
        for attempt in attempts
    ]
    good = response["ended_by"] == "answered" and response["answered_by"] == PERSON
    end = f"in the end: {response['ended_by']} by {response['answered_by']}"
    return response, [
        *verdicts,
        Verdict(end, good and len(attempts) == len(Phones._fields)),
    ]


def heard(call: SpeakingPhoneCall) -> Verdict:
    """Write what a phone has heard, and compare it with what was said."""
    HEARD.parent.mkdir(exist_ok=True)
    with wave.open(str(HEARD), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_SAMPLE_WIDTH)
        file.setframerate(_PHONE_RATE)
        file.writeframes(call.heard)
    # A phone has half the rate.
    said = array("h", say(MESSAGE))[::2].tobytes()
    likeness = find(call.heard, said).likeness
    first = call.first_sound
    text = f"{HEARD.relative_to(ROOT)}, with a likeness to what was said of "
    text += f"{likeness:.3f} (of 1)"
    if first is not None:
        text += f"; the first word {1000 * first:.0f} ms after the answer"
    return Verdict(text, first is not None and likeness >= _ALIKE)


def _message() -> dict[str, Any]:
    return {"message": MESSAGE, "confirm_key": "1", "repeat": 1, "key_timeout": 3}


def _outcome(response: Json) -> str:
    confirmed = "confirmed" if response["confirmed"] else "not confirmed"
    return f"{response['result']}, played {response['played']}, {confirmed}"
