"""Consumers: idempotency, dead letters, isolation, nothing lost, draining; and the ledger."""

from __future__ import annotations

from typing import Any

import pytest
from chaoskit.checks.check import Check
from chaoskit.checks.dead_letter import DeadLetterCheck
from chaoskit.checks.drains import DrainsCheck
from chaoskit.checks.idempotent import IdempotentCheck
from chaoskit.checks.isolates_poison import IsolatesPoisonCheck
from chaoskit.checks.ledger import ledger
from chaoskit.checks.nothing_lost import NothingLostCheck
from chaoskit.checks.poison_fates import poison_fates
from chaoskit.errors import UsageProblem
from chaoskit.model.instruction import DuplicateMessages, PoisonMessages
from chaoskit.model.story import LEDGER_PARTS
from chaoskit.model.verdict import Verdict

from tests.unit.checks.messages import CONSUMER, Messages, keys
from tests.unit.checks.story import plan_of, system_of

SYSTEM = system_of()
DUPLICATES = (DuplicateMessages(CONSUMER),)


def judged(check: Check, told: Messages, instructions: tuple[Any, ...] = (), fault: str | None = "f") -> Verdict:
    """The verdict on what was told."""
    plan = plan_of(check, fault=fault, target=CONSUMER, rate=None, instructions=instructions)
    verdict = check.judge(told.evidence(plan), SYSTEM)
    assert isinstance(verdict, Verdict)
    return verdict


def found(verdict: Verdict) -> dict[str, str]:
    """Finding → outcome."""
    return {finding.name: finding.outcome.value for finding in verdict.findings}


# --- idempotent --------------------------------------------------------------------------------------------------

IDEMPOTENT = IdempotentCheck(idempotent=CONSUMER)


def doubled(counts: dict[str, int], copies: int = 5) -> Messages:
    """`copies` messages that came twice, settled, with these effects in the end."""
    told = Messages().fault().accepted(*keys(copies)).sent("copy", *keys(copies)).healed()
    return told.queue(3).queue(0).effects(counts)


def test_idempotent_consumer_passes() -> None:
    """Five copies, five effects."""
    verdict = judged(IDEMPOTENT, doubled(dict.fromkeys(keys(5), 1)).ended(), DUPLICATES)
    assert found(verdict) == {"copies": "pass", "once": "pass"}
    assert verdict.final


def test_second_effect_fails() -> None:
    """One key with two effects is enough, and it is named."""
    verdict = judged(IDEMPOTENT, doubled({**dict.fromkeys(keys(5), 1), "k3": 2}), DUPLICATES)
    assert verdict.outcome == "fail"
    assert verdict.final
    assert "such as k3, 2 times" in verdict.sentence


def test_second_effect_of_a_key_without_copy_is_no_matter() -> None:
    """What was not doubled by us may have been ordered twice."""
    told = doubled({**dict.fromkeys(keys(5), 1), "other": 2})
    assert judged(IDEMPOTENT, told.ended(), DUPLICATES).outcome == "pass"


def test_unconfirmed_copies_do_not_count() -> None:
    """A copy that the broker never took proves nothing, whatever the effects."""
    told = Messages().fault().sent("copy", *keys(5), confirmed=False).healed().queue(0)
    told.effects(dict.fromkeys(keys(5), 2)).ended()
    assert judged(IDEMPOTENT, told, DUPLICATES).outcome == "inconclusive"


def test_four_copies_are_too_few() -> None:
    """A handful at least."""
    told = doubled(dict.fromkeys(keys(4), 1), copies=4).ended()
    assert judged(IDEMPOTENT, told, DUPLICATES).outcome == "inconclusive"


def test_no_effect_is_not_idempotency() -> None:
    """A key that was never processed is inconclusive here; nothing_lost deals with it."""
    verdict = judged(IDEMPOTENT, doubled({**dict.fromkeys(keys(5), 1), "k2": 0}).ended(), DUPLICATES)
    assert found(verdict)["once"] == "inconclusive"
    assert "not processed" in verdict.findings[1].observed


def test_copies_that_were_not_settled_prove_nothing() -> None:
    """The queue was never seen empty after the last copy."""
    told = Messages().fault().sent("copy", *keys(5)).healed().queue(2, 1)
    told.effects(dict.fromkeys(keys(5), 1)).ended()
    assert judged(IDEMPOTENT, told, DUPLICATES).outcome == "inconclusive"


def test_an_empty_queue_before_the_copies_is_not_settlement() -> None:
    """Empty at first says nothing about what came later."""
    told = Messages().fault().queue(0).sent("copy", *keys(5)).healed()
    told.effects(dict.fromkeys(keys(5), 1)).ended()
    assert judged(IDEMPOTENT, told, DUPLICATES).outcome == "inconclusive"


