"""The life of a breaker, seen from outside: calls that do not arrive while client requests go on. Pure.

Nobody asks the service what state its breaker is in. It is *open* from the failure that is followed by a gap in the
arrivals, *half-open* from the first arrival after the gap, *closed* from that probe's good answer on, if the flow is
then back. A probe that fails opens it again. What should have arrived is c x the client requests that were answered:
a caller that hangs itself owes no call.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, inf

from chaoskit.checks.calls import LinkCalls, calls_on, failed_at, succeeded_at
from chaoskit.checks.exposure import calls_per_request, exposure
from chaoskit.checks.known import answers_known, known_until, once
from chaoskit.checks.requests import Requests, ended_at, requests_of
from chaoskit.checks.thresholds import (
    ARRIVAL_TRANSIT_S,
    ARRIVALS_BACK_SHARE,
    FIRST_CALLS_MIN,
    GAP_DUE_MIN,
    GAP_S_MIN,
    HALF_OPEN_EARLY_S,
    HALF_OPEN_EARLY_SHARE,
    INSTANT_TOLERANCE_S,
    STALL_LOOKBACK_S,
    THIN_CALLS_PER_REQUEST_MIN,
    THIN_DUE_MIN,
)
from chaoskit.model.event import Call, Stall
from chaoskit.model.evidence import Evidence
from chaoskit.model.system import System

IN_FLIGHT_MAX = 2000
"""So many earlier calls are searched for those in flight at an instant."""

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """The breaker was open from `opened` until a call came through at `half_open` (None: not so far).

    `leaks` are calls that arrived in between although it was open. `evidence`: the last call before, the first after.
    """

    opened: float
    half_open: float | None
    leaks: tuple[float, ...] = ()
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BreakerTimeline:
    """`states` are (run second, closed | open | half-open), beginning with closed at the first call.

    `ratio` is c, the calls per answered request (0: could not be told, then there are no states but the first).
    `known` is how far the evidence reaches, `due_per_s` how many calls a second were due at the usual rate.
    `doubtful_since`: a pause in arrivals that is not a gap yet but may become one; None if there is none.
    """

    link: str
    states: tuple[tuple[float, str], ...] = ()
    spans: tuple[OpenSpan, ...] = ()
    ratio: float = 0.0
    due_per_s: float = 0.0
    known: float = -inf
    doubtful_since: float | None = None

    @property
    def opened(self) -> float | None:
        """When it opened for the first time."""
        return self.spans[0].opened if self.spans else None

    def state_at(self, t: float) -> str:
        """The state in force at an instant."""
        return next((state for since, state in reversed(self.states) if since <= t), CLOSED)

    def closed_after(self, t: float) -> float | None:
        """The first instant from `t` on at which it was closed, or None."""
        if self.states and self.state_at(t) == CLOSED:
            return t
        return next((since for since, state in self.states if since >= t and state == CLOSED), None)


def timeline(
    evidence: Evidence, link: str, *, timeout_s: float | None = None, reset_s: float | None = None
) -> BreakerTimeline:
    """The breaker's states on a link. With a declared reset time, earlier calls count as leaks, not as probes."""
    key = ("timeline", link, timeout_s, reset_s)
    return once(evidence, key, lambda: _Reader(evidence, link, timeout_s, reset_s).read())


