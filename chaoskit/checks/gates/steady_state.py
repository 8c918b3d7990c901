"""The steady state held before the fault.

Voids passes and fails: a system that was not well before the fault tells nothing about the fault.
"""

from __future__ import annotations

from chaoskit.checks.gates.reason import Reason
from chaoskit.model.event import SteadySeen
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System


def steady_state(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """At most one reason; none where the scenario states no steady state, or its fault is there from the start."""
    if evidence.plan.scenario.steady is None or evidence.plan.baseline_s <= 0:
        return []
    seen = [event for event in evidence.of(SteadySeen) if event.phase == "baseline"]
    if any(event.held for event in seen):
        return []
    detail = f": {seen[-1].detail}" if seen and seen[-1].detail else ""
    text = f"the steady state never held before the fault{detail}"
    return [Reason(text, voids_fail=True, lasting=evidence.complete)]
