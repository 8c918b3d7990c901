"""One kept-alive HTTP connection to a Toxiproxy's control plane, with a deadline on every exchange.

toxiproxy-python opens a new session for each call and never gives up waiting (docs/decisions/0002-toxiproxy-python.md).
"""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import httptools

from chaoskit.errors import EngineFailed, UsageProblem

TIMEOUT_S = 2.0
_ANSWER_BYTES_MAX = 16 * 1024 * 1024
_REMEDY_DEAD = "see toxiproxy.log beside the run; what was to be proved under this fault stays unproven"


class EngineSilent(EngineFailed):
    """It accepts connections but does not answer in time: hung, stopped or overloaded."""


class Answer:
    """An HTTP answer, in the shape that toxiproxy-python's `validate_response` takes."""

    def __init__(self) -> None:
        self.status_code = 0
        self.chunks: list[bytes] = []
        self.complete = False
        self.keeps_alive = False
        self.parser = httptools.HttpResponseParser(self)

    @property
    def content(self) -> bytes:
        return b"".join(self.chunks)

    def json(self) -> Any:
        return json.loads(self.content)

    def on_body(self, body: bytes) -> None:
        self.chunks.append(body)

    def on_message_complete(self) -> None:
        self.complete = True
        self.status_code = self.parser.get_status_code()
        self.keeps_alive = self.parser.should_keep_alive()  # only here: later it says no


class Control:
    """Exchanges with the server at `url`, one at a time; may be used from several threads.

    Every exchange takes at most `timeout_s`. Raises EngineSilent when that passes, EngineFailed when the server is
    gone or talks no HTTP, UsageProblem for a URL that is none.
    """

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise UsageProblem("not the URL of a Toxiproxy", where=url, remedy="write http://HOST:PORT")
        self.url = url.rstrip("/")
        self.timeout_s = timeout_s
        self._address = (parts.hostname, parts.port or 8474)
        self._host = f"{parts.hostname}:{parts.port or 8474}"
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def exchange(self, method: str, path: str, body: object = None, *, timeout_s: float | None = None) -> Answer:
        """Send one request and return the whole answer, whatever its status."""
        payload = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nUser-Agent: chaoskit\r\n"
        if payload:
            head += f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
        deadline = time.monotonic() + (timeout_s or self.timeout_s)
        with self._lock:
            try:
                answer = self._send(head.encode() + b"\r\n" + payload, deadline)
            except TimeoutError as error:
                self._drop()
                raise EngineSilent(
                    f"Toxiproxy did not answer {method} {path} within {timeout_s or self.timeout_s:g} s",
                    where=self.url,
                    remedy=_REMEDY_DEAD,
                ) from error
            except (OSError, httptools.HttpParserError) as error:
                self._drop()
                why = getattr(error, "strerror", None) or error
                raise EngineFailed(f"Toxiproxy is gone: {why}", where=self.url, remedy=_REMEDY_DEAD) from error
            if not answer.keeps_alive:
                self._drop()
        return answer

    def close(self) -> None:
        """Give the connection back; the next exchange opens a new one."""
        with self._lock:
            self._drop()

    def _send(self, request: bytes, deadline: float) -> Answer:
        connection = self._connection(deadline)
        connection.sendall(request)
        answer = Answer()
        size = 0
        while not answer.complete:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            data = connection.recv(65536)
            if not data:
                raise ConnectionResetError("it closed the connection in the middle of an answer")
            size += len(data)
            if size > _ANSWER_BYTES_MAX:
                raise OSError(f"its answer is larger than {_ANSWER_BYTES_MAX} bytes")
            answer.parser.feed_data(data)
        return answer

    def _connection(self, deadline: float) -> socket.socket:
        """The open connection, or a new one where the server has closed it meanwhile."""
        timeout_s = max(deadline - time.monotonic(), 0.001)
        if self._socket is not None:
            self._socket.settimeout(0)
            try:
                self._socket.recv(1)  # the end, or bytes that nobody asked for
                self._drop()
            except BlockingIOError:
                pass
            except OSError:
                self._drop()
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(timeout_s)
        return self._socket

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
