"""Injecting, holding and reverting the faults of one scenario; every change is journalled before it is made."""

from __future__ import annotations

import json
from collections.abc import Callable

from msgspec import Struct, field

from chaoskit.errors import ChaoskitError, EngineFailed, FaultFailed
from chaoskit.model.event import FaultAsked, FaultConfirmed, FaultFailedEvent, FaultHit, FaultReverted
from chaoskit.model.instruction import Instruction
from chaoskit.model.plan import PlannedFault
from chaoskit.ports.actuator import Actuator
from chaoskit.ports.clock import Clock
from chaoskit.ports.journal import Journal
from chaoskit.ports.recorder import Recorder


class _Change(Struct):
    """One instruction of a fault, from the moment it stands in the journal."""

    actuator: Actuator
    handle: str
    instruction: Instruction
    tokens: list[str] = field(default_factory=list)


class _Active(Struct):
    planned: PlannedFault
    changes: list[_Change] = field(default_factory=list)
    confirmed_at: float | None = None
    hits: int = 0
    failed: bool = False


class FaultControl:
    """`active` are the ids of faults that may have changed something and are not reverted yet."""

    def __init__(
        self, actuator_of: Callable[[Instruction], Actuator], journal: Journal, clock: Clock, recorder: Recorder
    ) -> None:
        self._actuator_of = actuator_of
        self._journal = journal
        self._clock = clock
        self._recorder = recorder
        self._active: dict[str, _Active] = {}

    @property
    def active(self) -> tuple[str, ...]:
        return tuple(self._active)

    def confirmed_at(self, fault: str) -> float | None:
        """When an active fault was read back, in run seconds."""
        return self._active[fault].confirmed_at if fault in self._active else None

    async def inject(self, planned: PlannedFault) -> None:
        """Inject one fault, or record that it failed and raise. Whatever was changed by then stays revertible."""
        params = planned.spec.model_dump(
            mode="json", exclude_none=True, by_alias=True, exclude={"at", "for_", *planned.spec.targets}
        )
        self._recorder.record(
            FaultAsked(
                t=self._clock.now(),
                fault=planned.id,
                name=planned.name,
                target=planned.target,
                params=json.dumps(params, ensure_ascii=False),
            )
        )
        active = self._active[planned.id] = _Active(planned)
        details = []
        try:
            for instruction in planned.instructions:
                details.append(await self._change(active, instruction))
        except ChaoskitError as error:
            self._failed(active, "inject", error.what)
            raise
        active.confirmed_at = self._clock.now()
        self._recorder.record(
            FaultConfirmed(
                t=active.confirmed_at,
                fault=planned.id,
                name=planned.name,
                target=planned.target,
                detail="; ".join(dict.fromkeys(details)),
            )
        )

    async def _change(self, active: _Active, instruction: Instruction) -> str:
        actuator = self._actuator_of(instruction)
        handle, undos = actuator.prepare(f"{active.planned.id}-{len(active.changes)}", instruction)
        change = _Change(actuator, handle, instruction, [self._journal.enter(undo) for undo in undos])
        active.changes.append(change)
        return (await actuator.inject(handle, instruction)).detail

    async def hold(self) -> None:
        """Look after all confirmed faults: what they hit, and whether they are still in force."""
        for active in list(self._active.values()):
            if active.confirmed_at is not None and not active.failed:
                await self._hold_one(active)

    async def _hold_one(self, active: _Active) -> None:
        hits: list[int] = []
        for change in active.changes:
            count, gone = await change.actuator.hold(change.handle, change.instruction)
            if gone:
                self._failed(active, "hold", gone)
                raise FaultFailed(f"fault '{active.planned.name}' on {active.planned.target} ended early: {gone}")
            if count is not None:
                hits.append(count)
        if hits and sum(hits) != active.hits:
            active.hits = sum(hits)
            self._recorder.record(FaultHit(t=self._clock.now(), fault=active.planned.id, count=active.hits))

    async def revert(self, fault: str) -> None:
        """Take one fault back and read back that it is gone. What could not be stays in the journal."""
        active = self._active.get(fault)
        if active is None:
            return
        asked = self._clock.now()
        details: list[str] = []
        problems: list[str] = []
        for change in reversed(active.changes):
            try:
                details.append((await change.actuator.revert(change.handle, change.instruction)).detail)
                for token in change.tokens:
                    self._journal.done(token)
            except (FaultFailed, EngineFailed) as error:
                problems.append(error.what)
        if problems:
            self._failed(active, "revert", "; ".join(problems))
        elif active.confirmed_at is not None:
            self._recorder.record(
                FaultReverted(t=self._clock.now(), fault=fault, asked_t=asked, detail="; ".join(dict.fromkeys(details)))
            )
        del self._active[fault]

    async def revert_all(self) -> None:
        """Take all faults back, the newest first."""
        for fault in reversed(list(self._active)):
            await self.revert(fault)

    def _failed(self, active: _Active, step: str, reason: str) -> None:
        active.failed = True
        self._recorder.record(FaultFailedEvent(t=self._clock.now(), fault=active.planned.id, step=step, reason=reason))
