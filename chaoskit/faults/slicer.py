"""Data arrives in small pieces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import model_validator

from chaoskit.faults.link_toxic import LinkToxic
from chaoskit.model.quantity import Duration, Size


class Slicer(LinkToxic):
    """Cuts data into pieces of `slicer`, give or take `variation`, with `delay` between them."""

    keyword: ClassVar[str] = "slicer"

    slicer: Size
    variation: Size = 0
    delay: Duration = 0.0

    @model_validator(mode="after")
    def _possible(self) -> Slicer:
        if self.slicer < 1:
            raise ValueError("slicer must be at least 1B")
        if self.variation >= self.slicer:
            raise ValueError("variation must be smaller than slicer")
        return self

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        delay_us = round(self.delay * 1e6)
        return "slicer", {"average_size": self.slicer, "size_variation": self.variation, "delay": delay_us}
