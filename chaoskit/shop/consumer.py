"""Consuming one queue: each message has its effect once, and what can't be processed goes to the dead letter queue."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from chaoskit.shop import events
from chaoskit.shop.settings import Settings
from chaoskit.shop.store import Store
from chaoskit.shop.topology import QUEUES

SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (queue TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (queue, key));
"""
ATTEMPTS_MAX = 3
PAUSE_S = 0.5

Apply = Callable[[sqlite3.Connection, dict[str, Any], Any], None]
Prepare = Callable[[dict[str, Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Consumer:
    """What happens with the messages of `queue`.

    `apply(tx, event, prepared)` makes the effect inside the transaction that also remembers the order's id in the
    inbox; `prepare(event)`, where there is one, does before it what takes time, and must bear being repeated.
    """

    queue: str
    apply: Apply
    prepare: Prepare | None = None
    prefetch: int = 20


class Handler:
    """Takes the messages of one consumer."""

    def __init__(self, settings: Settings, store: Store, consumer: Consumer) -> None:
        self._settings, self._store, self.consumer = settings, store, consumer
        self._idempotent = not settings.is_broken("consumer-not-idempotent")
        self._requeues_poison = settings.is_broken("blocks-behind-poison")

    @property
    def prefetch(self) -> int:
        """How many messages may be in hand at once."""
        return 1 if self._requeues_poison else self.consumer.prefetch

    async def take(self, message: AbstractIncomingMessage) -> None:
        """Process and settle one message. Once the channel is gone the broker gives it to somebody again."""
        try:
            if await self._process(message):
                await message.ack()
            else:
                await message.reject(requeue=self._requeues_poison)
        except (AMQPError, ChannelInvalidStateError, ConnectionError):
            return

    async def _process(self, message: AbstractIncomingMessage) -> bool:
        queue = self.consumer.queue
        try:
            event = events.parse(QUEUES[queue], message.body, message.content_type)
        except events.Poison as error:
            print(f"{queue}: {message.message_id} rejected: {error}", file=sys.stderr, flush=True)
            return False
        for attempt in range(ATTEMPTS_MAX):
            try:
                await self._effect(event)
            except sqlite3.Error as error:
                print(f"{queue}: {message.message_id} attempt {attempt + 1}: {error}", file=sys.stderr, flush=True)
                await asyncio.sleep(self._settings.scaled(PAUSE_S) * (attempt + 1))
            else:
                return True
        return False

    async def _effect(self, event: dict[str, Any]) -> None:
        queue, key = self.consumer.queue, event["orderId"]
        if self._idempotent and self._store.row("SELECT 1 FROM inbox WHERE queue = ? AND key = ?", queue, key):
            return
        prepared = await self.consumer.prepare(event) if self.consumer.prepare else None
        with self._store.transaction() as tx:
            fresh = tx.execute("INSERT OR IGNORE INTO inbox (queue, key) VALUES (?, ?)", (queue, key)).rowcount == 1
            if fresh or not self._idempotent:
                self.consumer.apply(tx, event, prepared)
