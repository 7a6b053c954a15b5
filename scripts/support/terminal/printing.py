"""What the scripts print: plain text, and colour where somebody sees it."""

import os
import sys

from .progress import Progress

_BOLD, _DIM, _RED, _GREEN = "1", "2", "31", "32"
_LABEL_WIDTH = 16


class Terminal:
    """Writes to standard output, each line as soon as it is known."""

    def __init__(self) -> None:
        """Use colour on a terminal, unless the person asked for none."""
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    @property
    def wants_json(self) -> bool:
        """Whether a line of JSON was asked for, or is read by a program."""
        return "--json" in sys.argv[1:] or not sys.stdout.isatty()

    def say(self, text: str = "") -> None:
        """Write a line."""
        print(text, flush=True)

    def heading(self, text: str) -> None:
        """Write a line that stands out."""
        self.say(self._in(_BOLD, text))

    def section(self, text: str) -> None:
        """Begin a part, set off from what was before."""
        self.say()
        self.heading(text)

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

    def waiting(self, what: str) -> Progress:
        """Return what shows the seconds until it is left, where nothing is written."""
        return Progress(what)

    def _in(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colour else text
