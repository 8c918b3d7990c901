"""`errors: {at_most: 1%, phase: fault}`: the share of requests that fail, absolute and per phase."""

from __future__ import annotations

from math import ceil
from typing import ClassVar

from chaoskit.checks.check import SETTLE, Check, holds, unclear, violated
from chaoskit.checks.phases import PhaseName, phase_is_known, phase_windows
from chaoskit.checks.requests import requests_of
from chaoskit.checks.thresholds import ERRORS_SAMPLES_CAP, ERRORS_SAMPLES_MIN
from chaoskit.model.evidence import Evidence
from chaoskit.model.quantity import Ratio, Strict
from chaoskit.model.scenario import Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Verdict


class ErrorsLimit(Strict):
    """How many of which requests may fail when. A failed request is one whose answer the journey did not expect."""

    at_most: Ratio
    phase: PhaseName = "all"
    request: str | None = None


class ErrorsCheck(Check):
    """Requests count for the phase in which they began."""

    keyword: ClassVar[str] = "errors"
    rule: ClassVar[int | None] = None

    errors: ErrorsLimit

    @property
    def subject(self) -> str:
        limit = self.errors
        return f"{limit.phase}, {limit.request}" if limit.request else limit.phase

    def needs(self, system: System) -> Needs:
        return Needs(load=True, after_revert_s=5.0 if self.errors.phase == "recovery" else 0.0)

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding: `errors`."""
        finding = self._finding(evidence)
        phase = {"all": "in all", "fault": "under the fault", "recovery": "after healing", "baseline": "before"}
        sentence = f"Errors {phase[self.errors.phase]}: {finding.observed} (at most {self.errors.at_most:.1%})."
        return Verdict.of(self.keyword, self.rule, self.subject, [finding], sentence)

    def _finding(self, evidence: Evidence) -> Finding:
        limit, requests = self.errors, requests_of(evidence)
        expected = f"≤ {limit.at_most:.1%}"
        inside = [i for window in phase_windows(evidence, limit.phase) for i in requests.within(window)]
        inside = [i for i in inside if limit.request in (None, requests.samples[i].name)]
        bad = [i for i in inside if not requests.samples[i].ok]
        needed = _needed(limit.at_most)
        share = len(bad) / len(inside) if inside else 0.0
        observed = f"{share:.1%}, {len(bad)} of {len(inside)}"
        enough = len(inside) >= needed
        final = phase_is_known(evidence, limit.phase)
        more = {"awaits": SETTLE if enough else self._awaits(), "final": final}
        if bad:
            more |= {"evidence": tuple(requests.indices[i] for i in bad[:10]), "at": requests.times[bad[0]]}
        if len(bad) > limit.at_most * max(len(inside), needed):
            return violated("errors", expected, observed, **more)
        if not enough:
            return unclear("errors", expected, f"{observed}; {needed} requests are needed", **more)
        return (holds if share <= limit.at_most else violated)("errors", expected, observed, **more)

    def _awaits(self) -> str:
        return "recovery" if self.errors.phase in ("recovery", "baseline") else ""


def _needed(at_most: float) -> int:
    """Requests that a limit of this fineness asks for."""
    finest = ceil(1 / at_most) if at_most > 0 else 0
    return min(max(ERRORS_SAMPLES_MIN, finest), ERRORS_SAMPLES_CAP)
