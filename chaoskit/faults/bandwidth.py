"""Bytes pass slowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chaoskit.faults.link_toxic import LinkToxic
from chaoskit.model.quantity import Throughput


class Bandwidth(LinkToxic):
    """Lets at most `bandwidth` through, for each connection by itself."""

    keyword: ClassVar[str] = "bandwidth"

    bandwidth: Throughput

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "bandwidth", {"rate": self.bandwidth}
