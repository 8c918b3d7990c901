"""Single HTTP requests that the run itself sends. Standard library only: a run without load must start fast."""

from __future__ import annotations

import asyncio
import http.client
import re
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from chaoskit.model.event import Sample
from chaoskit.ports.clock import Clock
from chaoskit.ports.recorder import Recorder

TIMEOUT_S = 10.0
BODY_BYTES_MAX = 8192
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
        status, error, body = await asyncio.to_thread(_exchange, method, self._address(url))
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


def _exchange(method: str, url: str) -> tuple[int, str, str | None]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_S)
    try:
        connection.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        answer = connection.getresponse()
        return answer.status, "", answer.read(BODY_BYTES_MAX).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, f"{type(error).__name__}: {error}", None
    finally:
        connection.close()
