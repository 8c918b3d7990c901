"""A signal that stops the run must not get lost in an exchange with the tap."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from chaoskit.tap.client import Tap

from tests.fakes.ports import FreeWard, ListRecorder, RealClock


async def test_a_cancellation_that_comes_with_the_answer_is_not_swallowed(tmp_path: Path) -> None:
    """The run asks the tap many times a second: swallowed once, SIGTERM would let it go on to its end."""
    tap = Tap(clock=RealClock(), recorder=ListRecorder(), ward=FreeWard(), log_folder=tmp_path)
    answer = asyncio.get_running_loop().create_future()
    asking = asyncio.create_task(tap._answer(answer, "traffic", 5.0))
    await asyncio.sleep(0)  # it waits
    answer.set_result(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
