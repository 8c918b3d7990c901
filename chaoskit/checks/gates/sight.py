"""The links that a check looks at are seen as sharply as it needs.

Voids passes and fails: without a tap in the way nobody saw single calls.
"""

from __future__ import annotations

from chaoskit.checks.check import Check
from chaoskit.checks.gates.reason import Reason
from chaoskit.model.event import LinkProof
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System


def sight(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """One reason per link that is seen less sharply than needed."""
    if not isinstance(check, Check) or check.sight != "tap":
        return []
    proven = {proof.link: proof.sight for proof in evidence.of(LinkProof)}
    reasons = []
    for link in check.needs(system).links:
        declared = system.links.get(link)
        foreign = declared is not None and (declared.toxiproxy is not None or declared.protocol != "http")
        seen = proven.get(link, "load" if foreign else declared.sight if declared is not None else "tap")
        if seen != "tap":
            text = f"{check.keyword} needs the tap's sight of single calls, but {link} is seen by '{seen}' only"
            reasons.append(Reason(text, voids_fail=True))
    return reasons
