"""The load generator was in time, where latency counts from the intended start.

Voids fails of such findings only: lag makes the system look slower than it is, never faster.
"""

from __future__ import annotations

from chaoskit.checks.check import Check
from chaoskit.checks.gates.reason import Reason
from chaoskit.checks.thresholds import LAG_SHARE_OF_LIMIT
from chaoskit.model.event import LoadEnded
from chaoskit.model.evidence import Evidence
from chaoskit.model.scenario import CheckSpec
from chaoskit.model.system import System


def generator_lag(evidence: Evidence, system: System, check: CheckSpec) -> list[Reason]:
    """At most one reason, naming the findings whose limit is small against the lag."""
    ended = evidence.of(LoadEnded)
    if not ended or not isinstance(check, Check):
        return []
    lag_ms = ended[-1].lag_ms_p99
    limits = check.lag_limits_s(system).items()
    late = frozenset(name for name, limit in limits if lag_ms / 1000 > LAG_SHARE_OF_LIMIT * limit)
    text = f"the load generator itself was {lag_ms:.0f} ms late (p99), too much for the limit judged"
    return [Reason(text, voids_fail=True, voids_pass=False, findings=late)] if late else []
