"""The end of a connection arrives late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chaoskit.faults.link_toxic import LinkToxic
from chaoskit.model.quantity import Duration


class SlowClose(LinkToxic):
    """Holds back the close of a connection, not its data."""

    keyword: ClassVar[str] = "slow_close"

    slow_close: Duration

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "slow_close", {"delay": round(self.slow_close * 1000)}
