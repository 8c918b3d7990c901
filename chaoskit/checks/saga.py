"""`saga: name`: every accepted saga ends, all or nothing, and a failed one is compensated exactly once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import isclose
from typing import ClassVar, Literal

from chaoskit.checks.check import SETTLE, Check, holds, took, unclear, violated
from chaoskit.checks.known import once
from chaoskit.checks.requests import body_of, ended_at
from chaoskit.checks.thresholds import EFFECT_QUIET_S
from chaoskit.errors import UsageProblem
from chaoskit.model.event import SagaSeen
from chaoskit.model.evidence import Evidence
from chaoskit.model.json_path import read_path
from chaoskit.model.quantity import Duration, format_duration
from chaoskit.model.scenario import Needs
from chaoskit.model.system import Saga, System
from chaoskit.model.verdict import Finding, Verdict


class SagaCheck(Check):
    """Judged on the final sweep over all participants' books."""

    keyword: ClassVar[str] = "saga"
    rule: ClassVar[int | None] = 4

    saga: str
    within: Duration | None = None
    """From acceptance to the end; left out: the saga's own `within`."""
    outcome: Literal["success", "failure", "any"] | None = None
    """`failure`: at least one must have failed, else the fault proved nothing; `success`: none may fail.
    Left out: `failure` where the scenario has a fault, else `any`."""

    def needs(self, system: System) -> Needs:
        self._saga(system)
        return Needs(sagas=(self.saga,), bodies=True, load=True, quiet_s=EFFECT_QUIET_S)

    def _saga(self, system: System) -> Saga:
        if self.saga not in system.sagas:
            known = ", ".join(sorted(system.sagas)) or "none"
            raise UsageProblem(f"unknown saga '{self.saga}'", remedy=f"sagas of the system: {known}")
        return system.sagas[self.saga]

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """Findings: `terminal`, `books`, `compensated_once`, `outcome`."""
        saga = self._saga(system)
        seen = _collect(evidence, self.saga, saga)
        findings = [
            self._terminal(evidence, saga, seen),
            self._books(evidence, seen),
            self._compensated(evidence, saga, seen),
            self._outcome(evidence, seen),
        ]
        succeeded = sum(event.state in saga.success for _, event in seen.last.values())
        sentence = (
            f"{self.saga}: of {len(seen.accepted)} accepted, {succeeded} succeeded and "
            f"{sum(event.state in saga.failure for _, event in seen.last.values())} failed"
        )
        wrong = [finding for finding in findings if finding.outcome == "fail"]
        sentence += f"; {wrong[0].name.replace('_', ' ')}: {wrong[0].observed}." if wrong else "."
        return Verdict.of(self.keyword, self.rule, self.subject, findings, sentence)

    def _more(self, evidence: Evidence, seen: _Seen) -> dict[str, object]:
        return {"final": evidence.complete, "awaits": SETTLE if seen.accepted else ""}

    def _terminal(self, evidence: Evidence, saga: Saga, seen: _Seen) -> Finding:
        limit = self.within if self.within is not None else saga.within
        expected, ends = f"ended ≤ {format_duration(limit)} after acceptance", {*saga.success, *saga.failure}
        more = self._more(evidence, seen)
        if not seen.accepted:
            return unclear("terminal", expected, "none was accepted", **more)
        if missing := [key for key in seen.accepted if key not in seen.last]:
            return unclear("terminal", expected, f"{len(missing)} of {len(seen.accepted)} not looked at yet", **more)
        open_ = [key for key, (_, event) in seen.last.items() if event.state not in ends]
        late = [key for key in seen.accepted if seen.open_until.get(key, -1.0) > seen.accepted[key] + limit]
        if stuck := open_ or late:
            index, event = seen.last[stuck[0]]
            waited = max(seen.open_until.get(stuck[0], event.t), event.t if open_ else 0.0) - seen.accepted[stuck[0]]
            if waited > limit:
                state = seen.open_state.get(stuck[0], event.state)
                observed = f"{len(stuck)} not; {stuck[0]} was '{state}' {took(waited)} after acceptance"
                return violated("terminal", expected, observed, evidence=(index,), at=event.t, **more)
            return unclear("terminal", expected, f"{len(stuck)} not ended {took(waited)} after acceptance", **more)
        return holds("terminal", expected, f"all {len(seen.accepted)}", **more)

    def _books(self, evidence: Evidence, seen: _Seen) -> Finding:
        expected, more = "books agree, all or nothing", self._more(evidence, seen)
        wrong = []
        for key, (index, event) in seen.last.items():
            for participant, value in event.expected.items():
                held = event.books.get(participant)
                if held is None or not _equal(held, value):
                    wrong.append((index, f"{key}: {participant} holds {held}, not {value} ({event.state})"))
        if wrong:
            picked = tuple(dict.fromkeys(index for index, _ in wrong))[:10]
            observed = f"{len(wrong)} wrong, such as {wrong[0][1]}"
            return violated("books", expected, observed, evidence=picked, at=evidence.events[picked[0]].t, **more)
        if not seen.last:
            return unclear("books", expected, "not looked at yet", **more)
        return holds("books", expected, f"right for {len(seen.last)}", **more)

    def _compensated(self, evidence: Evidence, saga: Saga, seen: _Seen) -> Finding:
        expected, more = "once after a failure, never after a success", self._more(evidence, seen)
        wrong = []
        for key, (index, event) in seen.last.items():
            due = 1 if event.state in saga.failure else 0 if event.state in saga.success else None
            for participant, times in event.compensations.items():
                if times > 1 or (due is not None and times != due):
                    wrong.append((index, f"{key}: {participant} compensated {times} times ({event.state})"))
        if wrong:
            picked = tuple(dict.fromkeys(index for index, _ in wrong))[:10]
            observed = f"{len(wrong)} wrong, such as {wrong[0][1]}"
            at = evidence.events[picked[0]].t
            return violated("compensated_once", expected, observed, evidence=picked, at=at, **more)
        if not seen.last:
            return unclear("compensated_once", expected, "not looked at yet", **more)
        return holds("compensated_once", expected, f"right for {len(seen.last)}", **more)

    def _outcome(self, evidence: Evidence, seen: _Seen) -> Finding:
        wanted = self.outcome or ("failure" if evidence.plan.faults else "any")
        failed, more = seen.failed, self._more(evidence, seen)
        if not seen.last:
            return unclear("outcome", wanted, "not looked at yet", **more)
        if wanted == "failure" and not failed:
            return unclear("outcome", "≥ 1 failed", "none failed: the fault proved nothing", **more)
        if wanted == "success" and failed:
            index, event = seen.last[failed[0]]
            observed = f"{len(failed)} failed, such as {failed[0]}"
            return violated("outcome", "all succeed", observed, evidence=(index,), at=event.t, **more)
        return holds("outcome", wanted, f"{len(failed)} of {len(seen.last)} failed", **more)


