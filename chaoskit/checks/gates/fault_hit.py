"""Every fault hit something: traffic crossed the faulted link, or the engine counted hits.

Voids passes and fails: a breaker that nobody called through is neither good nor bad. When the load was answered as
usual while nothing crossed the link, the caller does not use the way through us, and the reason says so.
"""

from __future__ import annotations

from chaoskit.checks.calls import calls_on
from chaoskit.checks.gates.reason import Reason
from chaoskit.model.event import Connection, FaultConfirmed, FaultHit, FaultReverted, LinkProof, MessagePublished
from chaoskit.model.evidence import Evidence, Window
from chaoskit.model.instruction import DuplicateMessages, PoisonMessages, ServiceSignal
from chaoskit.model.plan import PlannedFault
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import BROKER, System


def fault_hit(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """One reason per confirmed fault that nothing met so far."""
    counted = {event.fault for event in evidence.of(FaultHit) if event.count > 0}
    gone = {event.fault: event.t for event in evidence.of(FaultReverted)}
    planned = {fault.id: fault for fault in evidence.plan.faults}
    reasons = []
    for event in evidence.of(FaultConfirmed):
        window = Window(event.t, gone.get(event.fault, float("inf")))
        if event.fault in counted or _met(evidence, planned.get(event.fault), event.target, window):
            continue
        reasons.append(
            Reason(_text(evidence, event, window), voids_fail=True, lasting=evidence.complete or event.fault in gone)
        )
    return reasons


def _met(evidence: Evidence, fault: PlannedFault | None, target: str, window: Window) -> bool:
    instructions = fault.instructions if fault is not None else ()
    if any(isinstance(i, ServiceSignal) for i in instructions):
        return True  # a killed service is hit by the killing
    if any(isinstance(i, (DuplicateMessages, PoisonMessages)) for i in instructions):
        published = evidence.between(MessagePublished, window)
        return any(m.purpose in ("copy", "poison") and m.confirmed and m.consumer == target for m in published)
    links = {link for i in instructions if (link := getattr(i, "link", ""))} or {target}
    return any(_crossed(evidence, link, window) for link in links)


def _crossed(evidence: Evidence, link: str, window: Window) -> bool:
    calls = calls_on(evidence, link)
    if calls.within(window) or any(c.outcome == "open" and c.t < window.end for c in calls.calls):
        return True
    if any(c.link == link and c.t < window.end and c.end >= window.start for c in evidence.of(Connection)):
        return True
    # Nobody sees single calls on a way to the broker, or on a link without a tap: its proof has to do.
    blind = link.endswith(f"-> {BROKER}") or any(p.link == link and p.sight != "tap" for p in evidence.of(LinkProof))
    return blind and any(proof.link == link and proof.passed for proof in evidence.of(LinkProof))


def _text(evidence: Evidence, event: FaultConfirmed, window: Window) -> str:
    answered = sum(sample.ok for sample in evidence.samples(window))
    if " -> " not in event.target:
        return f"fault {event.fault} ({event.name} on {event.target}) hit nothing"
    if answered:
        return (
            f"no traffic on the faulted link {event.target}, although {answered} requests were answered as usual: "
            f"the caller goes past chaoskit, or this journey never uses the link"
        )
    return f"no traffic on the faulted link {event.target}"
