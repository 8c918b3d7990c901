"""A whole run.

`run_session` does nine things, in this order, and undoes them in reverse, whatever happens:

1. take the system's lock; refuse while the stop file exists; heal what an earlier run left
2. open the journal and start the watchdog, which reverts everything should this process be killed
3. start the engines: Toxiproxy, the tap, the broker and the load child, side by side
4. wire the links, so that every address is known
5. start the services, each as soon as those it depends on are ready
6. play the scenarios one after the other: baseline, fault, recovery, settle (scenario_run.py)
7. stop the services, the load and the engines, the newest first
8. see that nothing is left: every open journal entry is undone now
9. dismiss the watchdog and release the lock
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from chaoskit.errors import Aborted, ChaoskitError
from chaoskit.model.event import Leftover, PartDied, PartStarted, PartStopped, RunEnded, RunStarted
from chaoskit.model.instruction import Instruction
from chaoskit.model.plan import Plan, ScenarioPlan
from chaoskit.model.record import ScenarioRecord
from chaoskit.model.verdict import Verdict
from chaoskit.ports.actuator import Actuator
from chaoskit.ports.engines import Engines, ProxyEngine, Surroundings, TapEngine
from chaoskit.ports.part import Part
from chaoskit.run.breaker_log import BreakerLog
from chaoskit.run.cast import Cast
from chaoskit.run.clock import RunClock
from chaoskit.run.guards import Guards
from chaoskit.run.recorder import RunRecorder
from chaoskit.run.safety import Safety
from chaoskit.run.scenario_run import ScenarioRun
from chaoskit.run.service import ForeignService, ServiceProcess
from chaoskit.run.starvation import Starvation
from chaoskit.run.uncut import uncut
from chaoskit.run.wiring import Wiring

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SessionOptions(Struct, frozen=True):
    """`extra_env`: variables added to services, by service name or `*`. `toxic_links`: where Toxiproxy must stand."""

    folder: Path
    version: str
    extra_env: Mapping[str, Mapping[str, str]]
    toxic_links: frozenset[str]
    on_verdicts: Callable[[int, tuple[Verdict, ...]], None]


class SessionResult(Struct):
    """Records of the scenarios that were begun; why the run broke or was aborted, or None."""

    records: list[ScenarioRecord]
    error: ChaoskitError | None = None


def run_session(
    plan: Plan, engines: Engines, options: SessionOptions, clock: RunClock, recorder: RunRecorder, safety: Safety
) -> SessionResult:
    """Run a plan. Errors that end it are in the result; usage problems and a taken lock are raised before it begins."""
    with safety.claimed() as healed:
        session = _Session(plan, engines, options, clock, recorder, safety)
        for what in healed:
            recorder.record(Leftover(t=clock.now(), what=what, healed=True))
        return asyncio.run(session.run())


class _Session:
    def __init__(
        self,
        plan: Plan,
        engines: Engines,
        options: SessionOptions,
        clock: RunClock,
        recorder: RunRecorder,
        safety: Safety,
    ) -> None:
        self.plan, self.engines, self.options = plan, engines, options
        self.clock, self.recorder, self.safety = clock, recorder, safety
        self.folder = safety.folder / f"scratch-{os.getpid()}"
        self.around = Surroundings(plan.system, clock, recorder, safety.journal, options.folder / "logs")
        self.started: list[Part] = []
        self.result = SessionResult([])
        self.folder_token = ""
        self._stop_reason = ""

    async def run(self) -> SessionResult:
        self._listen_to_signals()
        self.folder_token = self.safety.journal.make_folder(self.folder)
        self.recorder.record(
            RunStarted(
                t=self.clock.now(),
                system=self.plan.system.system,
                version=self.options.version,
                wall=self.clock.origin_wall,
            )
        )
        try:
            await self._play(await self._set_up())
        except ChaoskitError as error:
            self.result.error = error
        except asyncio.CancelledError:
            self.result.error = Aborted(self._stop_reason or "cancelled")
        finally:
            try:
                await uncut(self._tear_down())
            except asyncio.CancelledError:  # the first signal came just now; what was judged stands, the run does not
                self.result.error = self.result.error or Aborted(self._stop_reason or "cancelled")
        self.recorder.record(RunEnded(t=self.clock.now(), reason=_reason(self.result.error)))
        return self.result

    def _listen_to_signals(self) -> None:
        """The first signal cancels the run wherever it is; further ones must not cut the clean-up short."""
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()

        def stop(number: signal.Signals) -> None:
            if not self._stop_reason and task is not None:
                self._stop_reason = f"stopped by {number.name}"
                task.cancel()

        for number in SIGNALS:
            loop.add_signal_handler(number, stop, number)

    # --- up --------------------------------------------------------------------------------------------------------

    async def _set_up(self) -> Cast:
        plan, around, engines = self.plan, self.around, self.engines
        actuators: dict[str, Actuator] = {}
        toxiproxy: ProxyEngine | None = None
        tap: TapEngine | None = None
        if self.options.toxic_links:
            toxiproxy, actuators["toxiproxy"] = engines.toxiproxy(around, plan.needs_toxiproxy)
        if plan.needs_tap:
            tap, actuators["tap"] = engines.tap(around)
        broker = engines.broker(around) if plan.system.broker is not None and plan.needs_broker else None
        wiring = Wiring(plan, str(self.folder), os.environ, engines.expand, self.options.toxic_links)
        wiring.check_listeners()
        load = None
        if any(s.scenario.load is not None for s in plan.scenarios):
            load = engines.load(around, wiring.urls)
        await self._start_all([part for part in (toxiproxy, tap, broker, load) if part is not None])
        await wiring.connect(toxiproxy, tap, broker)
        logs = await self._start_services(wiring)
        watcher = source = None
        if broker is not None:
            actuators["broker"], watcher, source = engines.broker_hooks(around, broker)
        return Cast(
            plan=plan,
            clock=self.clock,
            recorder=self.recorder,
            journal=self.safety.journal,
            guards=Guards(
                plan.system.guards,
                self.safety.stop_file,
                self.clock,
                self.recorder,
                lambda: self._stop_reason or self.safety.unprotected(),
            ),
            judge=engines.judge,
            on_verdicts=self.options.on_verdicts,
            actuator_of=self._chooser(actuators),
            parts=self.started,
            breaker_logs=logs,
            starvation=Starvation(
                {part.name: part.pid for part in self.started if isinstance(part, ServiceProcess)}, self.recorder
            ),
            tap=tap,
            tapped=frozenset(wiring.tapped),
            adopted=wiring.adopted,
            load=load,
            watcher=watcher,
            source=source,
            effects=engines.effects(around, wiring.urls) if self._wants("effects", "sagas", "dead_letters") else None,
            probes=engines.probes(around, wiring.values) if self._wants("probes") else None,
        )

    def _wants(self, *needs: str) -> bool:
        return any(getattr(scenario.needs, need) for scenario in self.plan.scenarios for need in needs)

    def _chooser(self, actuators: Mapping[str, Actuator]) -> Callable[[Instruction], Actuator]:
        return lambda instruction: actuators[self.engines.route(instruction)]

    async def _start_all(self, parts: Sequence[Part]) -> None:
        """Start side by side; if one fails, the others are waited for so that all can be stopped."""
        self.started.extend(parts)
        outcomes = await asyncio.gather(*(self._start(part) for part in parts), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _start(self, part: Part) -> None:
        try:
            detail = await part.start()
        except ChaoskitError as error:
            self.recorder.record(PartDied(t=self.clock.now(), part=part.name, role=part.role, reason=error.what))
            raise
        self.recorder.record(PartStarted(t=self.clock.now(), part=part.name, role=part.role, detail=detail))

    async def _start_services(self, wiring: Wiring) -> list[BreakerLog]:
        services = self.plan.system.services
        done: set[str] = set()
        logs: list[BreakerLog] = []
        while len(done) < len(services):
            wave = [n for n, s in services.items() if n not in done and set(s.depends_on) <= done]
            if not wave:
                raise ChaoskitError(
                    "services wait for one another in a circle",
                    where=self.plan.system_file,
                    remedy="check `depends_on`: " + ", ".join(sorted(set(services) - done)),
                )
            parts = [self._service(name, wiring, logs) for name in wave]
            await self._start_all(parts)
            done.update(wave)
        return logs

    def _service(self, name: str, wiring: Wiring, logs: list[BreakerLog]) -> Part:
        service = self.plan.system.services[name]
        url = wiring.urls.get(name, "")
        if service.command is None:
            return ForeignService(name, service, url=url, clock=self.clock)
        words = shlex.split(service.command) if isinstance(service.command, str) else list(service.command)
        extra = {**self.options.extra_env.get("*", {}), **self.options.extra_env.get(name, {})}
        base = Path(self.plan.system_file).resolve().parent
        process = ServiceProcess(
            name,
            service,
            command=[wiring.text(word) for word in words],
            env={**wiring.environment(service.env), **extra},
            url=url,
            cwd=base / service.cwd if service.cwd else base,
            clock=self.clock,
            ward=self.safety.journal,
            log_folder=self.around.log_folder,
        )
        if service.breaker_log:
            called = next((link for link in self.plan.links if link.startswith(f"{name} -> ")), "")
            logs.append(BreakerLog(process.log, service.breaker_log, called, self.clock, self.recorder))
        return process

    # --- the scenarios ------------------------------------------------------------------------------------------------

    async def _play(self, cast: Cast) -> None:
        for scenario in self.plan.scenarios:
            record, error = await ScenarioRun(scenario, cast).play()
            self.result.records.append(record)
            if error is not None:
                raise error

    # --- down ------------------------------------------------------------------------------------------------------

    async def _tear_down(self) -> None:
        for part in reversed(self.started):
            try:
                await part.stop()
                detail = ""
            except ChaoskitError as error:
                detail = error.what
            except Exception as error:  # noqa: BLE001  # a part that can't be stopped must not keep the others from it
                detail = f"{type(error).__name__}: {error}"
            self.recorder.record(PartStopped(t=self.clock.now(), part=part.name, role=part.role, detail=detail))
        self.safety.journal.remove_folder(self.folder_token, self.folder)
        for what, healed in await asyncio.to_thread(self.safety.journal.undo_open):
            self.recorder.record(Leftover(t=self.clock.now(), what=what, healed=healed))


def _reason(error: ChaoskitError | None) -> str:
    if error is None:
        return "completed"
    return f"{'aborted' if isinstance(error, Aborted) else 'broken'}: {error.what}"


def not_played(plan: Plan, result: SessionResult) -> list[ScenarioPlan]:
    """Scenarios that were never begun because the run ended before."""
    begun = {record.index for record in result.records}
    return [scenario for scenario in plan.scenarios if scenario.index not in begun]
