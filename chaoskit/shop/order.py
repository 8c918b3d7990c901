"""Order: takes orders and checkouts, shows them with their customer, and ends the checkout saga."""

from __future__ import annotations

import json
import sqlite3
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaoskit.shop import consumer, events, outbox
from chaoskit.shop.broker import Broker
from chaoskit.shop.consumer import Consumer
from chaoskit.shop.dependency import CallFailed, Dependency
from chaoskit.shop.service import problem, serve
from chaoskit.shop.settings import Settings
from chaoskit.shop.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, items TEXT NOT NULL, total INTEGER NOT NULL, status TEXT NOT NULL,
    cancellations INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS checkouts (order_id TEXT PRIMARY KEY, total INTEGER NOT NULL);
"""
SEEDED, CUSTOMERS = 50, 50
PRICE_CENTS = {f"sku-{n}": 500 + 50 * n for n in range(1, 21)} | {"sku-sold-out": 1000}


def seed(store: Store) -> None:
    """Orders o-1 … o-50 of customers c-1 … c-50, where they are missing."""
    rows = []
    for n in range(1, SEEDED + 1):
        items = [{"sku": f"sku-{(n - 1) % 20 + 1}", "quantity": n % 3 + 1}]
        rows.append((f"o-{n}", f"c-{(n - 1) % CUSTOMERS + 1}", json.dumps(items), total_cents(items), "confirmed"))
    with store.transaction() as tx:
        tx.executemany(
            "INSERT OR IGNORE INTO orders (id, customer_id, items, total, status) VALUES (?, ?, ?, ?, ?)", rows
        )


def total_cents(items: list[dict[str, Any]]) -> int:
    """What the items cost. Raises KeyError for a sku that we don't sell."""
    return sum(PRICE_CENTS[item["sku"]] * item["quantity"] for item in items)


