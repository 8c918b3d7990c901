"""What parent and child say to each other."""

from __future__ import annotations

import json

from chaoskit.load import wire


def test_samples_come_back_as_they_went() -> None:
    """Protects every number of the load: records and the bodies of some of them, broken UTF-8 included."""
    rows = [wire.Record(12.5 + i, 12.25, 4_000_000_000, 2, 503, i, wire.FLAG_OK) for i in range(3)]
    packed = b"".join(wire.RECORD.pack(*row) for row in rows)
    frame = wire.pack_samples(packed, [(0, b'{"a": 1}'), (2, b"\xff!")])
    length, kind = wire.HEADER.unpack_from(frame)
    assert kind == wire.Kind.SAMPLES
    assert length == len(frame) - wire.HEADER.size
    assert list(wire.unpack_samples(frame[wire.HEADER.size :])) == [
        (rows[0], '{"a": 1}'),
        (rows[1], None),
        (rows[2], "\ufffd!"),
    ]


def test_messages_are_json_objects() -> None:
    """Protects the commands: what is sent is what is read."""
    frame = wire.message(wire.Kind.BEGIN, rate_per_s=50.0, urls={"order": "http://127.0.0.1:1"})
    assert json.loads(frame[wire.HEADER.size :]) == {"rate_per_s": 50.0, "urls": {"order": "http://127.0.0.1:1"}}
