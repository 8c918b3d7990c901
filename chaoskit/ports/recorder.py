"""Where evidence goes."""

from __future__ import annotations

from typing import Protocol

from chaoskit.model.event import Event


class Recorder(Protocol):
    """Takes every event, stamps the scenario in force where the event has none, and keeps it."""

    def record(self, event: Event) -> None: ...