class Orders:
    """Routes and effects of the order service."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self.customers = Dependency(settings, "customer", settings.urls["CUSTOMER_URL"])
        consumers = [
            Consumer("order.checkout-initiated", self.create),
            Consumer("order.payment-completed", self.confirm),
            Consumer("order.payment-failed", self.cancel),
            Consumer("order.inventory-failed", self.cancel),
        ]
        self.broker = Broker(settings, store, consumers)
        self.routes = [
            Route("/orders/{id}", self.show),
            Route("/orders", self.place, methods=["POST"]),
            Route("/checkouts", self.check_out, methods=["POST"]),
            Route("/checkouts/{id}", self.show_checkout),
            Route("/totals", self.totals),
        ]

    # --- HTTP

    async def show(self, request: Request) -> Response:
        """The order with its customer inside, or with the stand-in while the customer service can't say."""
        order = self._store.row("SELECT * FROM orders WHERE id = ?", request.path_params["id"])
        if order is None:
            return problem(404, "no such order")
        try:
            customer = await self._customer(order["customer_id"])
        except CallFailed as error:
            return problem(500 if error.reason in ("status", "unusable") else 503, "the customer service failed")
        body = {name: order[name] for name in ("id", "total", "status")}
        items = json.loads(order["items"])
        return JSONResponse({**body, "customerId": order["customer_id"], "items": items, "customer": customer})

    async def _customer(self, customer: str) -> dict[str, Any] | None:
        """None for a customer whom nobody knows. Raises CallFailed only when a fallback was broken on purpose."""
        try:
            status, answer = await self.customers.call("GET", f"/customers/{customer}")
        except CallFailed as error:
            if self._settings.is_broken("no-fallback"):
                raise
            if self._settings.is_broken("fallback-only-on-timeout") and error.reason in ("status", "unusable"):
                raise
            return {"id": customer, "name": "Customer", "_fallback": True}
        return answer if status == 200 else None

    async def place(self, request: Request) -> Response:
        """202: the order is ours, and `order.placed` will leave even if the broker is away."""
        wanted = await _wanted(request)
        if wanted is None:
            return problem(422, "customerId or items missing, of the wrong type, or not for sale")
        customer, items, total = wanted
        order = str(uuid.uuid4())
        event = {"orderId": order, "customerId": customer, "items": items, "total": total}
        with self._store.transaction() as tx:
            _insert(tx, event, "placed")
            if not self._settings.is_broken("publish-unconfirmed"):
                self.broker.outbox.put(tx, "order.placed", event)
        if self._settings.is_broken("publish-unconfirmed"):
            self.broker.publish_unconfirmed("order.placed", order, json.dumps(event))
        return JSONResponse({"id": order, "total": total, "status": "accepted"}, status_code=202)

    async def check_out(self, request: Request) -> Response:
        """202: the saga has begun; how it stands is told by GET /checkouts/{orderId}."""
        wanted = await _wanted(request)
        if wanted is None:
            return problem(422, "customerId or items missing, of the wrong type, or not for sale")
        customer, items, total = wanted
        order = str(uuid.uuid4())
        event = {"orderId": order, "customerId": customer, "items": items, "total": total}
        with self._store.transaction() as tx:
            tx.execute("INSERT INTO checkouts (order_id, total) VALUES (?, ?)", (order, total))
            self.broker.outbox.put(tx, "checkout.initiated", event)
        quantity = sum(item["quantity"] for item in items)
        return JSONResponse(
            {"orderId": order, "total": total, "quantity": quantity, "status": "initiated"}, status_code=202
        )

    async def show_checkout(self, request: Request) -> Response:
        """`status`: initiated | pending | confirmed | cancelled; never asks the customer service."""
        query = (
            "SELECT order_id AS orderId, checkouts.total, coalesce(status, 'initiated') AS status,"
            " coalesce(cancellations, 0) AS cancellations"
            " FROM checkouts LEFT JOIN orders ON id = order_id WHERE order_id = ?"
        )
        found = self._store.row(query, request.path_params["id"])
        return JSONResponse(found) if found else problem(404, "no such checkout")

    async def totals(self, _: Request) -> Response:
        """How many orders stand how."""
        rows = self._store.rows("SELECT status, count(*) AS orders FROM orders GROUP BY status")
        return JSONResponse({row["status"]: row["orders"] for row in rows})

    # --- events

    def create(self, tx: sqlite3.Connection, event: dict[str, Any], _: Any) -> None:
        """`checkout.initiated`: the order exists, pending."""
        if _insert(tx, event, "pending"):
            created = {name: event[name] for name in ("orderId", "items", "total")}
            self.broker.outbox.put(tx, "order.created", created)

    def confirm(self, tx: sqlite3.Connection, event: dict[str, Any], _: Any) -> None:
        """`payment.completed`."""
        tx.execute("UPDATE orders SET status = 'confirmed' WHERE id = ? AND status = 'pending'", (event["orderId"],))

    def cancel(self, tx: sqlite3.Connection, event: dict[str, Any], _: Any) -> None:
        """`payment.failed` or `inventory.failed`: the compensation on our side."""
        tx.execute(
            "UPDATE orders SET status = 'cancelled', cancellations = cancellations + 1 WHERE id = ?",
            (event["orderId"],),
        )


def _insert(tx: sqlite3.Connection, event: dict[str, Any], status: str) -> bool:
    values = (event["orderId"], event["customerId"], json.dumps(event["items"]), event["total"], status)
    statement = "INSERT OR IGNORE INTO orders (id, customer_id, items, total, status) VALUES (?, ?, ?, ?, ?)"
    return tx.execute(statement, values).rowcount == 1


async def _wanted(request: Request) -> tuple[str, list[dict[str, Any]], int] | None:
    """(customer, items, total in cents) of a request's body, or None if it is not a valid one."""
    try:
        body = json.loads(await request.body())
        customer = body["customerId"]
        items = [{"sku": item["sku"], "quantity": item["quantity"]} for item in body["items"]]
        if not (events.is_text(customer) and events.is_items(items)):
            return None
        return customer, items, total_cents(items)
    except (ValueError, LookupError, TypeError):
        return None


def main() -> None:
    """Run the service."""
    settings = Settings.from_environment("order")
    store = Store(settings.database, SCHEMA + consumer.SCHEMA + outbox.SCHEMA)
    seed(store)
    orders = Orders(settings, store)
    serve(settings, orders.routes, broker=orders.broker, closing=[orders.customers.close])


if __name__ == "__main__":
    main()
