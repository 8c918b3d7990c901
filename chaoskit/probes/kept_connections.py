"""Many small HTTP requests to few hosts, at a fiftieth of a general client's CPU.

A sweep asks for hundreds of effects while the services that it asks share the machine with us: what we burn, they lack.
"""

from __future__ import annotations

import asyncio
import base64
from types import TracebackType
from urllib.parse import SplitResult, unquote, urlsplit

import httptools

_CHUNK_BYTES = 65_536
_Place = tuple[str, str, int]
_Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class KeptConnections:
    """An async context manager; connections are used again, and closed at its end.

    `request` raises TimeoutError, OSError or ValueError (a URL that is none, an answer that is no HTTP or too long).
    """

    def __init__(self, *, timeout_s: float, answer_bytes_max: int) -> None:
        self._timeout_s = timeout_s
        self._answer_bytes_max = answer_bytes_max
        self._idle: dict[_Place, list[_Pair]] = {}

    async def __aenter__(self) -> KeptConnections:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pairs in self._idle.values():
            for _, writer in pairs:
                writer.close()
        self._idle.clear()

    async def request(self, method: str, url: str) -> tuple[int, bytes]:
        """(status, body) of one request without a body; redirects are not followed."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not the URL of an HTTP service")
        place = (parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
        head = _head(method, parts)
        async with asyncio.timeout(self._timeout_s):
            idle = self._idle.setdefault(place, [])
            while idle:
                answer = await self._exchange(idle.pop(), place, head)
                if answer is not None:
                    return answer
            fresh = await asyncio.open_connection(place[1], place[2], ssl=place[0] == "https" or None)
            answer = await self._exchange(fresh, place, head)
        if answer is None:
            raise ConnectionResetError("the connection was closed without an answer")
        return answer

    async def _exchange(self, pair: _Pair, place: _Place, head: bytes) -> tuple[int, bytes] | None:
        """None where the connection was closed before any of the answer came: it had been idle for too long."""
        reader, writer = pair
        answer = _Answer(self._answer_bytes_max)
        try:
            writer.write(head)
            while not answer.complete:
                data = await reader.read(_CHUNK_BYTES)
                if not data:
                    if not answer.begun:
                        return None
                    answer.end_of_stream()
                    break
                answer.feed(data)
        except (BrokenPipeError, ConnectionResetError):
            if answer.begun:
                raise
            return None
        finally:
            if answer.keeps_alive:
                self._idle[place].append(pair)
            else:
                writer.close()
        return answer.status, b"".join(answer.chunks)


class _Answer:
    """Collects one answer."""

    def __init__(self, bytes_max: int) -> None:
        self.chunks: list[bytes] = []
        self.status = 0
        self.begun = self.complete = self.keeps_alive = False
        self._length = 0
        self._bytes_max = bytes_max
        self._ends_with_stream = True
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self.begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise ValueError(f"what answers there is no HTTP: {error}") from error
        if self._length > self._bytes_max:
            self.keeps_alive = False
            raise ValueError(f"more than {self._bytes_max} bytes")

    def end_of_stream(self) -> None:
        if not self.status or not self._ends_with_stream:
            raise ConnectionResetError("the answer was cut")

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._ends_with_stream = False

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self._length += len(body)
        self.chunks.append(body)

    def on_message_complete(self) -> None:
        if 100 <= self.status < 200:  # an interim answer; the real one follows
            self.status, self._ends_with_stream = 0, True
            return
        self.complete = True
        self.keeps_alive = self._parser.should_keep_alive()


def _head(method: str, parts: SplitResult) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}", "User-Agent: chaoskit"]
    lines += ["Accept: application/json, */*", "Accept-Encoding: identity"]
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines.append(f"Authorization: Basic {base64.b64encode(login.encode()).decode()}")
    if any(ord(character) < 32 for line in lines for character in line) or " " in target:
        raise ValueError("a URL must not contain spaces or control characters")
    return "\r\n".join([*lines, "", ""]).encode("ascii")  # UnicodeEncodeError is a ValueError that says where
