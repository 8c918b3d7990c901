"""Links that nobody looks at are nudged: the proof passes when answers follow the nudge, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from chaoskit.checks.phases import phase_windows
from chaoskit.model.event import FaultConfirmed, LinkProof, PhaseStarted, Sample, SteadySeen
from chaoskit.model.evidence import evidence_of
from chaoskit.model.scenario import Steady
from msgspec.structs import replace

from tests.fakes.specs import FakeCheck, FakeFault
from tests.unit.run.stage import Stage


def blind_stage(folder: Path, at: str = "1s", steady: Steady | None = None) -> Stage:
    """A stage whose one link has sight `load`."""
    fault = FakeFault.model_validate({"nuisance": 1, "link": "a -> b", "at": at, "for": "1s"})
    stage = Stage(folder, faults=(fault,), checks=(FakeCheck(decided_after=10**9),), steady=steady)
    stage.cast.plan = replace(stage.plan, links={"a -> b": "load"})
    return stage


def answers_follow(stage: Stage, ms: Callable[[bool], float]) -> None:
    """Let the service time be what `ms` says of whether a toxic is in force."""
    before = stage.clock.on_step

    def step(now: float) -> None:
        stage.load.latency_ms = ms(bool(stage.actuator.in_force))
        before(now)

    stage.clock.on_step = step


@pytest.mark.parametrize("at", ["1s", "0s"])
async def test_answers_that_follow_the_nudge_prove_the_link(tmp_path: Path, at: str) -> None:
    """Slower by the nudge and quick again: proven, before the fault, also where that is there from the start."""
    stage = blind_stage(tmp_path, at)
    answers_follow(stage, lambda toxic: 65.0 if toxic else 5.0)
    await stage.play()
    assert stage.first(LinkProof).passed, stage.first(LinkProof)
    assert stage.kinds("link.proof", "fault.asked") == ["link.proof", "fault.asked"]
    assert [e.phase for e in stage.events if isinstance(e, PhaseStarted)][:3] == ["proof", "baseline", "fault"]
    assert stage.load.begun == 1


@pytest.mark.parametrize("at", ["1s", "0s"])
async def test_answers_that_do_not_care_disprove_it(tmp_path: Path, at: str) -> None:
    """Nothing became slower: no fault is injected, and the toxic of the proof is gone from engine and journal."""
    stage = blind_stage(tmp_path, at)
    record, error = await stage.play()
    assert error is None
    assert not stage.first(LinkProof).passed
    assert "bypass" in stage.first(LinkProof).detail
    assert stage.first(FaultConfirmed) is None
    assert "inject ck-proof" in stage.actuator.log
    assert stage.actuator.in_force == {}
    assert stage.journal.open == {}
    assert "no fault was injected" in record.reason


async def test_a_machine_that_slows_down_proves_nothing(tmp_path: Path) -> None:
    """Answers that became slow with the nudge but stay slow without it did not follow it."""
    stage = blind_stage(tmp_path)
    seen: list[float] = []

    def slower_and_slower(toxic: bool) -> float:
        seen.append(1.0)
        return 5.0 + 2.0 * len(seen)

    answers_follow(stage, slower_and_slower)
    await stage.play()
    assert not stage.first(LinkProof).passed
    assert stage.first(FaultConfirmed) is None


async def test_the_nudge_does_not_count_as_usual(tmp_path: Path) -> None:
    """Samples of the proof belong to no phase that checks judge."""
    stage = blind_stage(tmp_path)
    answers_follow(stage, lambda toxic: 65.0 if toxic else 5.0)
    await stage.play()
    evidence = evidence_of(stage.scenario_plan, stage.events)
    (window,) = phase_windows(evidence, "baseline")
    assert max(sample.service_ms for sample in evidence.samples(window)) == 5.0
    assert any(sample.service_ms == 65.0 and sample.t < window.start for sample in evidence.of(Sample))


async def test_no_steady_state_no_nudge(tmp_path: Path) -> None:
    """A system that is not well is not nudged either."""
    stage = blind_stage(tmp_path, steady=Steady.model_validate({"p95": "1ms", "within": "2s"}))
    await stage.play()
    assert stage.first(SteadySeen).held is False
    assert not stage.first(LinkProof).passed
    assert stage.actuator.log == []


async def test_without_load_and_probe_it_says_so(tmp_path: Path) -> None:
    """Where nothing could tell, the proof says what is missing instead of passing."""
    stage = blind_stage(tmp_path)
    stage.scenario_plan.scenario.__dict__["load"] = None
    await stage.play()
    assert "neither load nor probe" in stage.first(LinkProof).detail
    assert stage.first(FaultConfirmed) is None


async def test_a_signal_takes_the_nudge_back(tmp_path: Path) -> None:
    """Stopped in the middle of the proof: its toxic is gone, and its journal entry closed."""
    stage = blind_stage(tmp_path)
    playing = asyncio.create_task(stage.play())

    def cancel_under_the_nudge(toxic: bool) -> float:
        if toxic:
            playing.cancel()
        return 5.0

    answers_follow(stage, cancel_under_the_nudge)
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert "inject ck-proof" in stage.actuator.log
    assert stage.actuator.in_force == {}
    assert stage.journal.open == {}
