"""Time, passed in: run seconds on the monotonic clock, and waiting until something holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """`now` is seconds since the run began; all events use it."""

    def now(self) -> float: ...

    def from_monotonic(self, monotonic_s: float) -> float:
        """Run seconds for an instant of `time.monotonic()`, which all processes of a machine share."""
        ...

    def wall(self) -> float:
        """Epoch seconds."""
        ...

    async def until(self, holds: Callable[[], bool], deadline: float, every_s: float = 0.02) -> bool:
        """Wait until `holds()`, at most until run second `deadline`; True if it held."""
        ...
