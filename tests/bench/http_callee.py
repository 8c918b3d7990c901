"""The cheapest callee there is: answers every request head with the same 64 bytes. `python -m tests.bench.http_callee`.

Prints its port. With `--big N` it answers with a body of N MiB, made as it is sent.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

SMALL = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 64\r\n\r\n" + b"x" * 64
BLOCK = bytes(1 << 16)


class Callee(asyncio.Protocol):
    """Counts request heads and answers them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(SMALL * data.count(b"\r\n\r\n"))


async def big(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mebibytes: int) -> None:
    """One large answer per request."""
    while await reader.readline():
        while (await reader.readline()).strip():
            pass
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (mebibytes << 20))
        for _ in range(mebibytes * 16):
            writer.write(BLOCK)
            await writer.drain()


async def main() -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    if "--big" in sys.argv:
        mebibytes = int(sys.argv[sys.argv.index("--big") + 1])
        server = await asyncio.start_server(lambda r, w: big(r, w, mebibytes), "127.0.0.1", 0)
    else:
        server = await loop.create_server(Callee, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
