"""Nothing of an earlier run or scenario is still in force.

Voids passes and fails: the system was under another fault than the one that was asked for.
"""

from __future__ import annotations

from chaoskit.checks.gates.reason import Reason
from chaoskit.model.event import Leftover
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System


def leftover(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """One reason per thing that could not be put back."""
    return [
        Reason(f"left over and not healed: {event.what}", voids_fail=True)
        for event in evidence.of(Leftover)
        if not event.healed
    ]