def test_a_look_before_the_final_sweep_is_not_final() -> None:
    """Earlier looks may be too early for the second effect."""
    told = Messages().fault().sent("copy", *keys(5)).healed().queue(0).effects(dict.fromkeys(keys(5), 1), last=False)
    verdict = judged(IDEMPOTENT, told, DUPLICATES)
    assert verdict.outcome == "inconclusive"
    assert not verdict.final
    assert {finding.awaits for finding in verdict.findings} == {"settle"}


# --- dead letters ------------------------------------------------------------------------------------------------

DEAD = DeadLetterCheck(dead_letter=CONSUMER)
POISON = (PoisonMessages(CONSUMER, ("truncated", "empty", "huge")),)


def test_all_poison_dead_lettered_passes() -> None:
    """Each certain mutant by its identity."""
    told = (
        Messages().fault("poison").poison("truncated", dead=True).poison("empty", dead=True).poison("huge", dead=True)
    )
    verdict = judged(DEAD, told.queue(0), POISON)
    assert verdict.outcome == "pass"
    assert verdict.final
    assert verdict.findings[0].observed == "2 of 2"


def test_vanished_poison_fails_by_name() -> None:
    """Settled, and in no place."""
    told = Messages().fault("poison").poison("truncated", dead=True).poison("empty", dead=False)
    verdict = judged(DEAD, told.poison("huge", dead=True).queue(0).ended(), POISON)
    assert verdict.outcome == "fail"
    assert "empty vanished" in verdict.findings[0].observed


def test_vanishing_takes_time() -> None:
    """Right after the settlement it may still be on its way to the dead letter queue."""
    told = Messages().fault("poison").poison("truncated", dead=False).queue(0)
    told.queue(0, t=told.t + 1.9)
    assert judged(DEAD, told, POISON).outcome == "inconclusive"
    told.queue(0, t=told.t + 1.0)
    assert judged(DEAD, told, POISON).outcome == "fail"


def test_declared_retry_time_is_waited_for() -> None:
    """A consumer that retries through a delay queue declares how long it takes."""
    told = Messages().fault("poison").poison("truncated", dead=False).queue(0)
    told.ended(told.t + 5.0)
    patient = DeadLetterCheck(dead_letter=CONSUMER, within="8s")  # type: ignore[arg-type]
    assert judged(DEAD, told, POISON).outcome == "fail"
    assert judged(patient, told, POISON).outcome == "inconclusive"


def test_accepted_suspicious_poison_is_advice() -> None:
    """Wrong types and future versions may be fine for a tolerant reader."""
    told = (
        Messages().fault("poison").poison("truncated", dead=True).poison("empty", dead=True).poison("huge", dead=False)
    )
    verdict = judged(DEAD, told.queue(0).ended(), POISON)
    assert verdict.outcome == "pass"
    assert "Advice" in verdict.sentence
    assert "huge" in verdict.sentence


@pytest.mark.parametrize(("detail", "outcome"), [("certain:odd", "fail"), ("suspicious:empty", "inconclusive")])
def test_degree_of_poison_may_be_stated(detail: str, outcome: str) -> None:
    """The sender's own word wins over the catalogue."""
    told = Messages().fault("poison").poison(detail, dead=False).healed().queue(0).ended()
    assert judged(DEAD, told).outcome == outcome


def test_another_message_in_the_dlq_is_not_ours() -> None:
    """By identity, never by count."""
    told = Messages().fault("poison").poison("empty", dead=False).dead("", message="stranger").healed().queue(0).ended()
    assert judged(DEAD, told).outcome == "fail"


def test_stopped_consumer_is_named() -> None:
    """A consumer that left its queue has not dead-lettered anything."""
    told = Messages().fault("poison").poison("empty", dead=False).queue(1, consumers=0)
    told.queue(1, consumers=0, t=told.t + 7.0).ended(told.t + 7.1)
    verdict = judged(DEAD, told)
    assert verdict.outcome == "fail"
    assert "consumer stopped" in verdict.findings[0].observed


@pytest.mark.parametrize(("depths", "fate"), [([(1, 0), (0, 1)], "loop"), ([(0, 1), (0, 1)], "stuck")])
def test_loop_and_stuck_are_told_apart(depths: list[tuple[int, int]], fate: str) -> None:
    """Redelivered again and again, or held for ever."""
    told = Messages().fault("poison").poison("empty", dead=False)
    for _ in range(6):
        for ready, unacked in depths:
            told.queue(ready, unacked, t=told.t + 1.0)
    plan = plan_of(DEAD, target=CONSUMER, rate=None)
    fates = poison_fates(told.ended().evidence(plan), SYSTEM, CONSUMER)
    assert [one.fate for one in fates] == [fate]


