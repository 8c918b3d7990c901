"""Where changes are written down before they are made, so that they can be undone without us."""

from __future__ import annotations

from typing import Protocol

from chaoskit.model.instruction import Undo
from chaoskit.ports.part import Ward


class Journal(Ward, Protocol):
    """A Ward that also takes any other undo. What was entered and is not done is undone when we are gone."""

    def enter(self, undo: Undo) -> str:
        """Write it down; on disk when this returns. Returns a token."""
        ...

    def done(self, token: str) -> None:
        """It has been undone."""
        ...
