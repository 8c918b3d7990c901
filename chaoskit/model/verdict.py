"""Verdicts: pass, fail or inconclusive; what was not seen did not pass (after Jepsen's three-valued checkers)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct


class Outcome(StrEnum):
    """`fail` outweighs `inconclusive` outweighs `pass`."""

    PASS = "pass"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"


_WEIGHT = {Outcome.PASS: 0, Outcome.INCONCLUSIVE: 1, Outcome.FAIL: 2}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The heaviest of them; of nothing at all: inconclusive."""
    return max(outcomes, key=_WEIGHT.__getitem__, default=Outcome.INCONCLUSIVE)


class Finding(Struct, frozen=True):
    """One expectation of a check: `opens_within`, expected `≤ 6s`, observed `1.204s`.

    `evidence` holds the indices (into the scenario's events, in order) of the events that decided it, `at` the
    instant in run seconds that a reader should be shown. `final`: more evidence cannot change it.
    """

    name: str
    outcome: Outcome
    expected: str
    observed: str
    evidence: tuple[int, ...] = ()
    at: float | None = None
    final: bool = False
    awaits: str = ""
    """What a finding that is not final still waits for: "" (the fault must stay), `recovery` or `settle`."""


class Verdict(Struct, frozen=True):
    """What a check found. The outcome is the worst of its findings; `sentence` says it to a person."""

    check: str
    rule: int | None
    subject: str
    outcome: Outcome
    sentence: str
    findings: tuple[Finding, ...] = ()
    voided_by: tuple[str, ...] = ()
    """Reasons (gates) for which a pass or a fail was not accepted."""

    @property
    def id(self) -> str:
        """Unique within a scenario: `breaker[order -> customer]`."""
        return f"{self.check}[{self.subject}]" if self.subject else self.check

    @property
    def final(self) -> bool:
        """True when more evidence cannot change the verdict."""
        if any(f.outcome is Outcome.FAIL and f.final for f in self.findings):
            return True
        return bool(self.findings) and all(f.final for f in self.findings)

    @classmethod
    def of(cls, check: str, rule: int | None, subject: str, findings: Iterable[Finding], sentence: str = "") -> Verdict:
        """A verdict from its findings; without a sentence, the deciding finding makes one."""
        found = tuple(findings)
        outcome = worst(f.outcome for f in found)
        if not sentence:
            deciding = next((f for f in found if f.outcome is outcome), None)
            sentence = (
                f"{deciding.name}: expected {deciding.expected}, observed {deciding.observed}"
                if deciding
                else "nothing was checked"
            )
        return cls(check, rule, subject, outcome, sentence, found)


def decided(verdicts: Sequence[Verdict]) -> bool:
    """True when no later evidence can change any of them. No verdicts at all are never decided."""
    return bool(verdicts) and all(verdict.final for verdict in verdicts)
