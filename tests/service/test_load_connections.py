"""Keep-alive neither hides a fault nor makes one up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from chaoskit.model.event import LoadEnded, Sample

from tests.service.load_target import driven, target

pytestmark = pytest.mark.service

JOURNEYS = {
    "close": [{"http": "GET {order}/close"}],
    "second": [{"http": "GET {order}/second-dies"}],
    "cut": [{"http": "GET {order}/cut"}],
    "trickle": [{"http": "GET {order}/trickle"}],
    "post": [{"http": "POST {order}/ok", "json": {}}],
}


def test_connections_that_end_badly(tmp_path: Path) -> None:
    """Protects the count of errors and of attempts: fresh connections are not tried again, a kept one once."""

    async def run() -> None:
        async with target() as served, driven(served.url, tmp_path, JOURNEYS) as load:
            await load.load("close", "40/s", until=lambda: len(load.of(Sample)) >= 10)
            samples = load.of(Sample)
            assert {(s.status, s.error) for s in samples} == {(0, "connection closed without an answer")}
            assert len(served.seen) == len(samples)  # one attempt each: none hidden, none added

            load.recorder.events.clear()
            await load.load("second", "40/s", until=lambda: len(load.of(Sample)) >= 20)
            assert {(s.status, s.error, s.ok) for s in load.of(Sample)} == {(200, "", True)}

            load.recorder.events.clear()
            await load.load("cut", "40/s", until=lambda: len(load.of(Sample)) >= 10)
            for sample in load.of(Sample):
                assert sample.status == 200
                assert sample.error.startswith("bad or cut answer")
                assert not sample.ok

            load.recorder.events.clear()
            await load.load("trickle", "20/s", until=lambda: len(load.of(Sample)) >= 5, timeout="300ms")
            for sample in load.of(Sample):
                assert (sample.error, sample.ok) == ("timeout", False)
                assert 290 <= sample.service_ms <= 900

    asyncio.run(run())


def test_a_long_idle_connection_is_not_raced_for(tmp_path: Path) -> None:
    """Protects POST, which must not be repeated: after 2 s of idleness it goes over a fresh connection."""

    async def run() -> None:
        async with target() as served, driven(served.url, tmp_path, JOURNEYS) as load:
            await load.load("post", "24/m", until=lambda: len(load.of(Sample)) >= 2)
            numbers = [connection for *_, connection in served.seen]
            assert len(set(numbers)) == len(numbers)
            assert all(sample.ok for sample in load.of(Sample))
            served.seen.clear()
            load.recorder.events.clear()
            await load.load("post", "40/s", until=lambda: len(load.of(Sample)) >= 20)
            assert len({connection for *_, connection in served.seen}) < len(served.seen) / 2

    asyncio.run(run())


def test_ending_waits_for_what_is_in_flight_but_not_for_ever(tmp_path: Path) -> None:
    """Protects the end of a scenario: bounded by the drain, and what never came back is not counted as completed."""

    async def run() -> None:
        async with target() as served, driven(served.url, tmp_path, JOURNEYS) as load:
            served.gate.clear()
            begun = load.clock.now()
            await load.load("post", "40/s", until=lambda: len(served.seen) >= 5, drain_s=0.3)
            assert load.clock.now() - begun < 3
            (ended,) = load.of(LoadEnded)
            assert ended.started >= 5
            assert ended.completed == 0

    asyncio.run(run())
