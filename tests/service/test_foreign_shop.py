"""The shop, started by a plain shell script: links listen where its addresses point, and it is left as it was."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from chaoskit.toxiproxy.client import EngineClient

from tests.fixtures.rabbitmq import Rabbit
from tests.fixtures.shop import Loop, free_port, until
from tests.service.tiny.project import Project

pytestmark = pytest.mark.service

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scenarios" / "start-shop.sh"
SERVICES = ("order", "customer", "inventory", "payment", "email")

SYSTEM = """\
system: foreign-shop
services:
  order: {{url: "http://127.0.0.1:{order}", ready: {{http: /ready}}}}
  customer: {{url: "http://127.0.0.1:{customer}"}}
  inventory: {{url: "http://127.0.0.1:{inventory}", ready: {{http: /ready}}}}
  email: {{url: "http://127.0.0.1:{email}"}}
links:
  order -> customer:                        # order lets only the host be set, so we are the other host on its port
    upstream: "http://127.0.0.1:{customer}"
    listen: "127.0.0.2:{customer}"
    timeout: 600ms
    breaker: {{opens_at: 50%, reset: 2s}}
  inventory -> broker: {{protocol: amqp, listen: "127.0.0.1:{amqp}"}}
  email -> broker: {{protocol: amqp, toxiproxy: {{url: "{toxiproxy}", proxy: mail}}}}
broker: {{url: "{url}", management_url: "{management_url}"}}
consumers:
  inventory:
    service: inventory
    queue: inventory.order-placed
    exchange: shop.events
    routing_key: order.placed
    key: orderId
    message: {contracts}/messages/order-placed.json
    effect: {{http: "GET {{inventory}}/reservations?orderId={{key}}", count: $.items}}
    accepted_by: {{request: POST /orders, status: 202, key: $.id}}
journeys:
  browse: [{{http: "GET {{order}}/orders/{{seeded.order}}", name: GET /orders/id}}]
  order:
    - http: POST {{order}}/orders
      name: POST /orders
      json: {{customerId: c-1, items: [{{sku: sku-1, quantity: 1}}]}}
seeded: {{order: [o-1, o-2, o-3]}}
"""

HANG = """\
scenario: A hanging customer service opens the breaker
load: {journey: browse, rate: 50/s}
steady: {p95: 250ms, errors: 0%}
faults: [{at: 1s, for: 4s, link: order -> customer, hang: true}]
expect:
  - breaker: order -> customer
    opens_within: 3s
    closes_within: 5s
"""

MESSAGES = """\
---
scenario: Orders that are told twice are reserved once
load: {journey: order, rate: 12/s}
faults: [{at: 1s, for: 2s, consumer: inventory, duplicate: adjacent}]
expect: [{idempotent: inventory}]
---
scenario: Orders accepted while inventory and email have no broker are reserved
load: {journey: order, rate: 12/s}
faults: [{at: 500ms, for: 1s, broker: all, outage: true}]
expect: [{nothing_lost: inventory, once: true}]
"""


class StandIn:
    """What stands at a link's address while no run goes on, such as a port-forward: a plain relay."""

    def __init__(self, loop: Loop, listen: str, upstream: str) -> None:
        self._loop, self._listen, self._upstream = loop, listen.rpartition(":"), upstream.rpartition(":")
        self._writers: set[asyncio.StreamWriter] = set()

    def open(self) -> None:
        host, _, port = self._listen
        self._server = self._loop.run(asyncio.start_server(self._relay, host, int(port)))

    def shut(self) -> None:
        self._loop.run(self._shut())

    async def _shut(self) -> None:
        self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._upstream
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        ends = {writer, far_writer}
        self._writers |= ends
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self._writers -= ends


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


