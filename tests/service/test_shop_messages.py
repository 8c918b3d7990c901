"""The shop's consumers and outbox on real processes and a real broker; and each switch that breaks them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.rabbitmq import Rabbit
from tests.fixtures.shop import Queues, ShopService, Stage, make_stage, until

pytestmark = pytest.mark.service

QUEUE = "inventory.order-placed"
NOBODY = "http://127.0.0.1:1"
ITEMS = [{"sku": "sku-1", "quantity": 2}, {"sku": "sku-2", "quantity": 3}]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    yield from make_stage(tmp_path)


@pytest.fixture
def queues(vhost: Rabbit) -> Iterator[Queues]:
    queues = Queues(vhost.url, vhost.management_url)
    yield queues
    queues.close()


def placed(order: str) -> dict[str, object]:
    return {"orderId": order, "customerId": "c-1", "items": ITEMS, "total": 2900}


def inventory_of(stage: Stage, queues: Queues, broken: str = "") -> ShopService:
    return stage.service("inventory", broken=broken, AMQP_URL=queues.url).wait()


def reservations(inventory: ShopService, order: str) -> int:
    return len(inventory.get(f"/reservations?orderId={order}")["items"])


def test_effects_once_poison_aside_books_kept(stage: Stage, queues: Queues) -> None:
    """A sound consumer: twice told is once done, poison ends in the DLQ and holds up nobody, one release."""
    inventory = inventory_of(stage, queues)
    for order in ("a", "a", "b"):
        queues.event("order.placed", placed(order))
    for body in (b"{", b'{"orderId": "c"}'):
        queues.publish("shop.events", "order.placed", body, content_type="application/json")
    queues.event("order.placed", placed("d"))
    until(lambda: reservations(inventory, "d"))
    assert until(lambda: queues.depth(f"{QUEUE}.dlq") == 2)
    assert queues.take(f"{QUEUE}.dlq") == [b"{", b'{"orderId": "c"}']
    assert [reservations(inventory, order) for order in "abcd"] == [1, 1, 0, 1]

    queues.event("order.created", {"orderId": "e", "items": ITEMS, "total": 2900})
    assert until(lambda: inventory.get("/books?orderId=e")["quantity"]) == 5
    for _ in range(2):
        queues.event("payment.failed", {"orderId": "e"})
    assert until(lambda: inventory.get("/books?orderId=e")["quantity"] == 0 and queues.depth(QUEUE) == 0)
    assert inventory.get("/books?orderId=e")["releases"] == 1
    assert json.loads(queues.take("payment.inventory-reserved")[0]) == {"orderId": "e", "total": 2900}


def test_broken_consumer_not_idempotent(stage: Stage, queues: Queues) -> None:
    """`consumer-not-idempotent`: twice told is twice done."""
    inventory = inventory_of(stage, queues, "consumer-not-idempotent")
    for _ in range(2):
        queues.event("order.placed", placed("a"))
    assert until(lambda: reservations(inventory, "a") == 2)


def test_broken_no_dead_letter(stage: Stage, queues: Queues) -> None:
    """`no-dead-letter`: what was rejected is nowhere."""
    inventory = inventory_of(stage, queues, "no-dead-letter")
    queues.publish("shop.events", "order.placed", b"{")
    queues.event("order.placed", placed("a"))
    until(lambda: reservations(inventory, "a"))
    assert until(lambda: queues.depth(QUEUE) == 0)
    assert queues.depth(f"{QUEUE}.dlq") == 0


def test_broken_blocks_behind_poison(stage: Stage, queues: Queues) -> None:
    """`blocks-behind-poison`: the good order behind it is never reserved."""
    inventory = inventory_of(stage, queues, "blocks-behind-poison")
    queues.publish("shop.events", "order.placed", b"{")
    queues.event("order.placed", placed("a"))
    until(lambda: inventory.log.read_text().count("rejected") > 50)
    assert reservations(inventory, "a") == 0


@pytest.mark.parametrize(("broken", "quantity", "releases"), [("no-compensation", 5, 0), ("compensates-twice", -5, 2)])
def test_broken_compensation(stage: Stage, queues: Queues, broken: str, quantity: int, releases: int) -> None:
    """`no-compensation` keeps what was reserved, `compensates-twice` gives back more than that."""
    inventory = inventory_of(stage, queues, broken)
    queues.event("order.created", {"orderId": "e", "items": ITEMS, "total": 2900})
    until(lambda: inventory.get("/books?orderId=e")["quantity"] == 5)
    queues.event("payment.failed", {"orderId": "e"})
    until(lambda: inventory.get("/health")["broker"] == "connected" and queues.depth("inventory.payment-failed") == 0)
    assert inventory.get("/books?orderId=e") == {"orderId": "e", "quantity": quantity, "releases": releases}


@pytest.mark.parametrize("broken", ["", "publish-unconfirmed"])
def test_orders_accepted_in_an_outage(stage: Stage, queues: Queues, broken: str) -> None:
    """The outbox brings every accepted order, once, after the broker is back; without it they are gone."""
    way = stage.way(queues.url)
    order = stage.service("order", broken=broken, CUSTOMER_URL=NOBODY, AMQP_URL=way.url).wait()

    def place(count: int) -> set[str]:
        answers = [order.client.post("/orders", json={"customerId": "c-1", "items": ITEMS}) for _ in range(count)]
        assert {answer.status_code for answer in answers} == {202}
        return {answer.json()["id"] for answer in answers}

    told: list[str] = []

    def all_told(orders: set[str]) -> bool:
        told.extend(json.loads(body)["orderId"] for body in queues.take(QUEUE))
        return orders <= set(told)

    before = place(3)
    until(lambda: all_told(before))
    way.shut()
    during = place(20)
    way.open()
    order.wait()
    after = place(3)
    until(lambda: all_told(after))
    assert len(told) == len(set(told))
    assert set(told) == before | after | (set() if broken else during)


def test_reconnects_and_keeps_what_waited(stage: Stage, queues: Queues) -> None:
    """A consumer that lost the broker is back by itself, and what came in between is processed."""
    way = stage.way(queues.url)
    inventory = stage.service("inventory", AMQP_URL=way.url).wait()
    way.shut()
    until(lambda: inventory.get("/health")["broker"] == "disconnected")
    queues.event("order.placed", placed("a"))
    way.open()
    begun = time.monotonic()
    until(lambda: reservations(inventory, "a"))
    assert time.monotonic() - begun < 5
