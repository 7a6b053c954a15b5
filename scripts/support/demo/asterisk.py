"""Demo with a real Asterisk and phones: places calls, and checks their results."""

from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
import json
from pathlib import Path
import sys
import tempfile
import time
from typing import Any

from ..asterisk import CONTEXT, Asterisk, Behavior, NotInstalledError, Phone
from ..asterisk.process import ProgramError
from ..booted.client import ApiError, FlowError, Json
from ..booted.home_assistant import BootedHomeAssistant, BootError
from ..booted.log import problems
from ..booted.pbx import DOMAIN, entities
from ..terminal.printing import Terminal
from ..terminal.program import run
from ..tones.install import CONFIGURATION, install
from .announcements import (
    MESSAGE,
    Verdict,
    announce,
    answer_phones,
    escalate,
    heard,
)

_CALL_DEFAULTS = {
    "context": CONTEXT,
    "caller": "551",
    "caller_id": "100",
    "caller_name": "Front door",
    # Long enough for slow machines.
    "timeout": 15,
    "internal_digits": 5,
}
# Behavior of the phones.
_PHONES: Mapping[str, Mapping[str, Any]] = {
    "551": {"ring": 0.5},
    "552": {"ring": 1, "hang_up_after": 2},
    "553": {"behavior": Behavior.BUSY},
    "554": {"behavior": Behavior.NEVER_ANSWER},
    "555": {"behavior": Behavior.RING_THEN_DECLINE, "ring": 1},
    "556": {"ring": 0.5},
}


@dataclass(frozen=True, slots=True)
class _Call:
    """A call, and its expected result."""

    title: str
    data: Mapping[str, Any]
    result: str
    cause: str


_CALLS = (
    _Call(
        "552 answers, and hangs up", {"callee": "552"}, "answered", "normal_clearing"
    ),
    _Call(
        "556 answers, and the call limit ends it",
        {"callee": "556", "call_limit": 2},
        "answered",
        "normal_clearing",
    ),
    _Call("553 is busy", {"callee": "553"}, "busy", "user_busy"),
    _Call("555 declines", {"callee": "555"}, "declined", "call_rejected"),
    _Call(
        "554, the caller, does not answer",
        {"caller": "554", "callee": "552", "timeout": 3},
        "caller_unreachable",
        "no_answer",
    ),
    _Call(
        "The dialplan plays an announcement",
        {"callee": "700"},
        "answered",
        "normal_clearing",
    ),
)
# Number of calls to each phone, including the call that is hung up.
_RUNG = {"551": 6, "552": 1, "553": 1, "554": 1, "555": 1, "556": 2}


@dataclass(slots=True)
class _Outcome:
    """Results of the demo."""

    version: str = ""
    calls: list[Json] = field(default_factory=list)
    announcements: list[Json] = field(default_factory=list)
    rung: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def as_json(self) -> str:
        """Return the results as one line of JSON."""
        summary = {
            "ok": not self.problems,
            "home_assistant": self.version,
            "seconds": round(time.monotonic() - self.started, 1),
            "problems": self.problems,
            "calls": self.calls,
            "announcements": self.announcements,
            "rung": self.rung,
        }
        return json.dumps(summary)


