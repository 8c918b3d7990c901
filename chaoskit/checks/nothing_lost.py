"""`nothing_lost: consumer`: every accepted piece of work has its effect, or lies in the dead letter queue."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.checks.check import SETTLE, Check, consumer_of, holds, unclear, violated
from chaoskit.checks.effects import effect_counts, no_more_to_come
from chaoskit.checks.ledger import Ledger, ledger
from chaoskit.checks.thresholds import ACCEPTED_MIN, EFFECT_QUIET_S
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Verdict


class NothingLostCheck(Check):
    """Judged in the final sweep. What waits in the queue is stalled, not lost: then it is inconclusive."""

    keyword: ClassVar[str] = "nothing_lost"
    rule: ClassVar[int | None] = 5

    nothing_lost: str
    once: bool = False
    """Each of them exactly once."""

    def needs(self, system: System) -> Needs:
        consumer = consumer_of(system, self.nothing_lost)
        return Needs(
            effects=(self.nothing_lost,),
            dead_letters=(self.nothing_lost,) if consumer.dead_letter else (),
            bodies=consumer.accepted_by is not None,
            quiet_s=EFFECT_QUIET_S,
        )

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """Findings: `nothing_lost`, and `once` where asked for."""
        consumer_of(system, self.nothing_lost)
        book = ledger(evidence, system, self.nothing_lost)
        findings = [self._lost(evidence, book)]
        if self.once:
            findings.append(self._twice(evidence, book))
        return Verdict.of(self.keyword, self.rule, self.subject, findings, self._sentence(book))

    def _sentence(self, book: Ledger) -> str:
        text = f"{self.nothing_lost}: of {book.accepted} accepted, {book.effects} took effect"
        for count, what in (
            (book.dead_lettered, "were dead-lettered"),
            (book.ready + book.unacked, "still wait in the queue"),
            (book.lost, f"are lost (such as {book.lost_keys[0] if book.lost_keys else ''})"),
            (book.twice, f"were done more than once (such as {book.twice_keys[0] if book.twice_keys else ''})"),
        ):
            text += f", {count} {what}" if count else ""
        return text + "."

    def _lost(self, evidence: Evidence, book: Ledger) -> Finding:
        expected, observed = "every accepted key has its effect", f"{book.effects} of {book.accepted}"
        final = self._is_final(evidence, book)
        more = {"awaits": self._awaits(evidence, book), "final": final}
        if book.accepted < ACCEPTED_MIN:
            observed = f"{book.accepted} accepted, {ACCEPTED_MIN} needed"
            return unclear("nothing_lost", expected, observed, **more)
        if book.uncounted:
            return unclear("nothing_lost", expected, f"{observed}; {book.uncounted} not counted yet", **more)
        if book.lost:
            counts = effect_counts(evidence, self.nothing_lost)
            picked = tuple(counts[key][1] for key in book.lost_keys[:10] if key in counts)
            at = evidence.events[picked[0]].t if picked else None
            observed = f"{observed}, {book.lost} lost"
            return violated("nothing_lost", expected, observed, evidence=picked, at=at, **more)
        if book.ready or book.unacked:
            observed = f"{observed}; {book.ready + book.unacked} stalled in the queue"
            return unclear("nothing_lost", expected, observed, **more)
        dead = f" and {book.dead_lettered} dead-lettered" if book.dead_lettered else ""
        return holds("nothing_lost", expected, observed + dead, **more)

    def _twice(self, evidence: Evidence, book: Ledger) -> Finding:
        expected, counts = "every key once", effect_counts(evidence, self.nothing_lost)
        more = {"awaits": self._awaits(evidence, book), "final": self._is_final(evidence, book)}
        if book.twice and not book.uncounted:
            picked = tuple(counts[key][1] for key in book.twice_keys[:10])
            observed = f"{book.twice} more than once"
            return violated("once", expected, observed, evidence=picked, at=evidence.events[picked[0]].t, **more)
        if book.uncounted or book.accepted < ACCEPTED_MIN:
            return unclear("once", expected, f"{book.uncounted} of {book.accepted} not counted yet", **more)
        return holds("once", expected, f"none of {book.accepted} more than once", **more)

    def _awaits(self, evidence: Evidence, book: Ledger) -> str:
        enough = book.accepted >= ACCEPTED_MIN and no_more_to_come(evidence, self.nothing_lost)
        return SETTLE if enough else ""

    def _is_final(self, evidence: Evidence, book: Ledger) -> bool:
        """Only the end of the scenario closes the books: the final sweep comes key by key."""
        return evidence.complete
