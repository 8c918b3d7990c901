"""What the run asks for as it reaches its steps; the pipeline hands it the real engines, a test its fakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from chaoskit.model.evidence import Evidence
from chaoskit.model.instruction import Instruction
from chaoskit.model.scenario import Messages
from chaoskit.model.system import System
from chaoskit.model.verdict import Verdict
from chaoskit.ports.actuator import Actuator
from chaoskit.ports.clock import Clock
from chaoskit.ports.effect_probe import EffectProbe
from chaoskit.ports.journal import Journal
from chaoskit.ports.load_driver import LoadDriver
from chaoskit.ports.part import Part, Ward
from chaoskit.ports.probe_sender import ProbeSender
from chaoskit.ports.recorder import Recorder


class ProxyEngine(Part, Protocol):
    """Toxiproxy: its server as a part, and the proxies that we put into links."""

    async def add_link(self, link: str, *, upstream: str, listen: str) -> str:
        """Put a proxy in the way; returns the host:port it listens on."""
        ...

    async def adopt_link(self, link: str, *, url: str, proxy: str) -> str:
        """Use a proxy that the system already has; returns the host:port it listens on.

        Raises LeftoversFound for toxics of ours on it."""
        ...


class TapEngine(Part, Protocol):
    """The tap: a part, and the links it looks at."""

    async def open_link(self, link: str, *, listen: str, upstream: str, protocol: Literal["http", "tcp"]) -> str:
        """Relay a link; returns the host:port it listens on."""
        ...

    async def traffic(self, link: str) -> int:
        """How many calls and connections it has seen on a link so far; all of them are recorded when this returns."""
        ...


class BrokerEngine(Part, Protocol):
    """The broker; addresses are known once it has started."""

    @property
    def url(self) -> str: ...

    @property
    def management_url(self) -> str:
        """`http://host:port` of its management API; user and password are those of `url`."""
        ...

    @property
    def private(self) -> bool:
        """True where it is ours alone, so that reading a queue and putting all back disturbs nobody."""
        ...

    @property
    def host_port(self) -> str: ...

    def through(self, host_port: str) -> str:
        """The broker's URL with another address in place of its own (that of a proxy in front of it)."""
        ...


class LoadPart(Part, LoadDriver, Protocol):
    """The load child: a part that drives load."""


class QueueWatcher(Protocol):
    """Looks at the queues of consumers while a scenario runs."""

    async def start(self, consumers: Sequence[str]) -> None: ...

    async def stop(self) -> None: ...


class MessageSource(Protocol):
    """Publishes the messages of a scenario."""

    async def publish(self, messages: Messages) -> None: ...


class Surroundings(Struct, frozen=True):
    """What every part is made with."""

    system: System
    clock: Clock
    recorder: Recorder
    journal: Journal
    log_folder: Path

    @property
    def ward(self) -> Ward:
        """The journal, for those who only start processes and make folders."""
        return self.journal


class Engines(Protocol):
    """Factories. Each is called at most once a run; nothing starts before its part's `start`."""

    def toxiproxy(self, around: Surroundings, own_server: bool) -> tuple[ProxyEngine, Actuator]: ...

    def tap(self, around: Surroundings) -> tuple[TapEngine, Actuator]: ...

    def broker(self, around: Surroundings) -> BrokerEngine: ...

    def broker_hooks(
        self, around: Surroundings, broker: BrokerEngine
    ) -> tuple[Actuator, QueueWatcher, MessageSource]: ...

    def load(self, around: Surroundings, urls: Mapping[str, str]) -> LoadPart: ...

    def effects(self, around: Surroundings, urls: Mapping[str, str]) -> EffectProbe: ...

    def probes(self, around: Surroundings, values: Mapping[str, str]) -> ProbeSender: ...

    def expand(self, text: str, values: Mapping[str, str]) -> str:
        """Replace `${…}` placeholders."""
        ...

    def route(self, instruction: Instruction) -> str:
        """Which engine carries out an instruction: toxiproxy | tap | broker | service."""
        ...

    def judge(self, evidence: Evidence, system: System) -> tuple[Verdict, ...]:
        """All checks and gates of the scenario, on the evidence so far."""
        ...
