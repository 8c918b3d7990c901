"""A fault's label: what its author wrote, not all of its defaults."""

from __future__ import annotations

from typing import ClassVar

import pytest
from chaoskit.model.plan import PlannedFault
from chaoskit.model.quantity import Duration, Ratio
from chaoskit.model.scenario import FaultSpec
from chaoskit.report.page.fault_label import fault_label


class _Slow(FaultSpec):
    keyword: ClassVar[str] = "slow"
    slow: Duration
    jitter: Duration = 0.0
    share: Ratio = 1.0
    first: int | None = None


class _Hang(FaultSpec):
    keyword: ClassVar[str] = "hang"
    hang: bool
    match: str = ""


def _planned(spec: FaultSpec) -> PlannedFault:
    return PlannedFault("f1", spec.keyword, spec.target, 3.0, None, 60.0, (), spec)


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        (_Hang.model_validate({"link": "a -> b", "hang": True, "at": "1s", "for": "9s"}), "hang"),
        (_Hang.model_validate({"link": "a -> b", "hang": True, "match": "GET /x"}), "hang, match GET /x"),
        (_Slow.model_validate({"link": "a -> b", "slow": "900ms"}), "slow 900ms"),
        (
            _Slow.model_validate({"link": "a -> b", "slow": "2s", "jitter": "50ms", "share": "25%", "first": 3}),
            "slow 2s, jitter 50ms, share 25%, first 3",
        ),
    ],
)
def test_says_what_was_set_with_its_units(spec: FaultSpec, label: str) -> None:
    """Units as in the user's file; target and times are shown elsewhere."""
    assert fault_label(spec.keyword, _planned(spec)) == label


def test_without_a_plan_only_prose_is_shown() -> None:
    """Recorded parameters in JSON are no label."""
    assert fault_label("hang", None, '{"hang": true}') == "hang"
    assert fault_label("poison", None, "12 mutants") == "poison 12 mutants"
