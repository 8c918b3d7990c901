"""How far the evidence reaches: until when *nothing recorded* means *nothing happened*. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from chaoskit.checks.thresholds import SETTLE_S, STALL_LOOKBACK_S
from chaoskit.model.event import LoadEnded, Stall
from chaoskit.model.evidence import Evidence

T = TypeVar("T")
_STAMP = "stamp"


def once(evidence: Evidence, key: tuple[object, ...], make: Callable[[], T]) -> T:
    """`make()`, once per state of the evidence: several checks look at the same link, each at the same calls."""
    memo, stamp = evidence.memo, (len(evidence.events), evidence.now, evidence.complete)
    if memo.get(_STAMP) != stamp:
        memo.clear()
        memo[_STAMP] = stamp
    if key not in memo:
        memo[key] = make()
    return cast(T, memo[key])


def known_until(evidence: Evidence) -> float:
    """Run second up to which all that happened has been recorded; infinite once the scenario is over."""
    if evidence.complete:
        return float("inf")
    reach = evidence.now - SETTLE_S
    for stall in reversed(evidence.of(Stall)):
        if stall.t < evidence.now - STALL_LOOKBACK_S:
            break
        reach = min(reach, stall.t - stall.stall_ms / 1000 - SETTLE_S)
    return reach


def answers_known(evidence: Evidence, until: float) -> bool:
    """Whether every answer to a request begun before `until` has been recorded; it may take the load's timeout."""
    if evidence.complete or any(known_until(evidence) >= end.t >= until for end in evidence.of(LoadEnded)):
        return True
    load = evidence.plan.scenario.load
    return load is None or known_until(evidence) >= until + load.timeout
