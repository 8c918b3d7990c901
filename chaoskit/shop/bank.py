"""The bank: it charges once per key, and voids. Its book is the truth about money; payment calls it over HTTP."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaoskit.shop.service import order_id, problem
from chaoskit.shop.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS bank_charges (
    key TEXT PRIMARY KEY, order_id TEXT NOT NULL, amount INTEGER NOT NULL, voided INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS bank_charges_by_order ON bank_charges (order_id);
"""


class Bank:
    """Routes of the bank."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.routes = [
            Route("/bank/charges", self._charge, methods=["POST"]),
            Route("/bank/voids", self._void, methods=["POST"]),
            Route("/charges", self._charges),
            Route("/totals", self._totals),
        ]

    async def _charge(self, request: Request) -> Response:
        """201 the first time, 200 for a key that is charged already, 409 for one that was voided."""
        body = await _object(request)
        key, order, amount = body.get("key"), body.get("orderId"), body.get("amount")
        if not (isinstance(key, str) and isinstance(order, str) and isinstance(amount, int) and amount >= 0):
            return problem(422, "key, orderId or amount missing or of the wrong type")
        with self._store.transaction() as tx:
            fresh = tx.execute(
                "INSERT OR IGNORE INTO bank_charges (key, order_id, amount) VALUES (?, ?, ?)", (key, order, amount)
            ).rowcount
            (voided,) = tx.execute("SELECT voided FROM bank_charges WHERE key = ?", (key,)).fetchone()
        if voided:
            return problem(409, "this charge was voided")
        return JSONResponse({"key": key, "amount": amount, "state": "charged"}, status_code=201 if fresh else 200)

    async def _void(self, request: Request) -> Response:
        """The key is worth nothing from now on, even if its charge arrives only later."""
        body = await _object(request)
        key, order = body.get("key"), body.get("orderId")
        if not (isinstance(key, str) and isinstance(order, str)):
            return problem(422, "key or orderId missing or of the wrong type")
        with self._store.transaction() as tx:
            tx.execute(
                "INSERT INTO bank_charges (key, order_id, amount, voided) VALUES (?, ?, 0, 1)"
                " ON CONFLICT (key) DO UPDATE SET voided = 1",
                (key, order),
            )
        return JSONResponse({"key": key, "state": "voided"})

    async def _charges(self, request: Request) -> Response:
        """What an order was charged, net of voids."""
        query = "SELECT key, amount, voided FROM bank_charges WHERE order_id = ?"
        rows = self._store.rows(query, order_id(request))
        net = sum(row["amount"] for row in rows if not row["voided"])
        return JSONResponse({"orderId": order_id(request), "amount": net, "items": rows})

    async def _totals(self, _: Request) -> Response:
        query = "SELECT count(*) AS charges, coalesce(sum(amount), 0) AS amount FROM bank_charges WHERE NOT voided"
        return JSONResponse(self._store.row(query))


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
