"""Customer: who our customers are. Asked synchronously by order; knows no broker."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaoskit.shop.service import problem, serve
from chaoskit.shop.settings import Settings
from chaoskit.shop.store import Store

SCHEMA = "CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL);"
SEEDED = 50


def seed(store: Store) -> None:
    """Customers c-1 … c-50, where they are missing."""
    rows = [(f"c-{n}", f"Customer {n}", f"customer-{n}@shop.example") for n in range(1, SEEDED + 1)]
    with store.transaction() as tx:
        tx.executemany("INSERT OR IGNORE INTO customers (id, name, email) VALUES (?, ?, ?)", rows)


def main() -> None:
    """Run the service."""
    settings = Settings.from_environment("customer")
    store = Store(settings.database, SCHEMA)
    seed(store)

    async def customer(request: Request) -> Response:
        found = store.row("SELECT * FROM customers WHERE id = ?", request.path_params["id"])
        return JSONResponse(found) if found else problem(404, "no such customer")

    async def totals(_: Request) -> Response:
        return JSONResponse({"customers": store.number("SELECT count(*) FROM customers")})

    serve(settings, [Route("/customers/{id}", customer), Route("/totals", totals)])


if __name__ == "__main__":
    main()
