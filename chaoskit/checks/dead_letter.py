"""`dead_letter: consumer`: what it cannot understand goes to the dead letter queue, each message by its identity."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from pydantic import Field

from chaoskit.checks.check import SETTLE, Check, consumer_of, holds, unclear, violated
from chaoskit.checks.effects import no_more_to_come
from chaoskit.checks.poison_fates import (
    DEAD_LETTERED,
    LOOP,
    PENDING,
    STOPPED,
    STUCK,
    VANISHED,
    PoisonFate,
    poison_fates,
)
from chaoskit.checks.thresholds import EFFECT_QUIET_S, SETTLE_S, VANISHED_S
from chaoskit.errors import UsageProblem
from chaoskit.model.evidence import Evidence
from chaoskit.model.quantity import Duration
from chaoskit.model.scenario import Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Verdict

_BAD = (VANISHED, LOOP, STUCK, STOPPED)


class DeadLetterCheck(Check):
    """Judged on certain poison only; suspicious mutants that were accepted are advice in the sentence."""

    keyword: ClassVar[str] = "dead_letter"
    rule: ClassVar[int | None] = 5

    dead_letter: str
    count: int = Field(1, ge=1)
    """So many certainly poisonous messages must have been sent."""
    within: Duration = VANISHED_S
    """How long a rejected message may take to get there; more for consumers that retry through a delay queue."""

    def needs(self, system: System) -> Needs:
        consumer = consumer_of(system, self.dead_letter)
        if consumer.dead_letter is None:
            raise UsageProblem(
                f"dead_letter: consumer '{self.dead_letter}' declares no dead letter queue",
                remedy=f"add `dead_letter: <queue>` to consumers.{self.dead_letter} in the system file",
            )
        effects = (self.dead_letter,) if consumer.effect is not None else ()
        return Needs(
            after_inject_s=consumer.settles_within,
            dead_letters=(self.dead_letter,),
            effects=effects,
            quiet_s=max(EFFECT_QUIET_S, self.within + 2 * SETTLE_S),
        )

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding: `dead_lettered`."""
        fates = poison_fates(evidence, system, self.dead_letter, self.within)
        finding = self._finding(evidence, fates)
        return Verdict.of(self.keyword, self.rule, self.subject, [finding], self._sentence(fates))

    def _finding(self, evidence: Evidence, fates: tuple[PoisonFate, ...]) -> Finding:
        certain = [fate for fate in fates if fate.certain]
        kept = [fate for fate in certain if fate.fate == DEAD_LETTERED]
        expected, observed = "all certain poison dead-lettered", f"{len(kept)} of {len(certain)}"
        all_sent = no_more_to_come(evidence, self.dead_letter)
        bad = [fate for fate in certain if fate.fate in _BAD]
        if bad:
            named = ", ".join(f"{fate.mutant} {fate.fate}" for fate in bad[:3])
            picked = tuple(fate.evidence[0] for fate in bad[:10])
            more = {"evidence": picked, "at": bad[0].at, "final": evidence.complete, "awaits": SETTLE}
            return violated("dead_lettered", expected, f"{observed}: {named}", **more)
        if len(certain) < self.count:
            observed = f"{len(certain)} poison messages were sent, {self.count} needed"
            return unclear("dead_lettered", expected, observed, awaits=SETTLE if all_sent else "")
        if len(kept) < len(certain):
            waiting = next(fate for fate in certain if fate.fate == PENDING)
            observed = f"{observed}; {waiting.mutant} is still under way"
            return unclear("dead_lettered", expected, observed, awaits=SETTLE if all_sent else "")
        picked = tuple(i for fate in kept for i in fate.evidence)[:10]
        return holds(
            "dead_lettered", expected, observed, evidence=picked, at=kept[-1].at, final=all_sent, awaits=SETTLE
        )

    def _sentence(self, fates: tuple[PoisonFate, ...]) -> str:
        certain = [fate for fate in fates if fate.certain]
        counted = Counter(fate.fate for fate in certain)
        parts = ", ".join(f"{n} {fate}" for fate, n in counted.most_common()) or "none was sent"
        text = f"{self.dead_letter}: {len(certain)} messages that nobody can understand: {parts}."
        accepted = [fate.mutant for fate in fates if not fate.certain and fate.fate != DEAD_LETTERED]
        if accepted:
            text += f" Advice: suspicious messages were not put aside ({', '.join(accepted[:4])})."
        return text
