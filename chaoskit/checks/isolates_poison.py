"""`isolates_poison: consumer`: good messages behind a poison one have their effect all the same."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.checks.check import SETTLE, Check, consumer_of, holds, unclear, violated
from chaoskit.checks.effects import dead_lettered, effect_counts, no_more_to_come, published, swept
from chaoskit.checks.thresholds import EFFECT_QUIET_S
from chaoskit.model.evidence import Evidence
from chaoskit.model.instruction import PoisonMessages
from chaoskit.model.scenario import Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Verdict


class IsolatesPoisonCheck(Check):
    """Needs a poison fault with `good_behind`."""

    keyword: ClassVar[str] = "isolates_poison"
    rule: ClassVar[int | None] = 5

    isolates_poison: str

    def needs(self, system: System) -> Needs:
        consumer = consumer_of(system, self.isolates_poison)
        return Needs(
            after_inject_s=consumer.settles_within,
            effects=(self.isolates_poison,),
            dead_letters=(self.isolates_poison,) if consumer.dead_letter else (),
            quiet_s=EFFECT_QUIET_S,
        )

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding: `isolates_poison`."""
        finding = self._finding(evidence)
        name = self.isolates_poison
        sentence = f"{name}: of the good messages behind poison, {finding.observed}."
        return Verdict.of(self.keyword, self.rule, self.subject, [finding], sentence)

    def _finding(self, evidence: Evidence) -> Finding:
        behind = {m.key: i for i, m in published(evidence, self.isolates_poison, "behind") if m.key}
        counts = effect_counts(evidence, self.isolates_poison)
        done = [key for key in behind if counts.get(key, (0, -1))[0] >= 1]
        expected, observed = "all good messages take effect", f"{len(done)} of {len(behind)} took effect"
        all_sent = no_more_to_come(evidence, self.isolates_poison) and len(behind) >= self._wanted(evidence)
        awaits = SETTLE if all_sent or not self._wanted(evidence) else ""
        if not behind:
            return unclear(self.keyword, expected, "none was sent: set good_behind on the fault", awaits=awaits)
        final_keys = swept(evidence, self.isolates_poison)
        dead = {m.key: i for i, m in dead_lettered(evidence, self.isolates_poison) if m.key in behind}
        missed = [key for key in behind if key not in done and (key in final_keys or key in dead)]
        if missed:
            first = missed[0]
            where = "was dead-lettered" if first in dead else "had none by the end"
            picked = tuple(i for key in missed for i in (behind[key], dead.get(key, counts.get(key, (0, -1))[1])))[:10]
            certain = any(key in final_keys for key in missed)
            observed = f"{observed} ({first} {where})"
            at = evidence.events[behind[first]].t
            return violated(self.keyword, expected, observed, evidence=picked, at=at, final=certain, awaits=SETTLE)
        if len(done) < len(behind):
            return unclear(self.keyword, expected, observed, awaits=awaits)
        picked = tuple(counts[key][1] for key in done[:10])
        return holds(self.keyword, expected, observed, evidence=picked, final=all_sent, awaits=awaits)

    def _wanted(self, evidence: Evidence) -> int:
        planned = [i for fault in evidence.plan.faults for i in fault.instructions if isinstance(i, PoisonMessages)]
        mine = [i for i in planned if i.consumer == self.isolates_poison]
        return sum(len(i.mutants) * i.good_behind for i in mine)
