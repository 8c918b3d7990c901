"""The books of a consumer: every piece of accepted work is somewhere, or lost. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit.checks.effects import dead_lettered, depths, effect_counts, published, swept
from chaoskit.checks.known import once
from chaoskit.model.accepted import accepted_answers
from chaoskit.model.evidence import Evidence
from chaoskit.model.system import System


@dataclass(frozen=True, slots=True)
class Ledger:
    """`accepted` = effects + dead_lettered + ready + unacked + lost, in business keys.

    `twice` counts keys done more than once. `lost_keys` are all keys with no effect that are not dead-lettered, which
    may be stalled in the queue (`ready`, `unacked`) rather than lost; `uncounted` of the keys were not looked at in
    the final sweep.
    """

    consumer: str
    accepted: int
    effects: int
    dead_lettered: int
    ready: int
    unacked: int
    lost: int
    twice: int
    uncounted: int
    lost_keys: tuple[str, ...] = ()
    twice_keys: tuple[str, ...] = ()

    @property
    def parts(self) -> dict[str, int]:
        """As a report draws them."""
        return {
            "accepted": self.accepted,
            "effects": self.effects,
            "dead_lettered": self.dead_lettered,
            "ready": self.ready,
            "unacked": self.unacked,
            "lost": self.lost,
            "twice": self.twice,
        }


def accepted_keys(evidence: Evidence, system: System, consumer: str) -> list[str]:
    """Business keys that the system took on for a consumer: by an answer to the load, or as a good message of ours."""
    accepted_by = system.consumers[consumer].accepted_by
    keys: dict[str, None] = {}
    if accepted_by is not None:
        answers = once(
            evidence, ("accepted", accepted_by.model_dump_json()), lambda: accepted_answers(evidence, accepted_by)
        )
        keys.update(dict.fromkeys(answers))
    good = published(evidence, consumer, "original", "behind", "control")
    keys.update(dict.fromkeys(message.key for _, message in good if message.key))
    return list(keys)


def ledger(evidence: Evidence, system: System, consumer: str) -> Ledger:
    """The ledger so far; it means something once the final sweep is over."""
    return once(evidence, ("ledger", consumer), lambda: _ledger(evidence, system, consumer))


def _ledger(evidence: Evidence, system: System, consumer: str) -> Ledger:
    keys, counts = accepted_keys(evidence, system, consumer), effect_counts(evidence, consumer)
    dead = {message.key for _, message in dead_lettered(evidence, consumer)}
    none = [key for key in keys if counts.get(key, (0, -1))[0] == 0]
    missing = tuple(key for key in none if key not in dead)
    looks = depths(evidence, system.consumers[consumer].queue)
    seen = looks[-1][1] if looks else None
    ready = min(len(missing), max(0, seen.ready)) if seen is not None else 0
    unacked = min(len(missing) - ready, max(0, seen.unacked)) if seen is not None else 0
    twice = tuple(key for key in keys if counts.get(key, (0, -1))[0] > 1)
    final_keys = swept(evidence, consumer)
    return Ledger(
        consumer=consumer,
        accepted=len(keys),
        effects=len(keys) - len(none),
        dead_lettered=len(none) - len(missing),
        ready=ready,
        unacked=unacked,
        lost=len(missing) - ready - unacked,
        twice=len(twice),
        uncounted=sum(key not in final_keys for key in keys),
        lost_keys=missing,
        twice_keys=twice,
    )
