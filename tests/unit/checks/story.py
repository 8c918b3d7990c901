"""A small world to write evidence with: a client, a caller with or without a breaker, a callee that gets a fault.

`story(...)` plays it event by event with a seeded jitter, and returns the events in the order in which a run would
have recorded them (in batches, so a little late), together with what the breaker itself knows.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from chaoskit.model.event import (
    BreakerLogged,
    Call,
    CallStarted,
    Event,
    FaultAsked,
    FaultConfirmed,
    FaultReverted,
    LinkProof,
    LoadEnded,
    LoadSecond,
    PhaseStarted,
    Sample,
    ScenarioEnded,
    SteadySeen,
)
from chaoskit.model.evidence import Evidence, EvidenceBuilder
from chaoskit.model.plan import PlannedFault, ScenarioPlan
from chaoskit.model.scenario import CheckSpec, FaultSpec, Load, Needs, Scenario, Steady
from chaoskit.model.system import System

LINK = "order -> customer"
NAME = "GET /orders/id"
STAND_IN = {"id": 1, "customer": {"name": "Customer", "_fallback": True}}


class AnyFault(FaultSpec):
    """A fault of no particular kind, to plan with."""

    keyword = "hang"
    targets = ("link", "consumer", "broker", "service")
    hang: bool = True


class AnyCheck(CheckSpec):
    """A check that nobody judges, to fill `expect` with."""

    keyword = "any"
    any: bool = True

    @property
    def subject(self) -> str:
        return ""

    def needs(self, system: System) -> Needs:
        return Needs()


def system_of(**link: object) -> System:
    """The shop's system, cut down; `link` are the declarations of order -> customer."""
    http = {"http": "GET {inventory}/r?id={key}", "count": "$.items"}
    accepted = {"request": "POST /orders", "status": 202, "key": "$.id"}
    return System.model_validate(
        {
            "system": "shop",
            "services": {"order": {}, "customer": {}, "inventory": {}},
            "links": {LINK: {"upstream": "http://127.0.0.1:1", **link}},
            "consumers": {
                "inventory": {
                    "queue": "q",
                    "dead_letter": "q.dlq",
                    "key": "id",
                    "effect": http,
                    "accepted_by": accepted,
                }
            },
            "sagas": {
                "checkout": {
                    "accepted_by": {"request": "POST /checkouts", "key": "$.id"},
                    "terminal": {"http": "GET {order}/c/{key}", "value": "$.status"},
                    "success": ["confirmed"],
                    "failure": ["cancelled"],
                    "within": "5s",
                    "books": {
                        "payment": {"http": "GET {p}/c", "value": "$.a", "on_success": "$.total", "on_failure": 0}
                    },
                }
            },
        }
    )


def plan_of(
    *checks: CheckSpec,
    fault: str | None = "hang",
    target: str = LINK,
    rate: float | None = 50.0,
    instructions: tuple[object, ...] = (),
    baseline_s: float = 3.0,
    steady: bool = False,
    probes: tuple[str, ...] = (),
) -> ScenarioPlan:
    """A plan with at most one fault, f1."""
    spec = AnyFault(link=LINK)
    faults = (PlannedFault("f1", fault, target, baseline_s, None, 60.0, instructions, spec),) if fault else ()  # type: ignore[arg-type]
    scenario = Scenario(
        scenario="a story",
        load=Load(journey="browse", rate=f"{rate:.0f}/s") if rate else None,  # type: ignore[arg-type]
        steady=Steady() if steady else None,
        faults=(spec,) if fault else (),
        expect=checks or (AnyCheck(),),
    )
    return ScenarioPlan(0, scenario, faults, Needs(probes=probes), baseline_s, 180.0)


@dataclass(slots=True)
class Breaker:
    """Opens at `opens_at` failures of at least `volume` outcomes; one probe after `reset_s`; may be broken."""

    reset_s: float = 2.0
    volume: int = 5
    opens_at: float = 0.5
    never_closes: bool = False
    leaks_every: int = 0
    counts_404: bool = False
    probe_early_s: float = 0.0
    log: list[tuple[float, str]] = field(default_factory=list)
    state: str = "closed"
    permit: int = 0
    refused: int = 0
    opened: float = 0.0
    outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=20))

    def __post_init__(self) -> None:
        self.outcomes = deque(maxlen=max(20, self.volume))

    def admit(self, now: float) -> int | None:
        if self.state == "closed":
            return self.permit
        if self.state == "open" and not self.never_closes and now - self.opened >= self.reset_s - self.probe_early_s:
            self._enter("half-open", now)
            return self.permit
        if self.state == "open" and self.leaks_every:
            self.refused += 1
            if self.refused % self.leaks_every == 0:
                return -1
        return None

    def settle(self, permit: int, good: bool, now: float) -> None:
        if permit != self.permit:
            return
        if self.state == "half-open":
            self._enter("closed" if good else "open", now)
        elif self.state == "closed":
            self.outcomes.append(good)
            bad = sum(not ok for ok in self.outcomes)
            if not good and len(self.outcomes) >= self.volume and bad / len(self.outcomes) >= self.opens_at:
                self._enter("open", now)

    def _enter(self, state: str, now: float) -> None:
        self.state, self.permit = state, self.permit + 1
        self.outcomes.clear()
        if state == "open":
            self.opened = now
        self.log.append((now, state))


