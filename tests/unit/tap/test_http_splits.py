"""However the network splits an exchange, the same bytes and the same calls come out."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.tap.connection import FakeConnection, rule

REQUESTS = [
    (b"GET /a?b=c HTTP/1.1\r\nHost: x\r\ntraceparent: 00-1\r\n\r\n", "GET"),
    (b"\r\nGET /empty-line-before HTTP/1.1\r\n\r\n", "GET"),
    (b"POST /n HTTP/1.1\r\ncontent-LENGTH: 11\r\n\r\nhello\r\n\r\nxx", "POST"),
    (b"PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n\n\r\n0\r\nT: 1\r\n\r\n", "PUT"),
    (b"HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD"),
    (b"M-SEARCH * HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "M-SEARCH"),
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
]
FOR_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

exchanges = st.lists(st.tuples(st.sampled_from(REQUESTS), st.sampled_from(ANSWERS)), min_size=1, max_size=5)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data, cut at some places."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def run(exchange: list[tuple[tuple[bytes, str], bytes]], up_cuts: list[int], down_cuts: list[int], *rules) -> tuple:
    """All requests pipelined, then all answers; returns the connection and what was sent."""
    up = b"".join(request for (request, _), _ in exchange)
    down = b"".join(FOR_HEAD if method == "HEAD" else answer for (_, method), answer in exchange)
    connection = FakeConnection(*rules)
    for part in pieces(up, up_cuts):
        connection.dissector.from_caller(part)
    for part in pieces(down, down_cuts):
        connection.dissector.from_callee(part)
    connection.dissector.closed(1.0, "closed")
    return connection, up, down


@settings(max_examples=200, deadline=None)
@given(exchanges, st.lists(st.integers(0, 2000), max_size=30), st.lists(st.integers(0, 2000), max_size=30))
def test_any_split_gives_the_same_bytes_and_calls(exchange, up_cuts, down_cuts) -> None:
    """Protects bytes and events from how packets happen to fall."""
    whole, up, down = run(exchange, [], [])
    split, _, _ = run(exchange, up_cuts, down_cuts)
    assert (whole.up, whole.down) == (split.up, split.down) == (up, down)
    assert whole.rows() == split.rows()
    assert sum(1 for row in whole.rows() if row[0] == 1 and row[3] == "answered") == len(exchange)
    assert whole.rows()[-1][-1] == "closed"


@settings(max_examples=100, deadline=None)
@given(exchanges, st.lists(st.integers(0, 2000), max_size=30), st.lists(st.integers(0, 2000), max_size=30))
def test_a_rule_that_strikes_nothing_changes_nothing(exchange, up_cuts, down_cuts) -> None:
    """Protects calls beside the fault: an armed rule holds heads back, but not a byte is lost or moved."""
    armed, up, down = run(exchange, up_cuts, down_cuts, rule("cut_body", match_path="/nowhere"))
    assert (armed.up, armed.down) == (up, down)
    assert armed.rows() == run(exchange, [], [])[0].rows()


@settings(max_examples=100, deadline=None)
@given(exchanges, st.lists(st.integers(0, 2000), max_size=30))
def test_answers_in_the_callees_place_keep_count_and_order(exchange, up_cuts) -> None:
    """Protects `status`: every request gets exactly one answer and nothing reaches the callee."""
    connection, _, _ = run(exchange, up_cuts, [], rule("answer", params={"status": 503}))
    assert connection.up.strip(b"\r\n") == b""
    ended = [row for row in connection.rows() if row[0] == 1]
    assert [row[2:5] for row in ended] == [(503, "answered", "answer")] * len(exchange)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), max_size=12))
def test_garbage_passes_untouched(parts) -> None:
    """Protects every other protocol: whatever the bytes, none is lost, none is added, nothing raises."""
    connection = FakeConnection()
    for from_caller, data in parts:
        (connection.dissector.from_caller if from_caller else connection.dissector.from_callee)(data)
    connection.dissector.closed(1.0, "closed")
    assert connection.up == b"".join(data for from_caller, data in parts if from_caller)
    assert connection.down == b"".join(data for from_caller, data in parts if not from_caller)