class ForeignShop:
    """The shop as a shell script started it, and a project that describes it."""

    def __init__(self, loop: Loop, broker: Rabbit, engine: EngineClient, folder: Path, broken: str) -> None:
        self.ports = {name: free_port() for name in (*SERVICES, "amqp")}
        mail = engine.create_proxy("mail", upstream=broker.host_port, listen="127.0.0.1:0").listen
        customer = self.ports["customer"]
        self.stand_ins = [
            StandIn(loop, f"127.0.0.2:{customer}", f"127.0.0.1:{customer}"),
            StandIn(loop, f"127.0.0.1:{self.ports['amqp']}", broker.host_port),
        ]
        self.env = {
            **os.environ,
            **{f"{name.upper()}_PORT": str(self.ports[name]) for name in SERVICES},
            "AMQP_URL": broker.url,
            "INVENTORY_AMQP_URL": broker.through(f"127.0.0.1:{self.ports['amqp']}"),
            "EMAIL_AMQP_URL": broker.through(mail),
            "CUSTOMER_URL": f"http://127.0.0.2:{customer}",
            "SHOP_FOLDER": str(folder / "shop"),
            "PYTHON": sys.executable,
            "SHOP_TIME_SCALE": "0.2",
            "SHOP_BROKEN": broken,
        }
        self.system = SYSTEM.format(
            **self.ports,
            url=broker.url,
            management_url=broker.management_url,
            contracts=ROOT / "contracts",
            toxiproxy=engine.url,
        )
        self.pidfile = folder / "shop" / "shop.pid"

    def script(self, what: str) -> None:
        subprocess.run(["sh", str(SCRIPT), what], env=self.env, check=True, timeout=90, stdout=subprocess.DEVNULL)

    def ask(self, service: str, path: str, **json: Any) -> Any:
        with httpx.Client(base_url=f"http://127.0.0.1:{self.ports[service]}", timeout=10, trust_env=False) as client:
            return (client.post(path, json=json) if json else client.get(path)).json()

    def works(self) -> None:
        """An order shows its customer, and one that is placed is reserved exactly once."""
        until(lambda: "_fallback" not in self.ask("order", "/orders/o-7")["customer"])
        placed = self.ask("order", "/orders", customerId="c-7", items=[{"sku": "sku-1", "quantity": 1}])["id"]
        until(lambda: self.ask("inventory", f"/reservations?orderId={placed}")["items"])
        assert len(self.ask("inventory", f"/reservations?orderId={placed}")["items"]) == 1


@contextmanager
def started(broker: Rabbit, engine: EngineClient, folder: Path, broken: str = "") -> Iterator[ForeignShop]:
    """The shop until the block ends; inside it the stand-ins have stepped aside for us."""
    loop = Loop()
    shop = ForeignShop(loop, broker, engine, folder, broken)
    try:
        for stand_in in shop.stand_ins:
            stand_in.open()
        shop.script("start")
        shop.works()
        yield shop
    finally:
        shop.script("stop")
        loop.close()


def on(broker: Rabbit) -> dict[str, Any]:
    """All that is declared in a virtual host."""
    vhost = broker.address.vhost
    with broker.api() as api:
        kinds = ("queues", "exchanges", "bindings", "policies")
        return {
            kind: sorted(f"{row.get('name')} {row.get('source')} {row.get('destination')}" for row in rows)
            for kind in kinds
            if isinstance(rows := api.get(f"/{kind}/{vhost}").json(), list)
        }


def test_green_and_left_as_it_was(vhost: Rabbit, engine: EngineClient, tmp_path: Path) -> None:
    """Hang, duplicates and outage on a sound shop pass; shop and broker are as before, to the last queue."""
    with started(vhost, engine, tmp_path) as shop:
        before, proxies, pids = on(vhost), engine.snapshots(), shop.pidfile.read_text()
        for stand_in in shop.stand_ins:
            stand_in.shut()
        project = Project(tmp_path, HANG + MESSAGES, shop.system)
        code, output = project.run()
        assert code == 0, output
        proofs = {(event["link"], event["sight"], event["passed"]) for event in project.events("link.proof")}
        assert proofs == {
            ("order -> customer", "tap", True),
            ("inventory -> broker", "broker", True),
            ("email -> broker", "load", True),
        }
        for stand_in in shop.stand_ins:
            stand_in.open()
        until(lambda: shop.ask("inventory", "/ready"))
        shop.works()
        assert on(vhost) == before
        assert engine.snapshots() == proxies
        assert shop.pidfile.read_text() == pids


def test_red_on_a_shop_without_breaker(vhost: Rabbit, engine: EngineClient, tmp_path: Path) -> None:
    """The same file finds what is wrong with a system that it did not start, by name; links without fault carry on."""
    with started(vhost, engine, tmp_path, "no-breaker") as shop:
        for stand_in in shop.stand_ins:
            stand_in.shut()
        project = Project(tmp_path, HANG, shop.system)
        code, output = project.run()
        assert code == 1, output
        (check,) = [check for check in project.record["scenarios"][0]["checks"] if check["verdict"] == "fail"]
        assert check["id"] == "breaker[order -> customer]"
