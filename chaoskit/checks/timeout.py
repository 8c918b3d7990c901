"""`timeout: caller -> callee`: the caller gives up on a callee that does not answer, and answers its own client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chaoskit.checks.calls import LinkCalls, calls_on
from chaoskit.checks.check import SETTLE, Check, holds, took, unclear, violated
from chaoskit.checks.exposure import Exposure, exposure
from chaoskit.checks.known import answers_known, known_until
from chaoskit.checks.requests import requests_of
from chaoskit.checks.thresholds import (
    HUNG_CALLS_MIN,
    TIMEOUT_HOLDS_EXTRA_S,
    TIMEOUT_HOLDS_FACTOR,
    TIMEOUT_UNDECLARED_HOLDS_S,
    TIMEOUT_VIOLATED_EXTRA_S,
    TIMEOUT_VIOLATED_FACTOR,
)
from chaoskit.model.evidence import Evidence, Window
from chaoskit.model.quantity import Duration
from chaoskit.model.scenario import Needs
from chaoskit.model.system import LinkName, System
from chaoskit.model.verdict import Finding, Verdict


class TimeoutCheck(Check):
    """Under a hang. The limit is `within`, else the link's declared `timeout`, else a second that suits everybody."""

    keyword: ClassVar[str] = "timeout"
    rule: ClassVar[int | None] = 3
    sight: ClassVar[str] = "tap"

    timeout: LinkName
    within: Duration | None = None

    def needs(self, system: System) -> Needs:
        limit = self._limit(system)
        return Needs(after_inject_s=limit.violated_s * 2 + 3.0, load=True, links=(self.timeout,))

    def stall_limits_s(self, system: System) -> Mapping[str, float]:
        limit = self._limit(system)
        return {"given_up": limit.violated_s - limit.holds_s, "answered": limit.violated_s - limit.holds_s}

    def _limit(self, system: System) -> _Limit:
        link = system.links.get(self.timeout)
        declared = self.within if self.within is not None else link.timeout if link is not None else None
        if declared is None:
            return _Limit(TIMEOUT_UNDECLARED_HOLDS_S, float("inf"), False)
        return _Limit(
            TIMEOUT_HOLDS_FACTOR * declared + TIMEOUT_HOLDS_EXTRA_S,
            TIMEOUT_VIOLATED_FACTOR * declared + TIMEOUT_VIOLATED_EXTRA_S,
            True,
        )

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """Findings: `given_up` (the calls themselves) and `answered` (every client got an answer)."""
        limit = self._limit(system)
        exposed, calls = exposure(evidence, self.timeout), calls_on(evidence, self.timeout)
        if exposed is None:
            findings = [unclear("given_up", limit.text, "no fault was in force on the link")]
            return Verdict.of(self.keyword, self.rule, self.subject, findings)
        hung = _hung(evidence, calls, exposed, limit)
        findings = [_given_up(evidence, calls, exposed, limit, hung), _answered(evidence, exposed, limit, hung)]
        return Verdict.of(self.keyword, self.rule, self.subject, findings, self._sentence(hung, exposed))

    def _sentence(self, hung: _Hung, exposed: Exposure) -> str:
        caller, callee = self.timeout.split(" -> ")
        if not hung.durations and not hung.waiting:
            return f"No call from {caller} to {callee} was held back, so its timeout was not seen."
        if hung.endless:
            return (
                f"{caller} waits for {callee} without limit: {len(hung.endless)} calls were still waiting "
                f"after {took(max(hung.waited))}."
            )
        return (
            f"{caller} gave up on a silent {callee} after {took(max(hung.durations, default=0.0))} at most "
            f"({len(hung.durations)} calls)."
        )


@dataclass(frozen=True, slots=True)
class _Limit:
    holds_s: float
    violated_s: float
    declared: bool

    @property
    def text(self) -> str:
        return f"≤ {took(self.holds_s)}" + ("" if self.declared else " (no timeout is declared)")


