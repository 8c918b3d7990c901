"""Where HTTP/1.x messages begin and end (RFC 9112), by looking at heads and counting bodies; nothing is changed here.

Heads are searched with `bytes.find` on a lower-cased copy: several times cheaper than a parser with callbacks, and
exact offsets come for free, which passing bytes untouched and cutting them at will both need.
"""

from __future__ import annotations

import re

HEAD_BYTES_MAX = 256 * 1024
LINE_BYTES_MAX = 16 * 1024
CHUNKED = -1
UNTIL_CLOSE = -2

RequestHead = tuple[str, str, int, str, bool, bool]
"""(method, target, body length or CHUNKED, traceparent, expects 100-continue, closes afterwards)"""

_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^\s]+ HTTP/1\.[0-9]\Z")
_REQUEST_START = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+( ([^\s]*( [HTP/1.0-9]{0,8}\r?)?)?)?\Z")
_PATH_CHARACTERS_MAX = 2048


def header(head: bytes, lower: bytes, name: bytes) -> bytes:
    """The value of the first header called `name` (lower case), b"" without one; `lower` is `head.lower()`."""
    start = lower.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    return head[start : head.find(b"\r\n", start)].strip()


def may_become_request(start: bytes) -> bool:
    """Whether bytes that hold no complete head yet can still turn into one."""
    line_end = start.find(b"\n")
    if line_end < 0:
        return len(start) <= LINE_BYTES_MAX and _REQUEST_START.match(start) is not None
    line = start[:line_end]
    return len(start) <= HEAD_BYTES_MAX and line[-1:] == b"\r" and _REQUEST_LINE.match(line[:-1]) is not None


def read_request(head: bytes) -> RequestHead | None:
    """What a complete request head (with its empty line) says; None if it is no HTTP/1.x request."""
    line_end = head.find(b"\r\n")
    parts = head[:line_end].split(b" ")
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/1.") or _REQUEST_LINE.match(head[:line_end]) is None:
        return None
    lower = head.lower()
    length, trace, closes = 0, "", parts[2] == b"HTTP/1.0"
    if b"\r\ntransfer-encoding:" in lower and b"chunked" in header(lower, lower, b"transfer-encoding"):
        length = CHUNKED
    elif b"\r\ncontent-length:" in lower:
        value = header(head, lower, b"content-length")
        if not value.isdigit():
            return None
        length = int(value)
    if b"\r\ntraceparent:" in lower:
        trace = header(head, lower, b"traceparent").decode("latin-1")
    if b"\r\nconnection:" in lower:
        connection = header(lower, lower, b"connection")
        closes = b"close" in connection or (closes and b"keep-alive" not in connection)
    expects = b"\r\nexpect:" in lower and b"100-continue" in header(lower, lower, b"expect")
    target = parts[1].decode("latin-1")[:_PATH_CHARACTERS_MAX]
    return parts[0].decode("latin-1"), target, length, trace, expects, closes


def read_response(head: bytes, *, to_head: bool) -> tuple[int, int] | None:
    """(status, body length or CHUNKED or UNTIL_CLOSE) of a complete response head; None if it is no such thing.

    `to_head`: it answers a HEAD request, so no body follows whatever it says.
    """
    if not head.startswith(b"HTTP/1.") or head[8:9] != b" " or not head[9:12].isdigit():
        return None
    status = int(head[9:12])
    if to_head or status < 200 or status == 204 or status == 304:
        return status, 0
    lower = head.lower()
    start = lower.find(b"\r\ncontent-length:")
    if b"\r\ntransfer-encoding:" in lower:
        chunked = b"chunked" in header(lower, lower, b"transfer-encoding")
        return status, CHUNKED if chunked else UNTIL_CLOSE
    if start >= 0:
        value = head[start + 17 : head.find(b"\r\n", start + 17)].strip()
        return (status, int(value)) if value.isdigit() else None
    return status, UNTIL_CLOSE


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
