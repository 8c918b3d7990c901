"""RabbitMQ's management API: what there is in a virtual host, and live totals."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from chaoskit.broker.address import BrokerAddress
from chaoskit.errors import BrokerFailed

TIMEOUT_S = 5.0


class Management:
    """One keep-alive client for one virtual host; every call has a deadline. Raises BrokerFailed."""

    def __init__(self, url: str, management_url: str) -> None:
        self.address = BrokerAddress.parse(url)
        self._url = management_url.rstrip("/")
        self._vhost = quote(self.address.vhost, safe="")
        self._client = httpx.AsyncClient(
            auth=(self.address.user, self.address.password), timeout=TIMEOUT_S, trust_env=False
        )

    async def __aenter__(self) -> Management:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def queues(self) -> list[dict[str, Any]]:
        """All queues with live totals: `messages_ready`, `messages_unacknowledged`."""
        return await self._list(f"queues/{self._vhost}?disable_stats=true&enable_queue_totals=true")

    async def bindings(self) -> list[dict[str, Any]]:
        return await self._list(f"bindings/{self._vhost}")

    async def exchanges(self) -> list[dict[str, Any]]:
        return await self._list(f"exchanges/{self._vhost}?disable_stats=true")

    async def policies(self) -> list[dict[str, Any]]:
        return await self._list(f"policies/{self._vhost}")

    async def overview(self) -> Mapping[str, Any]:
        """The node's own account of itself; needs no rights in the virtual host."""
        answer: Mapping[str, Any] = (await self._get("overview?disable_stats=true")).json()
        return answer

    async def _list(self, path: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self._get(path)).json()
        return rows

    async def _get(self, path: str) -> httpx.Response:
        where = f"{self._url}/api/{path.partition('?')[0]}"
        try:
            response = await self._client.get(f"{self._url}/api/{path}")
        except httpx.HTTPError as error:
            raise BrokerFailed(
                f"RabbitMQ's management API does not answer: {type(error).__name__} {error}".rstrip(),
                where=where,
                remedy="enable the plugin (rabbitmq-plugins enable rabbitmq_management), or set broker.management_url",
            ) from error
        if response.status_code == httpx.codes.OK:
            return response
        raise BrokerFailed(
            f"RabbitMQ's management API answers {response.status_code}", where=where, remedy=self._remedy(response)
        )

    def _remedy(self, response: httpx.Response) -> str:
        user, vhost = self.address.user, self.address.vhost
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return (
                f"user {user!r} is unknown there, its password is wrong, or it lacks the tag: "
                f"rabbitmqctl set_user_tags {user} policymaker"
            )
        if response.status_code == httpx.codes.NOT_FOUND:
            return f"is there a virtual host {vhost!r}? rabbitmqctl list_vhosts"
        return "is broker.management_url that of RabbitMQ?"
