"""Shows that something takes its time."""

import os
import sys
from threading import Event, Thread
import time
from types import TracebackType
from typing import Self, TextIO

# Seconds between two lines where nothing can move.
_BETWEEN_LINES = 10


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody sees a stream where what was written can be written over."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Progress:
    """The seconds that something takes, from entering to leaving.

    On a terminal they move, and are gone in the end; elsewhere there is a line every
    ten of them. Nobody else may write meanwhile.
    """

    def __init__(self, what: str, stream: TextIO | None = None) -> None:
        """Say in a few words what it is that takes its time."""
        self._what = what
        self._stream = sys.stdout if stream is None else stream
        self._moves = is_terminal(self._stream)
        self._is_over = Event()
        # Of its own, for what leaves the event loop no time.
        self._thread = Thread(target=self._show, daemon=True)
        self._began = 0.0

    def __enter__(self) -> Self:
        """Begin to count."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave nothing on a terminal."""
        self.end()

    def start(self) -> None:
        """Begin to count, where it cannot be entered."""
        self._began = time.monotonic()
        self._thread.start()

    def end(self) -> None:
        """Show nothing any more."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()
            if self._moves:
                self._write(f"\r{' ' * len(self._words())}\r")

    def _show(self) -> None:
        while not self._is_over.wait(1 if self._moves else _BETWEEN_LINES):
            words = self._words()
            self._write(f"\r{words}" if self._moves else f"{words} so far\n")

    def _words(self) -> str:
        return f"   {self._what}: {time.monotonic() - self._began:.0f} s"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
