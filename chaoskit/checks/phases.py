"""The parts of a scenario that a ratio or a percentile can be asked for. Pure."""

from __future__ import annotations

from typing import Literal

from chaoskit.checks.exposure import baseline_start, exposure
from chaoskit.checks.known import answers_known
from chaoskit.model.event import FaultConfirmed, FaultReverted, LoadEnded
from chaoskit.model.evidence import Evidence, Window

PhaseName = Literal["baseline", "fault", "recovery", "all"]
"""`baseline` before the first injection, `fault` while one is in force, `recovery` after the last is gone."""


def phase_windows(evidence: Evidence, phase: PhaseName) -> list[Window]:
    """When it was (there may be several faults); empty while it has not begun."""
    exposed = exposure(evidence)
    if phase == "all":
        return [Window(baseline_start(evidence))]
    if phase == "baseline":
        return [Window(baseline_start(evidence), exposed.asked if exposed else float("inf"))]
    if phase == "fault":
        return merged([window for _, window in evidence.fault_windows()])
    return [Window(exposed.healed)] if exposed and exposed.healed is not None else []


def in_force(evidence: Evidence) -> list[Window]:
    """From each confirmed injection to its confirmed revert, which is when answers may be usual again."""
    gone = {event.fault: event.t for event in evidence.of(FaultReverted)}
    return merged([Window(e.t, gone.get(e.fault, float("inf"))) for e in evidence.of(FaultConfirmed)])


def merged(windows: list[Window]) -> list[Window]:
    """The same stretches of time without overlaps, in order."""
    result: list[Window] = []
    for window in sorted(windows, key=lambda w: (w.start, w.end)):
        if result and window.start <= result[-1].end:
            result[-1] = Window(result[-1].start, max(result[-1].end, window.end))
        else:
            result.append(window)
    return result


def _end_of(evidence: Evidence, phase: PhaseName) -> float | None:
    """When a phase ended; infinite for what lasts as long as the load; None while it has not."""
    exposed = exposure(evidence)
    if phase in ("all", "recovery"):
        return float("inf")
    if exposed is None:
        return None
    if phase == "baseline":
        return exposed.asked
    planned = {fault.id for fault in evidence.plan.faults}
    if len(evidence.fault_windows()) < len(planned) or exposed.healed is None:
        return None
    return exposed.window.end


def phase_is_known(evidence: Evidence, phase: PhaseName) -> bool:
    """Whether no further request can fall into the phase, and all that did have been recorded."""
    end = _end_of(evidence, phase)
    if end is None:
        return evidence.complete
    if end == float("inf"):
        ended = evidence.of(LoadEnded)
        return evidence.complete or (bool(ended) and answers_known(evidence, ended[-1].t))
    return answers_known(evidence, end)
