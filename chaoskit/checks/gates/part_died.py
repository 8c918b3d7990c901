"""Nothing that the run needs died: engines, broker, services.

An engine or the broker that died voids passes, and the fails that were found after its death. A service that died
voids passes only: its death may be the very failure, so a fail stands.
"""

from __future__ import annotations

from chaoskit.checks.gates.reason import Reason
from chaoskit.model.event import PartDied
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System


def part_died(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """One reason per part."""
    return [
        Reason(f"{event.role} {event.part} died: {event.reason}", voids_fail=event.role != "service", since=event.t)
        for event in evidence.of(PartDied)
    ]
