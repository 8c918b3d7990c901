"""A broker that somebody else runs: looked at before it is used, and never started, stopped or cleaned by us."""

from __future__ import annotations

import asyncio
import contextlib
import os

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError

from chaoskit.broker.address import MANAGEMENT_PORT, BrokerAddress
from chaoskit.broker.connection import connect
from chaoskit.broker.management import Management
from chaoskit.errors import BrokerFailed


class ForeignBroker:
    """Has the surface of `BrokerNode`; `start` only checks that all we need is allowed."""

    name = "broker"
    role = "broker"
    private = False

    def __init__(self, url: str, management_url: str | None = None) -> None:
        """Raises UsageProblem where `url` is none."""
        self.address = BrokerAddress.parse(url)
        named = management_url or os.environ.get("CHAOSKIT_MANAGEMENT_URL")
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        self.management_url = named or f"http://{host}:{MANAGEMENT_PORT}"
        self._watched: AbstractConnection | None = None
        self._checking: asyncio.Task[None] | None = None
        self._gone = ""

    @property
    def url(self) -> str:
        return self.address.url

    @property
    def host_port(self) -> str:
        return self.address.host_port

    def through(self, host_port: str) -> str:
        return self.address.through(host_port).url

    async def start(self) -> str:
        """Raises BrokerFailed, which says what is wrong: address, login, virtual host, rights, management API."""
        async with Management(self.url, self.management_url) as management:
            await self._watch()
            try:
                await self._try_rights()
                version = (await management.overview()).get("rabbitmq_version", "?")
                await management.policies()
            except BaseException:
                await self.stop()
                raise
        return f"RabbitMQ {version} at {self.address.shown}, run by somebody else"

    async def stop(self) -> None:
        """Let go of it; it runs on, for it is not ours."""
        connection, checking = self._watched, self._checking
        self._watched = self._checking = None
        if checking:
            checking.cancel()
            await asyncio.gather(checking, return_exceptions=True)
        if connection:
            with contextlib.suppress(AMQPError, OSError, TimeoutError):
                await connection.close()

    def dead(self) -> str:
        """Why it is gone, or "". A connection that is cut says nothing yet: it counts once no new one can be had."""
        return self._gone

    async def _watch(self) -> None:
        if self._watched is None:
            self._watched = await connect(self.url)
            self._watched.close_callbacks.add(self._lost)

    def _lost(self, *_: object) -> None:
        if self._watched is not None:
            self._watched = None
            self._checking = asyncio.get_running_loop().create_task(self._check())

    async def _check(self) -> None:
        try:
            await self._watch()
        except BrokerFailed as error:
            self._gone = error.what

    async def _try_rights(self) -> None:
        """An exclusive queue, which is all that our hooks ever make."""
        assert self._watched is not None
        try:
            channel = await self._watched.channel()
            await channel.declare_queue(exclusive=True)
            await channel.close()
        except AMQPError as error:
            raise BrokerFailed(
                f"user {self.address.user!r} may not make queues of its own: {error}",
                where=self.address.shown,
                remedy=f"rabbitmqctl set_permissions -p {self.address.vhost} {self.address.user} '.*' '.*' '.*'",
            ) from error
