"""`stays_closed: caller -> callee`: answers that are the client's own fault (404, 422) must not open the breaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chaoskit.checks.breaker_timeline import BreakerTimeline, declared_timeline
from chaoskit.checks.calls import LinkCalls, calls_on
from chaoskit.checks.check import SETTLE, Check, holds, took, unclear, violated
from chaoskit.checks.exposure import exposure
from chaoskit.checks.requests import requests_of
from chaoskit.checks.thresholds import (
    ARRIVALS_BACK_SHARE,
    GAP_DUE_MIN,
    GAP_S_MIN,
    SETTLE_S,
    STAYS_CLOSED_HITS_MIN,
    STAYS_CLOSED_HITS_VIOLATED_MIN,
)
from chaoskit.model.evidence import Evidence, Window
from chaoskit.model.scenario import Needs
from chaoskit.model.system import LinkName, System
from chaoskit.model.verdict import Finding, Verdict


class StaysClosedCheck(Check):
    """Arrivals go on at their usual rate while the callee answers what the fault makes it answer."""

    keyword: ClassVar[str] = "stays_closed"
    rule: ClassVar[int | None] = 3
    sight: ClassVar[str] = "tap"

    stays_closed: LinkName

    def needs(self, system: System) -> Needs:
        return Needs(after_inject_s=10.0, load=True, links=(self.stays_closed,))

    def stall_limits_s(self, system: System) -> Mapping[str, float]:
        # A caller that waits for a processor opens its breaker only by missing its own timeout.
        link = system.links.get(self.stays_closed)
        return {"stays_closed": max(GAP_S_MIN, link.timeout or 0.0) if link is not None else GAP_S_MIN}

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding: `stays_closed`."""
        calls, life = calls_on(evidence, self.stays_closed), declared_timeline(evidence, system, self.stays_closed)
        return Verdict.of(self.keyword, self.rule, self.subject, [self._finding(evidence, calls, life)])

    def _finding(self, evidence: Evidence, calls: LinkCalls, life: BreakerTimeline) -> Finding:
        expected = "no gap in the arrivals"
        exposed = exposure(evidence, self.stays_closed)
        if exposed is None:
            return unclear(self.keyword, expected, "no fault was in force on the link")
        window = Window(exposed.asked, exposed.healed if exposed.healed is not None else float("inf"))
        hits = [i for i in calls.within(window) if calls.calls[i].injected or 400 <= calls.calls[i].status < 500]
        gap = next((span for span in life.spans if span.opened <= window.end), None)
        if gap is not None:
            before = [i for i in hits if calls.times[i] <= gap.opened]
            if len(before) < STAYS_CLOSED_HITS_VIOLATED_MIN:
                return unclear(self.keyword, expected, f"a gap after {len(before)} such answers, too few to blame them")
            length = f"{took(gap.half_open - gap.opened)} long" if gap.half_open is not None else "until the end"
            evidence_of = (*(calls.indices[i] for i in before[-8:]), *gap.evidence)
            observed = f"after {len(before)} such answers the calls stopped {took(gap.opened - window.start)} into it"
            final = life.known >= gap.opened + GAP_S_MIN
            return violated(
                self.keyword, expected, f"{observed}, {length}", evidence=evidence_of, at=gap.opened, final=final
            )
        return self._no_gap(evidence, calls, life, window, hits)

    def _no_gap(
        self, evidence: Evidence, calls: LinkCalls, life: BreakerTimeline, window: Window, hits: list[int]
    ) -> Finding:
        expected = "no gap in the arrivals"
        over = life.known >= window.end + SETTLE_S
        if len(hits) < STAYS_CLOSED_HITS_MIN:
            observed = f"{len(hits)} such answers, {STAYS_CLOSED_HITS_MIN} needed"
            return unclear(self.keyword, expected, observed, final=over)
        since = calls.times[hits[STAYS_CLOSED_HITS_MIN - 1]]
        until = min(window.end, life.known, evidence.now)
        due = life.ratio * requests_of(evidence).answered_between(since, until)
        arrived = calls.count(since, until)
        observed = f"{len(hits)} such answers; {arrived} of {due:.0f} calls due came afterwards"
        if due < GAP_DUE_MIN or arrived < ARRIVALS_BACK_SHARE * due:
            return unclear(self.keyword, expected, observed, final=over)
        picked = tuple(calls.indices[i] for i in hits[:10])
        final = over and (life.doubtful_since is None)
        return holds(self.keyword, expected, observed, evidence=picked, at=window.start, final=final, awaits=SETTLE)
