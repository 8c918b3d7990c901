"""E-mail: one confirmation per order placed. Its outbox of letters is a table that anybody may look at."""

from __future__ import annotations

import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaoskit.shop import consumer, outbox
from chaoskit.shop.broker import Broker
from chaoskit.shop.consumer import Consumer
from chaoskit.shop.service import order_id, serve
from chaoskit.shop.settings import Settings
from chaoskit.shop.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS emails (
    id INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, customer_id TEXT NOT NULL, subject TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS emails_by_order ON emails (order_id);
"""


def send_confirmation(tx: sqlite3.Connection, event: dict[str, Any], _: Any) -> None:
    """The effect of `order.placed`: one letter."""
    tx.execute(
        "INSERT INTO emails (order_id, customer_id, subject) VALUES (?, ?, ?)",
        (event["orderId"], event["customerId"], f"Your order {event['orderId']}"),
    )


def main() -> None:
    """Run the service."""
    settings = Settings.from_environment("email")
    store = Store(settings.database, SCHEMA + consumer.SCHEMA + outbox.SCHEMA)

    async def emails(request: Request) -> Response:
        query = "SELECT order_id AS orderId, customer_id AS customerId, subject FROM emails WHERE order_id = ?"
        return JSONResponse({"orderId": order_id(request), "items": store.rows(query, order_id(request))})

    async def totals(_: Request) -> Response:
        return JSONResponse({"emails": store.number("SELECT count(*) FROM emails")})

    broker = Broker(settings, store, [Consumer("email.order-placed", send_confirmation)])
    serve(settings, [Route("/emails", emails), Route("/totals", totals)], broker=broker)


if __name__ == "__main__":
    main()
