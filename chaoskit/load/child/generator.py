"""The open model: iterations begin when they are due, whether or not earlier ones have returned."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import gevent

from chaoskit.load.child.iteration import Iteration
from chaoskit.load.histogram import Histogram
from chaoskit.load.schedule import Schedule

WAIT_S_MAX = 1.0
"""How long an iteration may be overdue because no user is free; then it is dropped, and counted."""
_TICK_S = 0.05


class Player(Protocol):
    """One user of the pool; plays an iteration and never raises."""

    retired: bool

    def play(self, iteration: Iteration) -> None: ...


@dataclass(slots=True)
class Tally:
    """The generator's own health, over one second or the whole load."""

    due: int = 0
    started: int = 0
    completed: int = 0
    dropped: int = 0
    lag_ms_max: float = 0.0


@dataclass(slots=True)
class Generator:
    """`run` is a greenlet; `each_second(at, tally)` is called for every second of the load, the last may be short."""

    schedule: Schedule
    users_max: int
    new_player: Callable[[], Player]
    each_second: Callable[[float, Tally], None]
    total: Tally = field(default_factory=Tally)
    lag_us: Histogram = field(default_factory=Histogram)
    _second: Tally = field(default_factory=Tally)
    _idle: list[Player] = field(default_factory=list)
    _players: int = 0
    _waiting: deque[tuple[int, float]] = field(default_factory=deque)
    _active: set[Iteration] = field(default_factory=set)
    _ending: bool = False
    _next_second: float = 0.0
    _greenlet: Any = None

    def start(self) -> None:
        """Have some users ready before the first second, then begin."""
        self._next_second = self.schedule.start + 1.0
        for _ in range(min(self.users_max, 2 + int(self.schedule.rate_per_s / 10))):
            self._idle.append(self.new_player())
            self._players += 1
        self._greenlet = gevent.spawn(self._dispatch)

    def end(self, drain_s: float) -> None:
        """Begin nothing more; wait for those under way, at most `drain_s`; end the rest."""
        self._ending = True
        if self._greenlet is not None:
            self._greenlet.join()
        self._drop(len(self._waiting))
        under_way = list(self._active)
        gevent.joinall(under_way, timeout=drain_s)
        gevent.killall([iteration for iteration in under_way if not iteration.dead], timeout=1.0)
        self.each_second(time.monotonic(), self._second)

    def _dispatch(self) -> None:
        index = 0
        while not self._ending:
            now = time.monotonic()
            due = self.schedule.due_by(now)
            for i in range(index, due):
                self._waiting.append((i, self.schedule.due_at(i)))
            self._second.due += due - index
            self.total.due += due - index
            index = due
            self._drop_overdue(now)
            self._begin_waiting()
            self._tell(now)
            gevent.sleep(min(max(self.schedule.due_at(index) - time.monotonic(), 0.0), _TICK_S))

    def _begin_waiting(self) -> None:
        """Longest overdue first, to the user that was busy last: its connection is the warmest."""
        while self._waiting:
            if self._idle:
                player = self._idle.pop()
            elif self._players < self.users_max:
                self._players += 1
                player = self.new_player()
            else:
                return
            index, due = self._waiting.popleft()
            iteration = Iteration(index, due, self._play, self._done)
            iteration.player = player
            self._active.add(iteration)
            iteration.start()

    def _play(self, iteration: Iteration) -> None:
        lag_s = max(iteration.began - iteration.due, 0.0)
        self.lag_us.add(int(lag_s * 1e6))
        for tally in (self._second, self.total):
            tally.started += 1
            tally.lag_ms_max = max(tally.lag_ms_max, lag_s * 1000)
        iteration.player.play(iteration)
        self.total.completed += 1

    def _done(self, iteration: Iteration) -> None:
        self._active.discard(iteration)
        if iteration.player.retired:
            self._players -= 1
        else:
            self._idle.append(iteration.player)
        if not self._ending:
            self._drop_overdue(time.monotonic())
            self._begin_waiting()

    def _drop_overdue(self, now: float) -> None:
        overdue = 0
        for _, due in self._waiting:
            if now - due <= WAIT_S_MAX:
                break
            overdue += 1
        self._drop(overdue)

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft()
        self._second.dropped += count
        self.total.dropped += count

    def _tell(self, now: float) -> None:
        while now >= self._next_second:
            self.each_second(self._next_second, self._second)
            self._second = Tally()
            self._next_second += 1.0
