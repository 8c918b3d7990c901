"""Playing one scenario: (proof,) baseline, fault, recovery, settle; until all is decided or time is up.

A tick every 50 ms looks after guards and parts; four times a second also after the faults in force, and the checks
judge what is there so far. All waiting happens in ticks, so nothing that goes wrong is noticed late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chaoskit.errors import Aborted, ChaoskitError, FaultFailed, PartFailed
from chaoskit.model.event import PhaseStarted, ScenarioEnded, ScenarioStarted, SteadySeen
from chaoskit.model.evidence import Evidence
from chaoskit.model.plan import PlannedFault, ScenarioPlan
from chaoskit.model.record import ScenarioRecord
from chaoskit.model.verdict import Verdict, decided
from chaoskit.run.cast import Cast
from chaoskit.run.fault_control import FaultControl
from chaoskit.run.link_proof import LinkProofs
from chaoskit.run.settle import settle
from chaoskit.run.steady import steady_now
from chaoskit.run.uncut import uncut

TICK_S = 0.05
JUDGE_EVERY_S = 0.25
LOAD_DRAIN_S = 5.0
PROBE_EVERY_S = 0.2
RECOVERY_S_MIN = 1.0
"""How long we look on after healing even where no check asks for it (the steady state needs its window)."""


class ScenarioRun:
    """One scenario, once."""

    def __init__(self, plan: ScenarioPlan, cast: Cast) -> None:
        self.plan = plan
        self.cast = cast
        self.clock = cast.clock
        self.faults = FaultControl(cast.actuator_of, cast.journal, cast.clock, cast.recorder)
        self.started = self.clock.now()
        self.evidence: Evidence = cast.recorder.begin(plan, self.started)
        self.verdicts: tuple[Verdict, ...] = ()
        self._judged_at = -1.0
        self._proofs = LinkProofs(plan, cast, self.evidence)
        self._loaded = False
        self._on = False
        self._probing: asyncio.Task[None] | None = None
        self._publishing: asyncio.Task[None] | None = None

    async def play(self) -> tuple[ScenarioRecord, ChaoskitError | None]:
        """Play it to its end. Faults are reverted and the load is off when this returns, whatever happened.

        The error is one that ends the whole run (a part died, aborted); the record stands either way.
        """
        scenario = self.plan.scenario
        self.cast.recorder.record(
            ScenarioStarted(t=self.started, name=scenario.scenario, file=scenario.file, line=scenario.line)
        )
        reason, error = "deadline", None
        try:
            reason = await self._phases()
        except FaultFailed as failed:
            reason = f"broken: {failed.what}"
        except (PartFailed, Aborted) as failed:
            reason, error = f"{'aborted' if isinstance(failed, Aborted) else 'broken'}: {failed.what}", failed
        except BaseException:  # a signal (cancelled), or a bug of ours: either way nothing may stay in force
            await uncut(self._wind_down())
            raise
        await uncut(self._wind_down())
        ended = self.clock.now()
        self.cast.recorder.record(ScenarioEnded(t=ended, reason=reason))
        self._read_breaker_logs()
        self._judge()
        self.cast.recorder.end()
        return self._record(ended, reason), error

    async def _phases(self) -> str:
        await self._begin()
        if not await self._baseline():
            return "no fault was injected: the steady state never held, or no traffic passed the link"
        await self._fault_phase()
        await self._recovery()
        await self._settle()
        return "decided" if self._decided() or self._only_settling() else "deadline"

    async def _begin(self) -> None:
        await self._proofs.look()  # what passed before the load is not its traffic
        if self._proofs.blind and not await self._prove_blind_links():
            return
        self._phase("baseline")
        needs, cast = self.plan.needs, self.cast
        watched = tuple(dict.fromkeys((*needs.dead_letters, *needs.effects)))
        if cast.watcher is not None and watched:
            await cast.watcher.start(watched)
        if self.plan.baseline_s > 0:
            await self._load_on()

    async def _prove_blind_links(self) -> bool:
        """Nudge them once the system is steady; the baseline begins afterwards, untouched by it."""
        begun, steady = self.clock.now(), self.plan.scenario.steady
        self._phase("proof")
        await self._drive()
        held, seen = steady is None or self.plan.scenario.load is None, ""

        def ready() -> bool:
            nonlocal held, seen
            if steady is not None and not held:
                held, seen = steady_now(self.evidence, steady, self.plan.scenario.load, self.clock.now(), begun)
            return held

        await self._until(ready, begun + (steady.within if steady else 0.0), judge=False)
        if held:
            await self._proofs.nudge(lambda: self._tick(judge=False))
        else:
            self.cast.recorder.record(SteadySeen(t=self.clock.now(), phase="baseline", held=False, detail=seen))
            self._proofs.give_up("no proof was tried, because the steady state never held")
        return not self._proofs.failed

    async def _drive(self) -> None:
        scenario = self.plan.scenario
        if self.cast.load is not None and scenario.load is not None and not self._loaded:
            self._loaded = True
            await self.cast.load.begin(scenario.load, bodies=self.plan.needs.bodies, seed=scenario.seed)

    async def _load_on(self) -> None:
        self._on = True
        await self._drive()
        scenario = self.plan.scenario
        if self.cast.source is not None and scenario.messages is not None:
            self._publishing = asyncio.create_task(self.cast.source.publish(scenario.messages))
        if self.cast.probes is not None and self.plan.needs.probes:
            self._probing = asyncio.create_task(self._send_probes())

    async def _send_probes(self) -> None:
        while self.cast.probes is not None:
            for request in self.plan.needs.probes:
                await self.cast.probes.send(request)
            await asyncio.sleep(PROBE_EVERY_S)

    async def _baseline(self) -> bool:
        """Watch the system without fault: until the steady state holds and every faulted link carries traffic."""
        if self._proofs.failed or self.plan.baseline_s <= 0:
            return not self._proofs.failed
        begun, steady = self.clock.now(), self.plan.scenario.steady
        deadline = begun + self.plan.baseline_s + (steady.within if steady else 5.0)
        held, seen = steady is None, ""

        def ready() -> bool:
            nonlocal held, seen
            if steady is not None:
                held, seen = steady_now(self.evidence, steady, self.plan.scenario.load, self.clock.now(), begun)
            return held and not self._proofs.missing and self.clock.now() >= begun + self.plan.baseline_s

        await self._until(ready, deadline, judge=False)
        if steady is not None:
            self.cast.recorder.record(SteadySeen(t=self.clock.now(), phase="baseline", held=held, detail=seen))
        self._proofs.give_up("no traffic passed it before the fault")
        return held and not self._proofs.failed

    async def _fault_phase(self) -> None:
        """Inject each fault at its time, revert it after its own; the first injection sets the zero of the rest."""
        waiting = list(self.plan.faults)
        if not waiting:
            await self._until(self._decided, self.clock.now() + self._watch_s())
            return
        zero = self.clock.now() - waiting[0].at_s
        self._phase("fault")
        while waiting or self.faults.active:
            if waiting and self.clock.now() >= zero + waiting[0].at_s:
                await self.faults.inject(waiting.pop(0))
                continue
            if not self._on:
                await self._load_on()  # a fault that is there from the start comes before the first request
            for planned in self.plan.faults:
                if planned.id in self.faults.active and self._over(planned):
                    await self.faults.revert(planned.id)
            if self._decided() and not waiting:
                await self.faults.revert_all()
            if waiting or self.faults.active:
                await self._tick()

    def _over(self, planned: PlannedFault) -> bool:
        since = self.faults.confirmed_at(planned.id)
        if since is None:
            return False
        if self.clock.now() >= since + planned.for_max_s:
            return True
        return planned.for_s is None and self._fault_no_longer_needed()

    def _fault_no_longer_needed(self) -> bool:
        findings = [finding for verdict in self.verdicts for finding in verdict.findings]
        return bool(findings) and all(finding.final or finding.awaits for finding in findings)

    async def _recovery(self) -> None:
        if not self.plan.faults:
            return
        self._phase("recovery")
        healed, steady = self.clock.now(), self.plan.scenario.steady
        held, seen, recorded = steady is None, "", steady is None

        def over() -> bool:
            nonlocal held, seen, recorded
            if steady is not None and not held:
                held, seen = steady_now(self.evidence, steady, self.plan.scenario.load, self.clock.now(), healed)
            if held and not recorded:
                recorded = True
                self.cast.recorder.record(SteadySeen(t=self.clock.now(), phase="recovery", held=True, detail=seen))
            return held and (self._decided() or self._only_settling())

        await self._until(over, healed + self._watch_s())
        if not recorded:
            self.cast.recorder.record(SteadySeen(t=self.clock.now(), phase="recovery", held=False, detail=seen))

    def _watch_s(self) -> float:
        steady = self.plan.scenario.steady
        return max(self.plan.needs.after_revert_s, steady.within if steady else 0.0, RECOVERY_S_MIN)

    def _only_settling(self) -> bool:
        findings = [finding for verdict in self.verdicts for finding in verdict.findings]
        return bool(findings) and all(finding.final or finding.awaits == "settle" for finding in findings)

    async def _settle(self) -> None:
        await self._load_off()
        needs = self.plan.needs
        if not (needs.effects or needs.sagas or needs.dead_letters):
            return
        self._phase("settle")
        await settle(self.plan, self.cast, self.evidence, self._tick)

    async def _load_off(self) -> None:
        if self._publishing is not None:
            await self._publishing
            self._publishing = None
        if self._probing is not None:
            self._probing.cancel()
            self._probing = None
        if self.cast.load is not None and self.plan.scenario.load is not None and self._loaded:
            self._loaded = False
            await self.cast.load.end(LOAD_DRAIN_S)
        for link in self.cast.tapped:
            await self._proofs.traffic(link)  # brings all that the tap saw into the evidence

    async def _wind_down(self) -> None:
        """Leave the scenario: faults gone first, then the load. Never raises."""
        await self.faults.revert_all()
        for task in (self._publishing, self._probing):
            if task is not None:
                task.cancel()
        for step in (self._load_off_quietly, self._watcher_off):
            try:
                await step()
            except ChaoskitError:
                continue  # a part that died can't be asked any more; its death is recorded already

    async def _load_off_quietly(self) -> None:
        self._publishing = None
        await self._load_off()

    async def _watcher_off(self) -> None:
        if self.cast.watcher is not None:
            await self.cast.watcher.stop()

    # --- ticks ---------------------------------------------------------------------------------------------------

    async def _until(self, holds: Callable[[], bool], deadline: float, judge: bool = True) -> bool:
        deadline = min(deadline, self.started + self.plan.deadline_s)
        while not holds():
            if self.clock.now() >= deadline:
                return False
            await self._tick(judge)
        return True

    async def _tick(self, judge: bool = True) -> None:
        await self.clock.until(_never, self.clock.now() + TICK_S, TICK_S)
        now = self.clock.now()
        self.cast.guards.look(self.evidence)
        self.cast.look_after_parts()
        if self._publishing is not None and self._publishing.done():
            self._publishing.result()
        self.evidence.now = max(self.evidence.now, now)
        if now - self._judged_at < JUDGE_EVERY_S:
            return
        self._judged_at = now
        self.cast.starvation.poll(now)
        self._read_breaker_logs()
        await self.faults.hold()
        await self._proofs.look()
        if judge:
            self._judge()

    def _read_breaker_logs(self) -> None:
        for log in self.cast.breaker_logs:
            log.poll()

    def _judge(self) -> None:
        self.verdicts = self.cast.judge(self.evidence, self.cast.plan.system)
        self.cast.on_verdicts(self.plan.index, self.verdicts)

    def _decided(self) -> bool:
        return decided(self.verdicts)

    def _phase(self, name: str) -> None:
        self.cast.recorder.record(PhaseStarted(t=self.clock.now(), phase=name))

    def _record(self, ended: float, reason: str) -> ScenarioRecord:
        scenario = self.plan.scenario
        return ScenarioRecord(
            index=self.plan.index,
            name=scenario.scenario,
            file=scenario.file,
            line=scenario.line,
            rules=scenario.about,
            verdicts=self.verdicts,
            started=self.started,
            ended=ended,
            reason=reason,
        )


def _never() -> bool:
    return False
