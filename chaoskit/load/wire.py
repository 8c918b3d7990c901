"""What parent and load child say to each other over a socketpair: framed, samples in binary, all else in JSON.

A frame is a length (u32, of the payload), a kind (u8) and the payload. Instants are `time.monotonic()` seconds,
which all processes of a machine share.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

HEADER = struct.Struct("<IB")
PAYLOAD_BYTES_MAX = 64 << 20
BODY_BYTES_MAX = 8192
TEXTS_MAX = 4096
"""Distinct names, and distinct errors, of one load; what comes after them shares one text."""

# start, due (monotonic s), service (µs), name, status, error, flags
RECORD = struct.Struct("<ddIHHHH")
_COUNT = struct.Struct("<I")
_BODY = struct.Struct("<II")

FLAG_OK = 1
FLAG_ITERATION = 2
"""The record is a whole iteration; `status` is then its number of requests."""


class Kind(IntEnum):
    """Parent → child: BEGIN, END. Child → parent: the rest."""

    READY = 1
    BEGIN = 2
    BEGUN = 3
    END = 4
    ENDED = 5
    TEXT = 6
    """{"id", "text"}: a name or an error, before the first record that uses it."""
    SAMPLES = 7
    SECOND = 8
    FAILED = 9


class Record(NamedTuple):
    """One request or iteration as it travels; `name` and `error` are ids of texts (error 0: none)."""

    start: float
    due: float
    service_us: int
    name: int
    status: int
    error: int
    flags: int


def frame(kind: Kind, payload: bytes) -> bytes:
    """A frame with a binary payload."""
    return HEADER.pack(len(payload), kind) + payload


def message(kind: Kind, **values: Any) -> bytes:
    """A frame with a JSON object."""
    return frame(kind, json.dumps(values, separators=(",", ":")).encode())


def pack_samples(records: bytes | bytearray, bodies: Sequence[tuple[int, bytes]]) -> bytes:
    """A frame of packed records, and the bodies of some of them by index."""
    parts = [_COUNT.pack(len(records) // RECORD.size), bytes(records)]
    for index, body in bodies:
        parts += (_BODY.pack(index, len(body)), body)
    return frame(Kind.SAMPLES, b"".join(parts))


def unpack_samples(payload: bytes) -> Iterator[tuple[Record, str | None]]:
    """Each record with its body, if it has one."""
    (count,) = _COUNT.unpack_from(payload)
    end = _COUNT.size + count * RECORD.size
    bodies: dict[int, str] = {}
    at = end
    while at < len(payload):
        index, length = _BODY.unpack_from(payload, at)
        at += _BODY.size
        bodies[index] = payload[at : at + length].decode("utf-8", "replace")
        at += length
    for index, row in enumerate(RECORD.iter_unpack(payload[_COUNT.size : end])):
        yield Record(*row), bodies.get(index)
