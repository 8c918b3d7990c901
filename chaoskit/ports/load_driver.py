"""The load, as the run sees it."""

from __future__ import annotations

from typing import Protocol

from chaoskit.model.scenario import Load


class LoadDriver(Protocol):
    """A Part as well. Samples and lag arrive as events at the recorder."""

    async def begin(self, load: Load, *, bodies: bool, seed: int) -> None:
        """Start the schedule now. Raises EngineFailed."""
        ...

    async def end(self, drain_s: float = 5.0) -> None:
        """Stop starting requests, wait for those in flight (at most `drain_s`), record `load.ended`."""
        ...
