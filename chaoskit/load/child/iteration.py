"""One iteration of a journey: a greenlet that knows when it was due and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent import getcurrent

from chaoskit.load import wire
from chaoskit.load.child.failure import error_text, is_status
from chaoskit.load.child.stream import Stream

Body = bytes | None

_SERVICE_US_MAX = 2**32 - 1
_STATUS_MAX = 2**16 - 1


class Iteration(gevent.Greenlet):  # type: ignore[misc]  # gevent's types are not followed
    """Runs `play(self)`, then `done(self)`.

    `due` is the intended start; `next_due` the same until the first request has used it. Later requests of the
    iteration are due when they start: nobody but their own journey makes them wait.
    """

    def __init__(self, index: int, due: float, play: Callable[[Iteration], None], done: Callable[[Iteration], None]):
        super().__init__()
        self.index = index
        self.due = due
        self.next_due: float | None = due
        self.expect: frozenset[int] | None = None
        """Statuses as expected (empty: any below 400); None leaves it to Locust and the user's own code."""
        self.began = 0.0
        self.requests = 0
        self.failed = 0
        self.player: Any = None
        self._play = play
        self._done = done

    def _run(self) -> None:
        self.began = time.monotonic()
        try:
            self._play(self)
        finally:
            self._done(self)


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
        iteration = getcurrent()
        due, ok = start, exception is None
        if isinstance(iteration, Iteration):
            due, ok = self._account(iteration, start, status, error, ok)
            name = name if iteration.expect is not None else f"{request_type} {name}"
        body = self._body(response) if self._bodies and response is not None else None
        self._send(name, start, due, service_s, status, error, ok, body)

    def raised(self, name: str, iteration: Iteration, error: str) -> None:
        """The user's own code raised: a sample without an answer, so that it counts."""
        now = time.monotonic()
        self._send(name, iteration.began, iteration.due, now - iteration.began, 0, error, False, None)

    def whole(self, name: str, iteration: Iteration) -> None:
        """The iteration as a whole; `status` carries its number of requests."""
        requests = min(iteration.requests, _STATUS_MAX)
        flags = wire.FLAG_ITERATION | (0 if iteration.failed else wire.FLAG_OK)
        took_us = min(int((time.monotonic() - iteration.began) * 1e6), _SERVICE_US_MAX)
        named = self._stream.text(name)
        self._stream.record(wire.Record(iteration.began, iteration.due, took_us, named, requests, 0, flags))

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

    def _send(
        self, name: str, start: float, due: float, service_s: float, status: int, error: str, ok: bool, body: Body
    ) -> None:
        stream = self._stream
        service_us = min(int(service_s * 1e6), _SERVICE_US_MAX)
        flags = wire.FLAG_OK if ok else 0
        record = wire.Record(start, due, service_us, stream.text(name), status, stream.text(error), flags)
        stream.record(record, body)
