"""`recovers: {within: 15s}`: after healing, usual answers come again, one after the other, as fast as before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chaoskit.checks.calls import calls_on
from chaoskit.checks.check import RECOVERY, Check, holds, took, unclear, violated
from chaoskit.checks.exposure import Usual, calls_per_request, exposure, usual
from chaoskit.checks.known import known_until
from chaoskit.checks.requests import ended_at, look_of, percentile, requests_of
from chaoskit.checks.thresholds import (
    ARRIVALS_BACK_SHARE,
    BASELINE_REQUESTS_MIN,
    INSTANT_TOLERANCE_S,
    RECOVERED_P95_EXTRA_MS,
    RECOVERED_P95_FACTOR,
    RECOVERY_S,
    SETTLE_S,
    USUAL_IN_A_ROW,
)
from chaoskit.model.evidence import Evidence
from chaoskit.model.quantity import Duration, Strict, format_duration
from chaoskit.model.scenario import Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Verdict


class RecoveryLimit(Strict):
    """From the moment that the last fault is confirmed gone to the first of twenty usual answers."""

    within: Duration = RECOVERY_S


class RecoversCheck(Check):
    """Usual: the status and the shape of an answer before the fault, its p95 back, and arrivals back on the link."""

    keyword: ClassVar[str] = "recovers"
    rule: ClassVar[int | None] = None

    recovers: RecoveryLimit

    def needs(self, system: System) -> Needs:
        return Needs(load=True, bodies=True, after_revert_s=self.recovers.within + 5.0)

    def stall_limits_s(self, system: System) -> Mapping[str, float]:
        return {"recovers": 0.2 * self.recovers.within}

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding: `recovers`."""
        return Verdict.of(self.keyword, self.rule, self.subject, [self._finding(evidence)])

    def _finding(self, evidence: Evidence) -> Finding:
        limit = self.recovers.within
        expected = f"{USUAL_IN_A_ROW} usual answers in a row ≤ {format_duration(limit)} after healing"
        exposed, normal = exposure(evidence), usual(evidence)
        if exposed is None or exposed.healed is None:
            return unclear(self.keyword, expected, "the fault is not gone", awaits=RECOVERY)
        known = known_until(evidence)
        row = self._first_row(evidence, normal, exposed.healed, known)
        if row is not None:
            since, evidence_of = row
            late = since > exposed.healed + limit + INSTANT_TOLERANCE_S
            observed = f"{took(since - exposed.healed)} after healing"
            return (violated if late else holds)(
                self.keyword, expected, observed, evidence=evidence_of, at=since, final=known >= since
            )
        return self._not_yet(evidence, normal, exposed.healed, expected)

    def _first_row(
        self, evidence: Evidence, normal: Usual, healed: float, known: float
    ) -> tuple[float, tuple[int, ...]] | None:
        """(when the first of twenty usual answers in a row was there, the first and last of them), by their ends."""
        requests = requests_of(evidence)
        first = next((i for i, t in enumerate(requests.times) if t >= healed), len(requests.times))
        ended = sorted((ended_at(requests.samples[i]), i) for i in range(first, len(requests.times)))
        p95_max = max(RECOVERED_P95_FACTOR * normal.p95_ms, normal.p95_ms + RECOVERED_P95_EXTRA_MS)
        if normal.requests < BASELINE_REQUESTS_MIN:
            p95_max = float("inf")
        row: list[tuple[float, int]] = []
        for end, i in ended:
            sample = requests.samples[i]
            is_usual = sample.ok and (not normal.looks or look_of(sample) in normal.looks)
            row = [*row[-(USUAL_IN_A_ROW - 1) :], (end, i)] if is_usual else []
            if len(row) < USUAL_IN_A_ROW or end > known:
                continue
            quick = percentile((requests.samples[k].service_ms for _, k in row), 0.95) <= p95_max
            if quick and self._arrivals_back(evidence, row[0][0], end):
                return row[0][0], (requests.indices[row[0][1]], requests.indices[i])
        return None

    def _arrivals_back(self, evidence: Evidence, start: float, end: float) -> bool:
        """On every faulted link whose calls were seen before the fault."""
        for fault in evidence.plan.faults:
            ratio = calls_per_request(evidence, fault.target).ratio
            if ratio <= 0:
                continue
            slack = INSTANT_TOLERANCE_S
            due = ratio * requests_of(evidence).answered_between(start, end)
            if calls_on(evidence, fault.target).count(start - slack, end + slack) < ARRIVALS_BACK_SHARE * due:
                return False
        return True

    def _not_yet(self, evidence: Evidence, normal: Usual, healed: float, expected: str) -> Finding:
        requests, limit = requests_of(evidence), self.recovers.within
        until = healed + limit
        known = min(known_until(evidence), evidence.now)
        load = evidence.plan.scenario.load
        row_s = USUAL_IN_A_ROW / load.rate if load is not None else 0.0
        after = [i for i, t in enumerate(requests.times) if t >= healed]
        odd = [i for i in after if look_of(requests.samples[i]) not in normal.looks or not requests.samples[i].ok]
        observed = f"{len(after) - len(odd)} usual of {len(after)} answers, {took(known - healed)} after healing"
        if known > until + row_s + SETTLE_S and len(after) >= USUAL_IN_A_ROW:
            picked = tuple(requests.indices[i] for i in odd[-10:])
            return violated(self.keyword, expected, observed, evidence=picked, at=until)
        return unclear(self.keyword, expected, observed, awaits=RECOVERY)
