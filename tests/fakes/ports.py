"""A clock that a test moves, a recorder that keeps a list, a ward that keeps nothing alive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from chaoskit.model.event import Event


class FakeClock:
    """Stands still until told; `until` moves it in steps of `every_s`."""

    def __init__(self, now: float = 0.0) -> None:
        self.t = now

    def now(self) -> float:
        return self.t

    def from_monotonic(self, monotonic_s: float) -> float:
        return monotonic_s

    def wall(self) -> float:
        return 1_700_000_000 + self.t

    async def until(self, holds: Callable[[], bool], deadline: float, every_s: float = 0.02) -> bool:
        while not holds():
            if self.t >= deadline:
                return False
            self.t += every_s
            await asyncio.sleep(0)
        return True


class RealClock:
    """Run seconds since it was made."""

    def __init__(self) -> None:
        self.origin = time.monotonic()

    def now(self) -> float:
        return time.monotonic() - self.origin

    def from_monotonic(self, monotonic_s: float) -> float:
        return monotonic_s - self.origin

    def wall(self) -> float:
        return time.time()

    async def until(self, holds: Callable[[], bool], deadline: float, every_s: float = 0.02) -> bool:
        while not holds():
            if self.now() >= deadline:
                return False
            await asyncio.sleep(every_s)
        return True


class ListRecorder:
    """Keeps all events in `events`."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)


class FreeWard:
    """Takes notes of what it was asked to guard."""

    def __init__(self) -> None:
        self.guarded: dict[str, str] = {}

    def guard_process(self, pid: int, name: str) -> str:
        self.guarded[f"p{pid}"] = name
        return f"p{pid}"

    def guard_folder(self, path: str) -> str:
        self.guarded[f"f{path}"] = path
        return f"f{path}"

    def release(self, token: str) -> None:
        self.guarded.pop(token, None)
