"""What became of each poison message, by its identity. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from chaoskit.checks.effects import dead_lettered, depths, published, settled_at
from chaoskit.checks.known import known_until, once
from chaoskit.checks.thresholds import CONSUMER_GONE_S, LOOP_FLIPS_MIN, STUCK_S, VANISHED_S
from chaoskit.model.event import MessagePublished
from chaoskit.model.evidence import Evidence
from chaoskit.model.poison import MUTANTS
from chaoskit.model.system import System

DEAD_LETTERED, VANISHED, STOPPED, STUCK, LOOP, PENDING = (
    "dead-lettered",
    "vanished",
    "consumer stopped",
    "stuck",
    "loop",
    "pending",
)


@dataclass(frozen=True, slots=True)
class PoisonFate:
    """One poison message. `certain`: no consumer may take it for a message. `evidence`: published, then where it is."""

    message: str
    mutant: str
    certain: bool
    fate: str
    at: float
    evidence: tuple[int, ...]


def poison_fates(
    evidence: Evidence, system: System, consumer: str, within_s: float = VANISHED_S
) -> tuple[PoisonFate, ...]:
    """Fates so far: dead-lettered | vanished | consumer stopped | stuck | loop | pending."""
    return once(evidence, ("fates", consumer, within_s), lambda: _fates(evidence, system, consumer, within_s))


def _fates(evidence: Evidence, system: System, consumer: str, within_s: float) -> tuple[PoisonFate, ...]:
    dead = {m.message: i for i, m in dead_lettered(evidence, consumer)}
    found = []
    for i, message in published(evidence, consumer, "poison"):
        mutant, certain = _mutant(message.detail)
        seen: tuple[int, ...] = (i,)
        if message.message in dead:
            fate, seen = DEAD_LETTERED, (i, dead[message.message])
        else:
            fate = _elsewhere(evidence, system, consumer, message, within_s)
        found.append(PoisonFate(message.message, mutant, certain, fate, message.t, seen))
    return tuple(found)


def _mutant(detail: str) -> tuple[str, bool]:
    """(name, certain) from `truncated`, `certain:truncated` or `suspicious:huge`. An unknown one is not certain."""
    degree, _, name = detail.rpartition(":")
    known = MUTANTS.get(name.strip())
    certain = degree == "certain" or (degree != "suspicious" and known is not None and known.certain)
    return name.strip(), certain


def _elsewhere(evidence: Evidence, system: System, consumer: str, message: MessagePublished, within_s: float) -> str:
    declared = system.consumers[consumer]
    now = min(known_until(evidence), evidence.now)
    settled = settled_at(evidence, declared.queue, message.t)
    if settled is not None:
        return VANISHED if now >= settled + within_s else PENDING
    looks = [seen for _, seen in depths(evidence, declared.queue) if seen.t >= message.t]
    if not looks:
        return PENDING
    served = [seen.t for seen in looks if seen.consumers > 0]
    if looks[-1].consumers == 0 and now - max([message.t, *served]) >= CONSUMER_GONE_S:
        return STOPPED
    busy = len(looks) >= LOOP_FLIPS_MIN and all(seen.ready + max(seen.unacked, 0) > 0 for seen in looks)
    if busy and (evidence.complete or now - message.t >= min(STUCK_S, 2 * declared.settles_within)):
        changes = sum(a.ready != b.ready for a, b in itertools.pairwise(looks))
        return LOOP if changes >= LOOP_FLIPS_MIN / 2 else STUCK
    return PENDING
