"""The machine kept up: neither tap, runner nor service stood still for longer than what is being judged.

Voids fails only, finding by finding: a stall makes things look late or missing. (Where a stall could feign a success,
a gap in arrivals, the check itself leaves the stalled time out.) A failure that no stall of this length can explain,
such as 400 calls to a hanging callee, stands on any machine.
"""

from __future__ import annotations

from chaoskit.checks.check import Check
from chaoskit.checks.gates.reason import Reason
from chaoskit.checks.thresholds import STALL_SHARE_OF_WINDOW
from chaoskit.model.event import FaultConfirmed, Stall
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System

OUR_EYES = ("runner", "tap")


def stalls(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """At most one reason, for the findings whose limit the worst stall exceeds."""
    if not isinstance(check, Check):
        return []
    limits = check.stall_limits_s(system)
    start = min((fault.t for fault in evidence.of(FaultConfirmed)), default=0.0)
    seen = [stall for stall in evidence.of(Stall) if stall.t >= start]
    if not seen or not limits:
        return []
    worst = max(seen, key=lambda stall: stall.stall_ms)
    # Only for our own eyes: a service that is short of processors all the time still opens its breaker, or does not.
    stood_s = sum(stall.stall_ms for stall in seen if stall.process == worst.process in OUR_EYES) / 1000
    if stood_s > STALL_SHARE_OF_WINDOW * max(1.0, evidence.now - start):
        text = f"the {worst.process} stood still for {stood_s:.1f} of {evidence.now - start:.1f} s"
        return [Reason(text, voids_fail=True, voids_pass=False, findings=frozenset(limits))]
    hit = frozenset(name for name, limit_s in limits.items() if worst.stall_ms / 1000 >= limit_s)
    text = f"the {worst.process} stood still for {worst.stall_ms:.0f} ms, longer than what is judged"
    return [Reason(text, voids_fail=True, voids_pass=False, findings=hit)] if hit else []
