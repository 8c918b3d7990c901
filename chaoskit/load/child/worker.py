"""One user of the pool as a greenlet: it waits for an iteration, plays it, and waits again.

A greenlet for each iteration would be simpler, and costs a tenth more CPU: each new one has Python map 16 KB of memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import gevent


@dataclass(slots=True)
class Iteration:
    """One pass through a journey. `due` is its intended start, `began` its true one (monotonic s).

    `next_due` is `due` until the first request has used it. Later requests of the iteration are due when they start:
    nobody but their own journey makes them wait.
    """

    index: int
    due: float
    began: float = 0.0
    next_due: float | None = None
    expect: frozenset[int] | None = None
    """Statuses as expected (empty: any below 400); None leaves it to Locust and the user's own code."""
    requests: int = 0
    failed: int = 0


class Player(Protocol):
    """Plays iterations and never raises; `retired` once it will play no more."""

    retired: bool

    def play(self, iteration: Iteration) -> None: ...


class Worker(gevent.Greenlet):  # type: ignore[misc]  # gevent types it as Any
    """Runs `play(player, iteration)` and then `done(worker)` for each iteration it is given."""

    def __init__(
        self, player: Player, play: Callable[[Player, Iteration], None], done: Callable[[Worker], None]
    ) -> None:
        super().__init__()
        self.player = player
        self.iteration: Iteration | None = None
        self._play = play
        self._done = done
        self._hub = gevent.get_hub()

    def give(self, iteration: Iteration) -> None:
        """Begin an iteration; only while it has none."""
        # What gevent's own queues do underneath; callbacks run in order, so a new worker has got to its wait by then.
        self._hub.loop.run_callback(self.switch, iteration)

    def _run(self) -> None:
        while not self.player.retired:
            iteration: Iteration = self._hub.switch()
            iteration.began = time.monotonic()
            iteration.next_due = iteration.due
            self.iteration = iteration
            self._play(self.player, iteration)
            self.iteration = None
            self._done(self)
