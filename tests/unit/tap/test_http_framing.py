"""Where HTTP messages begin and end."""

from __future__ import annotations

import pytest
from chaoskit.tap.http_framing import (
    CHUNKED,
    UNTIL_CLOSE,
    BodyReader,
    dechunk,
    may_become_request,
    read_request,
    read_response,
    read_usual_response,
    read_whole_request,
)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET /a HTTP/1.1\r\n\r\n", ("GET", "/a", 0, "", False, False)),
        (b"GET /a HTTP/1.0\r\n\r\n", ("GET", "/a", 0, "", False, True)),
        (b"GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", ("GET", "/a", 0, "", False, False)),
        (b"GET /a HTTP/1.1\r\nConnection: Close\r\n\r\n", ("GET", "/a", 0, "", False, True)),
        (b"PUT / HTTP/1.1\r\nContent-Length:7\r\nExpect: 100-Continue\r\n\r\n", ("PUT", "/", 7, "", True, False)),
        (b"PUT / HTTP/1.1\r\nContent-Length: 7\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
         ("PUT", "/", CHUNKED, "", False, False)),
        (b"GET / HTTP/1.1\r\nTraceParent: 00-AB-cd\r\n\r\n", ("GET", "/", 0, "00-ab-cd", False, False)),
    ],
)  # fmt: skip
def test_request_heads(head: bytes, expected: tuple) -> None:
    """Protects what a request is taken for: method, target, body, trace, and whether its connection ends."""
    assert read_request(head) == expected


@pytest.mark.parametrize(
    "head",
    [b"GET /a\r\n\r\n", b"HELO x\r\n\r\n", b"GET /a b HTTP/1.1\r\n\r\n", b"G\x00T / HTTP/1.1\r\n\r\n",
     b"PRI * HTTP/2.0\r\n\r\n", b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"],
)  # fmt: skip
def test_no_request_heads(head: bytes) -> None:
    """Protects other protocols from being taken for HTTP."""
    assert read_request(head) is None


@pytest.mark.parametrize(
    ("head", "to_head", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", False, (200, 3)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", True, (200, 0)),
        (b"HTTP/1.1 200\r\n\r\n", False, (200, UNTIL_CLOSE)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", False, (200, CHUNKED)),
        (b"HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", False, (204, 0)),
        (b"HTTP/1.1 101 Switching\r\n\r\n", False, (101, 0)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", False, None),
        (b"ICY 200 OK\r\n\r\n", False, None),
    ],
)
def test_response_heads(head: bytes, to_head: bool, expected: tuple | None) -> None:
    """Protects where an answer ends, which decides whether it was cut."""
    assert read_response(head, to_head) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"G", True),
        (b"GET /a HT", True),
        (b"GET /a HTTP/1.1\r", True),
        (b"GET /a HTTP/1.1\r\nHost", True),
        (b"GET /a HTTP/1.1\nHost", False),
        (b"PING\r\n", False),
        (b"\x16\x03", False),
        (b"A" * 20_000, False),
    ],
)
def test_what_may_become_a_request(start: bytes, expected: bool) -> None:
    """Protects other protocols from waiting for the end of a head that never comes."""
    assert may_become_request(start) is expected


@pytest.mark.parametrize("body", [b"x\r\n", b"-1\r\n", b"0x5\r\n", b"1_0\r\n", b"\r\n", b"f" * 17 + b"\r\n"])
def test_bad_chunk_sizes_are_refused(body: bytes) -> None:
    """Protects from following a body that nobody else would read in the same way."""
    reader = BodyReader()
    reader.begin(CHUNKED)
    with pytest.raises(ValueError, match="chunk"):
        reader.feed(body, 0)


def test_dechunk() -> None:
    """Protects the payload that `change_body` searches."""
    assert dechunk(b"3;a=b\r\nabc\r\n2\r\n\r\n\r\n0\r\nT: 1\r\n\r\n") == b"abc\r\n"


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (b"GET /a HTTP/1.1\r\nHost: x\r\n", False),
        (b"GET /a HTTP/1.1\r\n\r\nG", False),
        (b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", False),
        (b"PUT /a HTTP/1.1\r\nContent-Length: 3\r\n\r\n", False),
        (b"HELO x\r\n\r\n", False),
        (b"", False),
    ],
)
def test_what_is_one_request_and_nothing_else(data: bytes, whole: bool) -> None:
    """Protects the short way for usual requests: it takes one that is complete, alone and without a body."""
    assert (read_whole_request(data) is not None) is whole


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", (200, 3)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, 0)),
        (b"HTTP/1.1 100 Continue\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"", None),
    ],
)
def test_usual_answers_say_their_length(head: bytes, expected: tuple | None) -> None:
    """Protects the short way for usual answers: only a final one of known length is taken."""
    assert read_usual_response(head) == expected
