"""`idempotent: consumer`: a message that comes twice has its effect once."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.checks.check import SETTLE, Check, consumer_of, holds, unclear, violated
from chaoskit.checks.effects import effect_counts, no_more_to_come, published, settled_at, swept
from chaoskit.checks.thresholds import COPIES_MIN, EFFECT_QUIET_S
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Verdict


class IdempotentCheck(Check):
    """Judged by business key, for keys whose copy was published, confirmed, delivered and settled."""

    keyword: ClassVar[str] = "idempotent"
    rule: ClassVar[int | None] = 4

    idempotent: str

    def needs(self, system: System) -> Needs:
        consumer = consumer_of(system, self.idempotent)
        return Needs(effects=(self.idempotent,), bodies=consumer.accepted_by is not None, quiet_s=EFFECT_QUIET_S)

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """Findings: `copies` (were there enough, and settled) and `once` (the effect of each key)."""
        copies = [(i, m) for i, m in published(evidence, self.idempotent, "copy") if m.key]
        queue = consumer_of(system, self.idempotent).queue
        last = max((m.t for _, m in copies), default=0.0)
        settled = settled_at(evidence, queue, last) is not None if copies else False
        keys = {m.key: i for i, m in copies}
        findings = [self._copies(evidence, len(copies), settled), self._once(evidence, keys, settled)]
        return Verdict.of(self.keyword, self.rule, self.subject, findings, self._sentence(evidence, keys))

    def _sentence(self, evidence: Evidence, keys: dict[str, int]) -> str:
        counts = effect_counts(evidence, self.idempotent)
        twice = [key for key in keys if counts.get(key, (0, -1))[0] > 1]
        if twice:
            return (
                f"{self.idempotent} is not idempotent: of {len(keys)} messages that came twice, {len(twice)} had their "
                f"effect more than once (such as {twice[0]}, {counts[twice[0]][0]} times)."
            )
        done = sum(counts.get(key, (0, -1))[0] == 1 for key in keys)
        return f"{self.idempotent}: {len(keys)} messages came twice, {done} of them have had their effect exactly once."

    def _copies(self, evidence: Evidence, count: int, settled: bool) -> Finding:
        expected, observed = f"≥ {COPIES_MIN} copies, settled", f"{count} copies"
        over = no_more_to_come(evidence, self.idempotent)
        if count < COPIES_MIN:
            observed += ": the fault hit nothing" if not count else ""
            return unclear("copies", expected, observed, awaits=SETTLE if over else "", final=evidence.complete)
        if not settled:
            observed += ", not all settled"
            return unclear("copies", expected, observed, awaits=SETTLE, final=evidence.complete)
        return holds("copies", expected, observed, awaits=SETTLE, final=over)

    def _once(self, evidence: Evidence, keys: dict[str, int], settled: bool) -> Finding:
        expected, counts = "effect exactly 1 per key", effect_counts(evidence, self.idempotent)
        final_keys = swept(evidence, self.idempotent)
        twice = [key for key in keys if counts.get(key, (0, -1))[0] > 1]
        if twice:
            pairs = [i for key in twice for i in (keys[key], counts[key][1])][:10]
            certain = any(key in final_keys for key in twice)
            observed = f"{len(twice)} of {len(keys)} keys more than once"
            at = evidence.events[counts[twice[0]][1]].t
            return violated("once", expected, observed, evidence=tuple(pairs), at=at, final=certain, awaits=SETTLE)
        unseen = [key for key in keys if key not in final_keys]
        if unseen or not keys:
            return unclear("once", expected, f"{len(unseen)} of {len(keys)} keys not counted yet", awaits=SETTLE)
        none = [key for key in keys if counts[key][0] == 0]
        if none:
            observed = f"{len(none)} of {len(keys)} keys have no effect at all (not processed), such as {none[0]}"
            picked = tuple(counts[key][1] for key in none[:10])
            return unclear("once", expected, observed, evidence=picked, awaits=SETTLE, final=True)
        picked = tuple(counts[key][1] for key in list(keys)[:10])
        observed = f"all {len(keys)} keys exactly once"
        return holds("once", expected, observed, evidence=picked, final=settled, awaits=SETTLE)
