"""A synchronous call to another service: a timeout for all of it, a bounded pool, and a breaker."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from chaoskit.shop.breaker import OPEN, Breaker
from chaoskit.shop.settings import Settings

TIMEOUT_S, RESET_S, WINDOW_S = 3.0, 10.0, 10.0
CONNECTIONS_MAX = 100
RETRIED_WHILE_OPEN = 10
"""Of this many calls that the open breaker should refuse, `retries-while-open` makes one."""


class CallFailed(Exception):
    """The call gave no usable answer. `reason`: open | timeout | unreachable | status | unusable."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Dependency:
    """One service that we call, `callee` at `url`."""

    def __init__(self, settings: Settings, callee: str, url: str, *, volume_min: int = 5) -> None:
        self._settings = settings
        self._timeout_s = None if settings.is_broken("no-timeout") else settings.scaled(TIMEOUT_S)
        never_closes = settings.is_broken("breaker-never-closes")
        self.breaker = Breaker(
            f"{settings.service} -> {callee}",
            window_s=settings.scaled(WINDOW_S),
            reset_s=float("inf") if never_closes else settings.scaled(RESET_S),
            volume_min=volume_min,
        )
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=20)
        self._client = httpx.AsyncClient(base_url=url, timeout=self._timeout_s, limits=limits, trust_env=False)
        self._refused = 0

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """(status, JSON object) for an answer below 500. A client's error such as 404 says nothing against the callee,
        and comes with an empty object.

        Raises CallFailed when the breaker is open, the time is up, or the answer is no usable one.
        """
        permit = self._admit()
        if permit is None:
            raise CallFailed("open", self.breaker.link)
        succeeded = False
        try:
            status, answer = await self._exchange(method, path, body)
            succeeded = not (status == 404 and self._settings.is_broken("breaker-opens-on-404"))
            return status, answer
        finally:
            # also when our own caller goes away: a half-open breaker must not wait for ever for its probe
            self.breaker.settle(permit, succeeded=succeeded)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _admit(self) -> int | None:
        if self._settings.is_broken("no-breaker"):
            return -1
        permit = self.breaker.admit()
        if permit is None and self.breaker.state == OPEN and self._settings.is_broken("retries-while-open"):
            self._refused += 1
            return -1 if self._refused % RETRIED_WHILE_OPEN == 0 else None
        return permit

    async def _exchange(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        try:
            # httpx limits each read; only this limits an answer that trickles
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.request(method, path, json=body)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise CallFailed("timeout", f"{method} {path}") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            reason = "unreachable" if isinstance(error, httpx.ConnectError) else "unusable"
            raise CallFailed(reason, f"{method} {path}: {error!r}") from error
        status = response.status_code
        if status >= 500 or status == 429:
            raise CallFailed("status", f"{method} {path}: {status}")
        if status >= 400:
            return status, {}  # the status says it all, whatever whoever answered put into the body
        return status, _object_in(response)


def _object_in(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CallFailed("unusable", f"{response.url}: not JSON") from error
    if not isinstance(answer, dict):
        raise CallFailed("unusable", f"{response.url}: not a JSON object")
    return answer