@dataclass(slots=True)
class Story:
    """`rows` are (recorded at, event), in the order of recording; `breaker` is what the caller itself knows."""

    rows: list[tuple[float, Event]]
    breaker: Breaker | None
    fault: tuple[float, float]

    @property
    def events(self) -> list[Event]:
        return [event for _, event in self.rows]

    def evidence(self, plan: ScenarioPlan) -> Evidence:
        """All of it."""
        builder = EvidenceBuilder(plan)
        for event in self.events:
            builder.add(event)
        return builder.evidence

    def prefixes(self, plan: ScenarioPlan, every: int = 40) -> list[Evidence]:
        """The evidence as it was again and again while the story went on, the full one last."""
        found = []
        for n in [*range(every, len(self.rows), every), len(self.rows)]:
            builder = EvidenceBuilder(plan)
            for _, event in self.rows[:n]:
                builder.add(event)
            builder.evidence.now = max(builder.evidence.now, self.rows[n - 1][0])
            found.append(builder.evidence)
        return found


def story(
    *,
    rate: float = 50.0,
    baseline_s: float = 3.0,
    fault: str = "hang",
    fault_s: float = 6.0,
    after_s: float = 5.0,
    breaker: Breaker | None = None,
    timeout_s: float | None = 0.6,
    retries: int = 0,
    fallback: Callable[[str], tuple[int, object]] | None = lambda why: (200, STAND_IN),
    calls_per_request: float = 1.0,
    latency_s: float = 0.9,
    status: int = 503,
    share: float = 1.0,
    client_timeout_s: float = 10.0,
    batch_s: float = 0.1,
    live: bool = True,
    healed: bool = True,
    extra: tuple[Event, ...] = (),
    seed: int = 1,
) -> Story:
    """One scenario on one link: `baseline_s` of health, `fault_s` of a fault, `after_s` of health again.

    `fault`: hang | down | status | latency | cut | none. A caller without `breaker` calls every time, without
    `timeout_s` it waits for ever, without `fallback` it answers 500.
    """
    return _World(**locals()).play()


