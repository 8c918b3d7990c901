"""What the faults that are Toxiproxy toxics have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import field_validator

from chaoskit.model.instruction import Instruction, Stream, Toxic
from chaoskit.model.quantity import Ratio
from chaoskit.model.scenario import FaultSpec
from chaoskit.model.system import System

Direction = Literal["downstream", "upstream", "both"]


class LinkToxic(FaultSpec):
    """A toxic on a link, on one stream or both, for a share of the connections.

    `downstream` carries the callee's answers, `upstream` the caller's requests. Which connections are among the share
    is drawn by Toxiproxy for each connection and direction, and drawn again whenever a toxic is added.
    """

    targets: ClassVar[tuple[str, ...]] = ("link",)

    direction: Direction = "downstream"
    connections: Ratio = 1.0

    @field_validator("connections")
    @classmethod
    def _some(cls, share: float) -> float:
        if share == 0:
            raise ValueError("0% of connections is no fault; leave it out or write more than 0%")
        return share

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        """Toxiproxy's type and attributes."""
        raise NotImplementedError

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """One toxic a stream."""
        type_, attributes = self.toxic()
        streams: tuple[Stream, ...] = ("upstream", "downstream") if self.direction == "both" else (self.direction,)
        return tuple(Toxic(self.link or "", type_, attributes, stream, self.connections) for stream in streams)
