"""`breaker: caller -> callee`: it opens, answers fast meanwhile, probes when it should, and closes after healing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from chaoskit.checks.breaker_timeline import early_s, timeline
from chaoskit.checks.breaker_view import BreakerView, late_s
from chaoskit.checks.calls import calls_on
from chaoskit.checks.check import Check
from chaoskit.checks.exposure import exposure
from chaoskit.checks.thresholds import (
    CLOSES_WATCH_S,
    FAILS_FAST_DEFAULT_S,
    FAILS_FAST_VIOLATED_FACTOR,
    GAP_S_MIN,
    NEVER_OPENED_WATCH_S,
)
from chaoskit.model.evidence import Evidence
from chaoskit.model.quantity import Duration
from chaoskit.model.scenario import Needs
from chaoskit.model.system import LinkName, System
from chaoskit.model.verdict import Verdict


class BreakerCheck(Check):
    """Judged from arrivals at the callee while client requests go on; see breaker_timeline.py."""

    keyword: ClassVar[str] = "breaker"
    rule: ClassVar[int | None] = 3
    sight: ClassVar[str] = "tap"

    breaker: LinkName
    opens_within: Duration | None = None
    """From the confirmed injection."""
    fails_fast: Duration | None = None
    """The median answer while it is open."""
    calls_while_open: int | None = Field(None, ge=0)
    """Calls that may arrive between opening and the first probe."""
    half_opens_after: Duration | None = None
    """The reset time: the first probe comes so long after the opening, not earlier, not much later."""
    closes_within: Duration | None = None
    """From the moment that the fault is confirmed gone."""

    def needs(self, system: System) -> Needs:
        reset = self._reset_s(system)
        after = self.opens_within if self.opens_within is not None else NEVER_OPENED_WATCH_S
        if self.half_opens_after is not None:
            after += late_s(self.half_opens_after)
        back = self.closes_within if self.closes_within is not None else (reset or 0.0) + CLOSES_WATCH_S
        return Needs(
            after_inject_s=after + 2.0,
            after_revert_s=back + 5.0 if self.closes_within is not None else 0.0,
            load=True,
            links=(self.breaker,),
        )

    def _reset_s(self, system: System) -> float | None:
        link = system.links.get(self.breaker)
        declared = link.breaker.reset if link is not None and link.breaker is not None else None
        return self.half_opens_after if self.half_opens_after is not None else declared

    def stall_limits_s(self, system: System) -> Mapping[str, float]:
        # A stall hides an opening only if it is about as long as the gap that the opening makes, and delays one only
        # by its own length.
        gap_s = 0.5 * (self._reset_s(system) or 0.0)
        return {
            "opens": max(GAP_S_MIN, gap_s),
            "opens_within": max(GAP_S_MIN, min(gap_s, 0.25 * (self.opens_within or 0.0))),
            "fails_fast": (self.fails_fast or FAILS_FAST_DEFAULT_S) * FAILS_FAST_VIOLATED_FACTOR,
            "half_opens_after": early_s(self.half_opens_after or 0.0),
            "closes_within": max(GAP_S_MIN, 0.1 * (self.closes_within or 0.0)),
        }

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding per stated expectation; `opens` when no time for it is declared."""
        link = system.links.get(self.breaker)
        timeout_s = link.timeout if link is not None else None
        life = timeline(evidence, self.breaker, timeout_s=timeout_s, reset_s=self._reset_s(system))
        view = BreakerView(
            self, evidence, life, calls_on(evidence, self.breaker), exposure(evidence, self.breaker), timeout_s
        )
        return Verdict.of(self.keyword, self.rule, self.subject, view.findings(), view.sentence())
