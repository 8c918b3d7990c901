"""`probe`: single requests that the run itself sends are answered as expected, for systems without load."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from chaoskit.model.evidence import Evidence, Window
from chaoskit.model.quantity import Duration, format_duration
from chaoskit.model.scenario import CheckSpec, Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Outcome, Verdict


class Probe(CheckSpec):
    """`probe: GET {service}/path` (or `GET {caller -> callee}/path`, through that link), answered in every phase.

    `status`: the status that counts as good (default: any below 400). `within`: the longest that an answer may take.
    """

    keyword: ClassVar[str] = "probe"
    rule: ClassVar[int | None] = None

    probe: str = Field(pattern=r"^(GET|HEAD|POST|PUT|DELETE) \S.*$")
    status: int | None = Field(None, ge=100, le=599)
    within: Duration | None = None

    @property
    def subject(self) -> str:
        return self.probe

    def needs(self, system: System) -> Needs:
        return Needs(probes=(self.probe,), after_revert_s=2.0)

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding per phase: without an answer in it, inconclusive; one bad answer fails it."""
        phases = ("baseline", "fault", "recovery") if evidence.plan.faults else ("baseline",)
        return Verdict.of("probe", None, self.probe, [self._phase(evidence, name) for name in phases])

    def _phase(self, evidence: Evidence, name: str) -> Finding:
        expected = f"{name}: answered" + (f" with {self.status}" if self.status else "")
        if self.within is not None:
            expected += f" within {format_duration(self.within)}"
        window = evidence.phase(name)
        awaits = "recovery" if name == "recovery" else ""
        if window is None:
            return Finding(name, Outcome.INCONCLUSIVE, expected, "the phase has not begun", awaits=awaits)
        seen = [
            (index, sample)
            for index, sample in evidence.indexed_samples(window, self.probe)
            if name != "fault" or _in_force(evidence, sample.t)
        ]
        if not seen:
            return Finding(name, Outcome.INCONCLUSIVE, expected, "no request was sent", awaits=awaits)
        for index, sample in seen:
            good = sample.ok if self.status is None else sample.status == self.status
            slow = self.within is not None and sample.service_ms > self.within * 1000
            if not good or slow:
                what = sample.error or f"{sample.status} after {sample.service_ms:.0f} ms"
                return Finding(name, Outcome.FAIL, expected, what, (index,), sample.t, final=True)
        slowest = max(sample.service_ms for _, sample in seen)
        return Finding(
            name, Outcome.PASS, expected, f"{len(seen)} answers, slowest {slowest:.0f} ms", final=True, awaits=awaits
        )


def _in_force(evidence: Evidence, t: float) -> bool:
    return any(t in Window(window.start, window.end) for _, window in evidence.fault_windows())
