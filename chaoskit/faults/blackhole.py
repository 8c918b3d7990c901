"""Bytes vanish, and nobody is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from chaoskit.faults.link_toxic import Direction, LinkToxic


class Blackhole(LinkToxic):
    """Discards all data of one stream; connections stay open, so the caller hangs until its own timeout.

    Upstream unless asked otherwise: with `downstream`, a callee that closes after its answer ends the hang.
    """

    keyword: ClassVar[str] = "blackhole"

    blackhole: Literal[True]
    direction: Direction = "upstream"

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "timeout", {"timeout": 0}
