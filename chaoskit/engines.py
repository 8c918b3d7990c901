"""The real engines, made for the run as it asks for them. Imports are inside: a run pays only for what it uses."""

from __future__ import annotations

from collections.abc import Mapping

from chaoskit.model.evidence import Evidence
from chaoskit.model.instruction import (
    DuplicateMessages,
    Instruction,
    PoisonMessages,
    ProxyDown,
    TapRule,
    Toxic,
)
from chaoskit.model.system import System
from chaoskit.model.verdict import Verdict
from chaoskit.ports.actuator import Actuator
from chaoskit.ports.effect_probe import EffectProbe
from chaoskit.ports.engines import (
    BrokerEngine,
    LoadPart,
    MessageSource,
    ProxyEngine,
    QueueWatcher,
    Surroundings,
    TapEngine,
)
from chaoskit.ports.probe_sender import ProbeSender

_ROUTES: dict[type, str] = {
    Toxic: "toxiproxy",
    ProxyDown: "toxiproxy",
    TapRule: "tap",
    DuplicateMessages: "broker",
    PoisonMessages: "broker",
}


class RealEngines:
    """Implements ports.engines.Engines."""

    def toxiproxy(self, around: Surroundings, own_server: bool) -> tuple[ProxyEngine, Actuator]:
        from chaoskit.toxiproxy.engine import ToxiproxyEngine

        engine = ToxiproxyEngine(around, own_server)
        return engine, engine.actuator

    def tap(self, around: Surroundings) -> tuple[TapEngine, Actuator]:
        from chaoskit.tap.client import Tap

        tap = Tap(clock=around.clock, recorder=around.recorder, ward=around.ward, log_folder=around.log_folder)
        return tap, tap

    def broker(self, around: Surroundings) -> BrokerEngine:
        from chaoskit.broker.choice import choose_broker

        return choose_broker(around)

    def broker_hooks(self, around: Surroundings, broker: BrokerEngine) -> tuple[Actuator, QueueWatcher, MessageSource]:
        from chaoskit.broker.actuator import BrokerActuator
        from chaoskit.broker.publisher import Publisher
        from chaoskit.broker.watch import QueueWatch

        what = (broker, around.system, around.clock, around.recorder)
        return BrokerActuator(*what), QueueWatch(*what), Publisher(*what)

    def load(self, around: Surroundings, urls: Mapping[str, str]) -> LoadPart:
        from chaoskit.load.driver import LoadChild

        return LoadChild(
            system=around.system,
            urls=urls,
            clock=around.clock,
            recorder=around.recorder,
            ward=around.ward,
            log_folder=around.log_folder,
        )

    def effects(self, around: Surroundings, urls: Mapping[str, str]) -> EffectProbe:
        from chaoskit.probes.http_effects import HttpEffects

        return HttpEffects(around.system, urls, around.clock, around.recorder)

    def probes(self, around: Surroundings, values: Mapping[str, str]) -> ProbeSender:
        from chaoskit.probes.http_probe import HttpProbe

        return HttpProbe(values, around.clock, around.recorder)

    def expand(self, text: str, values: Mapping[str, str]) -> str:
        from chaoskit.model.placeholder import expand

        return expand(text, values)

    def route(self, instruction: Instruction) -> str:
        return _ROUTES[type(instruction)]

    def judge(self, evidence: Evidence, system: System) -> tuple[Verdict, ...]:
        from chaoskit.checks.judge import judge_scenario

        return judge_scenario(evidence, system)
