"""Inventory: reserves for orders and checkouts, releases when a payment failed. Its books are a list of movements."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaoskit.shop import consumer, outbox
from chaoskit.shop.broker import Broker
from chaoskit.shop.consumer import Consumer
from chaoskit.shop.outbox import Outbox
from chaoskit.shop.service import order_id, serve
from chaoskit.shop.settings import Settings
from chaoskit.shop.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, available INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS movements (
    id INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, kind TEXT NOT NULL,
    quantity INTEGER NOT NULL, items TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS movements_by_order ON movements (order_id);
"""
SKUS, PIECES = 20, 1_000_000
SOLD_OUT = "sku-sold-out"


def seed(store: Store) -> None:
    """sku-1 … sku-20 in plenty, and one sku of which there is nothing."""
    rows = [(f"sku-{n}", PIECES) for n in range(1, SKUS + 1)] + [(SOLD_OUT, 0)]
    with store.transaction() as tx:
        tx.executemany("INSERT OR IGNORE INTO stock (sku, available) VALUES (?, ?)", rows)


class Inventory:
    """The effects of the events that inventory gets."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        consumers = [
            Consumer("inventory.order-placed", self.reserve_placed),
            Consumer("inventory.order-created", self.reserve_created),
            Consumer("inventory.payment-failed", self.release),
        ]
        self.broker = Broker(settings, store, consumers)
        self._outbox: Outbox = self.broker.outbox

    def reserve_placed(self, tx: sqlite3.Connection, event: dict[str, Any], _: Any) -> None:
        """`order.placed` was accepted already: what is not in stock is owed."""
        _move(tx, event["orderId"], "reserve", event["items"])

    def reserve_created(self, tx: sqlite3.Connection, event: dict[str, Any], _: Any) -> None:
        """`order.created`: all of the order or nothing; tells which."""
        if missing := [item["sku"] for item in event["items"] if not _in_stock(tx, item)]:
            reason = f"not in stock: {', '.join(missing)}"
            self._outbox.put(tx, "inventory.failed", {"orderId": event["orderId"], "reason": reason})
            return
        _move(tx, event["orderId"], "reserve", event["items"])
        self._outbox.put(tx, "inventory.reserved", {"orderId": event["orderId"], "total": event["total"]})

    def release(self, tx: sqlite3.Connection, event: dict[str, Any], _: Any) -> None:
        """`payment.failed`: what was reserved for the order is free again."""
        if self._settings.is_broken("no-compensation"):
            return
        query = "SELECT items FROM movements WHERE order_id = ? AND kind = 'reserve'"
        reserved = tx.execute(query, (event["orderId"],)).fetchall()
        for _again in range(2 if self._settings.is_broken("compensates-twice") else 1):
            for row in reserved:
                _move(tx, event["orderId"], "release", json.loads(row["items"]))


def _in_stock(tx: sqlite3.Connection, item: dict[str, Any]) -> bool:
    row = tx.execute("SELECT available FROM stock WHERE sku = ?", (item["sku"],)).fetchone()
    return row is not None and row["available"] >= item["quantity"]


def _move(tx: sqlite3.Connection, order: str, kind: str, items: list[dict[str, Any]]) -> None:
    sign = 1 if kind == "reserve" else -1
    for item in items:
        taken = sign * item["quantity"]
        tx.execute("UPDATE stock SET available = available - ? WHERE sku = ?", (taken, item["sku"]))
    tx.execute(
        "INSERT INTO movements (order_id, kind, quantity, items) VALUES (?, ?, ?, ?)",
        (order, kind, sign * sum(item["quantity"] for item in items), json.dumps(items)),
    )


def main() -> None:
    """Run the service."""
    settings = Settings.from_environment("inventory")
    store = Store(settings.database, SCHEMA + consumer.SCHEMA + outbox.SCHEMA)
    seed(store)

    async def reservations(request: Request) -> Response:
        query = "SELECT id, items FROM movements WHERE order_id = ? AND kind = 'reserve'"
        rows = store.rows(query, order_id(request))
        items = [{"reservation": row["id"], "items": json.loads(row["items"])} for row in rows]
        return JSONResponse({"orderId": order_id(request), "items": items})

    async def books(request: Request) -> Response:
        query = "SELECT coalesce(sum(quantity), 0) AS quantity, count(*) FILTER (WHERE kind = 'release') AS releases"
        row = store.row(f"{query} FROM movements WHERE order_id = ?", order_id(request)) or {}
        return JSONResponse({"orderId": order_id(request), **row})

    async def totals(_: Request) -> Response:
        query = "SELECT count(*) FROM movements WHERE kind = ?"
        reserves, releases = store.number(query, "reserve"), store.number(query, "release")
        quantity = store.number("SELECT sum(quantity) FROM movements")
        return JSONResponse({"reservations": reserves, "releases": releases, "quantity": quantity})

    routes = [Route("/reservations", reservations), Route("/books", books), Route("/totals", totals)]
    serve(settings, routes, broker=Inventory(settings, store).broker)


if __name__ == "__main__":
    main()
