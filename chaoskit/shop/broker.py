"""A service's connection to the broker: made again whenever it is lost."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from chaoskit.shop import topology
from chaoskit.shop.consumer import Consumer, Handler
from chaoskit.shop.outbox import Outbox, message_of
from chaoskit.shop.settings import Settings
from chaoskit.shop.store import Store

CONNECT_S, RECONNECT_S, CONFIRM_S, CLOSE_S = 15.0, 1.0, 15.0, 0.3
HEARTBEAT_S = 5


class Broker:
    """Consumes and publishes for one service, from `run` on, as long as the service lives."""

    def __init__(self, settings: Settings, store: Store, consumers: Sequence[Consumer]) -> None:
        self._settings = settings
        self._handlers = [Handler(settings, store, consumer) for consumer in consumers]
        self.outbox = Outbox(store, confirm_s=settings.scaled(CONFIRM_S))
        self._exchange: AbstractExchange | None = None

    @property
    def connected(self) -> bool:
        """Whether messages flow."""
        return self._exchange is not None

    async def run(self) -> None:
        """Connect, consume and publish; when the connection is lost, wait a moment and begin again. Never returns."""
        while True:
            try:
                await self._session()
            except (AMQPError, ChannelInvalidStateError, OSError, TimeoutError) as error:
                print(f"{self._settings.service}: broker: {error!r}", file=sys.stderr, flush=True)
            finally:
                self._exchange = None
            await asyncio.sleep(self._settings.scaled(RECONNECT_S))

    def publish_unconfirmed(self, event: str, message_id: str, body: str) -> None:
        """`publish-unconfirmed`: hand the event to the socket and hope; whatever goes wrong, nobody hears of it."""
        if self._exchange is not None:
            message = message_of(event, message_id, body)
            sending = asyncio.ensure_future(self._exchange.publish(message, routing_key=event, mandatory=False))
            sending.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _session(self) -> None:
        limit_s = self._settings.scaled(CONNECT_S)
        lost = asyncio.Event()

        def lose(*_: Any) -> None:
            lost.set()

        async with asyncio.timeout(limit_s):
            connection = await aio_pika.connect(self._settings.amqp_url, heartbeat=HEARTBEAT_S)
        try:
            connection.close_callbacks.add(lose)
            async with asyncio.timeout(limit_s):
                exchange = await self._set_up(connection, lose)
            self._exchange = exchange
            await self._until_lost(exchange, lost)
        finally:
            await _close(connection)

    async def _set_up(self, connection: AbstractConnection, lose: Any) -> AbstractExchange:
        """Declare, start consuming, and return the exchange on a channel with publisher confirms."""
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        channel.close_callbacks.add(lose)
        await topology.declare(channel, dead_letters=not self._settings.is_broken("no-dead-letter"))
        for handler in self._handlers:
            own = await connection.channel()
            own.close_callbacks.add(lose)
            await own.set_qos(prefetch_count=handler.prefetch)
            queue = await own.get_queue(handler.consumer.queue, ensure=False)
            await queue.consume(handler.take)
        return await channel.get_exchange(topology.EVENTS_EXCHANGE, ensure=False)

    async def _until_lost(self, exchange: AbstractExchange, lost: asyncio.Event) -> None:
        publishing = asyncio.ensure_future(self.outbox.publish(exchange))
        losing = asyncio.ensure_future(lost.wait())
        try:
            await asyncio.wait({publishing, losing}, return_when=asyncio.FIRST_COMPLETED)
            if publishing.done():
                publishing.result()
        finally:
            for task in (publishing, losing):
                task.cancel()
            await asyncio.gather(publishing, losing, return_exceptions=True)


async def _close(connection: AbstractConnection) -> None:
    """A connection whose other end is gone may never answer: don't wait for it long."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await connection.close()
    except (AMQPError, ChannelInvalidStateError, OSError, TimeoutError):
        return
