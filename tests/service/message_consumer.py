"""Real producers, consumers and queues for the tests of the broker's hooks."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from chaoskit.model.event import Event
from chaoskit.model.system import Consumer, System

from tests.fakes.ports import ListRecorder, RealClock
from tests.fixtures.rabbitmq import Rabbit

QUEUE, DEAD, EXCHANGE, DEAD_EXCHANGE, ROUTING_KEY = "inventory.placed", "inventory.dead", "shop", "dead", "order.placed"
SAMPLE = {"orderId": "o-1", "customerId": "c-1", "items": [{"sku": "a", "quantity": 2}], "total": 12.5}


def system_of(sample: Path | None = None, **consumer: Any) -> System:
    """One consumer, `inventory`, of the queue that `declare` makes."""
    if sample:
        sample.write_text(json.dumps(SAMPLE), encoding="utf-8")
        consumer["message"] = str(sample)
    return System(system="t", consumers={"inventory": Consumer(queue=QUEUE, key="orderId", **consumer)})


def declare(vhost: Rabbit, *, dead_letters: str = DEAD_EXCHANGE) -> None:
    """Exchange, queue and dead letter queue; `dead_letters`: an exchange's name, `default`, or `none`."""
    arguments: dict[str, Any] = {"x-dead-letter-exchange": dead_letters, "x-dead-letter-routing-key": DEAD}
    if dead_letters == "default":
        arguments["x-dead-letter-exchange"] = ""
    name = vhost.address.vhost
    with vhost.api() as api:
        for exchange, kind in ((EXCHANGE, "topic"), (DEAD_EXCHANGE, "direct")):
            api.put(f"/exchanges/{name}/{exchange}", json={"type": kind, "durable": True}).raise_for_status()
        for queue, own in ((QUEUE, {} if dead_letters == "none" else arguments), (DEAD, {})):
            body = {"durable": True, "arguments": own}
            api.put(f"/queues/{name}/{queue}", json=body).raise_for_status()
        for key in (ROUTING_KEY, "order.other"):  # the consumer refuses what comes under the other one
            api.post(f"/bindings/{name}/e/{EXCHANGE}/q/{QUEUE}", json={"routing_key": key}).raise_for_status()
        if dead_letters != "default":
            bound = api.post(f"/bindings/{name}/e/{DEAD_EXCHANGE}/q/{DEAD}", json={"routing_key": DEAD})
            bound.raise_for_status()


def names_of(vhost: Rabbit, what: str) -> set[str]:
    """The names of all queues or exchanges of a virtual host that are not built in."""
    with vhost.api() as api:
        rows = api.get(f"/{what}/{vhost.address.vhost}?disable_stats=true").json()
    return {row["name"] for row in rows if row["name"] and not row["name"].startswith("amq.rabbitmq")}


class MessageConsumer:
    """Dispatches on the routing key, refuses what is no order, and counts its effects by key."""

    def __init__(self, *, idempotent: bool) -> None:
        self.idempotent = idempotent
        self.effects: Counter[str] = Counter()
        self.taken: list[AbstractIncomingMessage] = []
        self._done: set[str] = set()

    async def take(self, message: AbstractIncomingMessage) -> None:
        self.taken.append(message)
        try:
            document = json.loads(message.body.decode())
            key = document["orderId"]
            if message.routing_key != ROUTING_KEY or not isinstance(key, str):
                raise ValueError(message.routing_key)
        except (ValueError, LookupError, TypeError):
            await message.reject()
            return
        if not (self.idempotent and key in self._done):
            self.effects[key] += 1
            self._done.add(key)
        await message.ack()


@asynccontextmanager
async def consuming(vhost: Rabbit, *, idempotent: bool = True) -> AsyncIterator[MessageConsumer]:
    """A consumer at work on the queue."""
    consumer = MessageConsumer(idempotent=idempotent)
    async with await aio_pika.connect(vhost.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=20)
        queue = await channel.get_queue(QUEUE)
        await queue.consume(consumer.take)
        yield consumer


async def produce(vhost: Rabbit, keys: list[str], *, routing_key: str = ROUTING_KEY, **properties: Any) -> None:
    """One order a key, as a real producer sends them."""
    async with await aio_pika.connect(vhost.url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(EXCHANGE)
        for number, key in enumerate(keys):
            given = {"content_type": "application/json", "message_id": f"m-{number}", **properties}
            body = json.dumps({**SAMPLE, "orderId": key}).encode()
            await exchange.publish(aio_pika.Message(body, **given), routing_key)


async def until(holds: Callable[[], Any], within_s: float = 10.0) -> None:
    """Wait until it holds; fails when it does not."""
    assert await RealClock().until(lambda: bool(holds()), within_s), "it did not come to hold"


def seen(recorder: ListRecorder, cls: type[Event]) -> list[Any]:
    """The recorded events of one kind."""
    return [event for event in recorder.events if isinstance(event, cls)]


class Relay:
    """A way to a broker that can be cut: `cut()` aborts all connections, `close()` refuses new ones as well."""

    def __init__(self, vhost: Rabbit) -> None:
        self._upstream = vhost.address
        self._open: list[asyncio.StreamWriter] = []
        self._vhost = vhost

    async def open(self) -> Rabbit:
        """The same virtual host by way of the relay."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return replace(self._vhost, url=self._vhost.through(f"{host}:{port}"))

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    def close(self) -> None:
        self._server.close()
        self.cut()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._upstream.host, self._upstream.port)
        self._open += [writer, far_writer]
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
