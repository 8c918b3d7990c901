"""Frames between the run and the tap, and what happens when nobody reads them."""

from __future__ import annotations

import pytest
from chaoskit.tap.channel import CALL, ENDED, EVENTS, STARTED, FrameReader, frame
from chaoskit.tap.outbox import BACKLOG_BYTES_MAX, Outbox


def test_frames_survive_any_split() -> None:
    """Protects commands and events on their way through a stream."""
    messages = [("open", 1, "a -> b", ("127.0.0.1", 0)), (EVENTS, [(0, 1.5, "ü")], 0)]
    stream = b"".join(frame(message) for message in messages)
    for size in (1, 3, 1000):
        reader = FrameReader()
        got = [m for start in range(0, len(stream), size) for m in reader.feed(stream[start : start + size])]
        assert got == messages


def test_stream_out_of_step_is_an_error() -> None:
    """Protects from waiting for a gigabyte that is never coming."""
    with pytest.raises(ValueError, match="out of step"):
        FrameReader().feed(b"\xff\xff\xff\xff")


class Sender:
    """A transport with a chosen backlog."""

    def __init__(self) -> None:
        self.waiting = 0
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting


def test_rows_nobody_reads_are_dropped_and_counted() -> None:
    """Protects the tap's memory, and the run from taking a gap for silence."""
    sender = Sender()
    outbox = Outbox(sender)
    sender.waiting = BACKLOG_BYTES_MAX + 1
    outbox.rows.extend([(1,), (2,)])
    outbox.flush()
    assert (sender.sent, outbox.rows) == ([], [])
    sender.waiting = 0
    outbox.rows.append((3,))
    outbox.flush()
    assert FrameReader().feed(sender.sent[0]) == [(EVENTS, [(3,)], 2)]


def test_a_call_is_told_of_while_it_lasts_and_once_when_it_ends() -> None:
    """Protects the sight of calls in flight: a batch goes out with each of them, however the ended ones are packed."""
    sender = Sender()
    outbox = Outbox(sender)
    quick, slow = (STARTED, "a -> b", 1), (STARTED, "a -> b", 2)
    outbox.begun.update({1: quick, 2: slow})
    outbox.end(1, 1.5, 200, "answered", "", 3, 4)
    outbox.flush()
    outbox.end(2, 2.5, 0, "cut", "", 3, 0)
    outbox.flush()
    rows = [FrameReader().feed(sent)[0][1] for sent in sender.sent]
    assert rows == [[(CALL, quick, 1.5, 200, "answered", "", 3, 4), slow], [(ENDED, 2, 2.5, 0, "cut", "", 3, 0)]]
