"""What is known of a consumer's work: effects by business key, copies, the queue's depth. Pure."""

from __future__ import annotations

from chaoskit.checks.known import known_until, once
from chaoskit.checks.thresholds import VANISHED_S
from chaoskit.model.event import Effect, MessageDeadLettered, MessagePublished, QueueSeen
from chaoskit.model.evidence import Evidence
from chaoskit.model.instruction import DuplicateMessages, PoisonMessages


def effect_counts(evidence: Evidence, consumer: str) -> dict[str, tuple[int, int]]:
    """Key → (how often its effect shows, index of the event that says so): the final sweep, else the newest look."""
    return once(evidence, ("effects", consumer), lambda: _counts(evidence, consumer))


def _counts(evidence: Evidence, consumer: str) -> dict[str, tuple[int, int]]:
    newest: dict[str, tuple[int, int]] = {}
    for i, event in evidence.indexed(Effect):
        if event.consumer == consumer:
            newest[event.key] = (event.count, i)
    return newest


def swept(evidence: Evidence, consumer: str) -> frozenset[str]:
    """Keys that the final sweep has looked at."""
    return frozenset(event.key for event in evidence.of(Effect) if event.consumer == consumer and event.last)


def published(evidence: Evidence, consumer: str, *purposes: str) -> list[tuple[int, MessagePublished]]:
    """Confirmed messages of ours to a consumer, with their event indices."""
    rows = evidence.indexed(MessagePublished)
    return [(i, m) for i, m in rows if m.consumer == consumer and m.confirmed and m.purpose in purposes]


def dead_lettered(evidence: Evidence, consumer: str) -> list[tuple[int, MessageDeadLettered]]:
    """What was seen in a consumer's dead letter queue."""
    return [(i, m) for i, m in evidence.indexed(MessageDeadLettered) if m.consumer == consumer]


def depths(evidence: Evidence, queue: str) -> list[tuple[int, QueueSeen]]:
    """Looks at one queue, by time."""
    return [(i, seen) for i, seen in evidence.indexed(QueueSeen) if seen.queue == queue]


def settled_at(evidence: Evidence, queue: str, after: float) -> float | None:
    """When everything that was in the queue at `after` had been settled: it was seen empty. None: not seen yet.

    Where unsettled deliveries can't be counted, it must look empty for two seconds.
    """
    since: float | None = None
    for _, seen in depths(evidence, queue):
        if seen.t < after:
            continue
        if seen.ready > 0 or seen.unacked > 0:
            since = None
        elif seen.unacked == 0:
            return seen.t
        else:
            since = seen.t if since is None else since
    if since is not None and min(known_until(evidence), evidence.now) - since >= VANISHED_S:
        return since
    return None


def no_more_to_come(evidence: Evidence, consumer: str) -> bool:
    """Whether all faults that send messages to a consumer are over, or have sent what they were to send."""
    gone = {fault for fault, window in evidence.fault_windows(consumer) if window.end < float("inf")}
    for planned in evidence.plan.faults:
        for instruction in planned.instructions:
            if isinstance(instruction, DuplicateMessages) and instruction.consumer == consumer:
                if planned.id not in gone:
                    return evidence.complete
            elif isinstance(instruction, PoisonMessages) and instruction.consumer == consumer:
                sent = sum(m.consumer == consumer and m.purpose == "poison" for m in evidence.of(MessagePublished))
                if planned.id not in gone and sent < len(instruction.mutants):
                    return evidence.complete
    return True
