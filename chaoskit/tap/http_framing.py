"""Where HTTP/1.x messages begin and end (RFC 9112), by looking at heads and counting bodies; nothing is changed here.

Heads are searched with regular expressions: several times cheaper than a parser with callbacks, and exact offsets come
for free, which passing bytes untouched and cutting them at will both need.
"""

from __future__ import annotations

import re
from functools import lru_cache

HEAD_BYTES_MAX = 64 * 1024
LINE_BYTES_MAX = 16 * 1024
HEADS_KEPT = 256
"""Services say the same to one another again and again: what a head said is remembered for so many of them."""
CHUNKED = -1
UNTIL_CLOSE = -2
WHOLE_BYTES_MAX = 4096
"""Longer requests are not remembered as a whole."""

RequestHead = tuple[str, str, int, str, bool, bool]
"""(method, target, body length or CHUNKED, traceparent, expects 100-continue, closes afterwards)"""

_REQUEST_HEAD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^\s]+) HTTP/1\.([0-9])\r\n")
_REQUEST_FIELDS = re.compile(
    rb"\r\n(content-length|transfer-encoding|connection|expect|traceparent):([^\r\n]*)"
)  # on a lower-cased head: one pass of a regular expression costs less than a search for each of the names
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3})[ \r]")
_RESPONSE_FIELDS = re.compile(rb"\r\n(content-length|transfer-encoding):([^\r\n]*)")
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^\s]+ HTTP/1\.[0-9]\Z")
_REQUEST_START = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+( ([^\s]*( [HTP/1.0-9]{0,8}\r?)?)?)?\Z")
_PATH_CHARACTERS_MAX = 2048


def may_become_request(start: bytes) -> bool:
    """Whether bytes that hold no complete head yet can still turn into one."""
    line_end = start.find(b"\n")
    if line_end < 0:
        return len(start) <= LINE_BYTES_MAX and _REQUEST_START.match(start) is not None
    line = start[:line_end]
    return len(start) <= HEAD_BYTES_MAX and line[-1:] == b"\r" and _REQUEST_LINE.match(line[:-1]) is not None


@lru_cache(HEADS_KEPT)
def read_request(head: bytes) -> RequestHead | None:
    """What a complete request head (with its empty line) says; None if it is no HTTP/1.x request."""
    line = _REQUEST_HEAD.match(head)
    if line is None:
        return None
    method, target, minor = line.groups()
    length, trace, closes, expects = 0, "", minor == b"0", False
    for name, value in _REQUEST_FIELDS.findall(head.lower()):
        if name == b"traceparent":
            trace = value.strip().decode("latin-1")
        elif name == b"transfer-encoding":
            length = CHUNKED if b"chunked" in value else length
        elif name == b"content-length":
            if not value.strip().isdigit():
                return None
            length = length or int(value)
        elif name == b"connection":
            closes = b"close" in value or (closes and b"keep-alive" not in value)
        else:
            expects = b"100-continue" in value
    target = target[:_PATH_CHARACTERS_MAX]
    return method.decode("latin-1"), target.decode("latin-1"), length, trace, expects, closes


@lru_cache(HEADS_KEPT)
def read_whole_request(data: bytes) -> RequestHead | None:
    """What a request says that `data` holds whole, and nothing else; None for any other, or one with a body."""
    if data.find(b"\r\n\r\n") + 4 != len(data):
        return None
    request: RequestHead | None = read_request.__wrapped__(data)  # it is remembered here already
    return None if request is None or request[2] else request


@lru_cache(HEADS_KEPT)
def read_response(head: bytes, to_head: bool) -> tuple[int, int] | None:
    """(status, body length or CHUNKED or UNTIL_CLOSE) of a complete response head; None if it is no such thing.

    `to_head`: it answers a HEAD request, so no body follows whatever it says.
    """
    line = _STATUS_LINE.match(head)
    if line is None:
        return None
    status = int(line[1])
    if to_head or status < 200 or status == 204 or status == 304:
        return status, 0
    length = UNTIL_CLOSE
    for name, value in _RESPONSE_FIELDS.findall(head.lower()):
        if name == b"transfer-encoding":
            return status, CHUNKED if b"chunked" in value else UNTIL_CLOSE
        if not value.strip().isdigit():
            return None
        length = int(value)
    return status, length


@lru_cache(HEADS_KEPT)
def read_usual_response(head: bytes) -> tuple[int, int] | None:
    """The same for an answer to an ordinary request; None as well for 1xx and where the head gives no length."""
    status, length = read_response(head, False) or (0, -1)
    return None if status < 200 or length < 0 else (status, length)


class BodyReader:
    """Follows a message's body, however it is split, to its end. `reading` says whether one is under way."""

    __slots__ = ("_chunk_left", "_chunked", "_in_trailer", "_left", "_line", "reading")

    def __init__(self) -> None:
        self.reading = False
        self._chunked = self._in_trailer = False
        self._left = self._chunk_left = 0
        self._line = b""

    def begin(self, length: int) -> None:
        """Expect a body of `length` bytes (> 0), or CHUNKED, or UNTIL_CLOSE."""
        self.reading = True
        self._left = length
        self._chunked = length == CHUNKED
        self._chunk_left = 0
        self._in_trailer = False
        self._line = b""

    @property
    def until_close(self) -> bool:
        """Whether the body ends only with the connection."""
        return self.reading and self._left == UNTIL_CLOSE

    def feed(self, data: bytes, pos: int) -> tuple[int, bool]:
        """(where the body's bytes end in `data`, whether the body ended). Raises ValueError for bad framing."""
        if self._chunked:
            pos, done = self._feed_chunks(data, pos)
        elif self._left == UNTIL_CLOSE:
            return len(data), False
        else:
            step = min(self._left, len(data) - pos)
            self._left -= step
            pos, done = pos + step, not self._left
        self.reading = not done
        return pos, done

    def _feed_chunks(self, data: bytes, pos: int) -> tuple[int, bool]:
        size = len(data)
        while pos < size:
            if self._chunk_left:
                step = min(self._chunk_left, size - pos)
                self._chunk_left -= step
                pos += step
                continue
            line_end = data.find(b"\n", pos)
            if line_end < 0:
                self._line += data[pos:]
                if len(self._line) > LINE_BYTES_MAX:
                    raise ValueError("a chunk size line without end")
                return size, False
            line, self._line, pos = self._line + data[pos:line_end], b"", line_end + 1
            if self._in_trailer:
                if line in (b"\r", b""):
                    return pos, True
            else:
                chunk = _chunk_size(line)
                self._chunk_left = chunk + 2 if chunk else 0  # each chunk ends with CRLF
                self._in_trailer = not chunk
        return pos, False


def _chunk_size(line: bytes) -> int:
    digits = line.split(b";", 1)[0].strip()
    if not digits or len(digits) > 16 or digits.strip(b"0123456789abcdefABCDEF"):
        raise ValueError(f"not a chunk size: {digits[:20]!r}")
    return int(digits, 16)


def dechunk(body: bytes) -> bytes:
    """The payload of a complete chunked body, trailers dropped. Raises ValueError for bad framing."""
    payload: list[bytes] = []
    pos = 0
    while True:
        line_end = body.index(b"\n", pos)
        size = _chunk_size(body[pos:line_end])
        if not size:
            return b"".join(payload)
        payload.append(body[line_end + 1 : line_end + 1 + size])
        pos = line_end + 1 + size + 2
