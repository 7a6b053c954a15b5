"""A plugin of pytest that shows the seconds until it has something to say itself.

It is to be loaded before all that takes its time: `pytest -p scripts.support.loading`.
"""

import os
import sys

from .progress import Progress

# Of its own: pytest takes the other one away while it loads.
_stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
_progress = Progress("pytest loads", _stream)
# Not in each of several processes.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _progress.start()


def pytest_cmdline_main() -> None:
    """Make room for what pytest says."""
    _progress.end()