def test_no_poison_is_inconclusive() -> None:
    """Nothing sent, nothing proven; and while more is to be sent the fault must stay."""
    verdict = judged(DEAD, Messages().fault("poison"), POISON)
    assert verdict.outcome == "inconclusive"
    assert verdict.findings[0].awaits == ""


# --- isolation ---------------------------------------------------------------------------------------------------

ISOLATES = IsolatesPoisonCheck(isolates_poison=CONSUMER)
BEHIND = (PoisonMessages(CONSUMER, ("empty",), good_behind=3),)


@pytest.mark.parametrize(
    ("third", "last", "outcome"), [(1, True, "pass"), (0, True, "fail"), (0, False, "inconclusive")]
)
def test_good_messages_behind_poison(third: int, last: bool, outcome: str) -> None:
    """All of them, by the final sweep."""
    told = Messages().fault("poison").poison("empty", dead=True).sent("behind", *keys(3)).healed()
    told.effects({"k0": 1, "k1": 1, "k2": third}, last=last)
    assert judged(ISOLATES, told, BEHIND).outcome == outcome


def test_dead_lettered_good_message_is_not_isolated() -> None:
    """Put aside together with the poison is not having an effect."""
    told = Messages().fault("poison").poison("empty", dead=True).sent("behind", *keys(3)).dead("k2").healed()
    assert judged(ISOLATES, told.effects({"k0": 1, "k1": 1}, last=False), BEHIND).outcome == "fail"


def test_isolation_needs_good_messages() -> None:
    """A poison fault without good_behind cannot show it, and the remedy is said."""
    verdict = judged(ISOLATES, Messages().fault("poison").poison("empty", dead=True).healed().ended())
    assert verdict.outcome == "inconclusive"
    assert "good_behind" in verdict.findings[0].observed


# --- nothing lost ------------------------------------------------------------------------------------------------

LOST = NothingLostCheck(nothing_lost=CONSUMER)
ONCE = NothingLostCheck(nothing_lost=CONSUMER, once=True)


@pytest.mark.parametrize("check", [LOST, ONCE])
def test_all_fulfilled_passes(check: NothingLostCheck) -> None:
    """Twelve accepted, twelve effects."""
    told = Messages().fault().accepted(*keys(12)).healed().queue(0).effects(dict.fromkeys(keys(12), 1)).ended()
    assert judged(check, told).outcome == "pass"


def test_lost_key_fails_by_name() -> None:
    """Accepted, no effect, in no queue."""
    told = Messages().fault().accepted(*keys(12)).healed().queue(0).effects({**dict.fromkeys(keys(12), 1), "k7": 0})
    verdict = judged(LOST, told.ended())
    assert verdict.outcome == "fail"
    assert "1 are lost (such as k7)" in verdict.sentence


def test_stalled_is_not_lost() -> None:
    """It waits in the queue: inconclusive."""
    told = Messages().fault().accepted(*keys(12)).healed().effects({**dict.fromkeys(keys(12), 1), "k7": 0}).queue(1)
    verdict = judged(LOST, told.ended())
    assert verdict.outcome == "inconclusive"
    assert "stalled" in verdict.findings[0].observed


def test_dead_lettered_is_not_lost() -> None:
    """Kept for somebody to look at."""
    told = Messages().fault().accepted(*keys(12)).dead("k7").healed().queue(0)
    told.effects({**dict.fromkeys(keys(12), 1), "k7": 0}).ended()
    assert judged(LOST, told).outcome == "pass"


def test_once_fails_on_a_second_effect() -> None:
    """Fulfilled twice is not fulfilled once; without the option it is no matter."""
    told = Messages().fault().accepted(*keys(12)).healed().queue(0).effects({**dict.fromkeys(keys(12), 1), "k7": 2})
    assert found(judged(ONCE, told.ended())) == {"nothing_lost": "pass", "once": "fail"}
    assert judged(LOST, told).outcome == "pass"


def test_refused_requests_are_not_owed() -> None:
    """Only what was accepted counts."""
    told = Messages().fault().accepted(*keys(12)).accepted("k12", status=503).healed().queue(0)
    assert judged(LOST, told.effects(dict.fromkeys(keys(12), 1)).ended()).outcome == "pass"


