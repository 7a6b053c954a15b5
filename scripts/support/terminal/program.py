"""Running a script's main coroutine so that nothing is left running after it."""

import asyncio
from collections.abc import Coroutine
from functools import partial
import signal
import sys

_ENDING = (signal.SIGTERM, signal.SIGHUP)


def run(main: Coroutine[object, object, int]) -> int:
    """Run it, and return the status to exit with, whatever ends it."""
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
    """End on these signals as on a Ctrl-C: by the way of every `finally`."""
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        received.append(number)
        task.cancel()

    for number in _ENDING:
        loop.add_signal_handler(number, partial(end, number))
    return await task
