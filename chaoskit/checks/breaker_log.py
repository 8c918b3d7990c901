"""`breaker_log: caller -> callee`: what the service itself says of its breaker agrees with what was seen outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chaoskit.checks.breaker_timeline import CLOSED, BreakerTimeline, declared_timeline
from chaoskit.checks.check import RECOVERY, Check, holds, took, unclear, violated
from chaoskit.checks.exposure import exposure
from chaoskit.checks.thresholds import INSTANT_TOLERANCE_S, SETTLE_S
from chaoskit.model.event import BreakerLogged
from chaoskit.model.evidence import Evidence
from chaoskit.model.quantity import Duration, format_duration
from chaoskit.model.scenario import Needs
from chaoskit.model.system import LinkName, System
from chaoskit.model.verdict import Finding, Verdict


class BreakerLogCheck(Check):
    """Every change of state that was seen from outside has its line in the service's log, at nearly the same time."""

    keyword: ClassVar[str] = "breaker_log"
    rule: ClassVar[int | None] = 3
    sight: ClassVar[str] = "tap"

    breaker_log: LinkName
    within: Duration = INSTANT_TOLERANCE_S

    def needs(self, system: System) -> Needs:
        return Needs(load=True, links=(self.breaker_log,))

    def stall_limits_s(self, system: System) -> Mapping[str, float]:
        return {"agrees": self.within}

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding: `agrees`."""
        life = declared_timeline(evidence, system, self.breaker_log)
        return Verdict.of(self.keyword, self.rule, self.subject, [self._finding(evidence, life)])

    def _finding(self, evidence: Evidence, life: BreakerTimeline) -> Finding:
        expected = f"each change logged within {format_duration(self.within)}"
        logged = [(i, e) for i, e in evidence.indexed(BreakerLogged) if e.link == self.breaker_log]
        seen = life.states[1:]
        final = self._is_over(evidence, life)
        if not logged or not seen:
            observed = f"{len(seen)} changes seen, {len(logged)} logged"
            return unclear("agrees", expected, observed, awaits=RECOVERY if logged else "", final=False)
        pairs = []
        for t, state in seen:
            nearest = min(((abs(e.t - t), i) for i, e in logged if e.state == state), default=(float("inf"), -1))
            pairs.append((nearest[0], t, state, nearest[1]))
        worst = max(pairs)
        picked = tuple(i for _, _, _, i in pairs if i >= 0)[:10]
        if worst[0] > self.within:
            gap = f"{took(worst[0])} from its line" if worst[0] < float("inf") else "in no line of the log"
            observed = f"{worst[2]} at {worst[1]:.3f} s is {gap}"
            awaits = RECOVERY if self._may_still_come(evidence, worst[1]) else ""
            return violated("agrees", expected, observed, evidence=picked, at=worst[1], final=False, awaits=awaits)
        observed = f"{len(pairs)} changes, at most {took(worst[0])} apart"
        return holds("agrees", expected, observed, evidence=picked, at=worst[1], final=final, awaits=RECOVERY)

    def _may_still_come(self, evidence: Evidence, t: float) -> bool:
        return not evidence.complete and evidence.now - t < 2 * SETTLE_S

    def _is_over(self, evidence: Evidence, life: BreakerTimeline) -> bool:
        """Healed, closed again, and long enough ago for its log line to be here."""
        exposed = exposure(evidence, self.breaker_log)
        if exposed is None or exposed.healed is None or life.states[-1][1] != CLOSED:
            return evidence.complete
        return life.known >= max(exposed.healed, life.states[-1][0]) + 2 * SETTLE_S
