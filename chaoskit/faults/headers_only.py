"""The callee begins to answer and then falls silent."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaoskit.faults.call_fault import CallFault
from chaoskit.model.instruction import Instruction
from chaoskit.model.system import System


class HeadersOnly(CallFault):
    """Sends `200 OK` and headers that promise a body, and then nothing; the callee does not see the call."""

    keyword: ClassVar[str] = "headers_only"

    headers_only: Literal[True]

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """One rule of the tap."""
        return (self.rule(system, seed, "headers_only", {}),)
