"""What reads SIPp's traces, writes its scenarios, and finds the programs."""

from array import array
import asyncio
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from scripts.support.asterisk import Behavior, NotInstalledError, Programs
from scripts.support.asterisk.messages import (
    Message,
    count,
    open_calls,
    read_messages,
)
from scripts.support.asterisk.rtp import Voice, sound
from scripts.support.asterisk.scenarios import being_rung, ringing
from scripts.support.asterisk.sip import Media
from scripts.support.tones import likeness, say

INVITE = "INVITE sip:557@127.0.0.1 SIP/2.0\r\nCall-ID: 1\r\nCSeq: 7 INVITE\r\n\r\nv=0\n"
BUSY = "SIP/2.0 486 Busy Here\r\nCall-ID: 1\r\nCSeq: 7 INVITE\r\n\r\n"
RULE = "-" * 47


def test_trace(tmp_path: Path) -> None:
    """Both forms of the time are read, and what was sent again counts once."""
    trace = tmp_path / "messages"
    assert read_messages(trace) == []
    received, sent = "received [9] bytes:", "sent [9] bytes :"
    trace.write_bytes(
        f"{RULE} 2026-11-24T02:06:38.5Z\nUDP message {received}\n\n{INVITE}"
        f"{RULE} 2026-11-24T02:06:39.0Z\nUDP message {received}\n\n{INVITE}"
        f"{RULE} 2026-11-24\t02:06:39.25\t1795485999.250000\n"
        f"UDP message {sent}\n\n{BUSY}".encode()
    )
    messages = read_messages(trace)
    assert [(message.time, message.what) for message in messages] == [
        (1795485998.5, "INVITE"),
        (1795485999.0, "INVITE"),
        (1795485999.25, "486"),
    ]
    assert messages[0].header("CSeq") == "7 INVITE"
    assert messages[0].header("From") == ""
    statistics = tmp_path / "statistics"
    statistics.write_text(
        "TotalCallCreated;SuccessfulCall(C);FailedCall(C);CurrentCall;\n"
        "0;0;0;0;\n3;1;1;1;\n"
    )
    counts = count(statistics, messages)
    assert (counts.created, counts.successful, counts.failed) == (3, 1, 1)
    assert counts.current == 1
    assert (counts.received, counts.sent) == ({"INVITE": 1}, {"486": 1})


def _message(what: str, cseq: str, call_id: str = "1") -> Message:
    text = f"Call-ID: {call_id}\r\nCSeq: 7 {cseq}\r\n"
    return Message(time=0, received=True, what=what, text=text)


def test_open_calls() -> None:
    """A call is over when it was hung up, or its refusal was taken note of."""
    rung = [_message("INVITE", "INVITE"), _message("180", "INVITE")]
    answered = [*rung, _message("200", "INVITE"), _message("ACK", "ACK")]
    refused = [*rung, _message("487", "INVITE")]
    for still_on in (rung, answered, [*answered, _message("BYE", "BYE")], refused):
        assert open_calls(still_on) == {"1"}
    for over in ([], [*answered, _message("200", "BYE")], [*refused, answered[-1]]):
        assert open_calls(over) == set()
    other = _message("INVITE", "INVITE", "2")
    assert open_calls([*answered, _message("200", "BYE"), other]) == {"2"}


@pytest.mark.parametrize("behavior", Behavior)
@pytest.mark.parametrize("hang_up_after", [None, 0.5])
def test_scenarios_of_who_is_rung(
    behavior: Behavior, hang_up_after: float | None
) -> None:
    """They lead to labels that are there, and end."""
    _check(being_rung(behavior, ring=0.2, hang_up_after=hang_up_after))


@pytest.mark.parametrize("give_up_after", [None, 0.5])
@pytest.mark.parametrize("hang_up_after", [None, 0.5])
def test_scenarios_of_who_rings(
    give_up_after: float | None, hang_up_after: float | None
) -> None:
    """Likewise."""
    _check(ringing("551", give_up_after=give_up_after, hang_up_after=hang_up_after))


def test_programs_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are started as they are, and see the machine's own files."""
    for name in ("asterisk", "sipp"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    programs = Programs.find()
    assert programs.chroot is None
    assert programs.command(programs.asterisk, "-f")[-2:] == [
        f"{tmp_path}/asterisk",
        "-f",
    ]
    assert programs.seen(tmp_path) == str(tmp_path)


def test_programs_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said how to get them."""
    monkeypatch.setattr("scripts.support.asterisk.programs._MORE_PATH", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ASTERISK_ROOT", str(tmp_path / "asterisk"))
    with pytest.raises(NotInstalledError, match="scripts/asterisk --install"):
        Programs.find()


def test_programs_in_their_own_folder(tmp_path: Path) -> None:
    """They see themselves at the root, and are another user's."""
    programs = Programs(tmp_path, "/usr/sbin/asterisk", "/usr/bin/sipp")
    command = programs.command(programs.asterisk)
    assert command[:2] == ["chroot", str(tmp_path)]
    assert "--reuid=asterisk" in command
    assert programs.seen(tmp_path / "tmp/run") == "/tmp/run"  # noqa: S108 - in there


async def test_what_a_phone_says() -> None:
    """It is heard over and over."""
    said = say("one two")
    speaking = Voice("127.0.0.1", is_silent=False, says=said)
    hearing = Voice("127.0.0.1", is_silent=True)
    try:
        speaking.start(Media("127.0.0.1", hearing.port, None))
        async with asyncio.timeout(10):
            while len(hearing.packets) < 60:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.05)
    finally:
        await speaking.close()
        await hearing.close()
    at_a_phone = array("h", said)[::2].tobytes()
    heard = sound(hearing.packets)
    assert likeness(heard[: len(at_a_phone)], at_a_phone) > 0.98
    assert likeness(heard[len(at_a_phone) :], at_a_phone) > 0.98


def _check(scenario: str) -> None:
    steps = ET.fromstring(scenario)  # noqa: S314 - our own
    labels = {step.get("id") for step in steps.iter("label")}
    for step in steps.iter():
        for attribute in ("next", "ontimeout"):
            assert step.get(attribute) in {None, *labels}
