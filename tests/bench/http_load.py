"""Closed-loop load over keep-alive connections: wrk where it is installed, else a small one of our own."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

import uvloop

CONNECTIONS = 16
_UNIT_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True)
class Result:
    """What one round of load got through."""

    per_s: float
    p50_ms: float


def load(port: int, seconds: int) -> Result:
    """Run one round against 127.0.0.1:`port`."""
    if wrk := shutil.which("wrk"):
        url = f"http://127.0.0.1:{port}/customers/c-1"
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        p50 = re.search(r"50%\s+([\d.]+)(us|ms|s)", out)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
        assert p50, out
        assert rate, out
        return Result(float(rate[1]), float(p50[1]) * _UNIT_MS[p50[2]])
    command = [sys.executable, "-m", "tests.bench.http_load", str(port), str(seconds)]
    return Result(**json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


class Caller(asyncio.Protocol):
    """Sends a request as soon as the answer before is there."""

    request = b"GET /customers/c-1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    answer_bytes = 0

    def __init__(self, took_s: list[float]) -> None:
        self.took_s = took_s
        self.got = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.sent_at = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.got += len(data)
        if not Caller.answer_bytes:
            head = data.index(b"\r\n\r\n") + 4
            Caller.answer_bytes = head + int(re.search(rb"Content-Length: (\d+)", data)[1])
        if self.got >= Caller.answer_bytes:
            self.got = 0
            self.took_s.append(time.perf_counter() - self.sent_at)
            self.send()


async def main(port: int, seconds: int) -> None:
    """Our own load; prints a Result as JSON."""
    loop = asyncio.get_running_loop()
    took_s: list[float] = []
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Caller(took_s), "127.0.0.1", port)
    await asyncio.sleep(seconds)
    took_s.sort()
    print(json.dumps({"per_s": len(took_s) / seconds, "p50_ms": took_s[len(took_s) // 2] * 1e3}))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
