"""Judging a scenario: gates void what they must, and only that; a check that crashes is no verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from chaoskit.checks.breaker import BreakerCheck
from chaoskit.checks.check import Check, holds, violated
from chaoskit.checks.errors import ErrorsCheck
from chaoskit.checks.judge import GATES, judge_scenario
from chaoskit.checks.latency import LatencyCheck
from chaoskit.model.event import (
    BreakerLogged,
    Call,
    CallStarted,
    ClockJumped,
    Connection,
    Event,
    FaultConfirmed,
    FaultFailedEvent,
    FaultHit,
    Leftover,
    LinkProof,
    LoadEnded,
    LoadSecond,
    PartDied,
    Sample,
    ScenarioEnded,
    Stall,
    SteadySeen,
)
from chaoskit.model.evidence import Evidence, evidence_of
from chaoskit.model.instruction import DuplicateMessages, ProxyDown
from chaoskit.model.scenario import CheckSpec, Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Outcome, Verdict, decided
from msgspec import structs

from tests.unit.checks.messages import CONSUMER, Messages, keys
from tests.unit.checks.story import LINK, Breaker, Story, plan_of, story, system_of

SYSTEM = system_of(timeout="600ms")
OPENS = BreakerCheck(breaker=LINK, opens_within="4s")  # type: ignore[arg-type]
SOUND = story(breaker=Breaker())
BROKEN = story()


class Fixed(Check):
    """A check that has made up its mind."""

    keyword = "fixed"
    fixed: str = "pass"
    at: float | None = None
    load: bool = False

    def needs(self, system: System) -> Needs:
        return Needs(load=self.load)

    def judge(self, evidence: Evidence, system: System) -> Verdict:  # type: ignore[override]
        finding = (holds if self.fixed == "pass" else violated)("it", "x", "y", final=True, at=self.at)
        return Verdict.of(self.keyword, None, self.fixed, [finding])


def judged(check: CheckSpec, tale: Story, *more: Event, without: tuple[type[Event], ...] = (), **plan: Any) -> Verdict:
    """The gated verdict on a story with events added or taken away."""
    rows = [event for event in tale.events if not isinstance(event, without)]
    kept = [event for event in rows if not isinstance(event, ScenarioEnded)]
    end = [event for event in rows if isinstance(event, ScenarioEnded)]
    (verdict,) = judge_scenario(evidence_of(plan_of(check, **plan), [*kept, *more, *end]), SYSTEM)
    return verdict


def test_sound_and_broken_stories_pass_the_gates() -> None:
    """Without anything wrong in the run the gates are silent."""
    assert judged(OPENS, SOUND).outcome == "pass"
    assert judged(OPENS, BROKEN).outcome == "fail"


# --- gates that void both ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (FaultFailedEvent(t=3.0, fault="f1", step="inject", reason="bad toxic"), "could not be injected: bad toxic"),
        (FaultFailedEvent(t=3.2, fault="f1", step="hold", reason="gone"), "ended early: gone"),
        (PartDied(t=3.2, part="toxiproxy", role="engine", reason="exit 1"), "engine toxiproxy died"),
        (PartDied(t=3.2, part="broker", role="broker", reason="exit 1"), "broker broker died"),
        (ClockJumped(t=5.0, jump_ms=2000), "the clock jumped by 2000 ms"),
        (Leftover(t=0.0, what="toxic ck-x", healed=False), "left over and not healed: toxic ck-x"),
        (LinkProof(t=2.9, link=LINK, passed=False, sight="tap", detail="0 calls"), "no proof that traffic passes"),
        (LinkProof(t=2.9, link=LINK, passed=True, sight="load", detail=""), "needs the tap's sight"),
    ],
)
def test_gate_voids_pass_and_fail(event: Event, reason: str) -> None:
    """What was not the experiment that was asked for proves neither good nor bad, and the reason is said."""
    for tale in (SOUND, BROKEN):
        verdict = judged(OPENS, tale, event)
        assert verdict.outcome == "inconclusive"
        assert any(reason in text for text in verdict.voided_by), verdict.voided_by
        assert reason in verdict.sentence


@pytest.mark.parametrize(
    "event",
    [
        FaultFailedEvent(t=9.5, fault="f1", step="revert", reason="busy"),
        PartDied(t=9.5, part="tap", role="engine", reason="exit 1"),
    ],
)
def test_fail_that_was_certain_before_stands(event: Event) -> None:
    """A failure seen while all was well is not undone by what broke afterwards; a pass is not accepted."""
    assert judged(Fixed(fixed="fail", at=5.0), SOUND, event).outcome == "fail"
    assert judged(Fixed(fixed="fail", at=9.6), SOUND, event).outcome == "inconclusive"
    assert judged(Fixed(fixed="pass", at=5.0), SOUND, event).outcome == "inconclusive"


def test_dead_service_voids_the_pass_only() -> None:
    """Its death may be the very failure."""
    event = PartDied(t=3.2, part="order", role="service", reason="exit 1")
    assert judged(OPENS, SOUND, event).outcome == "inconclusive"
    assert judged(OPENS, BROKEN, event).outcome == "fail"


def test_healed_leftover_is_no_matter() -> None:
    """It was put back before the run began."""
    assert judged(OPENS, SOUND, Leftover(t=0.0, what="x", healed=True)).outcome == "pass"


def test_fault_never_confirmed_voids_both() -> None:
    """Asked for is not in force."""
    verdict = judged(Fixed(), SOUND, without=(FaultConfirmed,))
    assert verdict.outcome == "inconclusive"
    assert "never confirmed" in verdict.voided_by[0]
    assert judged(Fixed(fixed="fail"), SOUND, without=(FaultConfirmed,)).outcome == "inconclusive"


def test_no_planned_fault_needs_none() -> None:
    """A scenario of load only has nothing to confirm."""
    assert judged(Fixed(), story(fault="none"), without=(FaultConfirmed,), fault=None).outcome == "pass"


def test_missing_link_proof_voids_unless_the_fault_was_there_from_the_start() -> None:
    """Without a before there can be no proof before."""
    verdict = judged(Fixed(), SOUND, without=(LinkProof,))
    assert "never shown that traffic passes" in verdict.voided_by[0]
    tale = story(breaker=Breaker(), fault="down", baseline_s=0.0)
    assert judged(Fixed(), tale, without=(LinkProof, SteadySeen), baseline_s=0.0, steady=True).outcome == "pass"


def test_steady_state_must_have_held() -> None:
    """A system that was not well before tells nothing; one that took its time is fine."""
    never = SteadySeen(t=2.9, phase="baseline", held=False, detail="p95 900ms")
    verdict = judged(Fixed(fixed="fail"), SOUND, never, without=(SteadySeen,), steady=True)
    assert verdict.outcome == "inconclusive"
    assert "p95 900ms" in verdict.voided_by[0]
    later = SteadySeen(t=2.95, phase="recovery", held=True, detail="")
    assert judged(Fixed(), SOUND, never, later, without=(SteadySeen,), steady=True).outcome == "inconclusive"
    assert judged(Fixed(), SOUND, never, steady=True).outcome == "pass"


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (BreakerLogged(t=2.5, link=LINK, state="open"), "inconclusive"),
        (BreakerLogged(t=2.5, link=LINK, state="closed"), "pass"),
        (BreakerLogged(t=2.5, link="a -> b", state="open"), "pass"),
    ],
)
def test_breaker_open_before_the_fault_voids_both(event: Event, outcome: str) -> None:
    """What the fault did not open proves nothing of it, by the service's own log."""
    assert judged(Fixed(), SOUND, event).outcome == outcome


