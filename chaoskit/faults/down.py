"""The callee cannot be reached."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaoskit.model.instruction import Instruction, ProxyDown
from chaoskit.model.scenario import FaultSpec
from chaoskit.model.system import System


class Down(FaultSpec):
    """Closes a link's open connections and refuses new ones."""

    keyword: ClassVar[str] = "down"
    targets: ClassVar[tuple[str, ...]] = ("link",)

    down: Literal[True]

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """The link's proxy is disabled."""
        return (ProxyDown(self.link or ""),)
