"""A connection ends in the middle of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from chaoskit.faults.link_toxic import LinkToxic
from chaoskit.model.quantity import Size


class LimitData(LinkToxic):
    """Closes a connection after `limit_data` have passed, counted from when the fault began."""

    keyword: ClassVar[str] = "limit_data"

    limit_data: Size

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "limit_data", {"bytes": self.limit_data}
