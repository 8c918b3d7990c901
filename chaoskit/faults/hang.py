"""The callee takes calls and never answers."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaoskit.faults.call_fault import CallFault
from chaoskit.model.instruction import Instruction
from chaoskit.model.system import System


class Hang(CallFault):
    """Reads each call and stays silent; the connection stays open until the caller gives up or the fault ends."""

    keyword: ClassVar[str] = "hang"

    hang: Literal[True]

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """One rule of the tap."""
        return (self.rule(system, seed, "hang", {}),)
