"""Before the fault, real traffic was seen to pass every faulted link.

Voids passes and fails: on a link that nobody uses a fault does nothing. Where the fault is there from the start there
is no before; then `fault_hit` alone has to tell.
"""

from __future__ import annotations

from chaoskit.checks.gates.reason import Reason
from chaoskit.model.event import LinkProof
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System


def link_proof(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """One reason per faulted link whose proof failed or is missing."""
    newest = {proof.link: proof for proof in evidence.of(LinkProof)}
    reasons = []
    for link in dict.fromkeys(fault.target for fault in evidence.plan.faults if fault.target in system.links):
        proof = newest.get(link)
        if proof is not None and not proof.passed:
            reasons.append(Reason(f"no proof that traffic passes {link}: {proof.detail}", voids_fail=True))
        elif proof is None and evidence.plan.baseline_s > 0:
            text = f"it was never shown that traffic passes {link}"
            reasons.append(Reason(text, voids_fail=True, lasting=evidence.complete))
    return reasons
