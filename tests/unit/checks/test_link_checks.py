"""Timeouts, fallbacks, attempts, errors, latency, recovery, neutral errors, and the breaker's own log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from chaoskit.checks.attempts import AttemptsCheck
from chaoskit.checks.breaker_log import BreakerLogCheck
from chaoskit.checks.check import Check
from chaoskit.checks.errors import ErrorsCheck
from chaoskit.checks.fallback import FallbackCheck, contains
from chaoskit.checks.latency import LatencyCheck
from chaoskit.checks.recovers import RecoversCheck
from chaoskit.checks.requests import shape
from chaoskit.checks.stays_closed import StaysClosedCheck
from chaoskit.checks.timeout import TimeoutCheck
from chaoskit.model.event import BreakerLogged, Sample
from chaoskit.model.system import System
from chaoskit.model.verdict import Verdict
from msgspec import structs
from pydantic import ValidationError

from tests.unit.checks.story import LINK, Breaker, Story, plan_of, story, system_of

DECLARED = system_of(timeout="600ms", breaker={"reset": "2s"}, attempts_max=3)


def judged(check: Check, tale: Story, system: System = DECLARED, **plan: Any) -> Verdict:
    """The verdict on a whole story."""
    verdict = check.judge(tale.evidence(plan_of(check, **plan)), system)
    assert isinstance(verdict, Verdict)
    return verdict


def changed(tale: Story, change: Any) -> Story:
    """The same story with each sample changed."""
    return replace(tale, rows=[(t, change(e) if isinstance(e, Sample) else e) for t, e in tale.rows])


# --- timeout -----------------------------------------------------------------------------------------------------

TIMEOUT = TimeoutCheck(timeout=LINK)  # type: ignore[arg-type]


@pytest.mark.parametrize(("timeout_s", "outcome"), [(0.6, "pass"), (0.9, "pass"), (1.2, "inconclusive"), (1.6, "fail")])
def test_timeout_against_the_declared_one(timeout_s: float, outcome: str) -> None:
    """600 ms are declared: 1.5 times and 150 ms hold, 2 times and 200 ms violate, between nothing is said."""
    assert judged(TIMEOUT, story(timeout_s=timeout_s)).outcome == outcome


def test_no_timeout_fails_while_the_hang_lasts() -> None:
    """A caller that waits for ever is found from its calls in flight, long before anything ends."""
    check = TIMEOUT
    prefixes = story(timeout_s=None).prefixes(plan_of(check))
    first = next(p for p in prefixes if check.judge(p, DECLARED).final)
    assert check.judge(first, DECLARED).outcome == "fail"
    assert first.now < 7.0
    assert "waits for customer without limit" in check.judge(prefixes[-1], DECLARED).sentence


def test_undeclared_timeout_asks_for_a_declaration() -> None:
    """Within a second is fine for anybody; later somebody has to say what is right."""
    assert judged(TIMEOUT, story(timeout_s=0.8), system_of()).outcome == "pass"
    verdict = judged(TIMEOUT, story(timeout_s=2.5), system_of())
    assert verdict.outcome == "inconclusive"
    assert "declare a timeout" in verdict.findings[0].observed


def test_timeout_needs_calls_that_were_held_back() -> None:
    """A callee that refuses says nothing about timeouts."""
    assert judged(TIMEOUT, story(fault="down")).outcome == "inconclusive"


def test_unanswered_clients_fail_the_timeout() -> None:
    """The caller gives up on the callee but its client hears nothing."""
    tale = changed(story(), lambda s: structs.replace(s, status=0, ok=False) if s.service_ms > 500 else s)
    found = {f.name: f.outcome for f in judged(TIMEOUT, tale).findings}
    assert found == {"given_up": "pass", "answered": "fail"}


# --- fallback ----------------------------------------------------------------------------------------------------

STAND_IN = {"status": 200, "body": {"customer": {"name": "Customer", "_fallback": True}}}


@pytest.mark.parametrize("fault", ["hang", "status", "cut", "down"])
def test_fallback_holds(fault: str) -> None:
    """Every answer under the fault is the stand-in, breaker open or not."""
    assert judged(FallbackCheck(fallback=STAND_IN), story(breaker=Breaker(), fault=fault)).outcome == "pass"  # type: ignore[arg-type]


def test_fallback_with_a_shared_fault_allows_usual_answers() -> None:
    """Calls that the fault spares are answered as before it."""
    verdict = judged(FallbackCheck(fallback=STAND_IN), story(fault="status", share=0.3))  # type: ignore[arg-type]
    assert verdict.outcome == "pass"
    assert "0 usual ones" not in verdict.findings[0].observed


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "an error"),
        (lambda _: (200, {"id": 1, "customer": None}), "a silent null"),
        (lambda _: (200, {"id": 1}), "nothing"),
        (lambda _: (200, {"id": 1, "customer": {"name": "Customer", "_fallback": False}}), "unmarked"),
        (lambda why: (200, STAND_IN["body"]) if why != "abandoned" else (500, {}), "one way of failing left out"),
    ],
)
def test_fallback_missing_fails_at_once(answer: Any, why: str) -> None:
    """Anything that is neither usual nor the declared stand-in is a violation, and the first is enough."""
    check = FallbackCheck(fallback=STAND_IN)  # type: ignore[arg-type]
    tale = story(breaker=Breaker(), fallback=answer)
    assert judged(check, tale).outcome == "fail", why
    first = next(p for p in tale.prefixes(plan_of(check)) if check.judge(p, DECLARED).final)
    assert first.now < 6.0


def test_fallback_share_min() -> None:
    """Part of them suffices where it is declared so."""
    fallback = lambda why: (200, STAND_IN["body"]) if why == "open" else (500, {})  # noqa: E731
    tale = story(breaker=Breaker(), fallback=fallback)
    assert judged(FallbackCheck(fallback={**STAND_IN, "share_min": "60%"}), tale).outcome == "pass"  # type: ignore[arg-type]
    assert judged(FallbackCheck(fallback={**STAND_IN, "share_min": "95%"}), tale).outcome == "fail"  # type: ignore[arg-type]


def test_fallback_true_takes_any_expected_answer() -> None:
    """`true`: the journey's own expectation decides."""
    assert judged(FallbackCheck(fallback=True), story(breaker=Breaker())).outcome == "pass"
    assert judged(FallbackCheck(fallback=True), story(breaker=Breaker(), fallback=None)).outcome == "fail"


