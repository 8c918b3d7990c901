"""Sagas: terminal, all or nothing, compensated once."""

from __future__ import annotations

from typing import Any

import pytest
from chaoskit.checks.saga import SagaCheck
from chaoskit.errors import UsageProblem
from chaoskit.model.verdict import Verdict

from tests.unit.checks.messages import Messages
from tests.unit.checks.story import plan_of, system_of

SYSTEM = system_of()


def judged(told: Messages, fault: str | None = "hang", **options: Any) -> tuple[Verdict, dict[str, str]]:
    """The verdict, and finding → outcome."""
    check = SagaCheck(saga="checkout", **options)
    verdict = check.judge(told.evidence(plan_of(check, fault=fault)), SYSTEM)
    return verdict, {finding.name: finding.outcome.value for finding in verdict.findings}


def accepted(*keys: str) -> Messages:
    """Accepted checkouts under a fault."""
    return Messages().fault("latency", "payment -> bank").accepted(*keys, name="POST /checkouts").healed()


def test_all_or_nothing_passes() -> None:
    """One succeeded, one failed and was compensated once."""
    verdict, found = judged(accepted("a", "b").saga("a", "confirmed").saga("b", "cancelled").ended())
    assert verdict.outcome == "pass", found
    assert "1 succeeded and 1 failed" in verdict.sentence


@pytest.mark.parametrize(
    ("fields", "red"),
    [
        ({"books": {"payment": 30.0}}, "books"),
        ({"books": {}}, "books"),
        ({"compensations": {"inventory": 0}}, "compensated_once"),
        ({"compensations": {"inventory": 2}}, "compensated_once"),
    ],
)
def test_half_done_failure_is_found(fields: dict[str, Any], red: str) -> None:
    """A charge left behind, a book that is missing, no compensation, two of them."""
    verdict, found = judged(accepted("a", "b").saga("a", "confirmed").saga("b", "cancelled", **fields).ended())
    assert [name for name, outcome in found.items() if outcome == "fail"] == [red]
    assert "b" in verdict.sentence


def test_success_must_not_be_compensated() -> None:
    """Compensating what went well is as wrong as not compensating what did not."""
    _, found = judged(accepted("a").saga("a", "confirmed", compensations={"inventory": 1}).ended())
    assert found["compensated_once"] == "fail"


def test_books_of_words_and_numbers() -> None:
    """Amounts within rounding, words to the letter."""
    told = accepted("a", "b")
    told.saga("a", "cancelled", books={"payment": 1e-9, "order": "void"}, expected={"payment": 0, "order": "void"})
    told.saga("b", "cancelled", books={"payment": 0.01, "order": "void"}, expected={"payment": 0, "order": "void"})
    verdict, found = judged(told.ended())
    assert found["books"] == "fail"
    assert "1 wrong" in verdict.findings[1].observed


def test_not_terminal_in_time_fails() -> None:
    """Still open after the declared time."""
    _, found = judged(accepted("a", "b").saga("a", "cancelled").saga("b", "pending", t=6.0).ended())
    assert found["terminal"] == "fail"


def test_not_terminal_yet_is_inconclusive() -> None:
    """Before the declared time is over nothing is late."""
    _, found = judged(accepted("a", "b").saga("a", "cancelled").saga("b", "pending", t=2.0).ended())
    assert found["terminal"] == "inconclusive"


def test_late_end_fails_though_it_ended() -> None:
    """It was seen open after its time."""
    told = accepted("a").saga("a", "pending", t=5.5, last=False).saga("a", "cancelled", t=6.0)
    assert judged(told.ended())[1]["terminal"] == "fail"
    told = accepted("a").saga("a", "pending", t=4.5, last=False).saga("a", "cancelled", t=6.0)
    assert judged(told.ended())[1]["terminal"] == "pass"


def test_unseen_saga_is_inconclusive() -> None:
    """Accepted but in no final sweep."""
    assert judged(accepted("a", "b").saga("a", "cancelled").ended())[1]["terminal"] == "inconclusive"


@pytest.mark.parametrize(
    ("state", "fault", "outcome", "expected"),
    [
        ("confirmed", "hang", None, "inconclusive"),
        ("confirmed", None, None, "pass"),
        ("confirmed", "hang", "any", "pass"),
        ("cancelled", "hang", "success", "fail"),
        ("cancelled", "hang", "failure", "pass"),
    ],
)
def test_wanted_outcome(state: str, fault: str | None, outcome: str | None, expected: str) -> None:
    """A fault that is to fail sagas must fail one; where success is asked for none may fail."""
    options = {"outcome": outcome} if outcome else {}
    assert judged(accepted("a").saga("a", state).ended(), fault, **options)[1]["outcome"] == expected


def test_nothing_is_final_before_the_end() -> None:
    """The final sweep comes key by key."""
    verdict, _ = judged(accepted("a", "b").saga("a", "cancelled"))
    assert not verdict.final
    assert {finding.awaits for finding in verdict.findings} == {"settle"}


def test_unknown_saga_is_refused() -> None:
    """A misspelt name must never be a check of nothing."""
    with pytest.raises(UsageProblem, match="chekout"):
        SagaCheck(saga="chekout").needs(SYSTEM)
