"""A way into one queue and no other, under any routing key, that leaves nothing behind.

Consumers that dispatch on the routing key reject what comes through the default exchange in the plain way, because
there the key is the queue's name. So the message goes to the default exchange under its *own* key, and the queue is
named in `BCC`, which RabbitMQ follows and takes off before delivery (https://www.rabbitmq.com/docs/sender-selected).
No exchange or binding has to be made, so none can be left. Where that would reach others as well (a queue is named
like the routing key, or the message itself has a `CC`) a private fanout exchange is made instead.
"""

from __future__ import annotations

import asyncio
import secrets

from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError, PublishError

from chaoskit.broker.topology import Topology

ID_HEADER = "x-chaoskit-id"
FAULT_HEADER = "x-chaoskit-fault"
CONFIRM_S_MAX = 5.0


class SideDoor:
    """Publishes into one queue, confirmed; the channel must have been opened with `on_return_raises=True`."""

    def __init__(self, channel: AbstractChannel, topology: Topology, queue: str) -> None:
        self._channel = channel
        self._topology = topology
        self._queue = queue
        self._fanout: AbstractExchange | None = None
        self._making = asyncio.Lock()

    async def put(self, message: Message, routing_key: str) -> str:
        """ "" once the broker has taken it into the queue, else why it did not."""
        try:
            if self._reaches_others(message, routing_key):
                exchange = await self._own_fanout()
            else:
                exchange = self._channel.default_exchange
                message.headers["BCC"] = [self._queue]
            await exchange.publish(message, routing_key, mandatory=True, timeout=CONFIRM_S_MAX)
        except (PublishError, DeliveryError) as error:
            return f"the broker refused it: {error}"
        except (AMQPError, ChannelInvalidStateError, OSError, TimeoutError) as error:
            return f"no confirmation: {type(error).__name__} {error}".rstrip()
        return ""

    async def close(self) -> None:
        """Take the private exchange away, where one was needed."""
        if self._fanout is not None:
            await self._fanout.delete()
            self._fanout = None

    def _reaches_others(self, message: Message, routing_key: str) -> bool:
        named_like_key = routing_key in self._topology.queues and routing_key != self._queue
        return named_like_key or "CC" in message.headers

    async def _own_fanout(self) -> AbstractExchange:
        async with self._making:
            if self._fanout is None:
                self._fanout = await self._make_fanout()
            return self._fanout

    async def _make_fanout(self) -> AbstractExchange:
        name = f"chaoskit-{secrets.token_hex(6)}"
        fanout = await self._channel.declare_exchange(name, ExchangeType.FANOUT, auto_delete=True)
        queue = await self._channel.get_queue(self._queue, ensure=False)
        await queue.bind(fanout)
        return fanout


def marked_copy(original: AbstractIncomingMessage, copy_id: str, fault: str) -> Message:
    """The same message once more, with our marks in its headers; without `user_id`, which the broker would refuse."""
    return Message(
        original.body,
        headers={**original.headers, ID_HEADER: copy_id, FAULT_HEADER: fault},
        content_type=original.content_type,
        content_encoding=original.content_encoding,
        delivery_mode=original.delivery_mode,
        priority=original.priority,
        correlation_id=original.correlation_id,
        reply_to=original.reply_to,
        expiration=original.expiration,
        message_id=original.message_id,
        timestamp=original.timestamp,
        type=original.type,
        app_id=original.app_id,
    )


def own_message(body: bytes, message_id: str, content_type: str, fault: str = "") -> Message:
    """A persistent message of our own making, marked with its id, and with the fault that it belongs to."""
    marks = {ID_HEADER: message_id, **({FAULT_HEADER: fault} if fault else {})}
    return Message(
        body,
        headers=dict(marks),
        content_type=content_type,
        message_id=message_id,
        delivery_mode=DeliveryMode.PERSISTENT,
    )
