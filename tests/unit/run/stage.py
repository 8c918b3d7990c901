"""A cast of fakes to play a scenario with, on a clock that does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaoskit.model.event import LoadEnded, LoadStarted, Sample
from chaoskit.model.plan import Plan, ScenarioPlan
from chaoskit.model.scenario import Load, Scenario, Steady
from chaoskit.model.system import Guard, Link, System
from chaoskit.plan.timeline import make_plan
from chaoskit.run.cast import Cast
from chaoskit.run.clock import RunClock
from chaoskit.run.guards import Guards
from chaoskit.run.recorder import RunRecorder
from chaoskit.run.scenario_run import ScenarioRun
from chaoskit.run.starvation import Starvation

from tests.fakes.engines import FakeActuator, FakeJournal
from tests.fakes.specs import FakeCheck, FakeFault


class SteppedClock(RunClock):
    """Moves only when somebody waits; everyone who waits sees `on_step` called for each step."""

    def __init__(self) -> None:
        self.t = 100.0
        self.skew = 0.0
        super().__init__(lambda: self.t, lambda: self.t + 1e9 + self.skew, lambda: self.t)
        self.on_step: Callable[[float], None] = lambda now: None

    async def until(self, holds: Callable[[], bool], deadline: float, every_s: float = 0.02) -> bool:
        while not holds():
            if self.now() >= deadline:
                return False
            self.t += every_s
            self.on_step(self.now())
            await asyncio.sleep(0)
        return True


class FakeLoad:
    """Answers `per_step` requests on every step of the clock while it is on; `latency_ms` and `ok` can be changed."""

    def __init__(self, clock: SteppedClock, record: Callable[[Any], None]) -> None:
        self._clock, self._record = clock, record
        self.on = False
        self.begun = 0
        self.latency_ms = 5.0
        self.ok = True
        self.silent = False

    async def begin(self, load: Load, *, bodies: bool, seed: int) -> None:
        self.on = True
        self.begun += 1
        self._record(LoadStarted(t=self._clock.now(), journey=load.journey, rate_per_s=load.rate))

    async def end(self, drain_s: float = 5.0) -> None:
        self.on = False
        self._record(LoadEnded(t=self._clock.now(), due=1, started=1, completed=1, dropped=0, lag_ms_p99=0.0))

    def step(self, now: float) -> None:
        if self.on and not self.silent:
            for _ in range(2):
                self._record(
                    Sample(
                        t=now,
                        name="GET /",
                        due=now,
                        latency_ms=self.latency_ms,
                        service_ms=self.latency_ms,
                        status=200 if self.ok else 500,
                        ok=self.ok,
                    )
                )


class FakeTap:
    """Counts as much traffic on every link as the load makes, unless `bypassed`."""

    def __init__(self) -> None:
        self.bypassed = False
        self.count = 0

    async def traffic(self, link: str) -> int:
        return 0 if self.bypassed else self.count


class FakePart:
    """A part that a test can let die."""

    name, role = "engine", "engine"

    def __init__(self) -> None:
        self.reason = ""

    async def start(self) -> str:
        return "fake"

    async def stop(self) -> None:
        return None

    def dead(self) -> str:
        return self.reason


class Stage:
    """Everything that a scenario needs; `play()` plays it and returns its record and error."""

    def __init__(
        self,
        tmp_path: Path,
        *,
        faults: tuple[FakeFault, ...] = (),
        checks: tuple[FakeCheck, ...] = (),
        steady: Steady | None = None,
        guards: Guard | None = None,
    ) -> None:
        self.events: list[Any] = []
        self.clock = SteppedClock()
        self.recorder = RunRecorder(self.events.append)
        self.actuator, self.journal, self.part, self.tap = FakeActuator(), FakeJournal(), FakePart(), FakeTap()
        self.load = FakeLoad(self.clock, self.recorder.record)
        system = System(
            system="s",
            links={"a -> b": Link(upstream="http://127.0.0.1:1")},
            journeys={"j": ()},
            guards=guards or Guard(),
        )
        scenario = Scenario(
            scenario="play",
            load=Load.model_validate({"journey": "j", "rate": "40/s"}),
            steady=steady,
            faults=faults,
            expect=checks or (FakeCheck(calm="x"),),
        )
        self.plan: Plan = make_plan(system, "chaoskit.yaml", [scenario])
        self.stop_file = tmp_path / "stop"
        self.clock.on_step = self.step
        self.at: list[tuple[float, Callable[[], None]]] = []
        self.cast = Cast(
            plan=self.plan,
            clock=self.clock,
            recorder=self.recorder,
            journal=self.journal,
            guards=Guards(system.guards, self.stop_file, self.clock, self.recorder),
            judge=lambda evidence, system: tuple(c.judge(evidence, system) for c in evidence.plan.scenario.expect),
            on_verdicts=lambda index, verdicts: None,
            actuator_of=lambda instruction: self.actuator,
            parts=[self.part],
            breaker_logs=[],
            starvation=Starvation({}, self.recorder),
            tap=self.tap,
            tapped=frozenset({"a -> b"}),
            load=self.load,
        )

    def step(self, now: float) -> None:
        for when, act in list(self.at):
            if now >= when:
                self.at.remove((when, act))
                act()
        self.tap.count += self.load.on
        self.load.step(now)

    @property
    def scenario_plan(self) -> ScenarioPlan:
        return self.plan.scenarios[0]

    async def play(self) -> tuple[Any, Any]:
        return await ScenarioRun(self.scenario_plan, self.cast).play()

    def kinds(self, *names: str) -> list[str]:
        return [event.kind for event in self.events if event.kind in names]

    def first(self, cls: type) -> Any:
        return next((event for event in self.events if isinstance(event, cls)), None)
