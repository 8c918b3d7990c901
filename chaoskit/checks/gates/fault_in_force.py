"""The planned faults were injected, confirmed, and stayed for as long as they were meant to.

Voids passes and fails: what was to be proven under a fault is proven by nothing without it. A fail that was certain
before a fault ended early or could not be reverted stands.
"""

from __future__ import annotations

from chaoskit.checks.gates.reason import Reason
from chaoskit.model.event import FaultConfirmed, FaultFailedEvent
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System


def fault_in_force(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """One reason per fault that failed or was never confirmed."""
    reasons, failed = [], set()
    for event in evidence.of(FaultFailedEvent):
        failed.add(event.fault)
        what = {"inject": "could not be injected", "revert": "could not be reverted"}.get(event.step, "ended early")
        since = float("-inf") if event.step == "inject" else event.t
        reasons.append(Reason(f"fault {event.fault} {what}: {event.reason}", voids_fail=True, since=since))
    confirmed = {event.fault for event in evidence.of(FaultConfirmed)}
    for planned in evidence.plan.faults:
        if planned.id not in confirmed | failed:
            text = f"fault {planned.id} ({planned.name} on {planned.target}) was never confirmed"
            reasons.append(Reason(text, voids_fail=True, lasting=evidence.complete))
    return reasons
