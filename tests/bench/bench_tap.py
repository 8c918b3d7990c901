"""The tap's figures, side by side with Toxiproxy on the same machine at the same time, as medians of ratios.

`python -m tests.bench.bench_tap [ROUNDS]` prints a JSON line for each: name, asked, measured, ok. The recorder makes
every event, as in a run; only writing the file is left out, which is the run's own figure.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median

import httpx
import psutil
from chaoskit.installed import find_installed
from chaoskit.model.event import Event
from chaoskit.tap.client import Tap

from tests.bench.http_load import Result, load
from tests.fakes.ports import FreeWard, RealClock

SECONDS = 2
LINK = "bench -> callee"


class CountingRecorder:
    """Takes every event and keeps the number."""

    def __init__(self) -> None:
        self.count = 0

    def record(self, event: Event) -> None:
        self.count += 1


def report(name: str, asked: str, measured: float, ok: bool) -> None:
    """One figure as a JSON line."""
    print(json.dumps({"name": name, "asked": asked, "measured": round(measured, 3), "ok": ok}), flush=True)


def child(stack: ExitStack, command: list[str], **options: object) -> subprocess.Popen[str]:
    """A process that ends with the bench."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def callee(stack: ExitStack, *options: str) -> int:
    """Start a callee; returns its port."""
    process = child(stack, [sys.executable, "-m", "tests.bench.http_callee", *options])
    assert process.stdout is not None
    return int(process.stdout.readline())


def toxiproxy(stack: ExitStack, upstream: int) -> tuple[int, int]:
    """A Toxiproxy with one proxy in front of `upstream`: (port, pid); zeros where there is no Toxiproxy."""
    installed = find_installed("bin/toxiproxy-server")
    binary = os.environ.get("CHAOSKIT_TOXIPROXY_BIN") or shutil.which("toxiproxy-server") or installed
    if binary is None:
        return 0, 0
    with socket.create_server(("127.0.0.1", 0)) as probe:
        api = probe.getsockname()[1]
    process = child(stack, [str(binary), "-port", str(api)], env={**os.environ, "LOG_LEVEL": "error"})
    proxy = {"name": "bench", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream}"}
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            answer = httpx.post(f"http://127.0.0.1:{api}/proxies", json=proxy)
            return int(answer.raise_for_status().json()["listen"].rpartition(":")[2]), process.pid
        time.sleep(0.05)
    raise TimeoutError("Toxiproxy does not answer")


async def throughput(tap: Tap, stack: ExitStack, rounds: int) -> None:
    """Requests a second and median latency, each round over every way."""
    direct = callee(stack)
    ways = {"direct": direct, "tap": await open_link(tap, LINK, direct)}
    proxy, proxy_pid = toxiproxy(stack, direct)
    if proxy:
        ways |= {"toxiproxy": proxy, "tap + toxiproxy": await open_link(tap, "tap -> toxiproxy", proxy)}
    results: dict[str, list[Result]] = {name: [] for name in ways}
    watched = {"tap": tap.pid, "toxiproxy": proxy_pid}
    spent_s = dict.fromkeys(watched, 0.0)
    for _ in range(rounds):
        for name, port in ways.items():
            before = cpu_s(watched[name]) if name in watched else 0.0
            results[name].append(await asyncio.to_thread(load, port, SECONDS))
            if name in watched:
                spent_s[name] += cpu_s(watched[name]) - before
    for name, found in results.items():
        print(
            json.dumps(
                {
                    "way": name,
                    "requests_per_s": round(median(r.per_s for r in found)),
                    "p50_ms": round(median(r.p50_ms for r in found), 3),
                }
            )
        )
    for name in watched:
        if requests := sum(r.per_s * SECONDS for r in results.get(name, [])):
            print(json.dumps({"way": name, "cpu_us_per_request": round(spent_s[name] / requests * 1e6, 1)}))
    if proxy:
        judge(results)


def judge(results: dict[str, list[Result]]) -> None:
    """The three ratios that are asked for."""

    def ratio(over: str, under: str, what: str) -> float:
        return median(getattr(a, what) / getattr(b, what) for a, b in zip(results[over], results[under], strict=True))

    tap = ratio("tap", "toxiproxy", "per_s")
    report("tap, dissected requests/s, c16 ÷ Toxiproxy", "≥ 0.9", tap, tap >= 0.9)
    p50 = ratio("tap", "toxiproxy", "p50_ms")
    report("tap p50 ÷ Toxiproxy p50", "≤ 1.1", p50, p50 <= 1.1)
    both = ratio("tap + toxiproxy", "toxiproxy", "per_s")
    report("tap + Toxiproxy, requests/s ÷ Toxiproxy", "≥ 0.55", both, both >= 0.55)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


async def open_link(tap: Tap, link: str, upstream: int) -> int:
    """A link over the tap; its port."""
    address = await tap.open_link(link, listen="127.0.0.1:0", upstream=f"127.0.0.1:{upstream}", protocol="http")
    return int(address.rpartition(":")[2])


async def big_body(tap: Tap, stack: ExitStack, mebibytes: int = 1024) -> None:
    """A body of 1 GiB, and how much the tap process grows for it."""
    port = await open_link(tap, "big -> callee", callee(stack, "--big", str(mebibytes)))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    process, began, got, most = psutil.Process(tap.pid), time.monotonic(), 0, 0
    before = process.memory_info().rss
    while got < mebibytes << 20:
        data = await reader.read(1 << 20)
        assert data, "the body was cut"
        got += len(data)
        most = max(most, process.memory_info().rss)
    writer.close()
    print(json.dumps({"big_body_mib_per_s": round(mebibytes / (time.monotonic() - began))}))
    grown = (most - before) / (1 << 20)
    report(f"tap's growth while {mebibytes} MiB pass, MiB", "≤ 16", grown, grown <= 16)


def start_cpu() -> None:
    """CPU time that a tap process takes to start and end."""
    taken = []
    for _ in range(5):
        ours, theirs = socket.socketpair()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "chaoskit.tap.process", str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()
        ours.recv(16)
        ours.close()
        process.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    report("tap process start and end, CPU ms", "≤ 150", median(taken) * 1e3, median(taken) <= 0.15)


async def main(rounds: int) -> None:
    """All figures."""
    start_cpu()
    recorder = CountingRecorder()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tap = Tap(clock=RealClock(), recorder=recorder, ward=FreeWard(), log_folder=folder)
        await tap.start()
        try:
            await throughput(tap, stack, rounds)
            await big_body(tap, stack)
            assert not tap.dead(), tap.dead()
        finally:
            await tap.stop()
    print(json.dumps({"events": recorder.count}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
