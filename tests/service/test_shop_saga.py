"""The checkout saga on real processes and a real broker: it ends, and everybody's books agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.rabbitmq import Rabbit
from tests.fixtures.shop import Queues, Stage, free_port, make_stage, until

pytestmark = pytest.mark.service

WANTED = {"customerId": "c-1", "items": [{"sku": "sku-1", "quantity": 3}, {"sku": "sku-2", "quantity": 1}]}
TOTAL = 3 * 550 + 600


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    yield from make_stage(tmp_path)


class Shop:
    """Order, inventory and payment, with the way to the bank in the test's hand."""

    def __init__(self, stage: Stage, amqp_url: str) -> None:
        port = free_port()
        self.bank = stage.callee(f"http://127.0.0.1:{port}")
        self.order = stage.service("order", AMQP_URL=amqp_url, CUSTOMER_URL="http://127.0.0.1:1")
        self.inventory = stage.service("inventory", AMQP_URL=amqp_url)
        self.payment = stage.service("payment", AMQP_URL=amqp_url, BANK_URL=self.bank.url, port=port)
        for service in (self.order, self.inventory, self.payment):
            service.wait()

    def check_out(self, wanted: dict[str, Any] = WANTED) -> str:
        answer = self.order.client.post("/checkouts", json=wanted)
        assert answer.status_code == 202
        return str(answer.json()["orderId"])

    def ends(self, order: str) -> tuple[str, int, int, int, int]:
        """(status, cancellations, reserved, releases, charged) once the order is confirmed or cancelled."""
        checkout = until(lambda: found if (found := self.order.get(f"/checkouts/{order}"))["status"] in _ENDS else None)
        until(lambda: self.inventory.get(f"/books?orderId={order}")["releases"] or checkout["status"] == "confirmed")
        books = self.inventory.get(f"/books?orderId={order}")
        charged = self.payment.get(f"/charges?orderId={order}")["amount"]
        return checkout["status"], checkout["cancellations"], books["quantity"], books["releases"], charged


_ENDS = ("confirmed", "cancelled")


def test_all_or_nothing(stage: Stage, vhost: Rabbit) -> None:
    """Success, no stock, a bank that refuses, and a bank whose answers are lost: the books agree every time."""
    shop = Shop(stage, vhost.url)
    assert shop.ends(shop.check_out()) == ("confirmed", 0, 4, 0, TOTAL)

    sold_out = shop.check_out({"customerId": "c-1", "items": [{"sku": "sku-sold-out", "quantity": 1}]})
    until(lambda: shop.order.get(f"/checkouts/{sold_out}")["status"] == "cancelled")
    assert shop.inventory.get(f"/books?orderId={sold_out}")["quantity"] == 0

    shop.bank.behaviour = "502"
    assert shop.ends(shop.check_out()) == ("cancelled", 1, 0, 1, 0)
    assert len(shop.bank.arrivals) <= 1 + 3 + 1, "at most three attempts, and perhaps a void"

    shop.bank.behaviour = "answer"
    until(lambda: shop.ends(shop.check_out())[0] == "confirmed")  # the breaker may have to close first
    shop.bank.behaviour = "lose"
    lost = shop.check_out()
    until(lambda: shop.order.get(f"/checkouts/{lost}")["status"] == "cancelled")
    assert shop.payment.get(f"/charges?orderId={lost}")["items"], "the bank did charge"
    shop.bank.behaviour = "answer"
    until(lambda: shop.payment.get(f"/charges?orderId={lost}")["amount"] == 0)
    assert shop.ends(lost) == ("cancelled", 1, 0, 1, 0)


def test_broken_charge_left_behind(stage: Stage, vhost: Rabbit) -> None:
    """`charge-left-behind`: the order failed, and the customer paid for it."""
    port = free_port()
    bank = stage.callee(f"http://127.0.0.1:{port}")
    payment = stage.service("payment", broken="charge-left-behind", AMQP_URL=vhost.url, BANK_URL=bank.url, port=port)
    payment.wait()
    queues = Queues(vhost.url, vhost.management_url)
    bank.behaviour = "lose"
    queues.event("inventory.reserved", {"orderId": "a", "total": 700})
    until(lambda: queues.depth("inventory.payment-failed") == 1)
    assert json.loads(queues.take("inventory.payment-failed")[0]) == {"orderId": "a"}
    bank.behaviour = "answer"
    queues.event("inventory.reserved", {"orderId": "b", "total": 1})
    until(lambda: queues.depth("order.payment-completed") == 1)
    assert payment.get("/charges?orderId=a")["amount"] == 700
    queues.close()
