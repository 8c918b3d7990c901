"""The child's way to the parent: records gathered for a moment, everything in the order in which it was said."""

from __future__ import annotations

import os
import socket
from typing import Any

from gevent.event import Event

from chaoskit.load import wire
from chaoskit.load.wire import Kind

FLUSH_EVERY_S = 0.05
"""A live judge may look 50 ms behind; twenty small frames a second cost nothing that can be measured."""
_BATCH_BYTES_MAX = 1 << 20
_TOO_MANY = "(one of too many different names or errors)"
_PACK = wire.RECORD.pack

Body = bytes | None


class Stream:
    """Buffers frames; `run`, a greenlet of its own, is the only one that writes, so frames never interleave."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._records = bytearray()
        self._bodies: list[tuple[int, bytes]] = []
        self._body_bytes = 0
        self._frames: list[bytes] = []
        self._texts: dict[str, int] = {"": 0}
        self._wake = Event()

    def record(
        self,
        start: float,
        due: float,
        service_us: int,
        name: str,
        status: int,
        error: str,
        flags: int,
        body: Body = None,
    ) -> None:
        """Add one record (see wire.Record), with the answer's body where somebody asked for bodies."""
        name_id = self._texts.get(name) or self._text(name)
        error_id = (self._texts.get(error) or self._text(error)) if error else 0
        if body is not None:
            kept = body[: wire.BODY_BYTES_MAX]
            self._bodies.append((len(self._records) // wire.RECORD.size, kept))
            self._body_bytes += len(kept)
        self._records += _PACK(start, due, service_us, name_id, status, error_id, flags)
        if self._body_bytes > _BATCH_BYTES_MAX:
            self._close_batch()

    def message(self, kind: Kind, **values: Any) -> None:
        """Add a JSON frame behind all that was said so far, and send soon."""
        self._close_batch()
        self._frames.append(wire.message(kind, **values))
        self._wake.set()

    def run(self) -> None:
        """Write until the parent is gone; without a parent there is nobody to load anything for."""
        while True:
            self._wake.wait(FLUSH_EVERY_S)
            self._wake.clear()
            self._close_batch()
            frames, self._frames = self._frames, []
            try:
                if frames:
                    self._sock.sendall(b"".join(frames))
            except OSError:
                os._exit(0)

    def _text(self, text: str) -> int:
        """The id of a name or an error; told to the parent the first time. Their number is bounded."""
        if text not in self._texts and len(self._texts) >= wire.TEXTS_MAX:
            text = _TOO_MANY
        if text not in self._texts:
            self._texts[text] = len(self._texts)
            # Ahead of the batch that is being gathered, which will be closed behind it.
            self._frames.append(wire.message(Kind.TEXT, id=self._texts[text], text=text))
        return self._texts[text]

    def _close_batch(self) -> None:
        if self._records:
            self._frames.append(wire.pack_samples(self._records, self._bodies))
            self._records, self._bodies, self._body_bytes = bytearray(), [], 0
