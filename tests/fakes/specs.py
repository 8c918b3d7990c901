"""A fault and a check whose behaviour a test chooses."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.model.evidence import Evidence
from chaoskit.model.instruction import Instruction, Toxic
from chaoskit.model.scenario import CheckSpec, FaultSpec, Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Outcome, Verdict


class FakeFault(FaultSpec):
    """`nuisance: n` puts n toxics on a link."""

    keyword: ClassVar[str] = "nuisance"
    nuisance: int = 1

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        return tuple(Toxic(self.link or "", "latency", {"latency": n}) for n in range(self.nuisance))


class FakeCheck(CheckSpec):
    """Passes for good after `decided_after` events of its scenario; `explodes` makes it raise."""

    keyword: ClassVar[str] = "calm"
    rule: ClassVar[int | None] = 3
    calm: str = "x"
    decided_after: int = 0
    awaits: str = ""
    links: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return self.calm

    def needs(self, system: System) -> Needs:
        return Needs(after_revert_s=0.5, links=self.links)

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        decided = len(evidence.events) >= self.decided_after
        outcome = Outcome.PASS if decided else Outcome.INCONCLUSIVE
        finding = Finding("calm", outcome, "calm", "calm", final=decided, awaits="" if decided else self.awaits)
        return Verdict.of("calm", 3, self.calm, [finding])