def test_own_originals_are_owed_when_confirmed() -> None:
    """Messages of ours count like accepted requests."""
    told = Messages().fault().sent("original", *keys(12)).sent("original", "k12", confirmed=False).healed().queue(0)
    told.effects({**dict.fromkeys(keys(12), 1), "k3": 0})
    verdict = judged(LOST, told.ended())
    assert verdict.outcome == "fail"
    assert "of 12 accepted" in verdict.sentence


def test_few_accepted_or_uncounted_is_inconclusive() -> None:
    """Nine prove nothing, and what nobody looked at is neither lost nor there."""
    few = Messages().fault().accepted(*keys(9)).healed().queue(0).effects(dict.fromkeys(keys(9), 1)).ended()
    assert judged(LOST, few).outcome == "inconclusive"
    unseen = Messages().fault().accepted(*keys(12)).healed().queue(0).effects(dict.fromkeys(keys(11), 1)).ended()
    assert judged(LOST, unseen).outcome == "inconclusive"


def test_ledger_adds_up() -> None:
    """accepted = effects + dead-lettered + ready + unacked + lost, whatever is missing."""
    told = Messages().fault().accepted(*keys(12)).dead("k1").healed().queue(1, 2)
    told.effects({**dict.fromkeys(keys(12), 1), "k1": 0, "k2": 0, "k3": 0, "k4": 0, "k5": 0, "k6": 3}).ended()
    book = ledger(told.evidence(plan_of(LOST, target=CONSUMER, rate=None)), SYSTEM, CONSUMER)
    assert book.parts == {
        "accepted": 12,
        "effects": 7,
        "dead_lettered": 1,
        "ready": 1,
        "unacked": 2,
        "lost": 1,
        "twice": 1,
    }
    assert sum(book.parts[part] for part in LEDGER_PARTS) == book.accepted


# --- drains ------------------------------------------------------------------------------------------------------

DRAINS = DrainsCheck(drains=CONSUMER, within="5s")  # type: ignore[arg-type]


def backlog(depths: dict[float, int], deepest: int = 20) -> Messages:
    """A backlog under the fault, healed at 10 s, and what the queue held after that."""
    told = Messages().fault("outage").queue(deepest, t=5.0).healed(10.0)
    for t, depth in depths.items():
        told.queue(depth, t=10.0 + t)
    return told


def test_backlog_worked_off_passes_and_is_final_after_calm() -> None:
    """Two calm seconds decide; nobody waits for the whole limit."""
    told = backlog({0.2: 20, 1.0: 4, 2.0: 0, 3.5: 0})
    verdict = judged(DRAINS, told)
    assert verdict.outcome == "pass"
    assert verdict.final
    assert "20 worked off 1s after healing" in verdict.findings[0].observed


def test_backlog_still_there_fails() -> None:
    """Past the deadline there is more in the queue than is usual."""
    assert judged(DRAINS, backlog({0.2: 20, 3.0: 15, 5.2: 8})).outcome == "fail"


def test_a_late_spike_is_no_calm() -> None:
    """Empty at first, because the publisher had not reconnected yet."""
    verdict = judged(DRAINS, backlog({0.2: 0, 1.5: 20, 2.0: 20, 4.0: 0, 6.6: 0}))
    assert "4s after healing" in verdict.findings[0].observed


def test_unserved_queue_is_not_drained() -> None:
    """Empty without a consumer means that nothing can be in it yet."""
    told = backlog({})
    told.queue(0, consumers=0, t=11.0).queue(0, consumers=0, t=14.0)
    assert judged(DRAINS, told).outcome == "inconclusive"


def test_no_backlog_is_inconclusive() -> None:
    """Nothing waited, nothing was absorbed; but accepted requests under an outage are a backlog as well."""
    assert judged(DRAINS, backlog({0.2: 0, 3.0: 0}, deepest=9)).outcome == "inconclusive"
    told = Messages().fault("outage").accepted(*keys(12)).healed(10.0)
    assert judged(DRAINS, told.queue(0, t=10.5).queue(0, t=13.1)).outcome == "pass"


# --- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "check",
    [
        IdempotentCheck(idempotent="inventori"),
        DeadLetterCheck(dead_letter="inventori"),
        IsolatesPoisonCheck(isolates_poison="inventori"),
        NothingLostCheck(nothing_lost="inventori"),
        DrainsCheck(drains="inventori"),
    ],
)
def test_unknown_consumer_is_refused_with_the_known_ones(check: Check) -> None:
    """A misspelt name must never be a check of nothing."""
    with pytest.raises(UsageProblem, match="inventori") as raised:
        check.needs(SYSTEM)
    assert "inventory" in raised.value.remedy