def declared_timeline(evidence: Evidence, system: System, link: str) -> BreakerTimeline:
    """The same, with the timeout and the reset time that the system file declares for the link."""
    declared = system.links.get(link)
    breaker = declared.breaker if declared is not None else None
    return timeline(
        evidence,
        link,
        timeout_s=declared.timeout if declared is not None else None,
        reset_s=breaker.reset if breaker is not None else None,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """Pauses after the arrivals `first` .. `last` that together are one gap, or a thin flow; -1: before the first."""

    first: int
    last: int


@dataclass(slots=True)
class _Reader:
    evidence: Evidence
    link: str
    timeout_s: float | None
    reset_s: float | None
    calls: LinkCalls = field(init=False)
    requests: Requests = field(init=False)
    known: float = field(init=False)
    ratio: float = 0.0
    stalls: list[tuple[float, float]] = field(default_factory=list)
    states: list[tuple[float, str]] = field(default_factory=list)
    spans: list[OpenSpan] = field(default_factory=list)
    doubtful: float | None = None

    def __post_init__(self) -> None:
        self.calls, self.requests = calls_on(self.evidence, self.link), requests_of(self.evidence)
        last = max(self.requests.times[-1:] + self.calls.times[-1:], default=0.0)
        self.known = min(known_until(self.evidence), max(last, self.evidence.now))
        self.stalls = [(s.t - s.stall_ms / 1000, s.t) for s in self.evidence.of(Stall) if s.process == "tap"]

    def read(self) -> BreakerTimeline:
        if not self.calls.calls:
            return BreakerTimeline(self.link, known=self.known)
        self.states.append((self.calls.times[0], CLOSED))
        self.ratio = calls_per_request(self.evidence, self.link).ratio or self._ratio_of_first_calls()
        if self.ratio > 0:
            runs = list(self._runs())
            for run, following in itertools.zip_longest(runs, runs[1:]):
                self._open(run, following.first if following else len(self.calls.calls) - 1)
        per_s = self.ratio * self._rate()
        known = self.known if self.calls.live or self.evidence.complete else -inf
        return BreakerTimeline(
            self.link, tuple(self.states), tuple(self.spans), self.ratio, per_s, known, self.doubtful
        )

    def _rate(self) -> float:
        load = self.evidence.plan.scenario.load
        if load is not None:
            return load.rate
        times = self.requests.times
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0

    def _ratio_of_first_calls(self) -> float:
        """With the fault there from the start: calls per request until the first pause; never taken above one."""
        times = self.calls.times
        end = next((i for i, (a, b) in enumerate(itertools.pairwise(times)) if b - a >= GAP_S_MIN), len(times) - 1)
        if end + 1 < FIRST_CALLS_MIN:
            return 0.0
        asked = self.requests.answered_between(times[0] - GAP_S_MIN, times[end] + ARRIVAL_TRANSIT_S)
        return min(1.0, (end + 1) / asked) if asked else 0.0

    # --- gaps ------------------------------------------------------------------------------------------------------

    def _due(self, start: float, end: float) -> float:
        return self.ratio * self.requests.answered_between(start, end)

    def _length(self, start: float, end: float) -> float:
        """Seconds between two instants, without those in which the tap itself stood still."""
        stood = sum(max(0.0, min(end, b) - max(start, a)) for a, b in self.stalls)
        return end - start - stood

    def _pause(self, i: int) -> tuple[float, float]:
        """From the failure after arrival `i` that can have opened it until the next arrival, or as far as we know."""
        times = self.calls.times
        end = times[i + 1] if i + 1 < len(times) else self.known
        return min(self._trip(i, end), end), end

    def _trip(self, i: int, before: float) -> float:
        """The failure at or after arrival `i` that opened it: of that call, or of one in flight since before it.

        The next request made no call, so it was open by then. Several failures before that: the middle of them.
        """
        arrival, flying = self.calls.times[i], self._in_flight_at(i)
        failures = [f for call in flying if (f := failed_at(call, self.timeout_s)) is not None]
        failures = [f for f in failures if arrival - ARRIVAL_TRANSIT_S <= f <= self.known]
        if failures:
            first = min(failures)
            asked = bisect_left(self.requests.answered, arrival)
            if self.ratio >= THIN_CALLS_PER_REQUEST_MIN and asked < len(self.requests.answered):
                refused = self.requests.answered[asked] + ARRIVAL_TRANSIT_S
                first = (first + max([f for f in failures if f <= refused], default=first)) / 2
            return max(arrival, first)
        if flying and all(call.outcome == "open" for call in flying):
            return self._first_answer(arrival, before)
        return arrival

    def _in_flight_at(self, i: int) -> list[Call]:
        since = self.calls.times[i] - ARRIVAL_TRANSIT_S
        return [call for call in self.calls.calls[max(0, i - IN_FLIGHT_MAX) : i + 1] if call.end >= since]

    def _first_answer(self, start: float, end: float) -> float:
        """Callers that never hang up: the first answer that a client got after the last call."""
        answers = once(self.evidence, ("answers",), lambda: _answer_times(self.requests))
        i = bisect_left(answers, start)
        return answers[i] if i < len(answers) and answers[i] < end else start

    def _runs(self) -> Iterator[_Run]:
        exposed = exposure(self.evidence, self.link)
        start = exposed.asked if exposed else self.calls.times[0]
        first = next((i for i, t in enumerate(self.calls.times) if t > start), len(self.calls.times)) - 1
        begun: int | None = None
        usual_s, times = min(GAP_S_MIN, 1.5 / (self.ratio * self._rate() or inf)), self.calls.times
        for i in range(max(0, first), len(times)):
            if i + 1 < len(times) and times[i + 1] - times[i] < usual_s:
                is_thin = False  # by far the most, told without a closer look
            else:
                is_thin = self._is_thin(i, begun is not None)
            if is_thin:
                begun = i if begun is None else begun
            elif begun is not None:
                yield from self._full(begun, i - 1)
                begun = None
        if begun is not None:
            yield from self._full(begun, len(self.calls.times) - 1)

    def _is_thin(self, i: int, is_open: bool) -> bool:
        """While it is open a single call changes nothing: the pause after it counts from its arrival."""
        arrival, times = self.calls.times[i], self.calls.times
        following = times[i + 1] if i + 1 < len(times) else self.known
        if following - arrival < GAP_S_MIN and self._due(arrival, following) < THIN_DUE_MIN:
            return False
        start, end = (arrival, following) if is_open else self._pause(i)
        due, length_s = self._due(start, end), self._length(start, end)
        if due >= GAP_DUE_MIN and length_s >= GAP_S_MIN:
            return True
        if length_s >= GAP_S_MIN and self.doubtful is None and self._may_yet_be_due(start, end):
            self.doubtful = start
        return due >= THIN_DUE_MIN and self.ratio >= THIN_CALLS_PER_REQUEST_MIN

    def _may_yet_be_due(self, start: float, end: float) -> bool:
        """Requests that began in a pause may still be under way, and make it a gap when they are answered."""
        if answers_known(self.evidence, end):
            return False
        return self.ratio * self._rate() * (end - start) >= GAP_DUE_MIN / 2

    def _full(self, first: int, last: int) -> Iterator[_Run]:
        start, end = self._pause(first)[0], self._pause(last)[1]
        if self._due(start, end) >= GAP_DUE_MIN and self._length(start, end) >= GAP_S_MIN:
            yield _Run(first, last)

    # --- states ----------------------------------------------------------------------------------------------------

    def _open(self, run: _Run, cluster_end: int) -> None:
        """Read one run: open, the probes that failed within it, and what followed it up to `cluster_end`."""
        times = self.calls.times
        opened, begun, leaks, probe = self._pause(run.first)[0], run.first, list[float](), -1
        for i in range(run.first, run.last + 1):
            if probe >= 0:
                if not self._failed_probe(i):
                    continue
                opened, begun, leaks, probe = self._reopened(i), i, [], -1
            if i + 1 == len(times):
                self._span(opened, None, leaks, begun, i)
                return
            if self._is_probe(opened, times[i], times[i + 1]):
                self._span(opened, times[i + 1], leaks, begun, i + 1)
                probe = i + 1
            else:
                leaks.append(times[i + 1])
        if probe < 0:  # the flow is back sooner than a probe was due
            probe = run.last + 1
            self._span(opened, times[probe], leaks[:-1], begun, probe)
        self._closed(probe, cluster_end)

    def _failed_probe(self, i: int) -> bool:
        """Whether the pause after probe `i` is more than the time that the probe itself took."""
        if self.calls.calls[i].outcome == "open" and self.timeout_s is None:
            return False
        start, end = self._pause(i)
        good = succeeded_at(self.calls.calls[i], self.timeout_s)
        return self._length(start if good is None else min(good, end), end) >= GAP_S_MIN

    def _reopened(self, i: int) -> float:
        """When probe `i` failed; where its answer looked good, it came too late by its caller's clock: at its end."""
        start, good = self._pause(i)[0], succeeded_at(self.calls.calls[i], self.timeout_s)
        return start if good is None else max(start, good)

    def _is_probe(self, opened: float, previous: float, arrival: float) -> bool:
        if self.reset_s is not None:
            return arrival >= opened + self.reset_s - early_s(self.reset_s) - self._seen_late_s(opened, self.reset_s)
        start = max(opened, previous)
        return self._length(start, arrival) >= GAP_S_MIN and self._due(start, arrival) >= GAP_DUE_MIN

    def _seen_late_s(self, opened: float, reset_s: float) -> float:
        """How much earlier it may have opened than we saw: its service or the tap got no processor just then."""
        who = (self.link.split(" -> ")[0], "tap")
        near = (s for s in self.evidence.of(Stall) if s.process in who and abs(s.t - opened - 0.5) <= STALL_LOOKBACK_S)
        return min(reset_s / 2, sum(s.stall_ms for s in near) / 1000)

    def _span(self, opened: float, half_open: float | None, leaks: list[float], before: int, after: int) -> None:
        evidence = tuple(dict.fromkeys((self.calls.indices[before], self.calls.indices[after])))
        self.states.append((opened, OPEN))
        if half_open is not None:
            self.states.append((half_open, HALF_OPEN))
        self.spans.append(OpenSpan(opened, half_open, tuple(leaks), evidence))

    def _closed(self, first: int, last: int) -> None:
        """Note the first good call of first..last after which the flow came back."""
        for i in range(first, last + 1):
            end = succeeded_at(self.calls.calls[i], self.timeout_s)
            if end is not None and end <= self.known and self._flows_after(end):
                self.states.append((end, CLOSED))
                return

    def _flows_after(self, t: float) -> bool:
        needed = ceil(GAP_DUE_MIN / self.ratio)
        begun = len(self.requests.answered) - self.requests.answered_between(t, inf)
        if begun + needed > len(self.requests.answered):
            return False
        until = self.requests.answered[begun + needed - 1] + INSTANT_TOLERANCE_S
        return until <= self.known and self.calls.count(t, until) >= ARRIVALS_BACK_SHARE * GAP_DUE_MIN


def _answer_times(requests: Requests) -> list[float]:
    return sorted(ended_at(sample) for sample in requests.samples if sample.status > 0)


def early_s(reset_s: float) -> float:
    """How much earlier than declared a probe may come."""
    return max(HALF_OPEN_EARLY_S, HALF_OPEN_EARLY_SHARE * reset_s)
