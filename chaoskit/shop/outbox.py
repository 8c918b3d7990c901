"""The transactional outbox: an event is written with the state that it tells of, and leaves when the broker has it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import uuid
from typing import Any

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractExchange

from chaoskit.shop.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL, event TEXT NOT NULL, body TEXT NOT NULL
);
"""
BATCH_MAX = 50


def message_of(event: str, message_id: str, body: str) -> Message:
    """The message as it goes out."""
    return Message(
        body.encode(),
        message_id=message_id,
        type=event,
        content_type="application/json",
        delivery_mode=DeliveryMode.PERSISTENT,
    )


class Outbox:
    """Publishes what `put` wrote, in order of writing, until the broker has confirmed it."""

    def __init__(self, store: Store, *, confirm_s: float) -> None:
        self._store = store
        self._confirm_s = confirm_s
        self._written = asyncio.Event()

    def put(self, tx: sqlite3.Connection, event: str, body: dict[str, Any]) -> None:
        """Write an event within the transaction `tx`; its message id stays the same however often it is sent."""
        tx.execute(
            "INSERT INTO outbox (message_id, event, body) VALUES (?, ?, ?)",
            (str(uuid.uuid4()), event, json.dumps(body)),
        )
        self._written.set()

    async def publish(self, exchange: AbstractExchange) -> None:
        """Send and delete, for ever. Raises what the broker raises; what was not confirmed is sent again."""
        while True:
            self._written.clear()
            batch = self._store.rows("SELECT * FROM outbox ORDER BY position LIMIT ?", BATCH_MAX)
            if not batch:
                await self._written.wait()
                continue
            async with asyncio.timeout(self._confirm_s):
                results = await asyncio.gather(*(self._send(exchange, row) for row in batch), return_exceptions=True)
            if failures := [result for result in results if isinstance(result, BaseException)]:
                raise failures[0]

    def waiting(self) -> int:
        """How many events the broker has not confirmed yet."""
        return int(self._store.number("SELECT count(*) FROM outbox"))

    async def _send(self, exchange: AbstractExchange, row: dict[str, Any]) -> None:
        message = message_of(row["event"], row["message_id"], row["body"])
        await exchange.publish(message, routing_key=row["event"], mandatory=True)
        with self._store.transaction() as tx:
            tx.execute("DELETE FROM outbox WHERE position = ?", (row["position"],))
