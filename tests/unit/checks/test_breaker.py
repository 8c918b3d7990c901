"""The breaker check on callers that have one, have none, or have a broken one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from chaoskit.checks.breaker import BreakerCheck
from chaoskit.checks.breaker_timeline import HALF_OPEN, OPEN, declared_timeline, timeline
from chaoskit.model.event import Call, CallStarted, Stall
from chaoskit.model.verdict import Outcome, Verdict
from msgspec import structs

from tests.unit.checks.story import LINK, Breaker, Story, plan_of, story, system_of

FULL: dict[str, Any] = {
    "opens_within": "4s",
    "fails_fast": "100ms",
    "calls_while_open": 0,
    "half_opens_after": "2s",
    "closes_within": "5s",
}


def judged(tale: Story, rate: float = 50.0, baseline_s: float = 3.0, **options: Any) -> Verdict:
    """The verdict on a whole story."""
    check = BreakerCheck(breaker=LINK, **options)  # type: ignore[arg-type]
    evidence = tale.evidence(plan_of(check, rate=rate, baseline_s=baseline_s))
    verdict = check.judge(evidence, system_of(timeout="600ms"))
    assert isinstance(verdict, Verdict)
    return verdict


def outcomes(verdict: Verdict) -> dict[str, str]:
    """Finding → outcome."""
    return {finding.name: finding.outcome.value for finding in verdict.findings}


@pytest.mark.parametrize("fault", ["hang", "latency", "status", "down", "cut"])
@pytest.mark.parametrize("seed", [1, 2])
def test_sound_breaker_passes_every_expectation(fault: str, seed: int) -> None:
    """No false alarm on a sound breaker, whatever makes the calls fail."""
    verdict = judged(story(breaker=Breaker(), fault=fault, seed=seed), **FULL)
    assert set(outcomes(verdict).values()) == {"pass"}, verdict


@pytest.mark.parametrize("fault", ["hang", "latency", "status", "down", "cut"])
@pytest.mark.parametrize("reset_s", [1.0, 2.0])
def test_instants_agree_with_the_breakers_own(fault: str, reset_s: float) -> None:
    """Every change of state is seen, none is invented, each within 20 ms of the service's own clock."""
    tale = story(breaker=Breaker(reset_s=reset_s), fault=fault, seed=3)
    seen = timeline(tale.evidence(plan_of()), LINK).states[1:]
    assert tale.breaker is not None
    assert [state for _, state in seen] == [state for _, state in tale.breaker.log]
    for (t, _), (own, _) in zip(seen, tale.breaker.log, strict=True):
        assert t == pytest.approx(own, abs=0.02)


def test_a_probe_answered_too_late_by_its_callers_clock_opens_at_its_end() -> None:
    """A good answer just within the timeout, as seen on the link, may have come too late for the caller."""
    tale = story(breaker=Breaker(reset_s=1.0), fault="latency", seed=3)
    assert tale.breaker is not None
    log = tale.breaker.log
    (probed, _), (failed, _) = next(
        pair for pair in itertools.pairwise(log) if [s for _, s in pair] == [HALF_OPEN, OPEN]
    )
    for i, (recorded, event) in enumerate(tale.rows):
        if isinstance(event, Call) and probed <= event.t < failed:
            tale.rows[i] = (recorded, structs.replace(event, end=failed - 0.002, outcome="answered", status=200))
    seen = timeline(tale.evidence(plan_of()), LINK, timeout_s=0.6).states
    assert min(abs(t - failed) for t, state in seen if state == OPEN) < 0.02


@pytest.mark.parametrize(("stall_ms", "outcome"), [(400.0, "pass"), (0.0, "fail")])
def test_a_probe_is_no_leak_where_a_starved_service_made_the_opening_look_late(stall_ms: float, outcome: str) -> None:
    """The declared reset time is longer than the real one by less than the caller waited for a processor."""
    tale = story(breaker=Breaker(reset_s=1.75), fault="hang", seed=3)
    assert tale.breaker is not None
    opened = tale.breaker.log[0][0]
    if stall_ms:
        tale.rows.insert(-1, (tale.rows[-1][0], Stall(t=opened + 0.3, process="order", stall_ms=stall_ms)))
    seen = outcomes(judged(tale, **{**FULL, "half_opens_after": "2s"}))
    assert seen["calls_while_open"] == outcome


@pytest.mark.parametrize("rate", [20.0, 200.0])
@pytest.mark.parametrize("ratio", [0.5, 1.0])
def test_any_rate_and_ratio(rate: float, ratio: float) -> None:
    """Caches make calls rarer than requests, and loads differ: the opening is found all the same."""
    verdict = judged(story(breaker=Breaker(), rate=rate, calls_per_request=ratio), rate, opens_within="5s")
    assert verdict.outcome is Outcome.PASS, verdict


