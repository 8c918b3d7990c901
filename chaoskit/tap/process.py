"""The tap process: `python -m chaoskit.tap.process FD`, where FD is its end of the run's socket pair.

It lives as long as that socket: at its end (the run stopped, or was killed) the process is gone, and all links with it.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import uvloop

from chaoskit.tap.channel import REPLY, STALL, FrameReader, frame
from chaoskit.tap.link import DISSECTORS, Link
from chaoskit.tap.outbox import Outbox
from chaoskit.tap.rule import ACTIONS

TICK_S = 0.02
STALL_S_MIN = 0.05
"""A tick that comes later than this after it was due is reported: nothing around it can be timed."""


class Refusal(Exception):
    """What the run asked for can't be done; the message goes back to it."""


class Control(asyncio.Protocol):
    """Does what the run asks, one request after the other, and sends what the links have seen."""

    def __init__(self, ended: asyncio.Future[None]) -> None:
        self._ended = ended
        self._frames = FrameReader()
        self._links: dict[str, Link] = {}
        self._requests: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self._verbs: dict[str, Callable[..., Awaitable[Any]]] = {
            "open": self._open,
            "close": self._close,
            "arm": self._arm,
            "disarm": self._disarm,
            "hits": self._hits,
            "traffic": self._traffic,
            "stop": self._stop,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's has the methods, not the base class
        self._transport = transport
        self._outbox = Outbox(transport)
        self._due = time.monotonic() + TICK_S
        asyncio.get_running_loop().call_later(TICK_S, self._tick)
        self._worker = asyncio.get_running_loop().create_task(self._serve())
        transport.write(frame((REPLY, 0, "", "ready")))

    def data_received(self, data: bytes) -> None:
        for message in self._frames.feed(data):
            self._requests.put_nowait(message)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self._due > STALL_S_MIN:
            self._outbox.rows.append((STALL, now, now - self._due))
        self._outbox.flush()
        self._due = now + TICK_S
        asyncio.get_running_loop().call_later(TICK_S, self._tick)

    async def _serve(self) -> None:
        while True:
            verb, number, *arguments = await self._requests.get()
            problem, value = "", None
            try:
                value = await self._verbs[verb](*arguments)
            except (Refusal, OSError) as error:
                problem = str(error) or type(error).__name__
            self._outbox.flush()  # what was seen before the answer reaches the run before the answer
            self._transport.write(frame((REPLY, number, problem, value)))

    async def _open(self, name: str, listen: tuple[str, int], upstream: tuple[str, int], protocol: str) -> str:
        if protocol not in DISSECTORS:
            raise Refusal(f"no dissector for protocol {protocol!r}; there are: {', '.join(DISSECTORS)}")
        if name in self._links:
            raise Refusal(f"link {name!r} is open already")
        link = Link(name, *upstream, protocol, self._outbox)
        address = await link.listen(*listen)
        self._links[name] = link
        return address

    async def _close(self, name: str) -> None:
        if name in self._links:
            await self._links.pop(name).close()

    def _link(self, name: str) -> Link:
        if name not in self._links:
            raise Refusal(f"link {name!r} does not run through the tap")
        return self._links[name]

    async def _arm(self, name: str, handle: str, spec: dict[str, Any]) -> int | None:
        link = self._link(name)
        if spec["action"] not in ACTIONS:
            raise Refusal(f"the tap has no action {spec['action']!r}; there are: {', '.join(sorted(ACTIONS))}")
        if link.protocol != "http":
            raise Refusal(f"{spec['action']} needs calls, but {name!r} is relayed as protocol: {link.protocol}")
        link.arm(handle, spec)
        return self._link(name).hits(handle)

    async def _disarm(self, name: str, handle: str) -> tuple[int | None, bool]:
        hits = self._link(name).disarm(handle)
        return hits, self._link(name).hits(handle) is None

    async def _hits(self, name: str, handle: str) -> int | None:
        return self._link(name).hits(handle)

    async def _traffic(self, name: str) -> int:
        return self._link(name).traffic

    async def _stop(self) -> None:
        for name in list(self._links):
            await self._close(name)


async def serve(fd: int) -> None:
    """Run until the socket `fd` ends."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    await loop.create_connection(lambda: Control(ended), sock=socket.socket(fileno=fd))
    await ended


def main() -> None:
    """Entry point of the process."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # connections leave no cycles behind, so looking for them rarely is enough
    uvloop.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