@dataclass(slots=True)
class _World:
    rate: float
    baseline_s: float
    fault: str
    fault_s: float
    after_s: float
    breaker: Breaker | None
    timeout_s: float | None
    retries: int
    fallback: Callable[[str], tuple[int, object]] | None
    calls_per_request: float
    latency_s: float
    status: int
    share: float
    client_timeout_s: float
    batch_s: float
    live: bool
    healed: bool
    extra: tuple[Event, ...]
    seed: int
    rows: list[tuple[float, int, Event]] = field(default_factory=list)
    todo: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    order: itertools.count[int] = field(default_factory=itertools.count)
    random: random.Random = field(init=False)
    calls: int = 0

    def play(self) -> Story:
        self.random = random.Random(self.seed)
        start, end = self.baseline_s, self.baseline_s + self.fault_s
        over = end + self.after_s
        self._tell(0.0, PhaseStarted(t=0.0, phase="baseline"))
        for n in range(int(over * self.rate)):
            t = (n + 0.5 + self.random.uniform(-0.3, 0.3)) / self.rate
            self._at(t, self._request)
        while self.todo:
            t, _, act = heapq.heappop(self.todo)
            act(t)
        self._frame(start, end, over)
        rows = sorted(self.rows, key=lambda row: row[:2])
        return Story([(t, event) for t, _, event in rows], self.breaker, (start, end))

    def _frame(self, start: float, end: float, over: float) -> None:
        tell = self._tell
        tell(start - 0.5, LinkProof(t=start - 0.5, link=LINK, passed=True, sight="tap", detail=""))
        tell(start - 0.1, SteadySeen(t=start - 0.1, phase="baseline", held=True, detail=""))
        tell(start - 0.02, PhaseStarted(t=start - 0.02, phase="fault"))
        tell(start - 0.01, FaultAsked(t=start - 0.01, fault="f1", name=self.fault, target=LINK, params="{}"))
        tell(start, FaultConfirmed(t=start, fault="f1", name=self.fault, target=LINK))
        if self.healed:
            tell(end + 0.01, FaultReverted(t=end + 0.01, fault="f1", asked_t=end))
        tell(end + 0.02, PhaseStarted(t=end + 0.02, phase="recovery"))
        for second in range(1, int(over) + 1):
            due = int(self.rate)
            tell(second, LoadSecond(t=float(second), due=due, started=due, dropped=0, lag_ms_max=2.0))
        newest = max(t for t, _, _ in self.rows)
        total = int(over * self.rate)
        tell(newest + 0.1, LoadEnded(t=over, due=total, started=total, completed=total, dropped=0, lag_ms_p99=2.0))
        for t, state in self.breaker.log if self.breaker else ():
            tell(t + 0.05, BreakerLogged(t=t, link=LINK, state=state))
        for event in self.extra:
            tell(event.t, event)
        tell(newest + 1.0, ScenarioEnded(t=newest + 1.0, reason="decided"))

    def _tell(self, at: float, event: Event) -> None:
        self.rows.append((at, next(self.order), event))

    def _batched(self, at: float, event: Event) -> None:
        self._tell((int(at / self.batch_s) + 1) * self.batch_s, event)

    def _at(self, t: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self.todo, (t, next(self.order), act))

    # --- the caller --------------------------------------------------------------------------------------------------

    def _request(self, t: float) -> None:
        if self.random.random() >= self.calls_per_request:
            self._answer(t, t + 0.002, 200, _usual())
            return
        self._attempt(t, t, self.retries)

    def _attempt(self, begun: float, now: float, retries: int) -> None:
        permit = self.breaker.admit(now) if self.breaker else -1
        if permit is None:
            self._stand_in(begun, now, "open")
            return
        arrival = now + self.random.uniform(0.0003, 0.0015)
        good, code, took_s, outcome = self._callee(arrival)
        end = arrival + took_s
        self.calls += 1
        number = self.calls
        if self.live:
            started = CallStarted(t=arrival, link=LINK, call=number, connection=1, method="GET", path="/customers/c-1")
            self._batched(arrival, started)
        over = self.baseline_s + self.fault_s + self.after_s + 3.0
        if end < over:
            self._batched(end, _call(arrival, number, min(end, over), code, outcome, self._injected(arrival)))
        self._at(min(end, over + 30.0), lambda at: self._settled(begun, at, permit, good, code, retries, outcome))

    def _settled(
        self, begun: float, now: float, permit: int, good: bool, code: int, retries: int, outcome: str
    ) -> None:
        if self.breaker:
            failed = not good or (code == 404 and self.breaker.counts_404)
            self.breaker.settle(permit, not failed, now)
        if good:
            self._answer(begun, now + 0.001, 200, _usual())
        elif retries:
            self._attempt(begun, now + 0.001, retries - 1)
        else:
            self._stand_in(begun, now, outcome)

    def _stand_in(self, begun: float, now: float, why: str) -> None:
        code, body = self.fallback(why) if self.fallback else (500, {"error": why})
        self._answer(begun, now + 0.002, code, body)

    def _answer(self, begun: float, now: float, code: int, body: object) -> None:
        now += self.random.uniform(0.0, 0.002)
        service_ms = (now - begun) * 1000
        if service_ms > self.client_timeout_s * 1000:
            service_ms, code, body = self.client_timeout_s * 1000, 0, None
        sample = Sample(
            t=begun,
            name=NAME,
            due=begun,
            latency_ms=service_ms,
            service_ms=service_ms,
            status=code,
            error="" if code else "timed out",
            ok=0 < code < 400,
            body=json.dumps(body) if body is not None else None,
        )
        self._batched(begun + service_ms / 1000, sample)

    # --- the callee --------------------------------------------------------------------------------------------------

    def _faulty(self, t: float) -> bool:
        end = self.baseline_s + self.fault_s if self.healed else float("inf")
        return self.baseline_s <= t < end and (self.share >= 1.0 or self.random.random() < self.share)

    def _injected(self, t: float) -> str:
        end = self.baseline_s + self.fault_s if self.healed else float("inf")
        return "answer" if self.fault == "status" and self.baseline_s <= t < end else ""

    def _callee(self, t: float) -> tuple[bool, int, float, str]:
        """(good, status, seconds, outcome)."""
        usual_s = self.random.uniform(0.002, 0.006)
        if self.fault == "none" or not self._faulty(t):
            return True, 200, usual_s, "answered"
        patience = self.timeout_s if self.timeout_s is not None else float("inf")
        heals_in = self.baseline_s + self.fault_s - t if self.healed else 1e9
        if self.fault == "hang":
            return (False, 0, patience, "abandoned") if patience <= heals_in else (False, 0, heals_in, "cut")
        if self.fault == "latency":
            late = patience < self.latency_s
            return (False, 0, patience, "abandoned") if late else (True, 200, self.latency_s, "answered")
        if self.fault == "down":
            return False, 0, 0.001, "refused"
        if self.fault == "cut":
            return False, 200, usual_s, "cut"
        return self.status < 500, self.status, usual_s, "answered"


def _usual() -> object:
    return {"id": 1, "customer": {"id": "c-1", "name": "Ada"}}


def _call(t: float, number: int, end: float, status: int, outcome: str, injected: str) -> Call:
    return Call(
        t=t,
        link=LINK,
        call=number,
        connection=1,
        method="GET",
        path="/customers/c-1",
        end=end,
        status=status,
        outcome=outcome,
        injected=injected,
    )
