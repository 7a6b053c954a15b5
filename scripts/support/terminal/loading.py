"""Pytest plugin that shows the progress until pytest prints something.

Load it before everything else: `pytest -p scripts.support.terminal.loading`.
"""

import os
import sys

from .progress import Progress

# A duplicate: pytest captures standard output while it loads.
_stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
_progress = Progress("pytest loads", _stream)
# Not in the worker processes.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _progress.start()


def pytest_cmdline_main() -> None:
    """Stop the progress before pytest prints."""
    _progress.end()
