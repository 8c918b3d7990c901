"""What a breaker check finds: one finding per stated expectation, and a sentence for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from chaoskit.checks.breaker_timeline import CLOSED, BreakerTimeline, OpenSpan, early_s
from chaoskit.checks.calls import LinkCalls, failed_at
from chaoskit.checks.check import RECOVERY, SETTLE, holds, took, unclear, violated
from chaoskit.checks.exposure import Exposure, usual
from chaoskit.checks.known import known_until, once
from chaoskit.checks.requests import percentile, requests_of
from chaoskit.checks.thresholds import (
    FAILS_FAST_ANSWERS_MIN,
    FAILS_FAST_BASELINE_FACTOR,
    FAILS_FAST_DEFAULT_S,
    FAILS_FAST_VIOLATED_FACTOR,
    GAP_DUE_MIN,
    GAP_S_MIN,
    HALF_OPEN_LATE_S,
    HALF_OPEN_LATE_SHARE,
    HANGS_S,
    INSTANT_TOLERANCE_S,
    NEVER_OPENED_CALLS_DECLARED_MIN,
    NEVER_OPENED_CALLS_MIN,
    NEVER_OPENED_S_MIN,
    SETTLE_S,
)
from chaoskit.model.event import Call
from chaoskit.model.evidence import Evidence, Window
from chaoskit.model.quantity import format_duration
from chaoskit.model.verdict import Finding

if TYPE_CHECKING:
    from chaoskit.checks.breaker import BreakerCheck


def late_s(reset_s: float) -> float:
    """The latest moment after the opening at which a probe is in time."""
    return reset_s + max(HALF_OPEN_LATE_S, HALF_OPEN_LATE_SHARE * reset_s)


@dataclass(slots=True)
class BreakerView:
    """One look at the evidence for one check: its findings, and the sentence."""

    check: BreakerCheck
    evidence: Evidence
    life: BreakerTimeline
    calls: LinkCalls
    exposed: Exposure | None
    timeout_s: float | None

    def findings(self) -> Iterator[Finding]:
        yield self._opens()
        check = self.check
        stated = (
            ("fails_fast", check.fails_fast, self._fails_fast),
            ("calls_while_open", check.calls_while_open, self._calls_while_open),
            ("half_opens_after", check.half_opens_after, self._half_opens_after),
        )
        for name, limit, judged in stated:
            if limit is not None:
                expected = str(limit) if name == "calls_while_open" else format_duration(limit)
                span = self.life.spans[0] if self.life.spans else None
                yield judged(span) if span else self._moot(name, expected)
        if check.closes_within is not None:
            yield self._closes()

    def _moot(self, name: str, expected: str) -> Finding:
        """What can't be judged of a breaker that did not open."""
        over = self.exposed is not None and self.life.known >= self.exposed.window.end + 2 * SETTLE_S
        final = self._never_opens()
        awaits = RECOVERY if name == "closes_within" else ""
        return unclear(name, expected, "it did not open", final=final, awaits=SETTLE if over or final else awaits)

    # --- opens -----------------------------------------------------------------------------------------------------

    def _limit(self) -> tuple[str, str, float, int]:
        """Name, expectation, seconds until it must have opened, and failing calls that must have been seen by then."""
        declared = self.check.opens_within
        if declared is None:
            return "opens", "a gap in the arrivals", NEVER_OPENED_S_MIN, NEVER_OPENED_CALLS_MIN
        return "opens_within", f"≤ {format_duration(declared)}", declared, NEVER_OPENED_CALLS_DECLARED_MIN

    def _opens(self) -> Finding:
        name, expected, limit_s, _ = self._limit()
        if self.exposed is None:
            return unclear(name, expected, "no fault was in force on the link")
        start, opened = self.exposed.window.start, self.life.opened
        if opened is None:
            return self._not_open()
        more = {"evidence": self.life.spans[0].evidence, "at": opened, "final": self._sees_past(opened)}
        if self.check.opens_within is not None and opened > start + limit_s + INSTANT_TOLERANCE_S:
            return violated(name, expected, took(opened - start), **more)
        return holds(name, expected, took(opened - start), **more)

    def _sees_past(self, opened: float) -> bool:
        """The gap has been seen in full, so that no late event can move the opening."""
        return self.life.known >= opened + GAP_S_MIN

    def _failing(self) -> tuple[int, float]:
        """How many calls failed (or hang) under the fault, and for how long the fault has been watched."""
        return once(self.evidence, ("failing", self.check.breaker), self._count_failing)

    def _count_failing(self) -> tuple[int, float]:
        assert self.exposed is not None
        window = self.exposed.window
        seen_s = min(window.end, self.life.known, self._newest()) - window.start
        reach = min(known_until(self.evidence), self.evidence.now)
        failing = sum(self._is_failing(self.calls.calls[i], reach) for i in self.calls.within(window))
        return failing, max(0.0, seen_s)

    def _newest(self) -> float:
        return max([*self.calls.times[-1:], self.evidence.now if not self.evidence.complete else -inf])

    def _is_failing(self, call: Call, reach: float) -> bool:
        if call.outcome == "open":
            return reach - call.t >= HANGS_S
        return failed_at(call, self.timeout_s) is not None

    def _not_open(self) -> Finding:
        name, expected, limit_s, calls_min = self._limit()
        assert self.exposed is not None
        failing, seen_s = self._failing()
        observed = f"{failing} calls failed in {took(seen_s)}, no gap"
        over = self.life.known >= self.exposed.window.end + 2 * SETTLE_S
        if failing >= calls_min and seen_s > limit_s + INSTANT_TOLERANCE_S + SETTLE_S and self._arrivals_go_on(limit_s):
            last = self._last_calls()
            return violated(
                name, expected, observed, evidence=last, at=self._at(last), final=self._never_opens(), awaits=SETTLE
            )
        observed = f"{observed}; {self._missing(calls_min, limit_s)}"
        return unclear(name, expected, observed, awaits=SETTLE if over else "")

    def _arrivals_go_on(self, limit_s: float) -> bool:
        """Calls came after the limit, and no pause before it is one that late answers may make a gap."""
        assert self.exposed is not None
        due_by = self.exposed.window.start + limit_s + INSTANT_TOLERANCE_S
        doubtful = self.life.doubtful_since
        return bool(self.calls.times) and self.calls.times[-1] > due_by and (doubtful is None or doubtful > due_by)

    def _never_opens(self) -> bool:
        """True when no later event can turn 'it did not open in time' into an opening in time."""
        if self.exposed is None:
            return False
        _, _, limit_s, calls_min = self._limit()
        failing, seen_s = self._failing()
        late = failing >= calls_min and seen_s > limit_s + INSTANT_TOLERANCE_S + SETTLE_S
        return self.check.opens_within is not None and late and self._arrivals_go_on(limit_s)

    def _missing(self, calls_min: int, limit_s: float) -> str:
        if not self.calls.calls:
            return "no call was seen on the link"
        if self.life.ratio == 0:
            return "how many calls a request makes could not be told from the answers before the fault"
        needs_s = GAP_DUE_MIN / self.life.due_per_s if self.life.due_per_s else inf
        text = f"to tell, ≥ {calls_min} failing calls and more than {format_duration(limit_s)} are needed"
        if needs_s > 1.0:
            text += f"; at {self.life.due_per_s:.1f} calls/s only a gap of {took(needs_s)} would show: raise the rate"
        return text

    def _last_calls(self) -> tuple[int, ...]:
        assert self.exposed is not None
        inside = self.calls.within(self.exposed.window)
        return tuple(self.calls.indices[i] for i in inside[-10:])

    def _at(self, indices: tuple[int, ...]) -> float | None:
        return self.evidence.events[indices[-1]].t if indices else None

    # --- while open --------------------------------------------------------------------------------------------------

    def _fails_fast(self, span: OpenSpan) -> Finding:
        declared = self.check.fails_fast
        assert declared is not None
        limit = declared or max(FAILS_FAST_DEFAULT_S, FAILS_FAST_BASELINE_FACTOR * usual(self.evidence).p95_ms / 1000)
        expected = f"median ≤ {format_duration(limit)}"
        window = Window(span.opened, min(span.half_open or inf, self.life.known))
        requests = requests_of(self.evidence)
        chosen = requests.within(window)
        times = [requests.samples[i].service_ms / 1000 if requests.samples[i].status else inf for i in chosen]
        missing = self._under_way(window, len(times))
        over = span.half_open is not None and self.life.known >= span.half_open
        if len(times) < FAILS_FAST_ANSWERS_MIN:
            observed = f"{len(times)} answers while open, {FAILS_FAST_ANSWERS_MIN} needed"
            return unclear("fails_fast", expected, observed, final=over and not missing)
        slowest = sorted(chosen, key=lambda i: requests.samples[i].service_ms)[-10:]
        median = percentile(times, 0.5)
        lower, upper = percentile([*times, *[0.0] * missing], 0.5), percentile([*times, *[inf] * missing], 0.5)
        violated_s = limit * FAILS_FAST_VIOLATED_FACTOR
        more = {
            "evidence": tuple(requests.indices[i] for i in slowest),
            "at": span.opened,
            "final": over and _zone(lower, limit, violated_s) == _zone(upper, limit, violated_s),
        }
        observed = f"median {took(median)} of {len(times)} answers" if median < inf else "most were never answered"
        zone = _zone(median, limit, violated_s)
        if zone == 0:
            return holds("fails_fast", expected, observed, **more)
        return (violated if zone == 2 else unclear)("fails_fast", expected, observed, **more)

    def _under_way(self, window: Window, seen: int) -> int:
        """Requests begun in a window whose answers may not have been recorded yet."""
        load = self.evidence.plan.scenario.load
        if self.evidence.complete or load is None:
            return 0
        if self.life.known >= window.end + load.timeout:
            return 0
        return max(0, int(window.length_s * load.rate * 1.05) + 2 - seen)

    def _calls_while_open(self, span: OpenSpan) -> Finding:
        allowed = self.check.calls_while_open
        assert allowed is not None
        leaks = [i for t in span.leaks for i in self.calls.within(Window(t, t + 1e-9))]
        evidence = tuple(self.calls.indices[i] for i in leaks[:10])
        over = span.half_open is not None and self.life.known >= span.half_open
        observed = f"{len(span.leaks)} calls while open"
        if len(span.leaks) > allowed:
            at = span.leaks[0]
            return violated("calls_while_open", f"≤ {allowed}", observed, evidence=evidence, at=at, final=over)
        if over or self._open_to_the_end(span):
            return holds("calls_while_open", f"≤ {allowed}", observed, at=span.opened, final=over)
        return unclear("calls_while_open", f"≤ {allowed}", f"{observed} so far")

    def _open_to_the_end(self, span: OpenSpan) -> bool:
        return span.half_open is None and self.evidence.complete

    def _half_opens_after(self, span: OpenSpan) -> Finding:
        reset = self.check.half_opens_after
        assert reset is not None
        expected = f"{format_duration(reset)} after opening"
        first = min([*span.leaks, *([span.half_open] if span.half_open is not None else [])], default=None)
        if first is None:
            return self._no_probe(span, reset, expected)
        final = self.life.known >= first
        more = {"evidence": span.evidence, "at": first, "final": final}
        observed = f"first call {took(first - span.opened)} after opening"
        if first < span.opened + reset - early_s(reset):
            return violated("half_opens_after", expected, observed, **more)
        if first > span.opened + late_s(reset):
            return violated("half_opens_after", expected, observed, **more)
        return holds("half_opens_after", expected, observed, **more)

    def _no_probe(self, span: OpenSpan, reset: float, expected: str) -> Finding:
        """While client requests go on, a probe must have come by now; without requests nobody can probe."""
        late = span.opened + late_s(reset)
        asked = self.life.ratio * requests_of(self.evidence).answered_between(span.opened + reset, self.life.known)
        if self.life.known > late and asked >= GAP_DUE_MIN:
            observed = f"no call {took(self.life.known - span.opened)} after opening, {asked:.0f} requests later"
            return violated(
                "half_opens_after", expected, observed, evidence=span.evidence, at=late, final=self.life.known > late
            )
        return unclear("half_opens_after", expected, "no call yet")

    # --- after healing -----------------------------------------------------------------------------------------------

    def _closes(self) -> Finding:
        limit = self.check.closes_within
        assert limit is not None
        expected = f"≤ {format_duration(limit)} after healing"
        if self.exposed is None or not self.life.spans:
            return self._moot("closes_within", expected)
        healed = self.exposed.healed
        if healed is None:
            return unclear("closes_within", expected, "the fault is not gone", awaits=RECOVERY)
        closed = self.life.closed_after(healed)
        if closed is not None:
            more = {"evidence": self.life.spans[-1].evidence, "at": closed, "final": self._closing_is_final(closed)}
            late = closed > healed + limit + INSTANT_TOLERANCE_S
            observed = f"{took(closed - healed)} after healing"
            return (violated if late else holds)("closes_within", expected, observed, awaits=RECOVERY, **more)
        return self._not_closed(healed, limit, expected)

    def _closing_is_final(self, closed: float) -> bool:
        assert self.exposed is not None
        assert self.exposed.healed is not None
        if self.life.doubtful_since is not None and self.life.doubtful_since <= closed:
            return False
        return self.life.known >= max(closed, self.exposed.healed) + GAP_S_MIN

    def _not_closed(self, healed: float, limit: float, expected: str) -> Finding:
        confirm_s = 2 * GAP_DUE_MIN / self.life.due_per_s + GAP_S_MIN if self.life.due_per_s else inf
        due = self.life.ratio * requests_of(self.evidence).answered_between(healed, self.life.known)
        waited = min(self.life.known, self.evidence.now) - healed
        observed = f"not closed {took(waited)} after healing, {due:.0f} calls due since"
        if self.life.known > healed + limit + confirm_s and due >= GAP_DUE_MIN and waited > limit:
            span = self.life.spans[-1]
            final = self.life.doubtful_since is None
            return violated("closes_within", expected, observed, evidence=span.evidence, at=healed + limit, final=final)
        return unclear("closes_within", expected, observed, awaits=RECOVERY)

    # --- the sentence ------------------------------------------------------------------------------------------------

    def sentence(self) -> str:
        caller, callee = self.check.breaker.split(" -> ")
        name = f"{caller}'s breaker on {callee}"
        if not self.life.spans:
            if self.exposed is None:
                return f"{name}: no fault was in force, so nothing can be said of it."
            failing, seen_s = self._failing()
            word = "never opened" if failing and seen_s else "was not seen to open"
            doing = "hanging" if "hang" in self.exposed.names else "failing"
            return f"{name} {word}: {failing} calls reached a {doing} {callee} in {took(seen_s)}."
        parts = [f"{name} opened {self._since_fault()}"]
        span = self.life.spans[0]
        if span.leaks:
            parts.append(f"let {len(span.leaks)} calls through while open")
        if span.half_open is not None:
            parts.append(f"probed {took(span.half_open - span.opened)} later")
        healed = self.exposed.healed if self.exposed else None
        if healed is not None:
            closed = self.life.closed_after(healed)
            after = f"{took(self.evidence.now - healed)} of healthy {callee}"
            parts.append(f"closed {took(closed - healed)} after healing" if closed else f"stayed open through {after}")
        elif self.life.states[-1][1] == CLOSED:
            parts.append("closed again")
        return ", ".join(parts) + "."

    def _since_fault(self) -> str:
        opened = self.life.spans[0].opened
        return f"{took(opened - self.exposed.window.start)} into the fault" if self.exposed else f"at {took(opened)}"


def _zone(value: float, limit: float, violated_s: float) -> int:
    return 0 if value <= limit else 1 if value <= violated_s else 2
