"""One scenario: phases in order, faults in time, nothing left in force, an early end when all is decided."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from chaoskit.errors import Aborted, EngineFailed
from chaoskit.model.event import (
    ClockJumped,
    FaultConfirmed,
    FaultFailedEvent,
    FaultReverted,
    GuardTripped,
    LinkProof,
    PartDied,
    PhaseStarted,
    SteadySeen,
)
from chaoskit.model.scenario import Steady
from chaoskit.model.system import Guard
from chaoskit.run.guards import Guards

from tests.fakes.specs import FakeCheck, FakeFault
from tests.unit.run.stage import Stage

LATE = 10**9


def fault(at: float = 1.0, for_: float | None = 2.0) -> FakeFault:
    return FakeFault.model_validate(
        {"nuisance": 1, "link": "a -> b", "at": f"{at}s"} | ({"for": f"{for_}s"} if for_ else {})
    )


async def test_phases_come_in_order_and_the_fault_is_gone(tmp_path: Path) -> None:
    """Baseline, fault, recovery; the fault is confirmed in between, reverted, and its journal entry closed."""
    stage = Stage(tmp_path, faults=(fault(),), checks=(FakeCheck(decided_after=LATE),))
    record, error = await stage.play()
    assert error is None
    assert [e.phase for e in stage.events if isinstance(e, PhaseStarted)] == ["baseline", "fault", "recovery"]
    assert stage.kinds("fault.asked", "fault.confirmed", "fault.reverted") == [
        "fault.asked",
        "fault.confirmed",
        "fault.reverted",
    ]
    assert stage.actuator.in_force == {}
    assert stage.journal.open == {}
    assert record.reason == "deadline"
    assert not stage.load.on


async def test_a_fault_lasts_as_long_as_it_says(tmp_path: Path) -> None:
    """`at` and `for` are kept to within two ticks."""
    stage = Stage(tmp_path, faults=(fault(1.0, 2.0),), checks=(FakeCheck(decided_after=LATE),))
    await stage.play()
    confirmed, reverted = stage.first(FaultConfirmed), stage.first(FaultReverted)
    assert confirmed.t == pytest.approx(1.0, abs=0.11)
    assert reverted.asked_t - confirmed.t == pytest.approx(2.0, abs=0.11)


async def test_ends_once_decided(tmp_path: Path) -> None:
    """A scenario does not wait for its deadline when all verdicts are final, and still reverts its fault."""
    stage = Stage(tmp_path, faults=(fault(1.0, 60.0),), checks=(FakeCheck(decided_after=150),))
    record, _ = await stage.play()
    assert record.reason == "decided"
    assert record.ended - record.started < 10
    assert stage.actuator.in_force == {}


async def test_a_fault_without_for_ends_when_only_recovery_is_awaited(tmp_path: Path) -> None:
    """`for` left out means: until nothing that looks at the fault needs it any more."""
    check = FakeCheck(decided_after=400, awaits="recovery")
    stage = Stage(tmp_path, faults=(fault(1.0, None),), checks=(check,))
    await stage.play()
    confirmed, reverted = stage.first(FaultConfirmed), stage.first(FaultReverted)
    assert reverted.asked_t - confirmed.t < 1.0


async def test_no_steady_state_no_fault(tmp_path: Path) -> None:
    """A system that is not well before the fault is never hurt, and the evidence says why."""
    stage = Stage(tmp_path, faults=(fault(),), steady=Steady.model_validate({"p95": "100ms", "within": "3s"}))
    stage.load.latency_ms = 500
    record, _ = await stage.play()
    assert stage.first(FaultConfirmed) is None
    assert stage.first(SteadySeen).held is False
    assert "never held" in record.reason


async def test_no_traffic_on_the_link_no_fault(tmp_path: Path) -> None:
    """A link that the load does not pass is not proven, so no fault is put on it."""
    stage = Stage(tmp_path, faults=(fault(),))
    stage.tap.bypassed = True
    await stage.play()
    assert stage.first(LinkProof).passed is False
    assert stage.first(FaultConfirmed) is None


async def test_the_proof_comes_before_the_fault(tmp_path: Path) -> None:
    """Traffic on the link is proven before the injection."""
    stage = Stage(tmp_path, faults=(fault(),))
    await stage.play()
    assert stage.kinds("link.proof", "fault.asked") == ["link.proof", "fault.asked"]


async def test_a_fault_from_the_start_precedes_the_first_request(tmp_path: Path) -> None:
    """`at: 0s` means that no request ever saw the healthy link."""
    stage = Stage(tmp_path, faults=(fault(0.0, 2.0),), checks=(FakeCheck(decided_after=LATE),))
    await stage.play()
    assert stage.kinds("fault.confirmed", "load.started") == ["fault.confirmed", "load.started"]
    assert stage.first(LinkProof).passed is True


async def test_a_part_that_dies_ends_the_run(tmp_path: Path) -> None:
    """A dead engine in mid-run is noticed within a tick, recorded, and everything is reverted."""
    stage = Stage(tmp_path, faults=(fault(1.0, 30.0),), checks=(FakeCheck(decided_after=LATE),))
    stage.at.append((2.0, lambda: setattr(stage.part, "reason", "killed by SIGKILL")))
    record, error = await stage.play()
    assert isinstance(error, EngineFailed)
    assert stage.first(PartDied).t == pytest.approx(2.0, abs=0.11)
    assert record.reason.startswith("broken")
    assert stage.actuator.in_force == {}


async def test_a_fault_that_ended_early_ends_the_scenario_only(tmp_path: Path) -> None:
    """Other scenarios may go on when somebody else took our fault away; this one is over."""
    stage = Stage(tmp_path, faults=(fault(1.0, 30.0),), checks=(FakeCheck(decided_after=LATE),))
    stage.at.append((2.0, lambda: setattr(stage.actuator, "gone", "the toxic is gone")))
    record, error = await stage.play()
    assert error is None
    assert stage.first(FaultFailedEvent).step == "hold"
    assert "ended early" in record.reason


async def test_the_stop_file_aborts(tmp_path: Path) -> None:
    """One file stops a run wherever it is, and the fault is taken back."""
    stage = Stage(tmp_path, faults=(fault(1.0, 30.0),), checks=(FakeCheck(decided_after=LATE),))
    stage.at.append((2.0, stage.stop_file.touch))
    _, error = await stage.play()
    assert isinstance(error, Aborted)
    assert stage.first(GuardTripped).guard == "stop file"
    assert stage.actuator.in_force == {}


async def test_a_signal_whose_cancellation_was_swallowed_aborts_all_the_same(tmp_path: Path) -> None:
    """Whatever library eats a cancellation: the next look stops the run, and the fault is taken back."""
    stage = Stage(tmp_path, faults=(fault(1.0, 30.0),), checks=(FakeCheck(decided_after=LATE),))
    reasons: list[str] = []
    stage.cast.guards = Guards(Guard(), stage.stop_file, stage.clock, stage.recorder, lambda: "".join(reasons))
    stage.at.append((2.0, lambda: reasons.append("stopped by SIGTERM")))
    _, error = await stage.play()
    assert isinstance(error, Aborted)
    assert error.what == "stopped by SIGTERM"
    assert stage.actuator.in_force == {}


@pytest.mark.parametrize(("guard", "change"), [("errors_max", ("ok", False)), ("latency_max", ("latency_ms", 900.0))])
async def test_guards_on_the_load_abort(tmp_path: Path, guard: str, change: tuple[str, object]) -> None:
    """A system that is hurt more than its file allows is relieved at once."""
    limits = Guard.model_validate({"errors_max": "20%", "latency_max": "800ms"})
    stage = Stage(tmp_path, faults=(fault(1.0, 30.0),), checks=(FakeCheck(decided_after=LATE),), guards=limits)
    stage.at.append((2.0, lambda: setattr(stage.load, *change)))
    _, error = await stage.play()
    assert isinstance(error, Aborted)
    assert stage.first(GuardTripped).guard == guard
    assert stage.clock.now() < 6


async def test_a_clock_jump_is_evidence(tmp_path: Path) -> None:
    """A wall clock that is set during the run is recorded, so that the gates can void what it touched."""
    stage = Stage(tmp_path, faults=(fault(),), checks=(FakeCheck(decided_after=LATE),))
    stage.at.append((1.5, lambda: setattr(stage.clock, "skew", 30.0)))
    await stage.play()
    assert stage.first(ClockJumped).jump_ms == pytest.approx(30_000, rel=0.01)


async def test_a_check_that_raises_does_not_leave_the_fault(tmp_path: Path) -> None:
    """A bug of ours in judging must not leave the system changed."""
    stage = Stage(tmp_path, faults=(fault(1.0, 30.0),))

    def explode(evidence, system):
        raise ZeroDivisionError

    stage.cast.judge = explode
    with pytest.raises(ZeroDivisionError):
        await stage.play()
    assert stage.actuator.in_force == {}
    assert stage.journal.open == {}


async def test_cancelling_reverts(tmp_path: Path) -> None:
    """A signal cancels the run at any await; what was injected by then is taken back before it ends."""
    stage = Stage(tmp_path, faults=(fault(1.0, 30.0),), checks=(FakeCheck(decided_after=LATE),))
    playing = asyncio.create_task(stage.play())
    stage.at.append((2.0, playing.cancel))
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert stage.actuator.in_force == {}
    assert stage.journal.open == {}


async def test_the_steady_state_must_come_back(tmp_path: Path) -> None:
    """After healing the steady state is looked for again, and its absence is recorded."""
    stage = Stage(tmp_path, faults=(fault(),), steady=Steady.model_validate({"p95": "100ms", "within": "4s"}))
    stage.at.append((1.5, lambda: setattr(stage.load, "latency_ms", 900.0)))
    await stage.play()
    assert [(e.phase, e.held) for e in stage.events if isinstance(e, SteadySeen)] == [
        ("baseline", True),
        ("recovery", False),
    ]
