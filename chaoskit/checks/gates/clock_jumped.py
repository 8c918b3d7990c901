"""Wall clock and monotonic clock stayed together, and the machine did not sleep.

Voids passes and fails: the services may have lived through another time than we did.
"""

from __future__ import annotations

from chaoskit.checks.gates.reason import Reason
from chaoskit.model.event import ClockJumped
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System


def clock_jumped(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """One reason, for the largest jump."""
    jumps = evidence.of(ClockJumped)
    if not jumps:
        return []
    worst = max(jumps, key=lambda jump: abs(jump.jump_ms))
    return [Reason(f"the clock jumped by {worst.jump_ms:.0f} ms at {worst.t:.1f} s", voids_fail=True)]
