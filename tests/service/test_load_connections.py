"""Keep-alive neither hides a fault nor makes one up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chaoskit.model.event import LoadEnded, Sample

from tests.service.load_target import Driven, Stage, Target, stage

pytestmark = pytest.mark.service

JOURNEYS = {
    "close": [{"http": "GET {order}/close"}],
    "second": [{"http": "GET {order}/second-dies"}],
    "cut": [{"http": "GET {order}/cut"}],
    "trickle": [{"http": "GET {order}/trickle"}],
    "post": [{"http": "POST {order}/ok", "json": {}}],
}


@pytest.fixture(scope="module")
def on() -> Iterator[Stage]:
    """One child for all tests of this module."""
    with stage(JOURNEYS) as shared:
        yield shared


def test_connections_that_end_badly(on: Stage) -> None:
    """Protects the count of errors and of attempts: fresh connections are not tried again, a kept one once."""

    async def run(served: Target, load: Driven) -> None:
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

    on.play(run)


def test_a_long_idle_connection_is_not_raced_for(on: Stage) -> None:
    """Protects POST, which must not be repeated: after 1.5 s of idleness it goes over a fresh connection."""

    async def run(served: Target, load: Driven) -> None:
        await load.load("post", "24/m", until=lambda: len(load.of(Sample)) >= 2)
        numbers = [connection for *_, connection in served.seen]
        assert len(set(numbers)) == len(numbers)
        assert all(sample.ok for sample in load.of(Sample))
        served.seen.clear()
        load.recorder.events.clear()
        await load.load("post", "40/s", until=lambda: len(load.of(Sample)) >= 20)
        assert len({connection for *_, connection in served.seen}) < len(served.seen) / 2

    on.play(run)


def test_ending_waits_for_what_is_in_flight_but_not_for_ever(on: Stage) -> None:
    """Protects the end of a scenario: bounded by the drain, and what never came back is not counted as completed."""

    async def run(served: Target, load: Driven) -> None:
        served.gate.clear()
        begun = load.clock.now()
        await load.load("post", "40/s", until=lambda: len(served.seen) >= 5, drain_s=0.3)
        assert load.clock.now() - begun < 3
        (ended,) = load.of(LoadEnded)
        assert ended.started >= 5
        assert ended.completed == 0

    on.play(run)
