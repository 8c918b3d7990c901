"""`fallback: {status: 200, body: {…}}`: while the callee fails, clients get the declared stand-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from chaoskit.checks.check import SETTLE, Check, holds, unclear, violated
from chaoskit.checks.exposure import usual
from chaoskit.checks.known import answers_known, known_until
from chaoskit.checks.phases import in_force
from chaoskit.checks.requests import Requests, body_of, look_of, requests_of
from chaoskit.checks.thresholds import FALLBACK_ANSWERS_MIN
from chaoskit.model.event import Sample
from chaoskit.model.evidence import Evidence
from chaoskit.model.quantity import Ratio, Strict
from chaoskit.model.scenario import Needs
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Verdict

_BODY_SHOWN_MAX = 160


class FallbackAnswer(Strict):
    """The stand-in. `body` is a part of the answer's JSON: keys that it does not name may hold anything."""

    status: int = 200
    body: Any = None
    request: str | None = None
    share_min: Ratio = 1.0
    """Of the answers under the fault that are not usual ones, so many must match."""


class FallbackCheck(Check):
    """Every answer under the fault is a usual one (same status, same shape as before the fault) or the stand-in.

    With `true`: any expected answer will do for a stand-in.
    """

    keyword: ClassVar[str] = "fallback"
    rule: ClassVar[int | None] = 3

    fallback: Literal[True] | FallbackAnswer

    @property
    def subject(self) -> str:
        return (self._declared.request or "") if self._declared else ""

    @property
    def _declared(self) -> FallbackAnswer | None:
        return self.fallback if isinstance(self.fallback, FallbackAnswer) else None

    def needs(self, system: System) -> Needs:
        return Needs(after_inject_s=5.0, load=True, bodies=True)

    def judge(self, evidence: Evidence, system: System) -> Verdict:
        """One finding: `fallback`."""
        return Verdict.of(self.keyword, self.rule, self.subject, [self._finding(evidence)])

    def _finding(self, evidence: Evidence) -> Finding:
        requests = requests_of(evidence)
        seen = self._sort(evidence, requests)
        expected = self._expected()
        windows = in_force(evidence)
        over = answers_known(evidence, windows[-1].end) if windows else evidence.complete
        judged = len(seen.stand_in) + len(seen.wrong)
        if seen.wrong and len(seen.stand_in) < self._share_min * judged:
            example = requests.samples[seen.wrong[0]]
            body = (example.body or "")[:_BODY_SHOWN_MAX]
            got = f"{example.status} {body}".strip() if example.status else f"no answer ({example.error})"
            observed = f"{len(seen.wrong)} of {judged} answers under the fault were neither usual nor it, such as {got}"
            picked = tuple(requests.indices[i] for i in seen.wrong[:10])
            usual_is_known = known_until(evidence) >= windows[0].start
            certain = over or (self._share_min == 1.0 and usual_is_known)
            return violated(self.keyword, expected, observed, evidence=picked, at=example.t, final=certain)
        observed = f"{len(seen.stand_in)} answers by fallback, {len(seen.usual)} usual ones"
        if len(seen.stand_in) < FALLBACK_ANSWERS_MIN or seen.unread:
            why = f"{seen.unread} bodies could not be read" if seen.unread else f"{FALLBACK_ANSWERS_MIN} needed"
            awaits = SETTLE if len(seen.stand_in) >= FALLBACK_ANSWERS_MIN else ""
            return unclear(self.keyword, expected, f"{observed}; {why}", final=over, awaits=awaits)
        picked = tuple(requests.indices[i] for i in seen.stand_in[:10])
        at = requests.times[seen.stand_in[0]]
        return holds(self.keyword, expected, observed, evidence=picked, at=at, final=over, awaits=SETTLE)

    @property
    def _share_min(self) -> float:
        return self._declared.share_min if self._declared else 1.0

    def _expected(self) -> str:
        if self._declared is None:
            return "an answer that the journey expects"
        body = f" with {self._declared.body}" if self._declared.body is not None else ""
        share = "" if self._declared.share_min == 1.0 else f" in ≥ {self._declared.share_min:.0%}"
        return f"{self._declared.status}{body}{share}"

    def _sort(self, evidence: Evidence, requests: Requests) -> _Sorted:
        found, looks, request = _Sorted([], [], [], 0), usual(evidence).looks, self._request
        known: dict[tuple[int, bool, str | None], bool | None] = {}  # the same few bodies come again and again
        for window in in_force(evidence):
            for i in requests.within(window):
                sample = requests.samples[i]
                if request not in (None, sample.name):
                    continue
                same = sample.status, sample.ok, sample.body
                if same not in known:
                    known[same] = self._is_stand_in(sample)
                match = known[same]
                if match is None:
                    found.unread += 1
                elif match and not (self._declared is None and look_of(sample) in looks):
                    found.stand_in.append(i)
                else:
                    (found.usual if sample.ok and look_of(sample) in looks else found.wrong).append(i)
        return found

    @property
    def _request(self) -> str | None:
        return self._declared.request if self._declared is not None else None

    def _is_stand_in(self, sample: Sample) -> bool | None:
        """None: its body could not be read."""
        if self._declared is None:
            return sample.ok
        if sample.status != self._declared.status:
            return False
        if self._declared.body is None:
            return True
        try:
            return contains(body_of(sample), self._declared.body)
        except ValueError:
            return None


@dataclass(slots=True)
class _Sorted:
    """Positions of the answers under the fault, and how many had a body that is no JSON."""

    stand_in: list[int]
    usual: list[int]
    wrong: list[int]
    unread: int


def contains(document: Any, part: Any) -> bool:
    """Whether `part` is in `document`: objects key by key, lists element by element in order and number, else equal."""
    if isinstance(part, dict):
        return isinstance(document, dict) and all(k in document and contains(document[k], v) for k, v in part.items())
    if isinstance(part, (list, tuple)):
        same = isinstance(document, list) and len(document) == len(part)
        return same and all(contains(d, p) for d, p in zip(document, part, strict=True))
    return (type(document) is type(part) and document == part) or _same_number(document, part)


def _same_number(a: Any, b: Any) -> bool:
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (a, b))
    return bool(numbers and a == b)
