"""Entry point of the scripts: runs a coroutine, and cleans up on signals."""

import asyncio
from collections.abc import Coroutine
from functools import partial
import signal
import sys

_ENDING = (signal.SIGTERM, signal.SIGHUP)


def run(main: Coroutine[object, object, int]) -> int:
    """Run the coroutine, and return the exit status, also after a signal."""
    received: list[signal.Signals] = []
    try:
        return asyncio.run(_run(main, received))
    except KeyboardInterrupt:
        received.append(signal.SIGINT)
    except asyncio.CancelledError:
        pass
    sys.stdout.flush()
    return 128 + received[0] if received else 1


async def _run(
    main: Coroutine[object, object, int], received: list[signal.Signals]
) -> int:
    """Cancel the coroutine on these signals, like Ctrl-C: every `finally` runs."""
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        received.append(number)
        task.cancel()

    for number in _ENDING:
        loop.add_signal_handler(number, partial(end, number))
    return await task
