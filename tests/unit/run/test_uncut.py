"""Clean-up goes on to its end although a signal cancels whoever waits for it."""

from __future__ import annotations

import asyncio

import pytest
from chaoskit.run.uncut import uncut


async def test_a_cancellation_waits_for_the_end() -> None:
    """Cancelled in the middle, even twice, the work is complete before the cancellation is raised."""
    steps: list[int] = []

    async def work() -> None:
        for step in range(5):
            await asyncio.sleep(0)
            steps.append(step)

    task = asyncio.create_task(uncut(work()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == [0, 1, 2, 3, 4]


async def test_an_error_of_the_work_is_raised() -> None:
    """What goes wrong in the clean-up is not swallowed."""

    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await uncut(work())


async def test_undisturbed_it_just_returns() -> None:
    """Without a signal nothing is raised."""
    await uncut(asyncio.sleep(0))
