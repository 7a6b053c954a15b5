"""Announcements of a real Asterisk: what phones hear, and what that costs."""

from array import array
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
import json
import os
from pathlib import Path
from statistics import median
import sys
import tempfile

from ..asterisk import (
    CONTEXT,
    TRUNK,
    Asterisk,
    Manner,
    NotInstalledError,
    SpeakingPhone,
    SpeakingPhoneCall,
    presses,
)
from ..asterisk.process import ProgramError
from ..booted.client import ApiError, FlowError, Json
from ..booted.home_assistant import BootedHomeAssistant, BootError
from ..booted.log import problems
from ..booted.pbx import DOMAIN, set_dialing_rules
from ..terminal.program import run
from ..tones import find, say
from ..tones.install import CONFIGURATION, install

AT_ONCE = 20
_ROUNDS = 3
# Two seconds of speech.
_MESSAGE = "one two three four five six seven eight"
# Who is called with these numbers presses keys when the message is over.
_PRESSES, _LISTENS = "0913", "0912"
_KEYS = "12335557790*0011"
_KEY_TIME, _KEYS_AFTER = 0.06, 2.5
# A number at which the dialplan plays an announcement of its own.
_OF_THE_DIALPLAN = "700"


@dataclass(frozen=True, slots=True)
class Heard:
    """What the phones of some announcements have heard.

    Attributes:
        calls: number of announcements at the same time.
        first_word_ms: from the answer to the first word: the median.
        first_word_ms_most: likewise, of the slowest call.
        gap_ms_most: the longest time between two packets.
        likeness_least: how like what was said, of the worst call, from 0 to 1.
        cpu_ms: time of the processor in Home Assistant for each call.
    """

    calls: int
    first_word_ms: float
    first_word_ms_most: float
    gap_ms_most: float
    likeness_least: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Pressed:
    """What was taken of the keys that were pressed fast, at the same time.

    Attributes:
        calls: number of announcements at the same time.
        keys: pressed in each of them.
        right: number of calls whose keys all count once, and in order.
    """

    calls: int
    keys: int
    right: int

    @property
    def text(self) -> str:
        """For people."""
        return (
            f"Each of {self.keys} keys counts once and in order in {self.right} of"
            f" {self.calls} calls at once."
        )


def heard(calls: Sequence[SpeakingPhoneCall], said: bytes, cpu: float) -> Heard:
    """Return what phones have heard.

    Args:
        calls: of the phones, which have ended.
        said: the message, at 16 kHz.
        cpu: seconds of the processor for all calls.
    """
    # A phone has half the rate.
    at_the_phone = array("h", said)[::2].tobytes()
    first_words = [1000 * (call.first_sound or float("inf")) for call in calls]
    return Heard(
        calls=len(calls),
        first_word_ms=round(median(first_words), 1),
        first_word_ms_most=round(max(first_words), 1),
        gap_ms_most=round(1000 * max(call.largest_gap for call in calls), 1),
        likeness_least=round(
            min(find(call.heard, at_the_phone).likeness for call in calls), 4
        ),
        cpu_ms=round(1000 * cpu / len(calls), 1),
    )


