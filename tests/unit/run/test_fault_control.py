"""Faults are journalled before they are injected, read back, held, and reverted in reverse order."""

from __future__ import annotations

import pytest
from chaoskit.errors import EngineFailed, FaultFailed
from chaoskit.model.event import FaultConfirmed, FaultFailedEvent, FaultHit, FaultReverted
from chaoskit.model.plan import PlannedFault
from chaoskit.model.system import System
from chaoskit.run.fault_control import FaultControl

from tests.fakes.engines import FakeActuator, FakeJournal
from tests.fakes.ports import FakeClock, ListRecorder
from tests.fakes.specs import FakeFault


class Stage:
    def __init__(self) -> None:
        self.actuator, self.journal = FakeActuator(), FakeJournal()
        self.clock, self.recorder = FakeClock(), ListRecorder()
        self.faults = FaultControl(lambda instruction: self.actuator, self.journal, self.clock, self.recorder)

    def seen(self, kind: type) -> list:
        return [event for event in self.recorder.events if isinstance(event, kind)]


def planned(count: int = 2, name: str = "f1") -> PlannedFault:
    spec = FakeFault(nuisance=count, link="a -> b")
    return PlannedFault(name, "nuisance", "a -> b", 3.0, 5.0, 5.0, spec.instructions(System(system="s"), 1), spec)


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_the_journal_comes_first(stage: Stage) -> None:
    """A kill between the journal entry and the injection must leave an entry, never a fault without one."""
    order: list[str] = []
    enter = stage.journal.enter
    stage.journal.enter = lambda undo: order.append("journal") or enter(undo)  # type: ignore[method-assign, func-returns-value]
    inject = stage.actuator.inject

    async def noted(handle, instruction):
        order.append("inject")
        return await inject(handle, instruction)

    stage.actuator.inject = noted  # type: ignore[method-assign]
    await stage.faults.inject(planned(2))
    assert order == ["journal", "inject", "journal", "inject"]


async def test_reverts_in_reverse_order_and_closes_the_journal(stage: Stage) -> None:
    """The last change is taken back first, and nothing stays open in the journal."""
    await stage.faults.inject(planned(3))
    await stage.faults.revert("f1")
    reverted = [line for line in stage.actuator.log if line.startswith("revert")]
    assert reverted == ["revert ck-f1-2", "revert ck-f1-1", "revert ck-f1-0"]
    assert stage.journal.open == {}
    assert len(stage.seen(FaultReverted)) == 1


async def test_an_injection_that_fails_is_no_confirmed_fault(stage: Stage) -> None:
    """A refused fault is recorded as failed, is never confirmed, and what was half done is still reverted."""
    stage.actuator.fail_inject = "refused"
    with pytest.raises(FaultFailed):
        await stage.faults.inject(planned())
    assert stage.seen(FaultConfirmed) == []
    assert [event.step for event in stage.seen(FaultFailedEvent)] == ["inject"]
    stage.actuator.fail_inject = ""
    await stage.faults.revert_all()
    assert stage.journal.open == {}


async def test_a_fault_that_ends_early_is_noticed(stage: Stage) -> None:
    """When the engine says that a fault is no longer in force, the scenario must not go on as if it were."""
    await stage.faults.inject(planned())
    stage.actuator.gone = "somebody removed the toxic"
    with pytest.raises(FaultFailed, match="ended early"):
        await stage.faults.hold()
    assert [event.step for event in stage.seen(FaultFailedEvent)] == ["hold"]


async def test_hits_are_recorded_when_they_change(stage: Stage) -> None:
    """The evidence says what a fault touched, once per change and not once per look."""
    await stage.faults.inject(planned(1))
    for hits in (0, 4, 4, 9):
        stage.actuator.hits = hits
        await stage.faults.hold()
    assert [event.count for event in stage.seen(FaultHit)] == [4, 9]


async def test_a_revert_that_fails_stays_in_the_journal(stage: Stage) -> None:
    """What could not be put back is left to the watchdog and to heal, and is said."""
    await stage.faults.inject(planned(1))
    stage.actuator.fail_revert = "hung"
    await stage.faults.revert_all()
    assert len(stage.journal.open) == 1
    assert [event.step for event in stage.seen(FaultFailedEvent)] == ["revert"]
    assert stage.seen(FaultReverted) == []


async def test_an_engine_that_died_does_not_stop_the_other_reverts(stage: Stage) -> None:
    """Reverting goes on through all faults although one engine is dead."""
    await stage.faults.inject(planned(1, "f1"))
    await stage.faults.inject(planned(1, "f2"))
    stage.actuator.dead = "engine gone"
    with pytest.raises(EngineFailed):
        await stage.faults.hold()
    await stage.faults.revert_all()
    assert stage.faults.active == ()
    assert [line for line in stage.actuator.log if line.startswith("revert")] == ["revert ck-f2-0", "revert ck-f1-0"]
