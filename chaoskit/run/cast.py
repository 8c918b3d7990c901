"""All that one scenario is played with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from chaoskit.errors import BrokerFailed, EngineFailed, PartFailed, ServiceFailed
from chaoskit.model.event import PartDied
from chaoskit.model.evidence import Evidence
from chaoskit.model.instruction import Instruction
from chaoskit.model.plan import Plan
from chaoskit.model.system import System
from chaoskit.model.verdict import Verdict
from chaoskit.ports.actuator import Actuator
from chaoskit.ports.effect_probe import EffectProbe
from chaoskit.ports.engines import MessageSource, QueueWatcher, TapEngine
from chaoskit.ports.journal import Journal
from chaoskit.ports.load_driver import LoadDriver
from chaoskit.ports.part import Part
from chaoskit.ports.probe_sender import ProbeSender
from chaoskit.run.breaker_log import BreakerLog
from chaoskit.run.clock import RunClock
from chaoskit.run.guards import Guards
from chaoskit.run.recorder import RunRecorder
from chaoskit.run.starvation import Starvation

Judging = Callable[[Evidence, System], tuple[Verdict, ...]]

_FAILED = {"engine": EngineFailed, "broker": BrokerFailed, "service": ServiceFailed}


class Cast(Struct):
    """Made once a run. Optional members are None where the plan has no use for them."""

    plan: Plan
    clock: RunClock
    recorder: RunRecorder
    journal: Journal
    guards: Guards
    judge: Judging
    on_verdicts: Callable[[int, tuple[Verdict, ...]], None]
    actuator_of: Callable[[Instruction], Actuator]
    parts: list[Part]
    breaker_logs: list[BreakerLog]
    starvation: Starvation
    tap: TapEngine | None = None
    tapped: frozenset[str] = frozenset()
    adopted: Mapping[str, str] = field(default_factory=dict)
    """Links through proxies of the system's own Toxiproxy, and where each listens."""
    load: LoadDriver | None = None
    watcher: QueueWatcher | None = None
    source: MessageSource | None = None
    effects: EffectProbe | None = None
    probes: ProbeSender | None = None

    def look_after_parts(self) -> None:
        """Record and raise PartFailed when something died although nobody asked it to."""
        for part in self.parts:
            if reason := part.dead():
                self.recorder.record(PartDied(t=self.clock.now(), part=part.name, role=part.role, reason=reason))
                error: type[PartFailed] = _FAILED.get(part.role, PartFailed)
                raise error(f"{part.role} '{part.name}' died during the run: {reason}")
