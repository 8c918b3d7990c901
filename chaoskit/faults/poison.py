"""Messages that cannot be processed, and good ones right behind them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from chaoskit.model.instruction import Instruction, PoisonMessages
from chaoskit.model.poison import MUTANTS
from chaoskit.model.scenario import FaultSpec
from chaoskit.model.system import System


class Poison(FaultSpec):
    """Sends one spoilt message per mutant, made from the consumer's `message:` file, each followed by good ones."""

    keyword: ClassVar[str] = "poison"
    targets: ClassVar[tuple[str, ...]] = ("consumer",)

    poison: Literal["all"] | tuple[str, ...]
    """Names of mutants (docs/reference/faults/poison.md), or `all`."""
    good_behind: int = Field(5, ge=0, le=100)
    """How many good messages, each with a fresh key, follow each spoilt one: they show whether it blocks others."""

    @field_validator("poison", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        names = [value] if isinstance(value, str) and value != "all" else value
        if isinstance(names, (list, tuple)):
            unknown = [name for name in names if name not in MUTANTS]
            if unknown or not names:
                raise ValueError(f"unknown poison {', '.join(map(repr, unknown))}; there are: {', '.join(MUTANTS)}")
        return names

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """One instruction with all mutants in the order written."""
        mutants = tuple(MUTANTS) if self.poison == "all" else tuple(dict.fromkeys(self.poison))
        return (PoisonMessages(self.consumer or "", mutants, good_behind=self.good_behind, seed=seed),)
