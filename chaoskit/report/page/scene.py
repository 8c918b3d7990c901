"""One scenario as the report looks at it: its record, its events by kind, and the axis that all its panels share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec import Struct, field

from chaoskit.model.event import (
    Event,
    FaultAsked,
    FaultConfirmed,
    FaultReverted,
    PhaseStarted,
    ScenarioEnded,
    ScenarioStarted,
)
from chaoskit.model.plan import ScenarioPlan
from chaoskit.model.record import ScenarioRecord
from chaoskit.model.story import ScenarioStory
from chaoskit.model.system import System
from chaoskit.report.page.axis import TimeAxis
from chaoskit.report.page.fault_label import fault_label, planned_fault

E = TypeVar("E", bound=Event)


class FaultBand(Struct, frozen=True):
    """A fault from its confirmed injection to its confirmed revert; `confirmed` False: it was only asked for."""

    fault: str
    label: str
    target: str
    start: float
    end: float
    confirmed: bool = True


class Scene(Struct, frozen=True):
    """Everything that is shown of one scenario. `events` keep the order that `Finding.evidence` counts in."""

    record: ScenarioRecord
    events: Sequence[Event]
    story: ScenarioStory
    plan: ScenarioPlan | None
    system: System | None
    seed: int
    axis: TimeAxis
    bands: tuple[FaultBand, ...]
    by_kind: Mapping[type[Event], list[Event]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Prefix of all ids of this scenario in the page."""
        return f"s{self.record.index}"

    def of(self, cls: type[E]) -> list[E]:
        """All events of one kind by `t`."""
        return self.by_kind.get(cls, [])  # type: ignore[return-value]

    def check_id(self, position: int) -> str:
        """Id of the evidence of the check at this position in the record."""
        return f"{self.id}-check{position}"

    def relative(self, t: float) -> float:
        """Seconds since the first injection (or the scenario's start, when nothing was injected)."""
        return t - self.axis.zero


def scene_of(
    record: ScenarioRecord,
    events: Sequence[Event],
    story: ScenarioStory,
    plan: ScenarioPlan | None = None,
    system: System | None = None,
    seed: int = 0,
) -> Scene:
    """The scene of one scenario; `events` are those of this scenario alone, in recorded order."""
    by_kind: dict[type[Event], list[Event]] = {}
    for event in events:
        by_kind.setdefault(type(event), []).append(event)
    for rows in by_kind.values():
        rows.sort(key=lambda event: event.t)
    axis = _axis(record, by_kind)
    bands = _bands(by_kind, axis, plan)
    return Scene(record, events, story, plan, system, seed, axis, bands, by_kind)


def _axis(record: ScenarioRecord, by_kind: Mapping[type[Event], list[Event]]) -> TimeAxis:
    def first(cls: type[Event]) -> float | None:
        rows = by_kind.get(cls)
        return rows[0].t if rows else None

    started, ended = first(ScenarioStarted), first(ScenarioEnded)
    phases = first(PhaseStarted)
    # Set-up before the first phase (resets, health checks) shows nothing: the picture begins with the baseline.
    start = phases if phases is not None else started if started is not None else record.started
    end = ended if ended is not None else max([record.ended, *(rows[-1].t for rows in by_kind.values())])
    confirmed = first(FaultConfirmed)
    return TimeAxis.over(start, max(end, start), confirmed if confirmed is not None else start)


def _bands(
    by_kind: Mapping[type[Event], list[Event]], axis: TimeAxis, plan: ScenarioPlan | None
) -> tuple[FaultBand, ...]:
    reverted = {e.fault: e.t for e in by_kind.get(FaultReverted, []) if isinstance(e, FaultReverted)}
    asked = {e.fault: e for e in by_kind.get(FaultAsked, []) if isinstance(e, FaultAsked)}
    bands = {}
    for event in by_kind.get(FaultConfirmed, []):
        if isinstance(event, FaultConfirmed):
            params = asked[event.fault].params if event.fault in asked else ""
            label = fault_label(event.name, planned_fault(plan, event), params)
            end = reverted.get(event.fault, axis.end)
            bands[event.fault] = FaultBand(event.fault, label, event.target, event.t, end)
    for name, ask in asked.items():
        if name not in bands:
            label = fault_label(ask.name, planned_fault(plan, ask), ask.params)
            bands[name] = FaultBand(name, label, ask.target, ask.t, ask.t, confirmed=False)
    return tuple(sorted(bands.values(), key=lambda band: band.start))
