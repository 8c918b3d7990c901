"""How the run and its tap process talk: length-prefixed marshal frames over a socket pair.

Both ends are the same interpreter, so marshal is safe here and the cheapest encoding there is.
Frames are tuples, the first element says what they are:

- run → tap: `(verb, number, *arguments)`
- tap → run: `(REPLY, number, problem, value)`, `(EVENTS, rows, lost)`; the rows are described below.
"""

from __future__ import annotations

import marshal
from typing import Any

REPLY = "r"
EVENTS = "e"

# Rows of an EVENTS frame; instants are time.monotonic() of the tap process, which all processes of a machine share.
STARTED = 0  # link, call, connection, t, method, path, trace
ENDED = 1  # call, end, status, outcome, injected, bytes up, bytes down: of a call whose STARTED row was sent
CONNECTION = 2  # link, connection, t, end, bytes up, bytes down, outcome
STALL = 3  # t, seconds
CALL = (
    4  # STARTED row, and what follows the number in an ENDED row: of a call that took no longer than to the next batch
)

HEADER_BYTES = 4
FRAME_BYTES_MAX = 1 << 30
_MARSHAL_VERSION = 4  # from 3 on shared objects are written once: our rows share nearly all of their strings


def frame(message: tuple[Any, ...]) -> bytes:
    """One message as it goes over the wire."""
    body = marshal.dumps(message, _MARSHAL_VERSION)
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def frame_length(header: bytes | bytearray) -> int:
    """How many bytes follow a frame's header. Raises ValueError when that can't be one of ours."""
    length = int.from_bytes(header, "big")
    if length > FRAME_BYTES_MAX:
        raise ValueError(f"a frame of {length} bytes: the channel is out of step")
    return length


def message_of(body: bytes) -> tuple[Any, ...]:
    """The message that a frame's body holds."""
    message: tuple[Any, ...] = marshal.loads(body)
    return message


class FrameReader:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[Any, ...]]:
        """The messages that `data` completes."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= HEADER_BYTES:
            end = HEADER_BYTES + frame_length(self._buffer[:HEADER_BYTES])
            if len(self._buffer) < end:
                break
            messages.append(message_of(bytes(self._buffer[HEADER_BYTES:end])))
            del self._buffer[:end]
        return messages
