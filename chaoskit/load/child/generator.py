"""The open model: iterations begin when they are due, whether or not earlier ones have returned."""

from __future__ import annotations

import math
import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent

from chaoskit.load.child.worker import Iteration, Player, Worker
from chaoskit.load.schedule import Schedule

WAIT_S_MAX = 1.0
"""How long an iteration may be overdue because no user is free; then it is dropped, and counted."""
_TICK_S = 0.05


@dataclass(slots=True)
class Tally:
    """The generator's own health, over one second or the whole load."""

    due: int = 0
    started: int = 0
    completed: int = 0
    dropped: int = 0
    lag_ms_max: float = 0.0

    def add(self, other: Tally) -> None:
        """Add up counts, keep the worst lag."""
        self.due += other.due
        self.started += other.started
        self.completed += other.completed
        self.dropped += other.dropped
        self.lag_ms_max = max(self.lag_ms_max, other.lag_ms_max)


@dataclass(slots=True)
class Generator:
    """`run` is a greenlet; `each_second(at, tally)` is called for every second of the load, the last may be short."""

    schedule: Schedule
    users_max: int
    new_player: Callable[[], Player]
    each_second: Callable[[float, Tally], None]
    total: Tally = field(default_factory=Tally)
    _lags_s: array[float] = field(default_factory=lambda: array("f"))
    _second: Tally = field(default_factory=Tally)
    _idle: list[Worker] = field(default_factory=list)
    _workers: set[Worker] = field(default_factory=set)
    _waiting: deque[tuple[int, float]] = field(default_factory=deque)
    _ending: bool = False
    _next_second: float = 0.0
    _greenlet: Any = None

    def start(self) -> None:
        """Have some users ready before the first second, then begin."""
        self._next_second = self.schedule.start + 1.0
        for _ in range(min(self.users_max, 2 + int(self.schedule.rate_per_s / 10))):
            self._idle.append(self._new_worker())
        self._greenlet = gevent.spawn(self._dispatch)

    def end(self, drain_s: float) -> None:
        """Begin nothing more; wait for those under way, at most `drain_s`; end the rest."""
        self._ending = True
        if self._greenlet is not None:
            self._greenlet.join()
        self._drop(len(self._waiting))
        deadline = time.monotonic() + drain_s
        while len(self._idle) < len(self._workers) and time.monotonic() < deadline:
            gevent.sleep(0.005)
        gevent.killall(list(self._workers), timeout=1.0)
        self._close_second(time.monotonic())

    def lag_ms(self, percent: float) -> float:
        """A percentile (nearest rank) of how late iterations began; 0 without any."""
        ordered = sorted(self._lags_s)
        return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1] * 1000 if ordered else 0.0

    def _dispatch(self) -> None:
        index = 0
        while not self._ending:
            now = time.monotonic()
            due = self.schedule.due_by(now)
            for i in range(index, due):
                self._waiting.append((i, self.schedule.due_at(i)))
            self._second.due += due - index
            index = due
            if now >= self._next_second:
                self._tell(now)
            self._begin_waiting()
            if self._waiting:
                self._drop_overdue(now)
            gevent.sleep(min(max(self.schedule.due_at(index) - time.monotonic(), 0.0), _TICK_S))

    def _begin_waiting(self) -> None:
        """Longest overdue first, to the user that was busy last: its connection is the warmest."""
        while self._waiting:
            if self._idle:
                worker = self._idle.pop()
            elif len(self._workers) < self.users_max:
                worker = self._new_worker()
            else:
                return
            worker.give(Iteration(*self._waiting.popleft()))

    def _new_worker(self) -> Worker:
        worker = Worker(self.new_player(), self._play, self._done)
        self._workers.add(worker)
        worker.start()
        return worker

    def _play(self, player: Player, iteration: Iteration) -> None:
        lag_s = max(iteration.began - iteration.due, 0.0)
        self._lags_s.append(lag_s)
        second = self._second
        second.started += 1
        if lag_s * 1000 > second.lag_ms_max:
            second.lag_ms_max = lag_s * 1000
        player.play(iteration)
        self._second.completed += 1

    def _done(self, worker: Worker) -> None:
        if worker.player.retired:
            self._workers.discard(worker)
        else:
            self._idle.append(worker)
        if self._waiting and not self._ending:
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

    def _tell(self, now: float) -> None:
        while now >= self._next_second:
            self._close_second(self._next_second)
            self._next_second += 1.0

    def _close_second(self, at: float) -> None:
        second, self._second = self._second, Tally()
        self.total.add(second)
        self.each_second(at, second)
