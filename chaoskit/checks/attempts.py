"""`attempts: caller -> callee`: how often a caller tries again; amplification kills a callee that is already ill."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from chaoskit.checks.breaker_timeline import declared_timeline
from chaoskit.checks.calls import LinkCalls, calls_on, failed_at
from chaoskit.checks.check import SETTLE, Check, holds, unclear, violated
from chaoskit.checks.exposure import Exposure, exposure
from chaoskit.checks.known import answers_known, known_until
from chaoskit.checks.requests import ended_at, requests_of
from chaoskit.checks.thresholds import (
    ATTEMPTS_CALLS_MIN,
    ATTEMPTS_DEFAULT,
    ATTEMPTS_REQUESTS_MIN,
    BASELINE_REQUESTS_MIN,
)
from chaoskit.model.evidence import Evidence, Window
from chaoskit.model.scenario import Needs
from chaoskit.model.system import LinkName, System
from chaoskit.model.verdict import Finding, Verdict

RESETS = ("reset", "reset_peer")
_NAMED = re.compile(r"/[^/?]*\d[^/?]*")


class AttemptsCheck(Check):
    """Calls per client request under the fault against the same without it, kind by kind (method and path).

    Not judged under resets: some HTTP clients repeat on a reset connection by themselves.
    """

    keyword: ClassVar[str] = "attempts"
    rule: ClassVar[int | None] = 3
    sight: ClassVar[str] = "tap"

    attempts: LinkName
    at_most: int | None = Field(None, ge=1)
    """Left out: the link's `attempts_max`, else three."""

    def needs(self, system: System) -> Needs:
        return Needs(after_inject_s=5.0, load=True, links=(self.attempts,))

    def stall_limits_s(self, system: System) -> Mapping[str, float]:
        return {"attempts": 1.0}

    def _limit(self, system: System) -> int:
        link = system.links.get(self.attempts)
        return self.at_most or (link.attempts_max if link is not None else None) or ATTEMPTS_DEFAULT

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding: `attempts`."""
        limit, exposed = self._limit(system), exposure(evidence, self.attempts)
        link = system.links.get(self.attempts)
        timeout_s = link.timeout if link is not None else None
        opened = declared_timeline(evidence, system, self.attempts).opened
        finding = self._finding(evidence, exposed, limit, timeout_s, opened)
        return Verdict.of(self.keyword, self.rule, self.subject, [finding])

    def _finding(
        self, evidence: Evidence, exposed: Exposure | None, limit: int, timeout_s: float | None, opened: float | None
    ) -> Finding:
        expected = f"≤ {limit} per request"
        if exposed is None:
            return unclear(self.keyword, expected, "no fault was in force on the link")
        over = answers_known(evidence, exposed.window.end)
        if any(name in RESETS for name in exposed.names):
            return unclear(
                self.keyword, expected, "HTTP clients repeat by themselves on a reset: use a hang", final=over
            )
        calls = calls_on(evidence, self.attempts)
        window = Window(exposed.window.start, min(exposed.window.end, opened or exposed.window.end))
        failing = [i for i in calls.within(window) if failed_at(calls.calls[i], timeout_s) is not None]
        if len(failing) < ATTEMPTS_CALLS_MIN:
            observed = f"{len(failing)} failing calls, {ATTEMPTS_CALLS_MIN} needed"
            return unclear(self.keyword, expected, observed, final=over)
        counted = _amplification(evidence, calls, exposed, window, limit)
        if counted is None:
            observed = "without a fault there were too few requests to compare with"
            return unclear(self.keyword, expected, observed, final=over)
        most, beyond = counted
        picked = tuple(calls.indices[i] for i in failing[-10:])
        more = {"evidence": picked, "at": window.start, "final": over, "awaits": SETTLE}
        observed = f"{most:.1f} per request, of {len(failing)} failing calls"
        if most > limit and beyond >= ATTEMPTS_REQUESTS_MIN:
            return violated(self.keyword, expected, observed, **more)
        return holds(self.keyword, expected, observed, **more)


def _amplification(
    evidence: Evidence, calls: LinkCalls, exposed: Exposure, window: Window, limit: int
) -> tuple[float, float] | None:
    """(most calls per request of any kind, calls beyond the limit)."""
    requests = requests_of(evidence)
    before = requests.within(Window(float("-inf"), exposed.asked))
    done = sum(ended_at(requests.samples[i]) <= exposed.asked for i in before)
    during = len(requests.within(Window(window.start, min(window.end, known_until(evidence)))))
    if done < BASELINE_REQUESTS_MIN or not during:
        return None
    usual = Counter(_kind(calls, i) for i in calls.within(Window(float("-inf"), exposed.asked)))
    under = Counter(_kind(calls, i) for i in calls.within(window))
    most, beyond = 0.0, 0.0
    for kind, count in under.items():
        if kind in usual:
            due = usual[kind] / done * during
            most, beyond = max(most, count / due), max(beyond, count - limit * due)
    return most, beyond


def _kind(calls: LinkCalls, i: int) -> tuple[str, str]:
    """Method and path, names and numbers in it left out."""
    call = calls.calls[i]
    return call.method, _NAMED.sub("/*", call.path.split("?")[0])
