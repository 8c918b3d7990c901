"""Exchanges and queues. Every service declares all of them: who starts last must have missed nothing."""

from __future__ import annotations

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from pamqp.common import FieldTable

EVENTS_EXCHANGE = "shop.events"
DEAD_LETTER_EXCHANGE = "shop.dlx"
QUEUES = {
    "email.order-placed": "order.placed",
    "inventory.order-placed": "order.placed",
    "order.checkout-initiated": "checkout.initiated",
    "inventory.order-created": "order.created",
    "payment.inventory-reserved": "inventory.reserved",
    "order.inventory-failed": "inventory.failed",
    "order.payment-completed": "payment.completed",
    "order.payment-failed": "payment.failed",
    "inventory.payment-failed": "payment.failed",
}
"""Queue → the event that it gets."""


async def declare(channel: AbstractChannel, *, dead_letters: bool) -> None:
    """Declare everything, durable; each queue with its dead letter queue `<queue>.dlq`."""
    events = await channel.declare_exchange(EVENTS_EXCHANGE, ExchangeType.TOPIC, durable=True)
    dead = await channel.declare_exchange(DEAD_LETTER_EXCHANGE, ExchangeType.DIRECT, durable=True)
    for name, event in QUEUES.items():
        dead_queue = await channel.declare_queue(f"{name}.dlq", durable=True)
        await dead_queue.bind(dead, routing_key=name)
        arguments: FieldTable = {"x-dead-letter-exchange": DEAD_LETTER_EXCHANGE, "x-dead-letter-routing-key": name}
        queue = await channel.declare_queue(name, durable=True, arguments=arguments if dead_letters else None)
        await queue.bind(events, routing_key=event)
