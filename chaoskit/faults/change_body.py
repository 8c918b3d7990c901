"""An answer says something else than the callee said."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from chaoskit.faults.call_fault import CallFault
from chaoskit.model.instruction import Instruction
from chaoskit.model.quantity import Strict
from chaoskit.model.system import System


class Change(Strict):
    """Every `find` in the body becomes `replace`; plain text, not a pattern."""

    find: str = Field(min_length=1)
    replace: str


class ChangeBody(CallFault):
    """Replaces text in the real answer's body; length and framing stay right, so only the content is wrong."""

    keyword: ClassVar[str] = "change_body"

    change_body: Change

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """One rule of the tap."""
        return (self.rule(system, seed, "change_body", self.change_body.model_dump()),)