def test_calls_that_stopped_before_the_fault_void_both() -> None:
    """The same seen from outside, where nobody logs."""
    rows = [row for row in SOUND.rows if not (hasattr(row[1], "link") and 2.6 <= row[1].t < 5.0)]
    kept = [row for row in SOUND.rows if isinstance(row[1], LinkProof)]
    tale = replace(SOUND, rows=sorted([*rows, *kept], key=lambda row: row[0]))
    for wanted in ("pass", "fail"):
        verdict = judged(Fixed(fixed=wanted), tale)
        assert verdict.outcome == "inconclusive"
        assert "had stopped already" in verdict.voided_by[0]


# --- the fault hit nothing ---------------------------------------------------------------------------------------


def test_proxy_bypassed_by_the_caller_is_named() -> None:
    """Answered as usual while no call crossed the link: the caller goes past us."""
    tale = story(fault="none", calls_per_request=0.0)
    for wanted in ("pass", "fail"):
        verdict = judged(Fixed(fixed=wanted), tale)
        assert verdict.outcome == "inconclusive"
        assert "goes past chaoskit" in verdict.voided_by[0]


def test_no_traffic_at_all_is_named() -> None:
    """Neither calls nor answers."""
    verdict = judged(Fixed(), SOUND, without=(Call, CallStarted, Sample))
    assert any("no traffic on the faulted link" in text for text in verdict.voided_by)


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (FaultHit(t=5.0, fault="f1", count=3), "pass"),
        (FaultHit(t=5.0, fault="f1", count=0), "inconclusive"),
        (Connection(t=1.0, link=LINK, connection=1, end=4.0, bytes_up=1, bytes_down=1, outcome="reset"), "pass"),
        (
            Connection(t=1.0, link=LINK, connection=1, end=2.0, bytes_up=1, bytes_down=1, outcome="closed"),
            "inconclusive",
        ),
        (
            Connection(t=4.0, link="a -> b", connection=1, end=5.0, bytes_up=1, bytes_down=1, outcome="reset"),
            "inconclusive",
        ),
    ],
)
def test_what_counts_as_a_hit(event: Event, outcome: str) -> None:
    """Counted by the engine, or a connection over this link in its time."""
    assert judged(Fixed(), SOUND, event, without=(Call, CallStarted)).outcome == outcome


