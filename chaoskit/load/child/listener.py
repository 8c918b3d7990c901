"""Every request that Locust reports becomes a record: when it was due, how long it took, what came of it."""

from __future__ import annotations

import time
from typing import Any

from gevent import getcurrent

from chaoskit.load import wire
from chaoskit.load.child.failure import error_text, is_status
from chaoskit.load.child.stream import Stream
from chaoskit.load.child.worker import Iteration, Worker

_SERVICE_US_MAX = 2**32 - 1
_STATUS_MAX = 2**16 - 1


class Listener:
    """Takes every request that Locust reports and passes it on as a record."""

    def __init__(self, stream: Stream, bodies: bool) -> None:
        self._stream = stream
        self._bodies = bodies

    def __call__(
        self,
        *,
        request_type: str,
        name: str,
        response_time: float | None,
        exception: BaseException | None = None,
        response: Any = None,
        **_: Any,
    ) -> None:
        service_s = (response_time or 0.0) / 1000
        start = time.monotonic() - service_s
        # Locust's HttpUser tells of the answer; a user of another protocol may report without one.
        status = min(getattr(response, "status_code", 0) or 0, _STATUS_MAX)
        error = "" if exception is None or (status and is_status(exception)) else error_text(exception)
        due, ok = start, exception is None
        # A request from a greenlet that the user's code made itself belongs to no iteration that we know.
        current = getcurrent()
        iteration = current.iteration if isinstance(current, Worker) else None
        if iteration is not None:
            due, ok = self._account(iteration, start, status, error, ok)
            name = name if iteration.expect is not None else f"{request_type} {name}"
        body = self._body(response) if self._bodies and response is not None else None
        service_us = min(int(service_s * 1e6), _SERVICE_US_MAX)
        self._stream.record(start, due, service_us, name, status, error, wire.FLAG_OK if ok else 0, body)

    def raised(self, name: str, iteration: Iteration, error: str) -> None:
        """The user's own code raised: a sample without an answer, so that it counts."""
        took_us = min(int((time.monotonic() - iteration.began) * 1e6), _SERVICE_US_MAX)
        self._stream.record(iteration.began, iteration.due, took_us, name, 0, error, 0)

    def whole(self, name: str, iteration: Iteration) -> None:
        """The iteration as a whole; `status` carries its number of requests."""
        requests = min(iteration.requests, _STATUS_MAX)
        flags = wire.FLAG_ITERATION | (0 if iteration.failed else wire.FLAG_OK)
        took_us = min(int((time.monotonic() - iteration.began) * 1e6), _SERVICE_US_MAX)
        self._stream.record(iteration.began, iteration.due, took_us, name, requests, "", flags)

    @staticmethod
    def _account(iteration: Iteration, start: float, status: int, error: str, ok: bool) -> tuple[float, bool]:
        due = start if iteration.next_due is None else min(iteration.next_due, start)
        iteration.next_due = None
        if iteration.expect is not None:
            ok = not error and (status in iteration.expect if iteration.expect else 0 < status < 400)
        iteration.requests += 1
        iteration.failed += not ok
        return due, ok

    @staticmethod
    def _body(response: Any) -> bytes | None:
        content = getattr(response, "content", None)
        return content if isinstance(content, bytes) else None
