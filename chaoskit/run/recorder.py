"""Evidence as it arrives: stamped with its scenario, indexed for the checks, handed on to whoever listens."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chaoskit.model.event import Event
from chaoskit.model.evidence import Evidence, EvidenceBuilder
from chaoskit.model.plan import ScenarioPlan


class RunRecorder:
    """Implements ports.recorder.Recorder. `sink` gets every event once, in the order recorded."""

    def __init__(self, sink: Callable[[Event], None]) -> None:
        self._sink = sink
        self._scenario = -1
        self._since = 0.0
        self._builder: EvidenceBuilder | None = None

    def record(self, event: Event) -> None:
        """Take one event. What happened before the scenario began (a call still in flight) belongs to none."""
        index = self._scenario if event.t >= self._since else -1
        if event.scenario != index:
            event = msgspec.structs.replace(event, scenario=index)
        if self._builder is not None and index >= 0:
            self._builder.add(event)
        self._sink(event)

    def begin(self, plan: ScenarioPlan, now: float) -> Evidence:
        """From `now` on events belong to this scenario; returns its evidence, which grows."""
        self._scenario, self._since = plan.index, now
        self._builder = EvidenceBuilder(plan)
        return self._builder.evidence

    def end(self) -> None:
        """What comes now belongs to no scenario."""
        self._scenario, self._builder = -1, None