def test_fallback_never_needed_is_inconclusive() -> None:
    """A fault that hit no request proves no stand-in."""
    assert judged(FallbackCheck(fallback=STAND_IN), story(fault="none")).outcome == "inconclusive"  # type: ignore[arg-type]


def test_unreadable_bodies_are_not_judged() -> None:
    """A body cut at the recording limit is neither right nor wrong."""
    tale = changed(story(breaker=Breaker()), lambda s: structs.replace(s, body=(s.body or "")[:9]))
    assert judged(FallbackCheck(fallback=STAND_IN), tale).outcome == "inconclusive"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("document", "part", "held"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": {"b": [1, {"c": 2, "d": 3}]}}, {"a": {"b": [1, {"c": 2}]}}, True),
        ([1, 2], [1], False),
        (True, 1, False),
        (1, True, False),
        (1, 1.0, True),
        ("1", 1, False),
        (None, None, True),
        ({"a": None}, {"a": {}}, False),
    ],
)
def test_contains(document: Any, part: Any, held: bool) -> None:
    """A part of a document, deep, with JSON's types told apart."""
    assert contains(document, part) is held


def test_shape_tells_kinds_and_keys_not_values() -> None:
    """What an answer looks like is independent of whose answer it is."""
    assert shape({"a": 1, "b": ["x"]}) == shape({"b": ["y", "z"], "a": 2.5})
    assert shape({"a": 1}) != shape({"a": "1"})
    assert shape({"a": True}) != shape({"a": 1})
    assert shape({"a": None}) != shape({"a": {}})


# --- attempts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("retries", "outcome"), [(0, "pass"), (2, "pass"), (3, "fail"), (5, "fail")])
def test_attempts(retries: int, outcome: str) -> None:
    """Three calls per request are allowed, four are not."""
    check = AttemptsCheck(attempts=LINK)  # type: ignore[arg-type]
    assert judged(check, story(fault="status", retries=retries)).outcome == outcome


def test_attempts_limit_order() -> None:
    """The check's own number wins over the link's, the link's over the default."""
    tale = story(fault="status", retries=1)
    assert judged(AttemptsCheck(attempts=LINK, at_most=1), tale).outcome == "fail"  # type: ignore[arg-type]
    assert judged(AttemptsCheck(attempts=LINK), tale, system_of(attempts_max=1)).outcome == "fail"  # type: ignore[arg-type]
    assert judged(AttemptsCheck(attempts=LINK), tale, system_of()).outcome == "pass"  # type: ignore[arg-type]


