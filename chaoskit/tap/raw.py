"""Any protocol over TCP: bytes pass, connections and bytes are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaoskit.tap.channel import CONNECTION

if TYPE_CHECKING:
    from chaoskit.tap.relay import Relay


class RawDissector:
    """Reports one connection row at the end."""

    __slots__ = ("_down", "_relay", "_up")

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._up = 0
        self._down = 0

    def from_caller(self, data: bytes) -> None:
        self._up += len(data)
        self._relay.to_callee(data)

    def from_callee(self, data: bytes) -> None:
        self._down += len(data)
        self._relay.to_caller(data)

    def callee_refused(self) -> None:
        self._relay.reset_caller()

    def caller_ended(self, t: float, *, reset: bool) -> bool:
        return False

    def callee_ended(self, t: float, *, reset: bool) -> bool:
        return False

    def closed(self, t: float, outcome: str) -> None:
        relay = self._relay
        row = (CONNECTION, relay.link.name, relay.number, relay.began, t, self._up, self._down, outcome)
        relay.link.outbox.rows.append(row)
