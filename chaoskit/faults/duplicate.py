"""Messages arrive more than once: at-least-once delivery, made to happen."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from chaoskit.model.instruction import DuplicateMessages, Instruction
from chaoskit.model.quantity import Duration, Ratio
from chaoskit.model.scenario import FaultSpec
from chaoskit.model.system import System

When = Literal["adjacent", "late"]


class Duplicate(FaultSpec):
    """Sends `copies` more of each message (or of a share of them) that reaches the consumer's queue."""

    keyword: ClassVar[str] = "duplicate"
    targets: ClassVar[tuple[str, ...]] = ("consumer",)

    duplicate: When | tuple[When, ...]
    """`adjacent`: right behind the original, so that both may be in work at once; `late`: `delay` after it."""
    copies: int = Field(1, ge=1, le=10)
    messages: Ratio = 1.0
    """Which share of the messages is copied, drawn from the scenario's seed."""
    delay: Duration = 2.0
    """How long after the original a late copy is sent."""

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """One for each way of copying, in the order written."""
        ways = (self.duplicate,) if isinstance(self.duplicate, str) else tuple(dict.fromkeys(self.duplicate))
        return tuple(
            DuplicateMessages(
                consumer=self.consumer or "",
                when=when,
                copies=self.copies,
                share=self.messages,
                seed=seed,
                delay_s=self.delay if when == "late" else 0.0,
            )
            for when in ways
        )
