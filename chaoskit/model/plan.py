"""What a run is going to do, before it does anything: frozen data, printed by `chaoskit plan`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from chaoskit.model.instruction import Instruction
from chaoskit.model.scenario import FaultSpec, Needs, Scenario
from chaoskit.model.system import System


class PlannedFault(Struct, frozen=True):
    """One fault of a scenario with its instructions; `id` is f1, f2, … in the order of injection.

    `for_s` None: until the checks are decided, at most `for_max_s`.
    """

    id: str
    name: str
    target: str
    at_s: float
    for_s: float | None
    for_max_s: float
    instructions: tuple[Instruction, ...]
    spec: FaultSpec


class ScenarioPlan(Struct, frozen=True):
    """One scenario's timeline. Times in seconds from the start of its load."""

    index: int
    scenario: Scenario
    faults: tuple[PlannedFault, ...]
    needs: Needs
    baseline_s: float
    deadline_s: float

    @property
    def name(self) -> str:
        return self.scenario.scenario


class Plan(Struct, frozen=True):
    """All of a run. `links` gives the degree of sight (tap | load | broker) of every link that will be wired."""

    system: System
    system_file: str
    scenarios: tuple[ScenarioPlan, ...]
    services: tuple[str, ...]
    links: Mapping[str, str]
    needs_broker: bool
    needs_toxiproxy: bool
    needs_tap: bool