def test_attempts_are_not_judged_under_resets() -> None:
    """Some HTTP clients repeat by themselves there."""
    check = AttemptsCheck(attempts=LINK)  # type: ignore[arg-type]
    tale = story(fault="down", retries=5)
    named = [(t, e, hasattr(e, "name") and hasattr(e, "fault")) for t, e in tale.rows]
    renamed = [(t, structs.replace(e, name="reset") if is_fault else e) for t, e, is_fault in named]
    assert judged(check, tale).outcome == "fail"
    assert judged(check, replace(tale, rows=renamed)).outcome == "inconclusive"


# --- errors, latency ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("phase", "outcome"), [("baseline", "pass"), ("fault", "fail"), ("all", "fail")])
def test_errors_by_phase(phase: str, outcome: str) -> None:
    """Requests count for the phase in which they began."""
    check = ErrorsCheck(errors={"at_most": "1%", "phase": phase})  # type: ignore[arg-type]
    assert judged(check, story(fallback=None, fault="status")).outcome == outcome


def test_errors_after_recovery_are_not_those_of_the_fault() -> None:
    """After healing all is well again."""
    check = ErrorsCheck(errors={"at_most": "0%", "phase": "recovery"})  # type: ignore[arg-type]
    assert judged(check, story(fallback=None, fault="status")).outcome == "pass"


@pytest.mark.parametrize(("bad", "outcome"), [(0, "pass"), (3, "pass"), (4, "fail")])
def test_errors_boundary(bad: int, outcome: str) -> None:
    """Exactly the share is allowed: 3 of 300 at 1 %."""
    tale = story(fault="none", fault_s=6.0)
    chosen = [e for e in tale.events if isinstance(e, Sample) and 3.0 <= e.t < 9.0]
    assert len(chosen) == 300
    wrong = {id(e) for e in chosen[:bad]}
    tale = replace(tale, rows=[(t, structs.replace(e, ok=False) if id(e) in wrong else e) for t, e in tale.rows])  # type: ignore[call-arg]
    assert judged(ErrorsCheck(errors={"at_most": "1%", "phase": "fault"}), tale).outcome == outcome  # type: ignore[arg-type]


def test_too_few_requests_give_no_error_ratio() -> None:
    """19 good answers prove nothing; but more errors than any 20 may have are proof enough."""
    check = ErrorsCheck(errors={"at_most": "0%", "phase": "fault"})  # type: ignore[arg-type]
    assert judged(check, story(rate=3.0, fault="none"), rate=3.0).outcome == "inconclusive"
    assert judged(check, story(rate=3.0, fault="status", fallback=None), rate=3.0).outcome == "fail"


def test_errors_of_one_request_name() -> None:
    """Other requests do not count."""
    check = ErrorsCheck(errors={"at_most": "0%", "request": "another"})  # type: ignore[arg-type]
    assert judged(check, story(fault="status", fallback=None)).outcome == "inconclusive"


def test_latency_percentiles() -> None:
    """Each stated percentile is a finding of its own, from the intended start."""
    check = LatencyCheck(latency={"p50": "50ms", "p95": "300ms", "phase": "fault"})  # type: ignore[arg-type]
    found = {f.name: f.outcome.value for f in judged(check, story(breaker=Breaker())).findings}
    assert found == {"p50": "pass", "p95": "fail"}


def test_latency_counts_from_the_intended_start() -> None:
    """A generator that starts late must not hide a slow answer."""
    tale = changed(story(fault="none"), lambda s: structs.replace(s, latency_ms=s.service_ms + 500))
    assert judged(LatencyCheck(latency={"p50": "100ms"}), tale).outcome == "fail"  # type: ignore[arg-type]


def test_no_answer_is_infinitely_slow() -> None:
    """Quick errors must not improve a percentile."""
    tale = changed(
        story(fault="none"), lambda s: structs.replace(s, status=0, latency_ms=1.0) if int(s.t * 50) % 10 == 0 else s
    )
    assert judged(LatencyCheck(latency={"p95": "100ms"}), tale).outcome == "fail"  # type: ignore[arg-type]
    assert judged(LatencyCheck(latency={"p50": "100ms"}), tale).outcome == "pass"  # type: ignore[arg-type]


def test_p99_wants_hundreds_of_samples() -> None:
    """A percentile without samples beyond it is none."""
    check = LatencyCheck(latency={"p99": "1s", "phase": "fault"})  # type: ignore[arg-type]
    assert judged(check, story(fault="none", rate=40.0), rate=40.0).outcome == "inconclusive"
    assert judged(check, story(fault="none", rate=60.0), rate=60.0).outcome == "pass"


def test_latency_without_a_limit_is_refused() -> None:
    """A check that expects nothing is a mistake of the user's."""
    with pytest.raises(ValidationError, match="at least one of p50"):
        LatencyCheck(latency={"phase": "fault"})  # type: ignore[arg-type]


