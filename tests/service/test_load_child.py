"""The load child as a process: several loads, the same for a seed, gone when its parent is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chaoskit.errors import EngineFailed
from chaoskit.model.event import LoadEnded, LoadIteration, LoadStarted, Sample
from chaoskit.model.scenario import Load

from tests.service.load_target import Driven, Stage, Target, driven, stage, target

pytestmark = pytest.mark.service

JOURNEYS = {
    "gone": [{"http": "GET {gone}/"}],
    "browse": [{"http": "GET {order}/orders/{seeded.order}"}],
    "place": [
        {"http": "POST {order}/orders", "json": {"id": "{uuid}", "n": "{seq}"}, "name": "place"},
        {"http": "GET {order}/status/404", "expect_status": [404]},
        {"http": "GET {order}/status/500"},
    ],
}
SEEDED = {"order": list("abcdefg")}


@pytest.fixture(scope="module")
def on() -> Iterator[Stage]:
    """One child for the tests that do it no harm."""
    with stage(JOURNEYS, SEEDED) as shared:
        yield shared


def test_several_loads_in_one_child(on: Stage) -> None:
    """Protects a run of many scenarios: one process for all, each load with its own names, numbers and keys."""

    async def run(served: Target, load: Driven) -> None:
        await load.load("browse", "100/s", until=lambda: len(load.of(Sample)) >= 20)
        first = len(load.of(Sample))
        await load.load("place", "50/s", until=lambda: len(load.of(LoadIteration)) >= 10, bodies=True)
        second = len(load.of(Sample))
        await load.load("place", "50/s", until=lambda: len(load.of(Sample)) >= second + 20)
        assert [event.journey for event in load.of(LoadStarted)] == ["browse", "place", "place"]
        assert len(load.of(LoadEnded)) == 3
        outcomes = Counter((s.name, s.status, s.ok, s.error, s.body) for s in load.of(Sample)[first:second])
        assert set(outcomes) == {
            ("place", 200, True, "", '{"ok":true}'),
            ("GET {order}/status/404", 404, True, "", "oops"),
            ("GET {order}/status/500", 500, False, "", "oops"),
        }
        assert {(i.requests, i.ok) for i in load.of(LoadIteration)} == {(3, False)}
        posted = [json.loads(body) for method, _, body, _ in served.seen if method == "POST"]
        assert len({order["id"] for order in posted}) == len(posted) == len({order["n"] for order in posted})

    on.play(run)


def test_later_requests_of_an_iteration_are_due_when_they_start(on: Stage) -> None:
    """Protects the latency of each request: it is not charged with the time of the ones before it."""

    async def run(served: Target, load: Driven) -> None:
        await load.load("place", "20/s", until=lambda: len(load.of(LoadIteration)) >= 5)
        for sample in load.of(Sample):
            assert sample.due <= sample.t
            if sample.name != "place":
                assert sample.latency_ms == pytest.approx(sample.service_ms, abs=0.01)

    on.play(run)


def test_the_same_seed_makes_the_same_requests(tmp_path: Path) -> None:
    """Protects repeatability: two children with one seed ask for the same things, a later load for others."""

    async def keys() -> tuple[list[str], list[str]]:
        async with target() as served, driven(served.url, tmp_path, JOURNEYS, SEEDED) as load:
            found = []
            for _ in range(2):
                served.seen.clear()
                load.recorder.events.clear()
                await load.load("place", "50/s", until=lambda: len(load.of(LoadIteration)) >= 20)
                found.append([json.loads(body)["id"] for method, _, body, _ in served.seen if method == "POST"])
            return found[0], found[1]

    async def run() -> None:
        (one, later), (same, _) = await asyncio.gather(keys(), keys())
        # Iterations overlap on a busy machine, so the order of arrival is not the order in which they were due.
        assert set(one[:8]) <= set(same)
        assert not set(one) & set(later)

    asyncio.run(run())


def test_a_refused_target_is_a_sample_and_not_silence(on: Stage) -> None:
    """Protects from an outage that leaves no trace: each refused request has its sample, status 0, with the reason."""

    async def run(served: Target, load: Driven) -> None:
        await load.load("gone", "50/s", until=lambda: len(load.of(Sample)) >= 10)
        assert {(s.status, s.error, s.ok) for s in load.of(Sample)} == {(0, "connection refused", False)}
        (ended,) = load.of(LoadEnded)
        assert ended.completed == len(load.of(Sample))

    on.play(run)


def test_a_child_that_is_killed_is_dead_with_its_reason(tmp_path: Path) -> None:
    """Protects from green without load: the run learns that the child is gone, and a further load is refused."""

    async def run() -> None:
        async with target() as served, driven(served.url, tmp_path, JOURNEYS, SEEDED) as load:
            await load.child.begin(Load.model_validate({"journey": "browse", "rate": "50/s"}), bodies=False, seed=1)
            assert load.child.dead() == ""
            assert load.child._process is not None
            os.kill(load.child._process.pid, signal.SIGKILL)
            assert await load.clock.until(lambda: bool(load.child.dead()), load.clock.now() + 5)
            assert "ended by signal 9" in load.child.dead()
            await load.child.end()
            with pytest.raises(EngineFailed, match="not running"):
                await load.child.begin(Load.model_validate({"journey": "browse", "rate": "1/s"}), bodies=False, seed=1)

    asyncio.run(run())


PARENT = """
import asyncio, sys, threading
from pathlib import Path
from tests.service.load_target import driven
from chaoskit.model.scenario import Load

async def main(url, folder):
    async with driven(url, Path(folder), {"browse": [{"http": "GET {order}/ok"}]}) as load:
        await load.child.begin(Load.model_validate({"journey": "browse", "rate": "100/s"}), bodies=False, seed=1)
        print(load.child._process.pid, flush=True)
        await asyncio.sleep(60)

run = lambda: asyncio.run(main(*sys.argv[2:]))
if sys.argv[1] == "thread":
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
else:
    run()
"""


def ends_within(seconds: float, ended: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not ended():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.parametrize("where", ["main", "thread"])
def test_no_orphan_goes_on_loading(tmp_path: Path, where: str) -> None:
    """Protects the system under test: kill -9 of the parent ends the load within a second, from any thread."""

    async def run(served: Target) -> None:
        parent = subprocess.Popen(  # noqa: ASYNC220 — it says one line at once
            [sys.executable, "-c", PARENT, where, served.url, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert parent.stdout is not None
            pid = int(await asyncio.to_thread(parent.stdout.readline))
            assert not gone(pid)
            parent.kill()
            assert await asyncio.to_thread(ends_within, 1.0, lambda: gone(pid))
        finally:
            parent.kill()
            parent.communicate()

    async def serve() -> None:
        async with target() as served:
            await run(served)

    asyncio.run(serve())
