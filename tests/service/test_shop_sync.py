"""The shop's synchronous half on real processes: timeout, breaker, fallback; and each switch that breaks them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.shop import Callee, ShopService, Stage, make_stage, until

pytestmark = pytest.mark.service

NOWHERE = "amqp://127.0.0.1:1/"
STAND_IN = {"id": "c-1", "name": "Customer", "_fallback": True}
TIMEOUT_S, RESET_S = 0.6, 2.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    yield from make_stage(tmp_path)


def start(stage: Stage, broken: str = "") -> tuple[ShopService, Callee]:
    """An order service, and a customer service that does as it is told."""
    customer = stage.callee()
    order = stage.service("order", broken=broken, CUSTOMER_URL=customer.url, AMQP_URL=NOWHERE)
    return order.wait("/health"), customer


def trip(stage: Stage, order: ShopService, customer: Callee) -> float:
    """Let the customer hang until the breaker has opened; returns when it did."""
    customer.behaviour = "hang"
    stage.load(order, "/orders/o-1", rate=40, seconds=0.4)
    return float(until(order.breaker_log)[0][1])


def test_breaker_opens_probes_once_and_closes(stage: Stage) -> None:
    """The whole life of a sound breaker under a hang, seen by the callee and told by the service's own log."""
    order, customer = start(stage)
    assert order.get("/orders/o-1")["customer"]["name"] == "Customer 1"
    opened = trip(stage, order, customer)
    before = len(customer.arrivals)
    answers = stage.load(order, "/orders/o-1", rate=40, seconds=0.5)
    assert len(customer.arrivals) == before, "calls while open"
    assert all(answer and answer.json()["customer"] == STAND_IN for answer in answers)
    assert sorted(answer.elapsed.total_seconds() for answer in answers if answer)[10] < TIMEOUT_S / 2

    time.sleep(max(0.0, opened + RESET_S + 0.05 - time.time()))
    stage.load(order, "/orders/o-1", rate=40, seconds=0.3)
    assert len(customer.arrivals) == before + 1, "half-open lets exactly one probe through"
    customer.behaviour = "answer"
    until(lambda: [state for state, _ in order.breaker_log()][2:] == ["open"])
    until(lambda: "_fallback" not in order.get("/orders/o-1")["customer"], within_s=3 * RESET_S)
    states = [state for state, _ in order.breaker_log()]
    assert states == ["open", "half-open", "open", "half-open", "closed"]


def test_every_failure_is_served_by_the_stand_in(stage: Stage) -> None:
    """Hang, wrong status, half an answer: none of them becomes the caller's own; an unknown customer is no failure."""
    order, customer = start(stage)
    for behaviour in ("502", "cut", "hang"):
        customer.behaviour = behaviour
        answer = order.client.get("/orders/o-1")
        assert (answer.status_code, answer.json()["customer"]) == (200, STAND_IN), behaviour
        assert answer.elapsed.total_seconds() < 2 * TIMEOUT_S + 0.2
    customer.behaviour = "404"
    for _ in range(20):
        assert order.get("/orders/o-1")["customer"] is None
    assert order.breaker_log() == []


def test_stops_within_a_second(stage: Stage) -> None:
    """A graceful stop is a quick one, requests in flight and a broker out of reach included."""
    order, customer = start(stage)
    customer.behaviour = "hang"
    stage.load(order, "/orders/o-1", rate=20, seconds=0.1)
    begun = time.monotonic()
    order.process.terminate()
    order.process.wait(5)
    assert time.monotonic() - begun < 1.5, "one second, and half of one for a busy machine"


# Switches that don't hide one another share a process: starting one is most of what such a test costs.


def test_broken_no_timeout_no_breaker(stage: Stage) -> None:
    """`no-timeout`: a hang of the callee is one of the caller. `no-breaker`: every request calls the failing callee."""
    order, customer = start(stage, "no-timeout,no-breaker")
    customer.behaviour = "502"
    stage.load(order, "/orders/o-1", rate=50, seconds=0.6)
    assert len(customer.arrivals) >= 25
    customer.behaviour = "hang"
    assert stage.load(order, "/orders/o-1", rate=10, seconds=0.1) == [None]


def test_broken_no_fallback_breaker_never_closes(stage: Stage) -> None:
    """`no-fallback`: fails with the callee. `breaker-never-closes`: healed for the reset time, it still fails."""
    order, customer = start(stage, "no-fallback,breaker-never-closes")
    customer.behaviour = "502"
    assert order.client.get("/orders/o-1").status_code == 500
    opened = trip(stage, order, customer)
    customer.behaviour = "answer"
    time.sleep(max(0.0, opened + 1.2 * RESET_S - time.time()))
    assert order.client.get("/orders/o-1").status_code == 503


def test_broken_fallback_only_on_timeout_opens_on_404_retries_while_open(stage: Stage) -> None:
    """`fallback-only-on-timeout`: wrong answers become ours. `breaker-opens-on-404`: a few unknown customers, and
    nobody is looked up any more. `retries-while-open`: except for some calls, although the breaker says open."""
    order, customer = start(stage, "fallback-only-on-timeout,breaker-opens-on-404,retries-while-open")
    for behaviour, status in (("502", 500), ("cut", 500), ("hang", 200)):
        customer.behaviour = behaviour
        assert order.client.get("/orders/o-1").status_code == status
    customer.behaviour = "404"
    for _ in range(5):
        order.get("/orders/o-1")
    assert [state for state, _ in order.breaker_log()] == ["open"]
    before = len(customer.arrivals)
    stage.load(order, "/orders/o-1", rate=50, seconds=0.6)
    assert 2 <= len(customer.arrivals) - before <= 4
    assert [state for state, _ in order.breaker_log()] == ["open"]
