"""Output of the scripts: plain text, with colors on a terminal."""

import os
import sys

from .progress import Progress

_BOLD, _DIM, _RED, _GREEN = "1", "2", "31", "32"
_LABEL_WIDTH = 16


class Terminal:
    """Writes lines to standard output without buffering."""

    def __init__(self) -> None:
        """Initialize; colors are used on a terminal unless NO_COLOR is set."""
        self._has_color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    @property
    def wants_json(self) -> bool:
        """Whether --json was given, or the output is not a terminal."""
        return "--json" in sys.argv[1:] or not sys.stdout.isatty()

    def say(self, text: str = "") -> None:
        """Write a line."""
        print(text, flush=True)

    def heading(self, text: str) -> None:
        """Write a heading in bold."""
        self.say(self._in(_BOLD, text))

    def section(self, text: str) -> None:
        """Write an empty line and a heading."""
        self.say()
        self.heading(text)

    def fact(self, label: str, text: str) -> None:
        """Write a labeled line."""
        self.say(f"   {self._in(_DIM, label.ljust(_LABEL_WIDTH))} {text}")

    def verdict(self, label: str, text: str, *, good: bool) -> None:
        """Write a labeled line that ends with ok or WRONG."""
        word = self._in(_GREEN, "ok") if good else self._in(_RED, "WRONG")
        self.fact(label, f"{text}   {word}")

    def problem(self, text: str) -> None:
        """Write a problem."""
        self.say(f"   {self._in(_RED, text)}")

    def waiting(self, what: str) -> Progress:
        """Return a progress to enter while nothing else is written."""
        return Progress(what)

    def _in(self, color: str, text: str) -> str:
        return f"\033[{color}m{text}\033[0m" if self._has_color else text