def test_fault_from_the_start_is_judged_without_a_baseline() -> None:
    """Where the callee is down from the first request on, the first calls tell the ratio."""
    tale = story(breaker=Breaker(), fault="down", baseline_s=0.0)
    verdict = judged(tale, baseline_s=0.0, opens_within="2s", closes_within="5s")
    assert outcomes(verdict) == {"opens_within": "pass", "closes_within": "pass"}


def test_no_breaker_never_opens() -> None:
    """A caller that goes on calling is found, and the sentence counts the calls."""
    verdict = judged(story(), opens_within="4s")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.final
    assert "order's breaker on customer never opened: 300 calls reached a hanging customer" in verdict.sentence
    assert 0 < len(verdict.findings[0].evidence) <= 10


def test_no_breaker_and_no_timeout_never_opens() -> None:
    """Calls that never end count as failing ones; their clients owe no calls but the arrivals go on."""
    assert judged(story(timeout_s=None), opens_within="4s").outcome is Outcome.FAIL


def test_undeclared_opening_needs_a_hundred_calls_and_ten_seconds() -> None:
    """With no declared time six seconds are no proof that it never opens; eleven are."""
    assert judged(story(fault_s=6.0)).outcome is Outcome.INCONCLUSIVE
    assert judged(story(fault_s=12.0)).outcome is Outcome.FAIL


def test_few_failing_calls_are_no_proof_and_the_number_is_said() -> None:
    """Below the volume thresholds of usual libraries nothing is decided."""
    verdict = judged(story(rate=3.0, baseline_s=5.0), 3.0, 5.0, opens_within="4s")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "18 calls failed" in verdict.findings[0].observed
    assert "raise the rate" in verdict.findings[0].observed


def test_opening_late_fails_and_in_time_passes() -> None:
    """The limit counts from the confirmed injection."""
    tale = story(breaker=Breaker(volume=150), fault="status", fault_s=8.0)
    assert outcomes(judged(tale, opens_within="1s")) == {"opens_within": "fail"}
    assert outcomes(judged(tale, opens_within="3s")) == {"opens_within": "pass"}


def test_never_closing_fails() -> None:
    """Healed, asked for, and still no calls."""
    verdict = judged(story(breaker=Breaker(never_closes=True), after_s=8.0), closes_within="4s", opens_within="4s")
    assert outcomes(verdict) == {"opens_within": "pass", "closes_within": "fail"}
    assert "stayed open through" in verdict.sentence


def test_closing_late_fails() -> None:
    """The reset time alone can be longer than the declared closing."""
    tale = story(breaker=Breaker(reset_s=3.0), after_s=8.0, fault_s=4.0)
    assert outcomes(judged(tale, closes_within="1s"))["closes_within"] == "fail"
    assert outcomes(judged(tale, closes_within="4s"))["closes_within"] == "pass"


def test_not_healed_is_no_verdict_on_closing() -> None:
    """Nobody may blame a breaker for staying open while the fault lasts."""
    verdict = judged(story(breaker=Breaker(), healed=False), closes_within="1s")
    assert outcomes(verdict)["closes_within"] == "inconclusive"


def test_half_open_probe_is_not_closing() -> None:
    """Failed probes reopen: the breaker was never closed between opening and healing."""
    tale = story(breaker=Breaker(reset_s=1.0), fault_s=8.0)
    life = timeline(tale.evidence(plan_of()), LINK)
    inside = [state for t, state in life.states[1:] if t < 11.0]
    assert set(inside) == {OPEN, HALF_OPEN}
    assert len(life.spans) >= 4


def test_leaking_calls_are_counted() -> None:
    """One call in ten although it is open: open, but not free of calls."""
    verdict = judged(story(breaker=Breaker(leaks_every=10)), **FULL)
    found = outcomes(verdict)
    assert found["opens_within"] == "pass"
    assert found["calls_while_open"] == "fail"
    assert "calls through while open" in verdict.sentence


def test_leaks_within_the_allowance_pass() -> None:
    """The declared number is allowed, one more is not."""
    tale = story(breaker=Breaker(leaks_every=30))
    life = declared_timeline(tale.evidence(plan_of()), system_of(breaker={"reset": "2s"}), LINK)
    leaks = len(life.spans[0].leaks)
    assert leaks > 0
    options = {"opens_within": "4s", "half_opens_after": "2s"}
    assert outcomes(judged(tale, calls_while_open=leaks, **options))["calls_while_open"] == "pass"
    assert outcomes(judged(tale, calls_while_open=leaks - 1, **options))["calls_while_open"] == "fail"


