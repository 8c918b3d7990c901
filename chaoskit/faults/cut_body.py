"""An answer breaks off in its body."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from chaoskit.faults.call_fault import CallFault
from chaoskit.model.instruction import Instruction
from chaoskit.model.system import System


class CutBody(CallFault):
    """Lets so many bytes of the real answer's body pass and then resets the caller's connection."""

    keyword: ClassVar[str] = "cut_body"

    cut_body: int = Field(ge=0, le=1 << 40)
    """How many bytes of the body pass; always at least one is missing."""

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """One rule of the tap."""
        return (self.rule(system, seed, "cut_body", {"bytes": self.cut_body}),)
