"""`drains: consumer`: the backlog that a fault built up is worked off soon after healing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chaoskit.checks.check import RECOVERY, Check, consumer_of, holds, took, unclear, violated
from chaoskit.checks.effects import depths
from chaoskit.checks.exposure import Exposure, exposure
from chaoskit.checks.known import known_until
from chaoskit.checks.thresholds import BACKLOG_MIN, BACKLOG_USUAL_EXTRA, DRAINED_CALM_S
from chaoskit.model.event import QueueSeen
from chaoskit.model.evidence import Evidence, Window
from chaoskit.model.quantity import Duration, format_duration
from chaoskit.model.scenario import Needs
from chaoskit.model.system import Consumer, System
from chaoskit.model.verdict import Finding, Verdict


class DrainsCheck(Check):
    """The backlog is what the queue held at its fullest, or what was accepted while the broker was away."""

    keyword: ClassVar[str] = "drains"
    rule: ClassVar[int | None] = 1

    drains: str
    within: Duration | None = None
    """From healing; left out: the consumer's `settles_within`."""

    def needs(self, system: System) -> Needs:
        consumer = consumer_of(system, self.drains)
        return Needs(
            after_revert_s=self._limit(consumer) + 3.0,
            effects=(self.drains,) if consumer.dead_letter is None else (),
            dead_letters=(self.drains,) if consumer.dead_letter is not None else (),
            bodies=consumer.accepted_by is not None,
        )

    def stall_limits_s(self, system: System) -> Mapping[str, float]:
        return {"drains": 0.2 * self._limit(consumer_of(system, self.drains))}

    def _limit(self, consumer: Consumer) -> float:
        return self.within if self.within is not None else consumer.settles_within

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding: `drains`."""
        consumer = consumer_of(system, self.drains)
        return Verdict.of(self.keyword, self.rule, self.subject, [self._finding(evidence, consumer)])

    def _finding(self, evidence: Evidence, consumer: Consumer) -> Finding:
        limit = self._limit(consumer)
        expected = f"backlog gone ≤ {format_duration(limit)} after healing"
        exposed = exposure(evidence)
        if exposed is None or exposed.healed is None:
            return unclear("drains", expected, "the fault is not gone", awaits=RECOVERY)
        looks = depths(evidence, consumer.queue)
        backlog = self._backlog(evidence, consumer, exposed, [seen for _, seen in looks])
        if backlog < BACKLOG_MIN:
            observed = f"a backlog of {backlog}, {BACKLOG_MIN} needed"
            return unclear("drains", expected, observed, awaits=RECOVERY, final=evidence.complete)
        usual = max((_depth(seen) for _, seen in looks if seen.t < exposed.asked), default=0) + BACKLOG_USUAL_EXTRA
        after = [(i, seen) for i, seen in looks if seen.t >= exposed.healed]
        calm = self._calm_since(after, usual, min(known_until(evidence), evidence.now))
        deadline = exposed.healed + limit
        if calm is not None and calm[1].t <= deadline:
            observed = f"{backlog} worked off {took(calm[1].t - exposed.healed)} after healing"
            return holds("drains", expected, observed, evidence=(calm[0],), at=calm[1].t, final=True)
        late = [(i, seen) for i, seen in after if seen.t > deadline and _depth(seen) > usual]
        if late:
            observed = f"{_depth(late[0][1])} still there {took(late[0][1].t - exposed.healed)} after healing"
            return violated("drains", expected, observed, evidence=(late[0][0],), at=late[0][1].t, final=calm is None)
        return unclear("drains", expected, f"a backlog of {backlog}, not seen gone for good", awaits=RECOVERY)

    def _calm_since(self, looks: list[tuple[int, QueueSeen]], usual: int, known: float) -> tuple[int, QueueSeen] | None:
        """The first look since which, for two seconds, no more than usual was in the queue and it was served."""
        since: tuple[int, QueueSeen] | None = None
        for i, seen in looks:
            if since is not None and seen.t >= since[1].t + DRAINED_CALM_S:
                break
            if _depth(seen) > usual or seen.consumers == 0:
                since = None
            elif since is None:
                since = i, seen
        return since if since is not None and known >= since[1].t + DRAINED_CALM_S else None

    def _backlog(self, evidence: Evidence, consumer: Consumer, exposed: Exposure, looks: list[QueueSeen]) -> int:
        held = max((_depth(seen) for seen in looks if seen.t >= exposed.asked), default=0)
        accepted_by = consumer.accepted_by
        if accepted_by is None:
            return held
        during = evidence.samples(Window(exposed.window.start, exposed.window.end), accepted_by.request)
        return max(held, sum(sample.status == accepted_by.status for sample in during))


def _depth(seen: QueueSeen) -> int:
    return seen.ready + max(0, seen.unacked)
