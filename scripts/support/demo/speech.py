"""Announcements of the demo by the dialplan of the sandbox: heard, and confirmed."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox import Sandbox, Speech

from ..booted.client import ApiError, Json
from ..booted.home_assistant import BootedHomeAssistant
from ..booted.pbx import DOMAIN, set_speech
from .calls import ended

NUMBER = "8801"
# The kitchen presses a key when it has heard a message; the living room does not.
PERSON, SILENT = "101", "102"

# Seconds. Nobody but the PBX knows how long it speaks a number, so that a person who
# presses the key at once may have heard only a part.
_KEY_PAUSE, _KEY_TIMEOUT = 2.5, 4

# The PBX speaks the number in its own voice.
MESSAGE: list[str | Json] = [
    "Water in the basement. The temperature is",
    {"number": 21},
    "Press one to confirm.",
]
_DATA: Json = {
    "message": MESSAGE,
    "confirm_key": "1",
    "repeat": 1,
    "key_timeout": _KEY_TIMEOUT,
}
ANNOUNCE: Json = {"callee": PERSON, **_DATA}
ESCALATE: Json = {"callers": [SILENT, PERSON], **_DATA}


@dataclass(kw_only=True, slots=True)
class SpeechReport:
    """Results of an announcement or of an escalation with a message."""

    action: str
    data: Json
    response: Json = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        """Return the results for the JSON output."""
        return {
            "action": self.action,
            "data": self.data,
            "response": self.response,
            "heard": self.heard,
            "problems": self.problems,
        }


async def draw(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox, entry_id: str, url: str
) -> Speech:
    """Draw the boxes in the sandbox, and enter their number in Home Assistant."""
    boxes = Speech(number=NUMBER, url=url)
    sandbox.configure(speech=boxes)
    sandbox.change_phone(PERSON, keys="1", keys_after=_KEY_PAUSE)
    await set_speech(
        home_assistant, entry_id, speech_number=NUMBER, speech_boxes="say_key"
    )
    return boxes


async def announce(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox
) -> SpeechReport:
    """Play a message to a person, who confirms it."""
    return await _run("announce", ANNOUNCE, home_assistant, sandbox, check_announcement)


async def escalate(
    home_assistant: BootedHomeAssistant, sandbox: Sandbox
) -> SpeechReport:
    """Play a message to one person after another, until one confirms it."""
    return await _run("escalate", ESCALATE, home_assistant, sandbox, check_escalation)


def check_announcement(response: Json) -> list[str]:
    """Return what is wrong with the response of the announcement."""
    expected = {"result": "answered", "played": "full", "confirmed": True}
    found = {name: response.get(name) for name in expected}
    return [] if found == expected else [f"the response has {found}, not {expected}"]


def check_escalation(response: Json) -> list[str]:
    """Return what is wrong with the response of the escalation."""
    attempts = [
        (each["number"], each["played"], each["confirmed"])
        for each in response.get("attempts", [])
    ]
    expected = [(SILENT, "full", False), (PERSON, "full", True)]
    problems = []
    if attempts != expected:
        problems.append(f"the attempts are {attempts}, not {expected}")
    if (answered_by := response.get("answered_by")) != PERSON:
        problems.append(f"answered by {answered_by}, not {PERSON}")
    return problems


def check_heard(heard: list[str], sandbox: Sandbox) -> list[str]:
    """Return what is wrong with what the person has heard.

    What listens for the key can be a further sound, which is silent.
    """
    ids = {f"id:{sound.id}" for sound in sandbox.announcements}
    kinds = ["sound" if text in ids else text for text in heard]
    expected = ["sound", "number:21", "sound"]
    if kinds[: len(expected)] != expected:
        return [f"the phone has heard {heard}, not {expected}"]
    return []


async def _run(
    action: str,
    data: Json,
    home_assistant: BootedHomeAssistant,
    sandbox: Sandbox,
    check: Callable[[Json], list[str]],
) -> SpeechReport:
    report = SpeechReport(action=action, data=data)
    for call in sandbox.calls:
        await ended(call)
    calls_before = len(sandbox.calls)
    try:
        response = await home_assistant.call_action(
            DOMAIN, action, data, return_response=True
        )
    except ApiError as err:
        report.problems.append(f"{action}: {err}")
        return report
    report.response = response or {}
    report.problems += check(report.response)
    report.heard = [
        heard.text
        for call in sandbox.calls[calls_before:]
        if call.caller == PERSON
        for heard in call.heard
    ]
    report.problems += check_heard(report.heard, sandbox)
    return report
