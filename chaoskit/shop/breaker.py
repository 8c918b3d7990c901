"""A circuit breaker after opossum: a rolling window of outcomes, a reset time, one probe while half-open."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"


def log_transition(link: str, state: str) -> None:
    """One JSON line on standard output: the service's own word on when its breaker changed."""
    line = {"event": "breaker", "link": link, "state": state, "time": round(time.time(), 6)}
    print(json.dumps(line), flush=True)


class Breaker:
    """Decides whether a call over `link` may be made, and learns from how it went.

    It opens when at least `opens_at` of the outcomes of the last `window_s` seconds failed and there were at least
    `volume_min` of them; `reset_s` later the next caller alone is let through, and its outcome decides.
    Outcomes carry the permit they were given: a call that began in an earlier state decides nothing any more.
    """

    def __init__(
        self,
        link: str,
        *,
        window_s: float,
        reset_s: float,
        opens_at: float = 0.5,
        volume_min: int = 5,
        clock: Callable[[], float] = time.monotonic,
        log: Callable[[str, str], None] = log_transition,
    ) -> None:
        self.link = link
        self.state = CLOSED
        self._window_s, self._reset_s = window_s, reset_s
        self._opens_at, self._volume_min = opens_at, volume_min
        self._clock, self._log = clock, log
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=10_000)
        self._permit = 0
        self._opened = 0.0

    def admit(self) -> int | None:
        """A permit for one call, or None: don't call. Every permit must come back through `settle`."""
        if self.state == CLOSED:
            return self._permit
        if self.state == OPEN and self._clock() - self._opened >= self._reset_s:
            self._enter(HALF_OPEN)
            return self._permit
        return None

    def settle(self, permit: int, *, succeeded: bool) -> None:
        """How the call with this permit ended."""
        if permit != self._permit:
            return
        if self.state == HALF_OPEN:
            self._enter(CLOSED if succeeded else OPEN)
        elif self.state == CLOSED:
            self._count(succeeded)

    def _count(self, succeeded: bool) -> None:
        now = self._clock()
        self._outcomes.append((now, succeeded))
        while self._outcomes[0][0] < now - self._window_s:
            self._outcomes.popleft()
        failed = sum(not ok for _, ok in self._outcomes)
        volume = len(self._outcomes)
        if not succeeded and volume >= self._volume_min and failed / volume >= self._opens_at:
            self._enter(OPEN)

    def _enter(self, state: str) -> None:
        self.state = state
        self._permit += 1
        self._outcomes.clear()
        if state == OPEN:
            self._opened = self._clock()
        self._log(self.link, state)