def test_outage_of_the_broker_is_hit_by_its_proven_links() -> None:
    """Nobody sees single calls there; connections that were proven before have to do."""
    instructions = (ProxyDown("order -> broker"),)
    told = Messages().fault("outage", "broker", hits=0).healed(5.0).ended()
    plan = plan_of(Fixed(), fault="outage", target="broker", rate=None, instructions=instructions)
    (verdict,) = judge_scenario(told.evidence(plan), SYSTEM)
    assert "hit nothing" in verdict.voided_by[0]
    told = Messages().fault("outage", "broker", hits=0)
    told.events.append(LinkProof(t=0.0, link="order -> broker", passed=True, sight="broker", detail=""))
    (verdict,) = judge_scenario(told.healed(5.0).ended().evidence(plan), SYSTEM)
    assert verdict.outcome == "pass"


def test_duplicates_that_were_never_confirmed_hit_nothing() -> None:
    """A copy counts when the broker took it."""
    plan = plan_of(Fixed(), target=CONSUMER, rate=None, instructions=(DuplicateMessages(CONSUMER),))
    for confirmed, outcome in ((True, "pass"), (False, "inconclusive")):
        told = Messages().fault(hits=0).sent("copy", *keys(2), confirmed=confirmed).healed(5.0).ended()
        (verdict,) = judge_scenario(told.evidence(plan), SYSTEM)
        assert verdict.outcome == outcome


# --- load --------------------------------------------------------------------------------------------------------

LOADED = Fixed(load=True)
FAILED_UNDER_LOAD = Fixed(fixed="fail", load=True)


@pytest.mark.parametrize(
    ("started", "dropped", "lag_ms", "reason"),
    [
        (700, 0, 5.0, ""),
        (665, 0, 5.0, ""),
        (664, 0, 5.0, "the load started 664 of 700"),
        (700, 1, 5.0, "dropped 1 of 700"),
        (700, 0, 500.0, ""),
        (700, 0, 501.0, "501 ms late"),
    ],
)
def test_load_gate_and_its_boundaries(started: int, dropped: int, lag_ms: float, reason: str) -> None:
    """Less load voids passes only: it flatters a system, so a failure under it stands."""
    ended = LoadEnded(t=14.0, due=700, started=started, completed=started, dropped=dropped, lag_ms_p99=lag_ms)
    verdict = judged(LOADED, SOUND, ended, without=(LoadEnded,))
    assert verdict.outcome == ("inconclusive" if reason else "pass")
    assert not reason or reason in verdict.voided_by[0]
    assert judged(FAILED_UNDER_LOAD, SOUND, ended, without=(LoadEnded,)).outcome == "fail"
    assert judged(Fixed(), SOUND, ended, without=(LoadEnded,)).outcome == "pass"


def test_dropped_in_one_second_is_seen_while_running() -> None:
    """Nobody has to wait for the end of the load."""
    second = LoadSecond(t=4.0, due=50, started=49, dropped=1, lag_ms_max=5.0)
    assert judged(LOADED, SOUND, second).outcome == "inconclusive"


def test_zero_samples_never_pass() -> None:
    """A threshold on no sample at all is met by nothing."""
    assert judged(LOADED, SOUND, without=(Sample,)).outcome == "inconclusive"
    assert judged(FAILED_UNDER_LOAD, SOUND, without=(Sample,)).outcome == "inconclusive"


def test_check_on_requests_without_load_never_passes() -> None:
    """A scenario that drives no load cannot satisfy a check of requests."""
    verdict = judged(LOADED, SOUND, rate=None)
    assert "drives no load" in verdict.voided_by[0]


def test_generator_lag_excuses_slow_answers_but_no_quick_ones() -> None:
    """Latency counts from the intended start and so includes the generator's own lag."""
    late = LoadEnded(t=14.0, due=700, started=700, completed=700, dropped=0, lag_ms_p99=60.0)
    slow = LatencyCheck(latency={"p95": "100ms", "phase": "fault"})  # type: ignore[arg-type]
    tight = LatencyCheck(latency={"p50": "100ms", "phase": "fault"})  # type: ignore[arg-type]
    assert judged(slow, SOUND).outcome == "fail"
    assert judged(slow, SOUND, late, without=(LoadEnded,)).outcome == "inconclusive"
    assert judged(tight, SOUND, late, without=(LoadEnded,)).outcome == "pass"


