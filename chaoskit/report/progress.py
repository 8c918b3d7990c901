"""Where a run stands, followed event by event: what the live view draws. Pure, no clock: events carry the time."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping

from msgspec import Struct, field

from chaoskit.model.event import (
    Event,
    FaultConfirmed,
    FaultHit,
    FaultReverted,
    PartDied,
    PartStarted,
    PhaseStarted,
    RunStarted,
    Sample,
    ScenarioStarted,
)
from chaoskit.model.plan import ScenarioPlan
from chaoskit.model.verdict import Verdict

PHASES = ("baseline", "fault", "recovery", "settle")
SAMPLES_MAX = 20_000
"""How many of the newest samples are kept for the last second's figures."""
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


def printable(text: str) -> str:
    """`text` on one line, without anything that would steer a terminal: names come from the system under test."""
    return _UNPRINTABLE.sub(" ", text).replace(" -> ", " → ").strip()


class FaultInForce(Struct):
    """One fault that is confirmed and not yet reverted."""

    name: str
    target: str
    since: float
    hits: int = 0


class Progress(Struct):
    """The newest state of everything. `now` is the newest instant seen, in run seconds."""

    plans: Mapping[int, ScenarioPlan] = field(default_factory=dict)
    system: str = ""
    now: float = 0.0
    scenario: int = -1
    scenario_name: str = ""
    scenarios_total: int = 0
    phases: list[tuple[str, float]] = field(default_factory=list)
    faults: dict[str, FaultInForce] = field(default_factory=dict)
    verdicts: dict[int, tuple[Verdict, ...]] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    died: list[str] = field(default_factory=list)
    recent: deque[tuple[float, float, bool]] = field(default_factory=lambda: deque(maxlen=SAMPLES_MAX))

    def on_event(self, event: Event) -> None:
        """Take one event in; events of no interest only move `now`."""
        self.now = max(self.now, event.t)
        match event:
            case Sample():
                answered = event.due + event.latency_ms / 1000
                self.now = max(self.now, answered)
                self.recent.append((answered, event.latency_ms, event.ok))
            case RunStarted():
                self.system = event.system
            case ScenarioStarted():
                self.scenario, self.scenario_name = event.scenario, event.name
                self.phases, self.faults = [], {}
                self.recent.clear()
            case PhaseStarted():
                self.phases.append((event.phase, event.t))
            case FaultConfirmed():
                self.faults[event.fault] = FaultInForce(event.name, event.target, event.t)
            case FaultHit() if event.fault in self.faults:
                self.faults[event.fault].hits = event.count
            case FaultReverted():
                self.faults.pop(event.fault, None)
            case PartStarted():
                self.parts.append(event.part)
            case PartDied():
                self.died.append(f"{event.part} died: {event.reason}")
            case _:
                pass

    def on_verdicts(self, scenario_index: int, verdicts: tuple[Verdict, ...]) -> None:
        """The verdicts of one scenario as they stand now."""
        self.verdicts[scenario_index] = verdicts

    def last_second(self) -> tuple[int, int, float | None]:
        """(answers, errors, p95 in ms) of the newest second."""
        while self.recent and self.recent[0][0] < self.now - 1:
            self.recent.popleft()
        latencies = sorted(latency for _, latency, _ in self.recent)
        p95 = latencies[int(len(latencies) * 0.95)] if latencies else None
        return len(self.recent), sum(not ok for _, _, ok in self.recent), p95

    def phase_lengths(self) -> list[tuple[str, float, float | None]]:
        """(phase, seconds so far, planned seconds or None), those not begun with 0 s; in their usual order."""
        ends = [*(t for _, t in self.phases[1:]), self.now][: len(self.phases)]
        lengths = {name: end - start for (name, start), end in zip(self.phases, ends, strict=True)}
        known = [*PHASES, *(name for name in lengths if name not in PHASES)]
        return [(name, lengths.get(name, 0.0), self._planned_s(name)) for name in known]

    def _planned_s(self, phase: str) -> float | None:
        plan = self.plans.get(self.scenario)
        if plan is None:
            return None
        if phase == "fault":
            return max((f.for_s or f.for_max_s for f in plan.faults), default=None)
        planned = {"baseline": plan.baseline_s, "recovery": plan.needs.after_revert_s, "settle": plan.needs.quiet_s}
        return planned.get(phase)
