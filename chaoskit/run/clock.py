"""The run's clock: monotonic seconds since its beginning, and whether the machine's clocks jumped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

JUMP_MS_MIN = 500.0
"""Below this, slewing and scheduling explain a difference between the two clocks."""


class RunClock:
    """Implements ports.clock.Clock."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        boot: Callable[[], float] | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._boot = boot or _boottime(monotonic)
        self.origin = monotonic()
        self.origin_wall = wall()
        self._offset = self.origin_wall - self.origin
        self._slept = self._boot() - self.origin

    def now(self) -> float:
        return self._monotonic() - self.origin

    def from_monotonic(self, monotonic_s: float) -> float:
        return monotonic_s - self.origin

    def from_wall(self, wall_s: float) -> float:
        """Run seconds for an epoch second, by the offset that held when the run began."""
        return wall_s - self._offset - self.origin

    def wall(self) -> float:
        return self._wall()

    async def until(self, holds: Callable[[], bool], deadline: float, every_s: float = 0.02) -> bool:
        while not holds():
            left = deadline - self.now()
            if left <= 0:
                return False
            await asyncio.sleep(min(every_s, left))
        return True

    def jumped_ms(self) -> float:
        """By how much the wall clock or the sleep clock parted from the monotonic one since last asked; 0 if not."""
        offset, slept = self._wall() - self._monotonic(), self._boot() - self._monotonic()
        jump_ms = max(abs(offset - self._offset), abs(slept - self._slept)) * 1000
        if jump_ms < JUMP_MS_MIN:
            return 0.0
        self._offset, self._slept = offset, slept
        return jump_ms


def _boottime(monotonic: Callable[[], float]) -> Callable[[], float]:
    """CLOCK_BOOTTIME goes on while the machine sleeps, CLOCK_MONOTONIC does not; without one, never asleep."""
    clock_id = getattr(time, "CLOCK_BOOTTIME", None)
    if clock_id is None:
        return monotonic
    return lambda: time.clock_gettime(clock_id)