@dataclass(slots=True)
class _Demo:
    """The parts of the demo; each prints and records its results."""

    terminal: Terminal
    outcome: _Outcome
    home_assistant: BootedHomeAssistant
    asterisk: Asterisk

    async def show(self) -> None:
        """Run the parts in order."""
        phones = [
            await self.asterisk.phone(number, **behavior)
            for number, behavior in _PHONES.items()
        ]
        await self._set_up()
        self.terminal.section("Calls, with wait_until: ended")
        for call in _CALLS:
            await self._place(call)
        self.terminal.section("wait_until: answered, and then pbx.hang_up")
        await self._hang_up()
        await self._count(phones)
        await self._announce()

    async def _set_up(self) -> None:
        connection = {
            "url": self.asterisk.url,
            "username": self.asterisk.username,
            "password": self.asterisk.password,
            "verify_ssl": True,
        }
        inputs: list[Json] = [
            {"next_step_id": "asterisk"},
            connection,
            _CALL_DEFAULTS,
            {"extensions": []},
            # No phone is rung.
            {},
        ]
        entry = await self.home_assistant.add_config_entry(DOMAIN, inputs)
        sensor = (await entities(self.home_assistant, entry["entry_id"]))["connected"]
        state = (await self.home_assistant.client.get(f"/api/states/{sensor}"))["state"]
        self._verdict("set up", f"{sensor} is {state}", good=state == "on")

    async def _place(self, call: _Call) -> None:
        with self.terminal.waiting(call.title):
            response = await self._run("originate", **call.data, wait_until="ended")
        self.outcome.calls.append({"title": call.title, **response})
        good = (response["result"], response["cause"]) == (call.result, call.cause)
        text = f"{call.title}: {response['result']}, {response['cause']}"
        if response["talk_time"] is not None:
            text += f", {response['talk_time']:.1f} s of talk"
        self._verdict("", text, good=good)

    async def _hang_up(self) -> None:
        response = await self._run("originate", callee="556", wait_until="answered")
        ended = await self._run("hang_up")
        call_id = response["originated_call_id"]
        good = response["result"] is None and ended["hung_up"] == [call_id]
        self._verdict("", f"556 answered, and {call_id} was hung up", good=good)
        await self.asterisk.idle()

    async def _count(self, phones: list[Phone]) -> None:
        """Check how often each phone was called."""
        rung = Counter({each.number: (await each.stop()).created for each in phones})
        self.outcome.rung = dict(rung)
        text = ", ".join(f"{number}: {times}" for number, times in rung.items())
        self._verdict("calls by phone", text, good=rung == Counter(_RUNG))

    async def _announce(self) -> None:
        """Play messages, of which a person and a mailbox answer the calls."""
        phones = await answer_phones(self.asterisk)
        self.terminal.section("pbx.announce, with a key that confirms the message")
        # The engine of the demo has tones in place of words.
        self.terminal.fact("message", f"{MESSAGE} (a tone for each word)")
        with self.terminal.waiting("the message is spoken"):
            response, verdict = await announce(self._run)
        self.outcome.announcements.append(response)
        self._show(verdict)
        self._show(heard(await phones.person.call()), "the phone heard")
        self.terminal.section("pbx.escalate: a mailbox answers, and then a person")
        with self.terminal.waiting("the message is spoken"):
            response, verdicts = await escalate(self._run)
        self.outcome.announcements.append(response)
        for verdict in verdicts:
            self._show(verdict)
        await self.asterisk.idle()

    def _show(self, verdict: Verdict, label: str = "") -> None:
        self._verdict(label, verdict.text, good=verdict.good)

    async def _run(self, action: str, **data: object) -> Json:
        response = await self.home_assistant.call_action(
            DOMAIN, action, data, return_response=True
        )
        return response or {}

    def _verdict(self, label: str, text: str, *, good: bool) -> None:
        if not good:
            self.outcome.problems.append(text)
        self.terminal.verdict(label, text, good=good)


async def _demo(terminal: Terminal, outcome: _Outcome) -> None:
    """Start both, run the demo, and check the log."""
    async with AsyncExitStack() as stack:
        with terminal.waiting("Asterisk starts"):
            asterisk = await stack.enter_async_context(Asterisk())
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(
                prefix="pbx-home-assistant-", ignore_cleanup_errors=True
            )
        )
        config_dir = Path(folder)
        install(config_dir)
        with terminal.waiting("Home Assistant starts"):
            home_assistant = await stack.enter_async_context(
                BootedHomeAssistant(config_dir, configuration=CONFIGURATION)
            )
        config = await home_assistant.client.get("/api/config")
        outcome.version = config["version"]
        terminal.fact("Asterisk", (await asterisk.cli("core show version")).strip())
        terminal.fact("", asterisk.url)
        terminal.fact("Home Assistant", outcome.version)
        try:
            await _Demo(terminal, outcome, home_assistant, asterisk).show()
        except (ApiError, FlowError, LookupError, TimeoutError) as err:
            outcome.problems.append(f"{type(err).__name__}: {err}")
        with terminal.waiting("Home Assistant stops"):
            await home_assistant.stop()
        outcome.problems += problems(home_assistant.log_text(), expected=[])
        if outcome.problems:
            terminal.say(
                f"\nThe end of Home Assistant's log:\n{home_assistant.log_tail()}"
            )


async def main() -> int:
    """Run the demo; return 0 if all results are as expected."""
    terminal = Terminal()
    outcome = _Outcome()
    terminal.heading("Home Assistant with a real Asterisk, on this machine only")
    try:
        await _demo(terminal, outcome)
    except (BootError, NotInstalledError, ProgramError) as err:
        outcome.problems.append(str(err))
    terminal.say()
    if outcome.problems:
        terminal.heading("The demo has failed:")
        for problem in outcome.problems:
            terminal.problem(problem)
    else:
        terminal.heading("All results are as expected.")
    if terminal.wants_json:
        terminal.say(outcome.as_json())
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(run(main()))
