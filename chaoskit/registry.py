"""All faults and checks there are: one line each. A new one is a file, a line here, and a page in docs/reference/."""

from __future__ import annotations

from chaoskit.checks.breaker import BreakerCheck
from chaoskit.checks.probe import Probe
from chaoskit.faults.duplicate import Duplicate
from chaoskit.faults.outage import Outage
from chaoskit.faults.poison import Poison
from chaoskit.model.scenario import CheckSpec, FaultSpec, Vocabulary

FAULTS: tuple[type[FaultSpec], ...] = (
    Duplicate,
    Poison,
    Outage,
)

CHECKS: tuple[type[CheckSpec], ...] = (
    BreakerCheck,
    Probe,
)


def vocabulary() -> Vocabulary:
    """Keywords to classes, for the files stage."""
    return Vocabulary(
        faults={fault.keyword: fault for fault in FAULTS}, checks={check.keyword: check for check in CHECKS}
    )
