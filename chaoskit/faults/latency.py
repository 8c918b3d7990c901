"""Bytes arrive late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import model_validator

from chaoskit.faults.link_toxic import LinkToxic
from chaoskit.model.quantity import Duration


class Latency(LinkToxic):
    """Delays each chunk by `latency`, give or take `jitter`; with `direction: both` a round trip takes twice that."""

    keyword: ClassVar[str] = "latency"

    latency: Duration
    jitter: Duration = 0.0

    @model_validator(mode="after")
    def _possible(self) -> Latency:
        if self.latency < 0.001:
            raise ValueError("latency must be at least 1ms")
        if self.jitter > self.latency:
            raise ValueError("jitter must not be larger than latency: nothing arrives before it was sent")
        return self

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "latency", {"latency": round(self.latency * 1000), "jitter": round(self.jitter * 1000)}