# --- stalls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stall_ms", "outcome"), [(50.0, "fail"), (400.0, "inconclusive")])
def test_stall_excuses_what_it_can_explain(stall_ms: float, outcome: str) -> None:
    """A probe 300 ms early may be a stall of 400 ms, never one of 50."""
    check = BreakerCheck(breaker=LINK, half_opens_after="2s")  # type: ignore[arg-type]
    tale = story(breaker=Breaker(reset_s=1.7), fault="status")
    stall = Stall(t=4.9, process="runner", stall_ms=stall_ms)
    assert judged(check, tale).outcome == "fail"
    assert judged(check, tale, stall).outcome == outcome


def test_stall_before_the_fault_excuses_nothing() -> None:
    """It cannot have touched what is judged."""
    check = BreakerCheck(breaker=LINK, half_opens_after="2s")  # type: ignore[arg-type]
    tale = story(breaker=Breaker(reset_s=1.7), fault="status")
    assert judged(check, tale, Stall(t=1.0, process="runner", stall_ms=900.0)).outcome == "fail"


def test_stall_excuses_no_ratio() -> None:
    """Errors are no matter of time."""
    check = ErrorsCheck(errors={"at_most": "1%", "phase": "fault"})  # type: ignore[arg-type]
    tale = story(fault="status", fallback=None)
    assert judged(check, tale, Stall(t=5.0, process="tap", stall_ms=900.0)).outcome == "fail"


def test_machine_that_stands_still_most_of_the_time_is_not_judged() -> None:
    """Many small stalls void timing failures like one large one."""
    check = BreakerCheck(breaker=LINK, half_opens_after="2s")  # type: ignore[arg-type]
    tale = story(breaker=Breaker(reset_s=1.7), fault="status")
    small = [Stall(t=3.1 + 0.1 * n, process="runner", stall_ms=60.0) for n in range(60)]
    assert judged(check, tale, *small).outcome == "inconclusive"


# --- judging -----------------------------------------------------------------------------------------------------


class Raises(Fixed):
    """A check with a bug."""

    keyword = "raises"

    def judge(self, evidence: Evidence, system: System) -> Verdict:  # type: ignore[override]
        raise ZeroDivisionError("of course")


class Empty(Fixed):
    """A check that finds nothing to say."""

    keyword = "empty"

    def judge(self, evidence: Evidence, system: System) -> Verdict:  # type: ignore[override]
        return structs.replace(Verdict.of("empty", None, "", []), outcome=Outcome.PASS)


def test_crashing_check_is_inconclusive_and_names_the_exception() -> None:
    """A bug of ours must neither end the run nor look like a verdict."""
    verdict = judged(Raises(), SOUND)
    assert verdict.outcome == "inconclusive"
    assert "ZeroDivisionError: of course" in verdict.sentence
    assert verdict.final


def test_check_without_findings_never_passes() -> None:
    """Whatever it says of itself."""
    assert judged(Empty(), SOUND).outcome == "inconclusive"


def test_one_verdict_per_check_in_order_and_all_final_at_the_end() -> None:
    """A report must find every check, and nothing stays open after the end."""
    plan = plan_of(OPENS, Fixed(), Raises())
    verdicts = judge_scenario(SOUND.evidence(plan), SYSTEM, final=True)
    assert [verdict.check for verdict in verdicts] == ["breaker", "fixed", "raises"]
    assert decided(verdicts)


def test_no_verdicts_are_never_decided() -> None:
    """Zero checks are not a finished scenario."""
    assert not decided(())


def test_a_void_that_may_pass_keeps_the_scenario_going() -> None:
    """The fault is not confirmed yet: a pass is not accepted, but also not final; a death is."""
    plan = plan_of(Fixed())
    early = evidence_of(plan, [event for event in SOUND.events if event.t < 2.0])
    assert not decided(judge_scenario(early, SYSTEM))
    dead = evidence_of(plan, [*SOUND.events[:-1], PartDied(t=9.0, part="tap", role="engine", reason="x")])
    verdicts = judge_scenario(dead, SYSTEM)
    assert verdicts[0].outcome == "inconclusive"
    assert decided(verdicts)


def test_every_gate_says_what_it_voids() -> None:
    """Which gate voids a fail is a decision; it stands in the docstring of the gate's file."""
    import sys

    for gate in GATES:
        doc = sys.modules[gate.__module__].__doc__ or ""
        assert "Voids" in doc or "voids" in doc, gate
