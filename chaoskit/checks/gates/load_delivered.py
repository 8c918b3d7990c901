"""The load arrived as asked for: samples at all, 95 % of what was due, nothing dropped, the generator in time.

Voids passes only: less load flatters a system, so a failure seen under it stands. (A generator that is late makes
answers look late: `generator_lag` deals with that.) Zero samples void both.
"""

from __future__ import annotations

from chaoskit.checks.gates.reason import Reason
from chaoskit.checks.thresholds import LAG_P99_MS_MAX, LOAD_ACHIEVED_SHARE_MIN
from chaoskit.model.event import LoadEnded, LoadSecond, Sample
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System


def load_delivered(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """Reasons for checks that rest on the load; none for the others."""
    if not check.needs(system).load or (evidence.plan.scenario.load is None and evidence.complete is False):
        return []
    if evidence.plan.scenario.load is None:
        return [Reason("the scenario drives no load, but this check needs client requests", voids_fail=True)]
    if not evidence.of(Sample):
        return [Reason("the load has no samples", voids_fail=True, lasting=evidence.complete)]
    due, started, dropped, lag_ms = _totals(evidence)
    reasons = []
    if dropped:
        reasons.append(Reason(f"the load dropped {dropped} of {due} requests that were due"))
    if due and started < LOAD_ACHIEVED_SHARE_MIN * due and evidence.of(LoadEnded):
        reasons.append(Reason(f"the load started {started} of {due} requests ({started / due:.0%}, 95% are needed)"))
    if lag_ms > LAG_P99_MS_MAX:
        reasons.append(
            Reason(f"the load generator itself was {lag_ms:.0f} ms late (p99, at most {LAG_P99_MS_MAX:.0f})")
        )
    return reasons


def _totals(evidence: Evidence) -> tuple[int, int, int, float]:
    ended, seconds = evidence.of(LoadEnded), evidence.of(LoadSecond)
    if ended:
        last = ended[-1]
        return last.due, last.started, max(last.dropped, sum(s.dropped for s in seconds)), last.lag_ms_p99
    return sum(s.due for s in seconds), sum(s.started for s in seconds), sum(s.dropped for s in seconds), 0.0
