"""A verdict that was final at any moment is never changed by what is recorded later."""

from __future__ import annotations

from chaoskit.checks.attempts import AttemptsCheck
from chaoskit.checks.breaker import BreakerCheck
from chaoskit.checks.breaker_log import BreakerLogCheck
from chaoskit.checks.errors import ErrorsCheck
from chaoskit.checks.fallback import FallbackCheck
from chaoskit.checks.judge import judge_scenario
from chaoskit.checks.latency import LatencyCheck
from chaoskit.checks.recovers import RecoversCheck
from chaoskit.checks.stays_closed import StaysClosedCheck
from chaoskit.checks.timeout import TimeoutCheck
from chaoskit.model.verdict import Verdict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.checks.story import LINK, Breaker, plan_of, story, system_of

CHECKS = (
    BreakerCheck(
        breaker=LINK,
        opens_within="2s",  # type: ignore[arg-type]
        fails_fast="100ms",  # type: ignore[arg-type]
        calls_while_open=0,
        half_opens_after="2s",  # type: ignore[arg-type]
        closes_within="3s",  # type: ignore[arg-type]
    ),
    BreakerLogCheck(breaker_log=LINK),
    StaysClosedCheck(stays_closed=LINK),
    TimeoutCheck(timeout=LINK),
    FallbackCheck(fallback={"body": {"customer": {"_fallback": True}}}),  # type: ignore[arg-type]
    AttemptsCheck(attempts=LINK),
    ErrorsCheck(errors={"at_most": "1%", "phase": "fault"}),  # type: ignore[arg-type]
    LatencyCheck(latency={"p95": "300ms", "phase": "fault"}),  # type: ignore[arg-type]
    RecoversCheck(recovers={"within": "3s"}),  # type: ignore[arg-type]
)
SYSTEM = system_of(timeout="600ms", breaker={"reset": "2s"})

breakers = st.builds(
    Breaker,
    reset_s=st.sampled_from([0.5, 1.0, 2.0]),
    volume=st.sampled_from([3, 5, 20]),
    never_closes=st.booleans(),
    leaks_every=st.sampled_from([0, 0, 8, 20]),
    counts_404=st.booleans(),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    breaker=st.none() | breakers,
    fault=st.sampled_from(["hang", "down", "status", "latency", "cut"]),
    status=st.sampled_from([404, 503]),
    timeout_s=st.sampled_from([0.3, 0.6, None]),
    retries=st.sampled_from([0, 2]),
    rate=st.sampled_from([10.0, 40.0]),
    ratio=st.sampled_from([0.5, 1.0]),
    fault_s=st.sampled_from([1.0, 4.0]),
    seed=st.integers(0, 1000),
)
def test_final_verdicts_never_change(
    breaker: Breaker | None,
    fault: str,
    status: int,
    timeout_s: float | None,
    retries: int,
    rate: float,
    ratio: float,
    fault_s: float,
    seed: int,
) -> None:
    """Whatever the caller does: what is final while the scenario runs stays what it was until the end."""
    tale = story(
        breaker=breaker,
        fault=fault,
        status=status,
        timeout_s=timeout_s,
        retries=retries,
        rate=rate,
        calls_per_request=ratio,
        fault_s=fault_s,
        baseline_s=2.0,
        after_s=4.0,
        seed=seed,
    )
    plan = plan_of(*CHECKS, fault=fault, rate=rate, baseline_s=2.0)
    final: dict[str, Verdict] = {}
    for evidence in tale.prefixes(plan, every=60):
        for verdict in judge_scenario(evidence, SYSTEM):
            before = final.setdefault(verdict.id, verdict) if verdict.final else final.get(verdict.id)
            assert before is None or before.outcome == verdict.outcome, (evidence.now, before, verdict)
    assert set(final) == {verdict.id for verdict in judge_scenario(tale.evidence(plan), SYSTEM)}