@pytest.mark.parametrize(
    ("reset_s", "outcome"), [(1.0, "fail"), (1.7, "fail"), (2.0, "pass"), (2.4, "pass"), (3.2, "fail")]
)
def test_half_open_neither_early_nor_late(reset_s: float, outcome: str) -> None:
    """2 s are declared: half a second late is the load's doing, half a second early is not."""
    verdict = judged(story(breaker=Breaker(reset_s=reset_s), fault="status"), half_opens_after="2s")
    assert outcomes(verdict)["half_opens_after"] == outcome, verdict.findings


def test_slow_stand_in_does_not_fail_fast() -> None:
    """Open, but the stand-in takes its time: above twice the limit it fails, between it is not decided."""
    tale = story(breaker=Breaker())
    events = [
        structs.replace(e, service_ms=e.service_ms + 150) if getattr(e, "service_ms", 600) < 100 else e
        for e in tale.events
    ]
    slow = replace(tale, rows=[(t, e) for (t, _), e in zip(tale.rows, events, strict=True)])
    assert outcomes(judged(slow, fails_fast="50ms"))["fails_fast"] == "fail"
    assert outcomes(judged(slow, fails_fast="100ms"))["fails_fast"] == "inconclusive"
    assert outcomes(judged(slow, fails_fast="200ms"))["fails_fast"] == "pass"


def test_a_stall_of_the_tap_is_no_gap() -> None:
    """Where the tap itself stood still nothing can have arrived: 400 ms without calls are then no open breaker."""
    tale = story(after_s=1.0)
    silent = [row for row in tale.rows if not (hasattr(row[1], "link") and 5.0 <= row[1].t < 5.4)]
    stalled = [*silent, (5.4, Stall(t=5.4, process="tap", stall_ms=400.0))]
    quiet = replace(tale, rows=silent)
    held = replace(tale, rows=sorted(stalled, key=lambda row: row[0]))
    assert timeline(quiet.evidence(plan_of()), LINK).spans
    assert not timeline(held.evidence(plan_of()), LINK).spans


def test_a_full_pool_is_no_breaker() -> None:
    """Requests that wait for a connection arrive when one is free: that pause ends with the calls that held it."""
    tale = story(after_s=1.0, fault_s=4.0)
    rows = [row for row in tale.rows if not (hasattr(row[1], "link") and 3.25 <= row[1].t < 3.58)]
    life = timeline(replace(tale, rows=rows).evidence(plan_of()), LINK)
    assert not life.spans


def test_shorter_pauses_are_no_gap() -> None:
    """A pause of 250 ms happens on any machine."""
    tale = story(after_s=1.0, rate=100.0)
    rows = [row for row in tale.rows if not (hasattr(row[1], "link") and 5.0 <= row[1].t < 5.25)]
    life = timeline(replace(tale, rows=rows).evidence(plan_of(rate=100.0)), LINK)
    assert not life.spans


def test_a_caller_that_hangs_owes_no_call() -> None:
    """No arrivals because no client is answered: that is no open breaker."""
    tale = story(timeout_s=None, fault_s=8.0, client_timeout_s=3.0, healed=False)
    rows = [row for row in tale.rows if not (hasattr(row[1], "link") and 6.0 <= row[1].t < 9.0)]
    rows = [row for row in rows if not (isinstance(row[1], CallStarted) and row[1].t >= 6.0)]
    life = timeline(replace(tale, rows=rows).evidence(plan_of()), LINK)
    assert not life.spans


def test_without_arrivals_as_they_come_nothing_is_final_before_the_end() -> None:
    """Calls that show only when they end feign gaps while they are in flight."""
    check = BreakerCheck(breaker=LINK, opens_within="4s")  # type: ignore[arg-type]
    plan = plan_of(check)
    prefixes = story(breaker=Breaker(), live=False).prefixes(plan)
    assert not any(check.judge(p, system_of()).final for p in prefixes[:-1])
    assert check.judge(prefixes[-1], system_of()).outcome is Outcome.PASS


def test_no_calls_at_all_is_inconclusive() -> None:
    """A link that nobody uses has neither a good nor a bad breaker."""
    tale = story(calls_per_request=0.0)
    verdict = judged(tale, **FULL)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no call was seen" in verdict.findings[0].observed


def test_decided_long_before_the_end() -> None:
    """The opening is final soon after it, so that a scenario need not run to its deadline."""
    check = BreakerCheck(breaker=LINK, opens_within="4s", fails_fast="100ms")  # type: ignore[arg-type]
    plan = plan_of(check)
    final = next(p for p in story(breaker=Breaker()).prefixes(plan) if check.judge(p, system_of()).final)
    assert final.now < 8.0


def test_needs_cover_what_is_judged() -> None:
    """The plan watches for as long as the declared times ask for, on the link itself."""
    needs = BreakerCheck(breaker=LINK, **FULL).needs(system_of())  # type: ignore[arg-type]
    assert needs.links == (LINK,)
    assert needs.load
    assert needs.after_inject_s >= 6.0
    assert needs.after_revert_s >= 5.0
