"""`latency: {p95: 200ms, phase: fault}`: absolute percentiles, counted from the intended start, per phase."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import ClassVar, Self

from pydantic import model_validator

from chaoskit.checks.check import SETTLE, Check, holds, took, unclear, violated
from chaoskit.checks.phases import PhaseName, phase_is_known, phase_windows
from chaoskit.checks.requests import percentile, requests_of
from chaoskit.checks.thresholds import PERCENTILE_SAMPLES_MIN
from chaoskit.model.evidence import Evidence
from chaoskit.model.quantity import Duration, Strict, format_duration
from chaoskit.model.scenario import Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Verdict


class LatencyLimit(Strict):
    """At least one percentile with its limit."""

    p50: Duration | None = None
    p95: Duration | None = None
    p99: Duration | None = None
    phase: PhaseName = "all"
    request: str | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.stated():
            raise ValueError("latency needs at least one of p50, p95, p99")
        return self

    def stated(self) -> dict[str, float]:
        """Percentile → limit in seconds."""
        limits = {"p50": self.p50, "p95": self.p95, "p99": self.p99}
        return {name: limit for name, limit in limits.items() if limit is not None}


class LatencyCheck(Check):
    """A request that got no answer counts as infinitely slow: an error must not improve a percentile."""

    keyword: ClassVar[str] = "latency"
    rule: ClassVar[int | None] = None

    latency: LatencyLimit

    @property
    def subject(self) -> str:
        limit = self.latency
        return f"{limit.phase}, {limit.request}" if limit.request else limit.phase

    def needs(self, system: System) -> Needs:
        return Needs(load=True, after_revert_s=5.0 if self.latency.phase == "recovery" else 0.0)

    def stall_limits_s(self, system: System) -> Mapping[str, float]:
        return self.latency.stated()

    def lag_limits_s(self, system: System) -> Mapping[str, float]:
        return self.latency.stated()

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding per percentile: `p50`, `p95`, `p99`."""
        limit, requests = self.latency, requests_of(evidence)
        inside = [i for window in phase_windows(evidence, limit.phase) for i in requests.within(window)]
        inside = [i for i in inside if limit.request in (None, requests.samples[i].name)]
        seconds = {i: requests.samples[i].latency_ms / 1000 if requests.samples[i].status else inf for i in inside}
        findings = [self._finding(evidence, name, limit_s, seconds) for name, limit_s in limit.stated().items()]
        return Verdict.of(self.keyword, self.rule, self.subject, findings)

    def _finding(self, evidence: Evidence, name: str, limit_s: float, seconds: dict[int, float]) -> Finding:
        requests, expected = requests_of(evidence), f"≤ {format_duration(limit_s)}"
        needed = PERCENTILE_SAMPLES_MIN[name]
        final = phase_is_known(evidence, self.latency.phase)
        if len(seconds) < needed:
            awaits = "recovery" if self.latency.phase in ("recovery", "baseline") else ""
            observed = f"{len(seconds)} requests, {needed} needed"
            return unclear(name, expected, observed, awaits=awaits, final=final)
        value = percentile(seconds.values(), int(name[1:]) / 100)
        observed = f"{took(value)} of {len(seconds)} requests" if value < inf else "too many requests got no answer"
        worst = sorted(seconds, key=lambda i: seconds[i])[-10:]
        more = {"evidence": tuple(requests.indices[i] for i in worst), "at": requests.times[worst[-1]]}
        judged = holds if value <= limit_s else violated
        return judged(name, expected, observed, awaits=SETTLE, final=final, **more)
