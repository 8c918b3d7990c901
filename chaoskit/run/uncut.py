"""Clean-up that a signal must not cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def uncut(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end, also when this task is cancelled meanwhile; the cancellation is raised afterwards.

    `asyncio.shield` alone protects the work but not the waiting for it: the loop would be closed over it.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.done():
                break
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
