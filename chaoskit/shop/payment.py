"""Payment: charges what was reserved, through the bank. Its process also plays the bank (bank.py), behind BANK_URL."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from typing import Any

from chaoskit.shop import bank, consumer, outbox
from chaoskit.shop.bank import Bank
from chaoskit.shop.broker import Broker
from chaoskit.shop.consumer import Consumer
from chaoskit.shop.dependency import CallFailed, Dependency
from chaoskit.shop.service import serve
from chaoskit.shop.settings import Settings
from chaoskit.shop.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS voids (key TEXT PRIMARY KEY);
"""
ATTEMPTS_MAX, PAUSE_S, VOID_AGAIN_S = 3, 0.25, 1.0


@dataclass(frozen=True, slots=True)
class Charge:
    """How charging went. `open_end`: the bank may have charged although we have no answer that says so."""

    charged: bool
    open_end: bool = False


class Payment:
    """The effect of `inventory.reserved`, and the voiding of charges that nobody knows the end of."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self.bank = Dependency(settings, "bank", settings.urls["BANK_URL"])
        self.broker = Broker(settings, store, [Consumer("payment.inventory-reserved", self.decide, self.charge)])
        self._void_wanted = asyncio.Event()

    async def charge(self, event: dict[str, Any]) -> Charge:
        """Try at most three times; the order's id is the key, so the bank charges once however often it is asked."""
        body = {"key": event["orderId"], "orderId": event["orderId"], "amount": event["total"]}
        open_end = False
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                await asyncio.sleep(self._settings.scaled(PAUSE_S) * attempt)
            try:
                status, _ = await self.bank.call("POST", "/bank/charges", body)
            except CallFailed as error:
                if error.reason == "open":
                    break
                open_end = open_end or error.reason != "unreachable"
            else:
                return Charge(charged=status in (200, 201))
        return Charge(charged=False, open_end=open_end)

    def decide(self, tx: sqlite3.Connection, event: dict[str, Any], charge: Charge) -> None:
        """Say how it went; a charge without a known end is voided before long, whatever it takes."""
        key = event["orderId"]
        if charge.charged:
            self.broker.outbox.put(tx, "payment.completed", {"orderId": key})
            return
        if charge.open_end and not self._settings.is_broken("charge-left-behind"):
            tx.execute("INSERT OR IGNORE INTO voids (key) VALUES (?)", (key,))
            self._void_wanted.set()
        self.broker.outbox.put(tx, "payment.failed", {"orderId": key})

    async def void_open_ends(self) -> None:
        """Void what is to be voided, again and again until the bank has said that it did. Never returns."""
        while True:
            self._void_wanted.clear()
            row = self._store.row("SELECT key FROM voids ORDER BY random() LIMIT 1")
            if row is None:
                await self._void_wanted.wait()
                continue
            try:
                await self.bank.call("POST", "/bank/voids", {"key": row["key"], "orderId": row["key"]})
            except CallFailed:
                await asyncio.sleep(self._settings.scaled(VOID_AGAIN_S))
            else:
                with self._store.transaction() as tx:
                    tx.execute("DELETE FROM voids WHERE key = ?", (row["key"],))


def main() -> None:
    """Run the service."""
    settings = Settings.from_environment("payment")
    store = Store(settings.database, SCHEMA + bank.SCHEMA + consumer.SCHEMA + outbox.SCHEMA)
    payment = Payment(settings, store)
    serve(
        settings,
        Bank(store).routes,
        broker=payment.broker,
        background=[payment.void_open_ends],
        closing=[payment.bank.close],
    )


if __name__ == "__main__":
    main()
