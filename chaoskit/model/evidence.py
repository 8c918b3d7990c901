"""What one scenario's events amount to, indexed once for the checks. Pure: no clock, no I/O.

`Evidence` is read-only for its readers. The run builds it by feeding events as they are recorded (`EvidenceBuilder`),
`chaoskit judge` by feeding a saved file; the same checks see the same thing either way.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct, field

from chaoskit.model.event import (
    Call,
    Event,
    FaultConfirmed,
    FaultReverted,
    PhaseStarted,
    Sample,
    ScenarioEnded,
)
from chaoskit.model.plan import ScenarioPlan

E = TypeVar("E", bound=Event)


class Window(Struct, frozen=True):
    """From `start` (included) to `end` (excluded), in run seconds; `end` is infinite while it lasts."""

    start: float
    end: float = float("inf")

    def __contains__(self, t: float) -> bool:
        return self.start <= t < self.end

    @property
    def length_s(self) -> float:
        return self.end - self.start


class Evidence(Struct):
    """All events of one scenario, by kind and in order of time, with the plan that they were to follow.

    `now` is the newest instant that anything was recorded for: what is due after it has not happened *yet*.
    `complete` is True once the scenario has ended: nothing more will come.
    """

    plan: ScenarioPlan
    events: list[Event] = field(default_factory=list)
    now: float = 0.0
    complete: bool = False
    memo: dict[object, object] = field(default_factory=dict)
    """What the checks derived from it so far; they see to it themselves that it is not out of date."""
    _by_kind: dict[type[Event], list[tuple[float, int]]] = field(default_factory=dict)
    _sorted: dict[type[Event], int] = field(default_factory=dict)

    def of(self, cls: type[E]) -> list[E]:
        """All events of one kind, by `t`."""
        return [self.events[i] for _, i in self._rows(cls)]  # type: ignore[misc]

    def indexed(self, cls: type[E]) -> list[tuple[int, E]]:
        """The same with each event's index, for `Finding.evidence`."""
        return [(i, self.events[i]) for _, i in self._rows(cls)]  # type: ignore[misc]

    def between(self, cls: type[E], window: Window) -> list[E]:
        """Events of one kind whose `t` falls into the window."""
        rows = self._rows(cls)
        lo, hi = bisect_left(rows, (window.start, -1)), bisect_left(rows, (window.end, -1))
        return [self.events[i] for _, i in rows[lo:hi]]  # type: ignore[misc]

    def calls(self, link: str, window: Window | None = None) -> list[Call]:
        """Calls on a link by arrival."""
        found = self.between(Call, window) if window else self.of(Call)
        return [call for call in found if call.link == link]

    def samples(self, window: Window | None = None, name: str | None = None) -> list[Sample]:
        """Samples of the load by their true start, of one request name or all."""
        found = self.between(Sample, window) if window else self.of(Sample)
        return [sample for sample in found if name is None or sample.name == name]

    def indexed_samples(self, window: Window, name: str) -> list[tuple[int, Sample]]:
        """Samples of one request name in a window, each with its event's index."""
        return [(i, s) for i, s in self.indexed(Sample) if s.name == name and s.t in window]

    def phase(self, name: str) -> Window | None:
        """When a phase lasted: baseline, fault, recovery, settle."""
        phases = self.of(PhaseStarted)
        for i, event in enumerate(phases):
            if event.phase == name:
                return Window(event.t, phases[i + 1].t if i + 1 < len(phases) else self._end())
        return None

    def fault_windows(self, target: str | None = None) -> list[tuple[str, Window]]:
        """(fault id, confirmed injection → the moment its revert was asked for), of one target or all, by start."""
        reverted = {event.fault: event for event in self.of(FaultReverted)}
        windows = []
        for event in self.of(FaultConfirmed):
            if target is None or event.target == target:
                end = reverted[event.fault].asked_t if event.fault in reverted else self._end()
                windows.append((event.fault, Window(event.t, end)))
        return windows

    def _end(self) -> float:
        ended = self.of(ScenarioEnded)
        return ended[-1].t if ended else float("inf")

    def _rows(self, cls: type[Event]) -> list[tuple[float, int]]:
        rows = self._by_kind.get(cls, [])
        if self._sorted.get(cls, 0) != len(rows):
            rows.sort()
            self._sorted[cls] = len(rows)
        return rows


class EvidenceBuilder:
    """Feeds an `Evidence` event by event."""

    def __init__(self, plan: ScenarioPlan) -> None:
        self.evidence = Evidence(plan)

    def add(self, event: Event) -> None:
        """Append one event of this scenario."""
        evidence = self.evidence
        index = len(evidence.events)
        evidence.events.append(event)
        evidence._by_kind.setdefault(type(event), []).append((event.t, index))
        evidence.now = max(evidence.now, event.t)
        if isinstance(event, ScenarioEnded):
            evidence.complete = True


def evidence_of(plan: ScenarioPlan, events: Iterable[Event]) -> Evidence:
    """The evidence that a list of events amounts to."""
    builder = EvidenceBuilder(plan)
    for event in events:
        builder.add(event)
    return builder.evidence
