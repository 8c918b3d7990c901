"""When the iterations of an open model are due. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Iteration i (from 0) is due at `start + i / rate_per_s`, whatever became of the earlier ones.

    `start` is in the seconds of whatever clock the caller uses.
    """

    start: float
    rate_per_s: float

    def __post_init__(self) -> None:
        if not self.rate_per_s > 0:
            raise ValueError(f"the rate must be above 0, not {self.rate_per_s}")

    def due_at(self, index: int) -> float:
        """When iteration `index` is due. Computed from the start each time, so that no error adds up."""
        return self.start + index / self.rate_per_s

    def due_by(self, now: float) -> int:
        """How many iterations are due at `now` or earlier: those with an index below it."""
        if now < self.start:
            return 0
        count = math.floor((now - self.start) * self.rate_per_s) + 1
        # Rounding may put the last one a hair on the wrong side; `due_at` has the last word.
        while count > 0 and self.due_at(count - 1) > now:
            count -= 1
        while self.due_at(count) <= now:
            count += 1
        return count
