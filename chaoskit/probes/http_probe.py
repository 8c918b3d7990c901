"""Single HTTP requests that the run itself sends, each over a connection of its own.

On asyncio's streams and httptools, which are there anyway: a run without load must start fast, and importing
`http.client` (with `email`) or httpx costs more than all requests of a short run together.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import httptools

from chaoskit.model.event import Sample
from chaoskit.ports.clock import Clock
from chaoskit.ports.recorder import Recorder

TIMEOUT_S = 10.0
BODY_BYTES_MAX = 8192
"""What is kept of a body; the rest is not waited for."""
READ_BYTES = 65536
_SAFE = "!#$%&'()*+,/:;=?@[]~"
_NAME = re.compile(r"\{([^{}]+)\}")


class HttpProbe:
    """Implements ports.probe_sender.ProbeSender. `{service}` and `{caller -> callee}` stand for their addresses."""

    def __init__(self, values: Mapping[str, str], clock: Clock, recorder: Recorder) -> None:
        self._values = values
        self._clock = clock
        self._recorder = recorder

    async def send(self, request: str) -> None:
        """Send it and record the `sample`; no answer is a sample with status 0 and the error."""
        method, _, url = request.partition(" ")
        begun = time.monotonic()
        status, error, body = await _exchange(method, self._address(url))
        took_ms = (time.monotonic() - begun) * 1000
        t = self._clock.from_monotonic(begun)
        self._recorder.record(
            Sample(
                t=t,
                name=request,
                due=t,
                latency_ms=took_ms,
                service_ms=took_ms,
                status=status,
                error=error,
                ok=not error and status < 400,
                body=body,
            )
        )

    def _address(self, url: str) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            found = self._values.get(f"link:{name}") or self._values.get(f"service:{name}") or match[0]
            return found if "://" in found else f"http://{found}"

        return _NAME.sub(value, url)


class _Answer:
    """One answer as it comes in. `complete` once nothing more is wanted of it."""

    def __init__(self, method: str) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.complete = False
        self.status = 0
        self.body = b""
        self._no_body = method == "HEAD"
        self._ends_with_connection = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._ends_with_connection = False

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()
        self.complete = self._no_body

    def on_body(self, body: bytes) -> None:
        self.body += body
        self.complete = len(self.body) >= BODY_BYTES_MAX

    def on_message_complete(self) -> None:
        self.complete = self.status >= 200  # after 100 Continue and the like the answer is still to come

    def end(self) -> None:
        """The connection has ended. Raises ConnectionError unless that is how this answer ends."""
        if not self.status or not self._ends_with_connection:
            raise ConnectionResetError(
                "the connection ended in the middle of the answer" if self.status else "no answer"
            )
        self.complete = True


async def _exchange(method: str, url: str) -> tuple[int, str, str | None]:
    """(status, error, body): the error is "" when all of the answer came."""
    answer = _Answer(method)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await _talk(method, url, answer)
    except httptools.HttpParserUpgrade:
        return answer.status, "", None
    except (OSError, ValueError, httptools.HttpParserError) as error:
        return 0, f"{type(error).__name__}: {error}".rstrip(": "), None
    return answer.status, "", answer.body[:BODY_BYTES_MAX].decode(errors="replace")


async def _talk(method: str, url: str, answer: _Answer) -> None:
    parts = urlsplit(url)
    target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}", "Connection: close"]
    if method in ("POST", "PUT"):
        lines.append("Content-Length: 0")
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        while not answer.complete:
            data = await reader.read(READ_BYTES)
            if data:
                answer.parser.feed_data(data)
            else:
                answer.end()
    finally:
        writer.close()
