"""AMQP URLs."""

from __future__ import annotations

import pytest
from chaoskit.broker.address import BrokerAddress
from chaoskit.errors import UsageProblem


@pytest.mark.parametrize(
    ("url", "host_port", "vhost"),
    [
        ("amqp://u:p@host:1234/orders", "host:1234", "orders"),
        ("amqp://u:p@host", "host:5672", "/"),
        ("amqp://u:p@host/%2F", "host:5672", "/"),
        ("amqps://u:p@host/", "host:5671", "/"),
        ("amqp://u:p@[::1]:1/v%2Fw", "[::1]:1", "v/w"),
    ],
)
def test_urls_are_read_as_clients_read_them(url: str, host_port: str, vhost: str) -> None:
    """Default ports and the quoted virtual host `/`; what is written out is read back the same."""
    address = BrokerAddress.parse(url)
    assert (address.host_port, address.vhost) == (host_port, vhost)
    assert BrokerAddress.parse(address.url) == address


def test_passwords_are_quoted_and_never_shown() -> None:
    """A password with `@` or `/` survives; the text for messages holds none."""
    address = BrokerAddress.parse("amqp://us%40er:p%2Fw%40d@host:1/v")
    assert (address.user, address.password) == ("us@er", "p/w@d")
    assert BrokerAddress.parse(address.url) == address
    assert "p/w" not in address.shown
    assert "p%2Fw" not in address.shown


def test_a_proxy_in_front_keeps_user_and_virtual_host() -> None:
    """`through` changes host and port alone: that is what services get as `${broker:…}`."""
    moved = BrokerAddress.parse("amqp://u:p@host:1/v").through("127.0.0.1:7777")
    assert moved.url == "amqp://u:p@127.0.0.1:7777/v"
    assert BrokerAddress.parse("amqp://u:p@h/v").through("[::1]:7").host_port == "[::1]:7"


@pytest.mark.parametrize("url", ["", "host:5672", "http://host/", "amqp://", "amqp://u:p@host:port/v"])
def test_anything_else_is_refused_with_the_way_to_write_it(url: str) -> None:
    """The management URL is the usual mistake."""
    with pytest.raises(UsageProblem, match="not a broker's URL") as raised:
        BrokerAddress.parse(url)
    assert "amqp://user:password@host:5672/vhost" in raised.value.remedy
