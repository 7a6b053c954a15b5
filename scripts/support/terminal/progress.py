"""Progress of long operations."""

import os
import sys
from threading import Event, Thread
import time
from types import TracebackType
from typing import Self, TextIO

# Seconds between two lines if the output is not a terminal.
_BETWEEN_LINES = 10


def is_terminal(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that can overwrite a line."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Progress:
    """Context manager that shows the elapsed seconds.

    On a terminal, it updates one line, and clears it at the end; otherwise, it writes
    a line every ten seconds. Nothing else should write meanwhile.
    """

    def __init__(self, what: str, stream: TextIO | None = None) -> None:
        """Initialize the progress with a description of the operation."""
        self._what = what
        self._stream = sys.stdout if stream is None else stream
        self._moves = is_terminal(self._stream)
        self._is_over = Event()
        # A thread, because the operation may block the event loop.
        self._thread = Thread(target=self._show, daemon=True)
        self._began = 0.0

    def __enter__(self) -> Self:
        """Start the progress."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the progress."""
        self.end()

    def start(self) -> None:
        """Start the progress without a `with` block."""
        self._began = time.monotonic()
        self._thread.start()

    def end(self) -> None:
        """Stop the progress, and clear its line on a terminal."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()
            if self._moves:
                self._write(f"\r{' ' * len(self._text())}\r")

    def _show(self) -> None:
        while not self._is_over.wait(1 if self._moves else _BETWEEN_LINES):
            text = self._text()
            self._write(f"\r{text}" if self._moves else f"{text} so far\n")

    def _text(self) -> str:
        return f"   {self._what}: {time.monotonic() - self._began:.0f} s"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
