"""Names of proxies and addresses of upstreams."""

from __future__ import annotations

import pytest
from chaoskit.toxiproxy.actuator import host_port, proxy_name


@pytest.mark.parametrize(
    ("link", "name"),
    [("order -> customer", "ck-order-customer"), ("a.b -> c_d", "ck-a.b-c_d"), ("a/b -> c", "ck-a-b-c")],
)
def test_proxy_name(link: str, name: str) -> None:
    """A name says whose it is and for which link, and holds nothing that Toxiproxy can't reach again."""
    assert proxy_name(link) == name


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        ("http://127.0.0.1:80/x", "127.0.0.1:80"),
        ("127.0.0.1:9", "127.0.0.1:9"),
        ("http://shop", "shop:80"),
        ("https://shop/", "shop:443"),
        ("amqp://broker", "broker:5672"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_host_port(upstream: str, expected: str) -> None:
    """Toxiproxy takes host:port; users write URLs."""
    assert host_port(upstream) == expected
