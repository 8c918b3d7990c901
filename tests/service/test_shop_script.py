"""The plain shell script that starts the whole shop as somebody else would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.fixtures.rabbitmq import Rabbit
from tests.fixtures.shop import free_port, until

pytestmark = pytest.mark.service

SCRIPT = Path(__file__).parents[2] / "scenarios" / "start-shop.sh"


def test_starts_and_stops_the_whole_shop(vhost: Rabbit, tmp_path: Path) -> None:
    """An order passes through all five services, and `stop` leaves no process behind."""
    ports = {f"{name}_PORT": str(free_port()) for name in ("ORDER", "CUSTOMER", "INVENTORY", "PAYMENT", "EMAIL")}
    settings = {"AMQP_URL": vhost.url, "SHOP_FOLDER": str(tmp_path), "PYTHON": sys.executable, "SHOP_TIME_SCALE": "0.2"}
    env = {**os.environ, **ports, **settings}
    subprocess.run(["sh", str(SCRIPT), "start"], env=env, check=True, timeout=60)
    pids = [int(line.split()[1]) for line in (tmp_path / "shop.pid").read_text().splitlines()]
    try:
        assert len(pids) == 5
        order, email = (f"http://127.0.0.1:{ports[name]}" for name in ("ORDER_PORT", "EMAIL_PORT"))
        with httpx.Client(trust_env=False, timeout=10) as client:
            assert client.get(f"{order}/orders/o-7").json()["customer"]["name"] == "Customer 7"
            wanted = {"customerId": "c-7", "items": [{"sku": "sku-1", "quantity": 1}]}
            key = client.post(f"{order}/orders", json=wanted).json()["id"]
            until(lambda: len(client.get(f"{email}/emails?orderId={key}").json()["items"]) == 1)
            checkout = client.post(f"{order}/checkouts", json=wanted).json()["orderId"]
            until(lambda: client.get(f"{order}/checkouts/{checkout}").json()["status"] == "confirmed")
    finally:
        subprocess.run(["sh", str(SCRIPT), "stop"], env=env, check=True, timeout=60)
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
