"""What the tap process has seen and not yet told: rows in a list, sent in batches."""

from __future__ import annotations

from typing import Any, Protocol

from chaoskit.tap.channel import EVENTS, frame

ROWS_MAX = 20_000
"""A batch goes out early when it reaches this many rows."""
BACKLOG_BYTES_MAX = 64 << 20
"""When the run does not read, rows beyond this are dropped and counted, so that the tap never grows without bound."""


class Sender(Protocol):
    """The part of a transport that the outbox needs."""

    def write(self, data: bytes, /) -> None: ...
    def get_write_buffer_size(self) -> int: ...


class Outbox:
    """Collects event rows; `rows.append` is the hot path, `flush` is called by the ticker."""

    __slots__ = ("_sender", "lost", "rows")

    def __init__(self, sender: Sender) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.lost = 0
        self._sender = sender

    def flush(self) -> None:
        """Send what there is."""
        rows = self.rows
        if not rows:
            return
        if self._sender.get_write_buffer_size() > BACKLOG_BYTES_MAX:
            self.lost += len(rows)
        else:
            for start in range(0, len(rows), ROWS_MAX):
                self._sender.write(frame((EVENTS, rows[start : start + ROWS_MAX], self.lost)))
        rows.clear()
