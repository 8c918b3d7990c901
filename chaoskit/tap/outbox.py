"""What the tap process has seen and not yet told: rows in a list, sent in batches.

A call that begins and ends between two batches is one row, which is cheaper for both sides than two.
"""

from __future__ import annotations

from typing import Any, Protocol

from chaoskit.tap.channel import CALL, ENDED, EVENTS, frame

ROWS_MAX = 20_000
"""A batch goes out early when it reaches this many rows."""
BACKLOG_BYTES_MAX = 64 << 20
"""When the run does not read, rows beyond this are dropped and counted, so that the tap never grows without bound."""


class Sender(Protocol):
    """The part of a transport that the outbox needs."""

    def write(self, data: bytes, /) -> None: ...
    def get_write_buffer_size(self) -> int: ...


class Outbox:
    """Collects event rows; `flush` is called by the ticker.

    `rows` is for whatever has happened; the STARTED row of a call goes into `begun`, under the call's number.
    """

    __slots__ = ("_sender", "begun", "lost", "rows")

    def __init__(self, sender: Sender) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.begun: dict[int, tuple[Any, ...]] = {}
        self.lost = 0
        self._sender = sender

    def end(self, number: int, t: float, status: int, outcome: str, injected: str, up: int, down: int) -> None:
        """A call is over."""
        started = self.begun.pop(number, None)
        if started is None:
            self.rows.append((ENDED, number, t, status, outcome, injected, up, down))
        else:
            self.rows.append((CALL, started, t, status, outcome, injected, up, down))

    def flush(self) -> None:
        """Send what there is."""
        rows = self.rows
        if self.begun:
            rows.extend(self.begun.values())
            self.begun.clear()
        if not rows:
            return
        if self._sender.get_write_buffer_size() > BACKLOG_BYTES_MAX:
            self.lost += len(rows)
        else:
            for start in range(0, len(rows), ROWS_MAX):
                self._sender.write(frame((EVENTS, rows[start : start + ROWS_MAX], self.lost)))
        rows.clear()