@dataclass(frozen=True, slots=True)
class _Hung:
    """Calls that were held back: how long the caller waited for each that it gave up on (`durations`), and how long
    those have waited so far that it did not give up on (`waiting`: positions, `waited`: seconds, `endless`: those
    beyond the limit)."""

    durations: list[float]
    positions: list[int]
    waiting: list[int]
    waited: list[float]
    endless: list[int]


def _hung(evidence: Evidence, calls: LinkCalls, exposed: Exposure, limit: _Limit) -> _Hung:
    """Calls that the fault's end cut short are no measure, unless they had waited too long by then."""
    until = min(exposed.window.end, known_until(evidence), evidence.now)
    hung = _Hung([], [], [], [], [])
    for i in calls.within(exposed.window):
        call = calls.calls[i]
        if call.outcome == "abandoned" and call.end <= until:
            hung.durations.append(call.end - call.t)
            hung.positions.append(i)
        elif call.outcome == "answered" and call.end <= until:
            if call.end - call.t > limit.holds_s:
                hung.durations.append(call.end - call.t)
                hung.positions.append(i)
        elif call.end > until or min(call.end, until) - call.t > limit.holds_s:
            hung.waiting.append(i)
            hung.waited.append(min(call.end, until) - call.t)
            if hung.waited[-1] > limit.violated_s:
                hung.endless.append(i)
    return hung


def _given_up(evidence: Evidence, calls: LinkCalls, exposed: Exposure, limit: _Limit, hung: _Hung) -> Finding:
    worst = max(hung.durations, default=0.0)
    over = known_until(evidence) >= exposed.window.end
    if worst > limit.violated_s or hung.endless:
        late = [i for i, d in zip(hung.positions, hung.durations, strict=True) if d > limit.violated_s] or hung.endless
        observed = f"{took(max([worst, *hung.waited]))}, {len(late)} calls"
        picked = tuple(calls.indices[i] for i in late[:10])
        return violated("given_up", limit.text, observed, evidence=picked, at=calls.times[late[0]], final=calls.live)
    if len(hung.durations) < HUNG_CALLS_MIN:
        observed = f"{len(hung.durations)} calls were given up, {HUNG_CALLS_MIN} needed"
        if hung.waiting:
            observed += f"; {len(hung.waiting)} waited for up to {took(max(hung.waited))}"
        return unclear("given_up", limit.text, observed, final=over)
    picked = tuple(calls.indices[i] for i in hung.positions[:10])
    more = {"evidence": picked, "at": calls.times[hung.positions[0]], "awaits": SETTLE, "final": over and calls.live}
    observed = f"{took(worst)} at most, {len(hung.durations)} calls"
    if worst > limit.holds_s:
        return unclear("given_up", limit.text, observed + ("" if limit.declared else ": declare a timeout"), **more)
    return holds("given_up", limit.text, observed, **more)


def _answered(evidence: Evidence, exposed: Exposure, limit: _Limit, hung: _Hung) -> Finding:
    """Clients that got no answer at all; how late an answer may be depends on attempts, so it is no matter here."""
    expected = "every request answered"
    requests = requests_of(evidence)
    inside = requests.within(Window(exposed.window.start, exposed.window.end))
    silent = [i for i in inside if requests.samples[i].status == 0]
    enough = len(hung.durations) >= HUNG_CALLS_MIN
    over = answers_known(evidence, exposed.window.end)
    more = {"awaits": SETTLE if enough or hung.endless else "", "final": over}
    if silent and len(silent) == len(inside) and not enough:
        picked = tuple(requests.indices[i] for i in silent[:10])
        observed = f"none of {len(silent)} requests was answered while the fault lasted"
        return violated("answered", expected, observed, evidence=picked, at=requests.times[silent[0]], **more)
    if silent:
        picked = tuple(requests.indices[i] for i in silent[:10])
        observed = f"{len(silent)} of {len(inside)} requests got no answer"
        at = requests.times[silent[0]]
        return (violated if enough or hung.endless else unclear)(
            "answered", expected, observed, evidence=picked, at=at, **more
        )
    observed = f"all {len(inside)} requests that have ended were answered"
    if not enough or not inside:
        return unclear("answered", expected, observed, **more)
    return holds("answered", expected, observed, **more)
