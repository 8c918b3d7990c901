"""The breaker on the faulted link was closed when the fault began.

Voids passes and fails: a breaker that had opened before (a service that was still warming up, a busy machine) was not
opened by the fault, and the answers before it are no baseline.
"""

from __future__ import annotations

from chaoskit.checks.exposure import exposure
from chaoskit.checks.gates.reason import Reason
from chaoskit.model.event import BreakerLogged, Call
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System


def closed_before(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """One reason per faulted link whose breaker was open already, as seen from outside or as the service logged it."""
    if not evidence.of(Call) and not evidence.of(BreakerLogged):
        return []
    from chaoskit.checks.breaker_timeline import declared_timeline  # a run without a tap does not pay for it

    reasons = []
    for link in dict.fromkeys(fault.target for fault in evidence.plan.faults if fault.target in system.links):
        exposed = exposure(evidence, link)
        if exposed is None or evidence.plan.baseline_s <= 0:
            continue
        logged = [e for e in evidence.of(BreakerLogged) if e.link == link and e.t < exposed.asked]
        opened = declared_timeline(evidence, system, link).opened
        if logged and logged[-1].state != "closed":
            text = f"the breaker on {link} was {logged[-1].state} already when the fault began, says its service"
        elif opened is not None and opened < exposed.asked:
            text = f"calls on {link} had stopped already {exposed.asked - opened:.1f} s before the fault began"
        else:
            continue
        reasons.append(Reason(text, voids_fail=True))
    return reasons
