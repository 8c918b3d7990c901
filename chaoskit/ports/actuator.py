"""How the run makes a fault happen without knowing any engine."""

from __future__ import annotations

from typing import Protocol

from chaoskit.model.instruction import Confirmation, Instruction, Undo


class Actuator(Protocol):
    """One engine's hands. The run journals `undo` first, then injects, later reverts; every step is read back.

    A handle is whatever names the injected change within this engine; it is made before anything happens.
    """

    def prepare(self, fault: str, instruction: Instruction) -> tuple[str, tuple[Undo, ...]]:
        """(handle, how to undo it from the journal alone). No side effect."""
        ...

    async def inject(self, handle: str, instruction: Instruction) -> Confirmation:
        """Make it so and read it back. Raises FaultFailed, or EngineFailed when the engine is gone."""
        ...

    async def hold(self, handle: str, instruction: Instruction) -> tuple[int | None, str]:
        """(how much it hit so far or None if unknown, "" or why it is no longer in force). Called every 250 ms."""
        ...

    async def revert(self, handle: str, instruction: Instruction) -> Confirmation:
        """Take it back, however often asked, and read back that it is gone. Raises FaultFailed or EngineFailed."""
        ...
