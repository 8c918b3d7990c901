"""The load child beside `locust --headless`: the same user class, server and rate, both at the same time.

CPU is what the kernel scheduled each process for, over a window in which both are under way, divided by what the
server counted for each: start-up is left out on both sides, and noise of the machine meets both.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaoskit.load import wire
from chaoskit.load.driver import LoadChild
from chaoskit.model.event import LoadEnded
from chaoskit.model.scenario import Load
from chaoskit.model.system import System

from tests.bench.cpu import report
from tests.fakes.ports import FreeWard, ListRecorder, RealClock

ROUNDS = 7
WINDOW_S = 3.0
RATE_PER_S = 300
USERS = 60
RATES_TO_TRY = (500, 1000, 1500, 2000, 2500, 3000)

SERVER = """
import asyncio, uvloop
counts = {}
class Answer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        path = data.split(b" ", 2)[1]
        if path.startswith(b"/count"):
            body = b"%d" % counts.get(path[6:], 0)
        else:
            counts[path] = counts.get(path, 0) + 1
            body = b'{"ok":true}'
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
async def main():
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
uvloop.run(main())
"""

USERS_FILE = f"""
import os
from locust import FastHttpUser, between, task
class Browser(FastHttpUser):
    # Spread over time, as ours are: users that all wake at the same instant share one wake-up and cost less.
    wait_time = between({0.5 * USERS / RATE_PER_S}, {1.5 * USERS / RATE_PER_S})
    @task
    def look(self):
        self.client.get("/" + os.environ["SIDE"])
"""


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name, _server() as url:
        asyncio.run(_cpu(Path(name), url))
        asyncio.run(_rates(Path(name), url))
    _parent()


async def _cpu(folder: Path, url: str) -> None:
    file = folder / "users.py"
    file.write_text(USERS_FILE)
    os.environ["SIDE"] = "ours"
    child, _ = await _child(folder, url, {"locust": f"{file}:Browser"})
    theirs = subprocess.Popen(  # noqa: ASYNC220 — nothing else runs in this loop yet
        [
            sys.executable,
            "-m",
            "locust",
            "--headless",
            "--only-summary",
            "-f",
            file,
            "-H",
            url,
            *["-u", f"{USERS}", "-r", f"{USERS}"],
        ],
        env={**os.environ, "SIDE": "theirs"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await child.begin(_load(RATE_PER_S), bodies=False, seed=1)
        await _until_both_run(url)
        assert child._process is not None
        pids = {"ours": child._process.pid, "theirs": theirs.pid}
        ratios, ours, rates = [], [], []
        for _ in range(ROUNDS):
            cost, rate = await _window(url, pids)
            ours.append(cost["ours"])
            ratios.append(cost["ours"] / cost["theirs"])
            rates.append(rate)
    finally:
        theirs.kill()
        theirs.wait()
        await child.stop()
    ratio, count = statistics.median(ratios), statistics.median(rates)
    measured = f"{ratio:.2f} × ({statistics.median(ours) * 1e6:.0f} µs a request; counts {count:.2f} : 1)"
    report("load child CPU per request", "≤ 1.15 × `locust --headless`", measured, ratio <= 1.15)


async def _until_both_run(url: str) -> None:
    deadline = time.monotonic() + 30
    while min(_count(url, side) for side in ("ours", "theirs")) < RATE_PER_S:
        if time.monotonic() > deadline:
            raise RuntimeError("one of the two sides does not load the server")
        await asyncio.sleep(0.1)


async def _window(url: str, pids: dict[str, int]) -> tuple[dict[str, float], float]:
    before = {side: (_cpu_s(pid), _count(url, side)) for side, pid in pids.items()}
    await asyncio.sleep(WINDOW_S)
    after = {side: (_cpu_s(pid), _count(url, side)) for side, pid in pids.items()}
    made = {side: after[side][1] - before[side][1] for side in pids}
    return {s: (after[s][0] - before[s][0]) / made[s] for s in pids}, made["ours"] / made["theirs"]


async def _rates(folder: Path, url: str) -> None:
    """The highest rate at which p99 lag stays below 50 ms and nothing is dropped."""
    child, recorder = await _child(folder, url, [{"http": "GET {order}/rates"}])
    held, lags = 0, []
    try:
        for rate in RATES_TO_TRY:
            # The best of three: others at work on the machine can only make it worse.
            ended = [await _one_rate(child, recorder, rate) for _ in range(3)]
            best = min(ended, key=lambda event: (event.dropped, event.lag_ms_p99))
            lags.append(f"{rate}/s: {best.lag_ms_p99:.1f} ms")
            if best.lag_ms_p99 >= 50 or best.dropped:
                break
            held = rate
    finally:
        await child.stop()
    report("highest rate of one child, p99 lag < 50 ms", "≥ 500/s", f"{held}/s ({', '.join(lags)})", held >= 500)


async def _one_rate(child: LoadChild, recorder: ListRecorder, rate: int) -> LoadEnded:
    recorder.events.clear()
    await child.begin(_load(rate), bodies=False, seed=1)
    await asyncio.sleep(2.0)
    await child.end()
    return next(event for event in recorder.events if isinstance(event, LoadEnded))


def _parent() -> None:
    """What a sample costs the run itself, from the frame to the recorder."""
    recorder = ListRecorder()
    child = LoadChild(
        system=System(system="bench"),
        urls={},
        clock=RealClock(),
        recorder=recorder,
        ward=FreeWard(),
        log_folder=Path(),
    )
    child._texts[1] = "GET /"
    count = 20_000
    packed = wire.RECORD.pack(1.0, 1.0, 900, 1, 200, 0, wire.FLAG_OK) * count
    payload = wire.pack_samples(packed, [])[wire.HEADER.size :]
    times = []
    for _ in range(7):
        recorder.events.clear()
        begun = time.process_time()
        child._samples(payload)
        times.append((time.process_time() - begun) / count * 1e6)
    cost = statistics.median(times)
    report("CPU of the run per sample", "≤ 7 µs", f"{cost:.1f} µs", cost <= 7)


async def _child(folder: Path, url: str, journey: object) -> tuple[LoadChild, ListRecorder]:
    recorder = ListRecorder()
    system = System.model_validate({"system": "bench", "journeys": {"it": journey}})
    child = LoadChild(
        system=system,
        urls={"order": url},
        clock=RealClock(),
        recorder=recorder,
        ward=FreeWard(),
        log_folder=folder,
    )
    await child.start()
    return child, recorder


def _load(rate: int) -> Load:
    return Load.model_validate({"journey": "it", "rate": f"{rate}/s"})


def _cpu_s(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def _count(url: str, side: str) -> int:
    with urllib.request.urlopen(f"{url}/count/{side}", timeout=5) as answer:
        return int(answer.read())


@contextmanager
def _server() -> Iterator[str]:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.communicate()


if __name__ == "__main__":
    main()
