"""The open model against a real server: a stall is seen, a shortage of users is told, a slow generator as well."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
from chaoskit.model.event import LoadEnded, LoadSecond, Sample

from tests.service.load_target import Driven, Stage, Target, stage

pytestmark = pytest.mark.service
BROWSE = {"browse": [{"http": "GET {order}/ok"}]}


async def stall(served: Target, after_s: float, for_s: float) -> None:
    await asyncio.sleep(after_s)
    served.gate.clear()
    await asyncio.sleep(for_s)
    served.gate.set()


async def closed_model(url: str, seconds: float) -> list[float]:
    """What one paced client sees that waits for its answer before it asks again: service times in ms."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    times: list[float] = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        begun = time.monotonic()
        writer.write(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"}")
        times.append((time.monotonic() - begun) * 1000)
        await asyncio.sleep(0.005)
    writer.close()
    return times


@pytest.fixture(scope="module")
def on() -> Iterator[Stage]:
    """One child for all tests of this module."""
    with stage(BROWSE) as shared:
        yield shared


def test_a_stall_is_not_omitted(on: Stage) -> None:
    """Protects the verdict on latency: a server that stalls for 1 s shows in p99, which a closed model hides."""

    async def run(served: Target, load: Driven) -> None:
        stalling = asyncio.create_task(stall(served, 1.0, 1.0))
        closed = asyncio.create_task(closed_model(served.url, 3.0))
        await load.load("browse", "200/s", until=closed.done, users_max=300)
        await stalling
        samples, (ended,) = load.of(Sample), load.of(LoadEnded)
        assert np.percentile([sample.latency_ms for sample in samples], 99) >= 850
        assert np.percentile(closed.result(), 99) < 300
        assert ended.dropped == 0
        assert ended.completed == ended.started == ended.due == len(samples)
        assert all(s.ok and s.status == 200 for s in samples)

    on.play(run)


def test_what_nobody_is_free_for_is_dropped_and_counted(on: Stage) -> None:
    """Protects from a pool too small that makes a slow system look fast: every drop is in the evidence."""

    async def run(served: Target, load: Driven) -> None:
        served.gate.clear()
        opening = asyncio.create_task(stall(served, 0.0, 2.2))
        await load.load("browse", "50/s", until=opening.done, users_max=3)
        seconds, (ended,) = load.of(LoadSecond), load.of(LoadEnded)
        assert ended.dropped > 20
        assert ended.due == ended.started + ended.dropped
        for name in ("due", "started", "dropped"):
            assert sum(getattr(second, name) for second in seconds) == getattr(ended, name)

    on.play(run)


def test_a_generator_that_did_not_run_says_so(on: Stage) -> None:
    """Protects verdicts on a busy machine: the lag of the generator itself is a series, and latency counts from due."""

    async def run(served: Target, load: Driven) -> None:
        pid = load.child._process.pid  # type: ignore[union-attr]  # the child is the part under test

        async def freeze() -> None:
            await asyncio.sleep(0.5)
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(0.5)
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.5)

        frozen = asyncio.create_task(freeze())
        await load.load("browse", "100/s", until=frozen.done)
        worst = max(second.lag_ms_max for second in load.of(LoadSecond))
        (ended,) = load.of(LoadEnded)
        assert worst >= 400
        assert ended.lag_ms_p99 >= 300
        late = [s for s in load.of(Sample) if s.latency_ms - s.service_ms >= 100 and s.t - s.due >= 0.1]
        assert len(late) >= 20
        assert ended.dropped == 0

    on.play(run)
