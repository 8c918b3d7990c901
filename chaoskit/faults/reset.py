"""Connections are reset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import field_validator

from chaoskit.faults.link_toxic import LinkToxic
from chaoskit.model.quantity import Duration, parse_duration


class Reset(LinkToxic):
    """Resets a connection as soon as data passes on it, `after` that long where given.

    Callers see "connection reset by peer" on connections opened after the fault began; older ones just end.
    """

    keyword: ClassVar[str] = "reset"

    reset: Literal[True]
    after: Duration = 0.0

    @field_validator("after")
    @classmethod
    def _short(cls, after: float) -> float:
        if after > parse_duration("1s"):
            raise ValueError("after must be at most 1s: Toxiproxy can't take the fault back while it waits")
        return after

    def toxic(self) -> tuple[str, Mapping[str, int]]:
        return "reset_peer", {"timeout": round(self.after * 1000)}
