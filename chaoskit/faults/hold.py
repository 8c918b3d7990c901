"""The callee never learns that its caller has given up."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaoskit.faults.call_fault import CallFault
from chaoskit.model.instruction import Instruction
from chaoskit.model.system import System


class Hold(CallFault):
    """Keeps the callee's connection open when the caller leaves in the middle of a call.

    Timeouts nest: without it the end of one connection ends the next one, and an inner service's limit is mistaken
    for the caller's.
    """

    keyword: ClassVar[str] = "hold"

    hold: Literal[True]

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """One rule of the tap."""
        return (self.rule(system, seed, "hold", {}),)