def as_table(results: Sequence[Heard]) -> str:
    """Return the results for people."""
    rows = [
        ("Announcements at once", *(str(each.calls) for each in results)),
        ("Answer to the first word", *map(_first_word, results)),
        ("Longest gap", *(f"{each.gap_ms_most:.0f} ms" for each in results)),
        ("Likeness, at least", *(f"{each.likeness_least:.3f}" for each in results)),
        ("Processor, each", *(f"{each.cpu_ms:.0f} ms" for each in results)),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "".join(f"| {cell:{width}} " for cell, width in zip(row, widths, strict=True))
        + "|"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _first_word(each: Heard) -> str:
    return f"{each.first_word_ms:.0f} ms, at most {each.first_word_ms_most:.0f} ms"


class _Bench:
    """The measurements in a running Home Assistant."""

    def __init__(self, booted: BootedHomeAssistant, phone: SpeakingPhone) -> None:
        """Initialize the measurements.

        Args:
            booted: with the PBX.
            phone: at the end of the trunk, which has all external numbers.
        """
        self._booted = booted
        self._phone = phone

    async def announcements(self, count: int) -> Heard:
        """Play the message to some people at the same time."""
        before = len(self._phone.calls)
        cpu, _ = await self._place(
            count, "announce", "callee", message=_MESSAGE, repeat=1
        )
        calls = self._phone.calls[before:]
        for call in calls:
            await call.ended()
        return heard(calls, say(_MESSAGE), cpu)

    async def keys(self, count: int) -> Pressed:
        """Collect the keys of some people at the same time."""
        _, responses = await self._place(
            count,
            "announce",
            "callee",
            start=_PRESSES,
            message=_MESSAGE,
            repeat=1,
            digits=len(_KEYS),
        )
        right = sum(each["digits"] == _KEYS for each in responses)
        return Pressed(count, len(_KEYS), right)

    async def calls(self, count: int) -> float:
        """Return the milliseconds of the processor of a call without speech of ours."""
        cpu, _ = await self._place(
            count, "originate", "caller", callee=_OF_THE_DIALPLAN, wait_until="ended"
        )
        return 1000 * cpu / count

    async def _place(
        self,
        count: int,
        action: str,
        person: str,
        start: str = _LISTENS,
        **data: object,
    ) -> tuple[float, list[Json]]:
        """Call people at the same time.

        Returns:
            The seconds of the processor, and the responses.
        """
        began = _cpu_seconds(self._booted.pid)
        responses = await asyncio.gather(
            *(
                self._booted.call_action(
                    DOMAIN,
                    action,
                    {person: f"{start}{number:07}", "trunk_name": TRUNK, **data},
                    return_response=True,
                )
                for number in range(count)
            )
        )
        # What the calls leave behind belongs to them, too.
        await asyncio.sleep(1)
        seconds = _cpu_seconds(self._booted.pid) - began
        return seconds, [each or {} for each in responses]


async def _person(call: SpeakingPhoneCall) -> None:
    """Press keys when the message is over, or only listen."""
    if _PRESSES in call.invite.text.partition("\n")[0]:
        press = presses(_KEYS, after=_KEYS_AFTER, hold=_KEY_TIME, gap=_KEY_TIME)
        await press(call)


def _cpu_seconds(pid: int) -> float:
    """Return the time of the processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def _scene() -> AsyncIterator[_Bench]:
    """Start an Asterisk, and Home Assistant with it and a speech engine."""
    with tempfile.TemporaryDirectory(
        prefix="pbx-bench-", ignore_cleanup_errors=True
    ) as folder:
        install(Path(folder))
        async with (
            Asterisk() as asterisk,
            BootedHomeAssistant(Path(folder), configuration=CONFIGURATION) as booted,
        ):
            phone = await asterisk.speaking_phone(TRUNK, Manner(person=_person))
            entry = await booted.add_config_entry(DOMAIN, _steps(asterisk))
            rules = {"calls_at_once": 0, "calls_per_hour": 0, "cooldown": 0}
            await set_dialing_rules(booted, entry["entry_id"], **rules)
            yield _Bench(booted, phone)
            await booted.stop()
            for problem in problems(booted.log_text(), expected=[]):
                print(problem, file=sys.stderr)


def _steps(asterisk: Asterisk) -> list[dict[str, object]]:
    connection = {
        "url": asterisk.url,
        "username": asterisk.username,
        "password": asterisk.password,
        "verify_ssl": True,
    }
    defaults = {"context": CONTEXT, "timeout": 15, "internal_digits": 5}
    return [{"next_step_id": "asterisk"}, connection, defaults, {"extensions": []}, {}]


async def _measure() -> tuple[list[Heard], float, Pressed]:
    """Return what is heard, the cost of an announcement against a call, and keys."""
    async with _scene() as bench:
        # The first of each warms up.
        await bench.announcements(1)
        await bench.calls(1)
        one = await bench.announcements(1)
        many, ratios = [], []
        for _ in range(_ROUNDS):
            many.append(await bench.announcements(AT_ONCE))
            ratios.append(many[-1].cpu_ms / await bench.calls(AT_ONCE))
        slowest = max(many, key=lambda each: each.first_word_ms_most)
        pressed = await bench.keys(AT_ONCE)
        return [one, slowest], round(median(ratios), 2), pressed


async def main() -> int:
    """Measure announcements, and print the results."""
    try:
        results, ratio, pressed = await _measure()
    except (ApiError, BootError, FlowError, NotInstalledError, ProgramError) as err:
        print(err, file=sys.stderr)
        return 1
    if "--json" not in sys.argv[1:]:
        print(as_table(results))
        print(f"\nAn announcement takes {ratio} times the processor of a call.")
        print(f"{pressed.text}\n")
    found = {
        "heard": [asdict(each) for each in results],
        "ratio": ratio,
        "keys": asdict(pressed),
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(run(main()))
