"""What the scripts print: plain text, and colour where somebody sees it."""

import json
import os
import sys
from typing import Any

from .demo_calls import CallReport

_BOLD, _DIM, _RED, _GREEN = "1", "2", "31", "32"
_LABEL_WIDTH = 16


class Terminal:
    """Writes to standard output, each line as soon as it is known."""

    def __init__(self) -> None:
        """Use colour on a terminal, unless the person asked for none."""
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def say(self, text: str = "") -> None:
        """Write a line."""
        print(text, flush=True)

    def heading(self, text: str) -> None:
        """Write a line that stands out."""
        self.say(self._in(_BOLD, text))

    def fact(self, label: str, text: str) -> None:
        """Write a line with a label before it."""
        self.say(f"   {self._in(_DIM, label.ljust(_LABEL_WIDTH))} {text}")

    def verdict(self, label: str, text: str, *, good: bool) -> None:
        """Write a line that ends with whether that is as it should be."""
        word = self._in(_GREEN, "ok") if good else self._in(_RED, "WRONG")
        self.fact(label, f"{text}   {word}")

    def problem(self, text: str) -> None:
        """Write what went wrong."""
        self.say(f"   {self._in(_RED, text)}")

    def call(self, number: int, report: CallReport) -> None:
        """Write what was asked for, what the PBX was sent, and what came back."""
        self.say()
        self.heading(f"{number}. {report.call.title}")
        self.fact("pbx.originate", _short(report.call.data))
        self.fact("the PBX was sent", _short(report.sent) if report.sent else "nothing")
        if report.response:
            self.fact("the response", _short(report.response))
        if report.error:
            self.fact("the error", report.error)
        self.verdict("at the phones", _at_the_phones(report), good=not report.problems)
        for problem in report.problems:
            self.problem(problem)

    def _in(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colour else text


def _short(data: Any) -> str:  # noqa: ANN401 - whatever was sent
    if not isinstance(data, dict):
        return json.dumps(data)
    return "  ".join(f"{key}: {json.dumps(value)}" for key, value in data.items())


def _at_the_phones(report: CallReport) -> str:
    if (call := report.at_the_phones) is None:
        return "all quiet"
    return f"{call.result}, {call.ring_time} s of ringing, {call.talk_time} s of talk"
