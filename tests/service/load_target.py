"""A small real HTTP server for load tests that misbehaves by path, and a load child that drives it.

A child takes seconds to start on a busy machine, so the tests of a module share one (`stage`).
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from chaoskit.load.driver import LoadChild
from chaoskit.model.event import Event
from chaoskit.model.scenario import Load
from chaoskit.model.system import System

from tests.fakes.ports import FreeWard, ListRecorder, RealClock

E = TypeVar("E", bound=Event)
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n" + b'{"ok":true}'


@dataclass
class Target:
    """`gate` closed: answers wait. `seen`: (method, path, body, connection) of each request in order of arrival."""

    url: str = ""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[tuple[str, str, bytes, int]] = field(default_factory=list)
    connections: int = 0
    idle_s_max: float = 60.0
    _served: dict[int, int] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            while True:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.idle_s_max)
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
                self.seen.append((method, path, body, number))
                await self.gate.wait()
                self._served[number] = self._served.get(number, 0) + 1
                if not await self._answer(path, writer, self._served[number]):
                    break
        writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter, served: int) -> bool:
        if path.startswith("/close") or (path.startswith("/second-dies") and served == 2):
            return False
        if path.startswith("/cut"):
            writer.write(OK[:-5])
            return False
        if path.startswith("/trickle"):
            writer.write(OK[:-11])
            for byte in OK[-11:]:
                await asyncio.sleep(0.1)
                writer.write(bytes([byte]))
            return True
        if path.startswith("/status/"):
            writer.write(f"HTTP/1.1 {path[8:11]} X\r\nContent-Length: 4\r\n\r\noops".encode())
            return True
        writer.write(OK)
        return True


@dataclass
class Driven:
    """A started child with what it recorded."""

    child: LoadChild
    recorder: ListRecorder
    clock: RealClock

    def of(self, cls: type[E]) -> list[E]:
        return [event for event in self.recorder.events if isinstance(event, cls)]

    async def load(self, journey: str, rate: str, *, until: Callable[[], bool], seed: int = 1, **more: Any) -> None:
        """Load until something holds (at most 20 s), then end it."""
        bodies = more.pop("bodies", False)
        drain_s = more.pop("drain_s", 5.0)
        load = Load.model_validate({"journey": journey, "rate": rate, **more})
        await self.child.begin(load, bodies=bodies, seed=seed)
        held = await self.clock.until(until, self.clock.now() + 20.0)
        await self.child.end(drain_s)
        assert held


@asynccontextmanager
async def target() -> AsyncIterator[Target]:
    """A server on a free port."""
    served = Target()
    served.gate.set()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        served.gate.set()
        server.close()


@asynccontextmanager
async def driven(
    url: str, folder: Path, journeys: dict[str, Any], seeded: dict[str, list[Any]] | None = None
) -> AsyncIterator[Driven]:
    """A load child with these journeys against the service `order` at `url`."""
    parts = {"system": "t", "services": {"order": {"url": url}}, "journeys": journeys, "seeded": seeded or {}}
    recorder, clock = ListRecorder(), RealClock()
    child = LoadChild(
        system=System.model_validate(parts),
        urls={"order": url, "gone": "http://127.0.0.1:1"},
        clock=clock,
        recorder=recorder,
        ward=FreeWard(),
        log_folder=folder,
    )
    try:
        await child.start()
        yield Driven(child, recorder, clock)
    finally:
        await child.stop()


@dataclass
class Stage:
    """A server and a child that several tests use one after the other, on one event loop."""

    served: Target
    load: Driven
    runner: asyncio.Runner

    def play(self, test: Callable[[Target, Driven], Coroutine[Any, Any, None]]) -> None:
        """Run a test's coroutine from a clean slate."""
        self.served.seen.clear()
        self.served.gate.set()
        self.load.recorder.events.clear()
        self.runner.run(test(self.served, self.load))


@contextmanager
def stage(journeys: dict[str, Any], seeded: dict[str, list[Any]] | None = None) -> Iterator[Stage]:
    """For a fixture of module scope."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        serving = target()
        served = runner.run(serving.__aenter__())
        driving = driven(served.url, Path(folder), journeys, seeded)
        try:
            load = runner.run(driving.__aenter__())
            yield Stage(served, load, runner)
            runner.run(driving.__aexit__(None, None, None))
        finally:
            runner.run(serving.__aexit__(None, None, None))