@dataclass(frozen=True, slots=True)
class _Seen:
    """`accepted`: key → when; `last`: key → (event index, its state in the final sweep); `open_until`, `open_state`:
    the newest look at which a key had not ended; `failed`: keys that ended in failure."""

    accepted: dict[str, float]
    last: dict[str, tuple[int, SagaSeen]]
    open_until: dict[str, float]
    open_state: dict[str, str]
    failed: list[str]


def _collect(evidence: Evidence, name: str, saga: Saga) -> _Seen:
    return once(evidence, ("saga", name), lambda: _look(evidence, name, saga))


def _look(evidence: Evidence, name: str, saga: Saga) -> _Seen:
    ends, by, accepted = {*saga.success, *saga.failure}, saga.accepted_by, dict[str, float]()
    for sample in evidence.samples(name=by.request):
        if sample.status == by.status:
            with suppress(ValueError, LookupError):  # an answer without a key accepted nothing that can be followed
                accepted.setdefault(str(read_path(by.key, body_of(sample))), ended_at(sample))
    seen = _Seen(accepted, {}, {}, {}, [])
    for index, event in evidence.indexed(SagaSeen):
        if event.saga != name:
            continue
        if event.state not in ends:
            seen.open_until[event.key], seen.open_state[event.key] = event.t, event.state
        if event.last:
            seen.last[event.key] = (index, event)
    seen.failed.extend(key for key, (_, event) in seen.last.items() if event.state in saga.failure)
    return seen


def _equal(a: float | str, b: float | str) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)
