"""Something that lives as long as the run: an engine, the broker, a service."""

from __future__ import annotations

from typing import Protocol


class Part(Protocol):
    """`name` as in `PartStarted.part`; `role`: engine | broker | service."""

    name: str
    role: str

    async def start(self) -> str:
        """Start it and wait until it is ready; says in a few words what it is. Raises PartFailed."""
        ...

    async def stop(self) -> None:
        """End it, however often asked; whatever it started is gone afterwards."""
        ...

    def dead(self) -> str:
        """Why it is no longer alive although nobody stopped it, or "" while all is well. Cheap: polled."""
        ...


class Ward(Protocol):
    """The journal, as a part sees it: what it writes there is undone even when this process is killed."""

    def guard_process(self, pid: int, name: str) -> str:
        """Register a process group leader that must not survive us; returns a token."""
        ...

    def guard_folder(self, path: str) -> str:
        """Register a folder of ours that must not survive us; returns a token."""
        ...

    def release(self, token: str) -> None:
        """It is gone; nothing is to be undone any more."""
        ...
