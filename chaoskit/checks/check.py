"""What every check has in common: which sight it needs, and how much of a stall could explain its failures. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from chaoskit.errors import UsageProblem
from chaoskit.model.quantity import format_duration
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import Consumer, System
from chaoskit.model.verdict import Finding, Outcome

RECOVERY, SETTLE = "recovery", "settle"
"""`Finding.awaits`: decided in what follows the healing; decided when the load is off and effects are counted."""


class Check(CheckSpec):
    """Base of our checks. The field named like the keyword is the subject."""

    sight: ClassVar[str] = "load"
    """The degree of sight that it needs on its links: `tap` for single calls, `load` for the load's own samples."""

    @property
    def subject(self) -> str:
        value = getattr(self, self.keyword)
        return value if isinstance(value, str) else ""

    def stall_limits_s(self, system: System) -> Mapping[str, float]:
        """Finding → how long a stall of this machine must be to explain its failure. Those left out: none can."""
        return {}

    def lag_limits_s(self, system: System) -> Mapping[str, float]:
        """Finding → its limit, for those that count from the intended start and so include the generator's lag."""
        return {}


def consumer_of(system: System, name: str) -> Consumer:
    """A consumer of the system. Raises UsageProblem for an unknown one."""
    if name not in system.consumers:
        known = ", ".join(sorted(system.consumers)) or "none"
        raise UsageProblem(f"unknown consumer '{name}'", remedy=f"consumers of the system: {known}")
    return system.consumers[name]


def holds(name: str, expected: str, observed: str, **more: Any) -> Finding:
    """A finding that passed."""
    return Finding(name, Outcome.PASS, expected, observed, **more)


def violated(name: str, expected: str, observed: str, **more: Any) -> Finding:
    """A finding that failed."""
    return Finding(name, Outcome.FAIL, expected, observed, **more)


def unclear(name: str, expected: str, observed: str, **more: Any) -> Finding:
    """A finding that is not decided: not yet, or never."""
    return Finding(name, Outcome.INCONCLUSIVE, expected, observed, **more)


def took(seconds: float) -> str:
    """A duration as measured, for people: milliseconds are enough."""
    return format_duration(round(max(0.0, seconds), 3))