# --- recovers ----------------------------------------------------------------------------------------------------


def test_recovers() -> None:
    """Usual answers again, from the first good probe on."""
    verdict = judged(RecoversCheck(recovers={"within": "5s"}), story(breaker=Breaker()))  # type: ignore[arg-type]
    assert verdict.outcome == "pass"
    assert verdict.findings[0].at == pytest.approx(11.017, abs=0.05)


def test_stand_ins_are_not_recovery() -> None:
    """200 and quick, but still the stand-in: not recovered, by shape."""
    check = RecoversCheck(recovers={"within": "4s"})  # type: ignore[arg-type]
    assert judged(check, story(breaker=Breaker(never_closes=True), after_s=8.0)).outcome == "fail"


def test_recovery_too_late_fails() -> None:
    """The deadline counts from the confirmed healing."""
    check = RecoversCheck(recovers={"within": "1s"})  # type: ignore[arg-type]
    assert judged(check, story(breaker=Breaker())).outcome == "fail"


def test_slow_is_not_recovered() -> None:
    """p95 has to be back as well."""
    late = lambda s: structs.replace(s, service_ms=s.service_ms + 400) if s.t > 9 else s  # noqa: E731  read at a glance
    tale = changed(story(breaker=Breaker()), late)
    assert judged(RecoversCheck(recovers={"within": "3s"}), tale).outcome == "fail"  # type: ignore[arg-type]


def test_recovery_without_bodies_still_wants_the_calls_back() -> None:
    """Stand-ins look usual without bodies; the missing arrivals give them away."""
    tale = changed(story(breaker=Breaker(never_closes=True), after_s=8.0), lambda s: structs.replace(s, body=None))
    assert judged(RecoversCheck(recovers={"within": "4s"}), tale).outcome == "fail"  # type: ignore[arg-type]


# --- stays_closed, breaker_log -----------------------------------------------------------------------------------

STAYS = StaysClosedCheck(stays_closed=LINK)  # type: ignore[arg-type]


def test_404s_leave_a_sound_breaker_closed() -> None:
    """The client's own errors are no failure of the callee."""
    assert judged(STAYS, story(fault="status", status=404, breaker=Breaker())).outcome == "pass"


def test_404s_that_open_a_breaker_are_found() -> None:
    """A gap after injected 404s is theirs."""
    verdict = judged(STAYS, story(fault="status", status=404, breaker=Breaker(counts_404=True)))
    assert verdict.outcome == "fail"
    assert verdict.final


def test_stays_closed_needs_hits() -> None:
    """Nineteen such answers are no proof."""
    tale = story(fault="status", status=404, breaker=Breaker(), fault_s=0.3)
    assert judged(STAYS, tale).outcome == "inconclusive"


def test_breaker_log_agrees() -> None:
    """The service's own log says the same, at the same time."""
    assert judged(BreakerLogCheck(breaker_log=LINK), story(breaker=Breaker())).outcome == "pass"  # type: ignore[arg-type]


@pytest.mark.parametrize(("late_s", "outcome"), [(0.03, "pass"), (0.2, "fail")])
def test_breaker_log_tolerance(late_s: float, outcome: str) -> None:
    """50 ms apart is the same instant, 200 ms is not."""
    tale = story(breaker=Breaker())
    rows = [(t, structs.replace(e, t=e.t + late_s) if isinstance(e, BreakerLogged) else e) for t, e in tale.rows]
    assert judged(BreakerLogCheck(breaker_log=LINK), replace(tale, rows=rows)).outcome == outcome  # type: ignore[arg-type]


def test_breaker_log_without_lines_is_inconclusive() -> None:
    """A service that logs nothing agrees with nothing."""
    tale = story(breaker=Breaker())
    rows = [row for row in tale.rows if not isinstance(row[1], BreakerLogged)]
    assert judged(BreakerLogCheck(breaker_log=LINK), replace(tale, rows=rows)).outcome == "inconclusive"  # type: ignore[arg-type]


def test_breaker_log_missing_one_change_fails() -> None:
    """A change that was seen but never logged is named."""
    tale = story(breaker=Breaker())
    rows = [row for row in tale.rows if not (isinstance(row[1], BreakerLogged) and row[1].state == "closed")]
    verdict = judged(BreakerLogCheck(breaker_log=LINK), replace(tale, rows=rows))  # type: ignore[arg-type]
    assert verdict.outcome == "fail"
    assert "in no line of the log" in verdict.findings[0].observed
