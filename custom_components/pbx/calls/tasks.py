"""Run coroutines together, so that none outlives the others."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from typing import Any


async def gather(coroutines: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run coroutines concurrently, and cancel the others if one fails."""
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        await cancel(tasks)


async def cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel the tasks that have not ended, and ignore the errors of all."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
