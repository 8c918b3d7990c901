"""A broker that somebody else runs: looked at before it is used, and never started, stopped or cleaned by us."""

from __future__ import annotations

import os

from aio_pika.exceptions import AMQPError

from chaoskit.broker.address import MANAGEMENT_PORT, BrokerAddress
from chaoskit.broker.connection import connect
from chaoskit.broker.management import Management
from chaoskit.errors import BrokerFailed


class ForeignBroker:
    """Has the surface of `BrokerNode`; `start` only checks that all we need is allowed."""

    name = "broker"
    role = "broker"
    private = False

    def __init__(self, url: str, management_url: str | None = None) -> None:
        """Raises UsageProblem where `url` is none."""
        self.address = BrokerAddress.parse(url)
        named = management_url or os.environ.get("CHAOSKIT_MANAGEMENT_URL")
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        self.management_url = named or f"http://{host}:{MANAGEMENT_PORT}"

    @property
    def url(self) -> str:
        return self.address.url

    @property
    def host_port(self) -> str:
        return self.address.host_port

    def through(self, host_port: str) -> str:
        return self.address.through(host_port).url

    async def start(self) -> str:
        """Raises BrokerFailed, which says what is wrong: address, login, virtual host, rights, management API."""
        connection = await connect(self.url)
        try:
            channel = await connection.channel()
            await channel.declare_queue(exclusive=True)
        except AMQPError as error:
            raise BrokerFailed(
                f"user {self.address.user!r} may not make queues of its own: {error}",
                where=self.address.shown,
                remedy=f"rabbitmqctl set_permissions -p {self.address.vhost} {self.address.user} '.*' '.*' '.*'",
            ) from error
        finally:
            await connection.close()
        async with Management(self.url, self.management_url) as management:
            version = (await management.overview()).get("rabbitmq_version", "?")
            await management.policies()
        return f"RabbitMQ {version} at {self.address.shown}, run by somebody else"

    async def stop(self) -> None:
        """Nothing: it is not ours."""

    def dead(self) -> str:
        """ "": its hooks notice when it goes, by their lost connections."""
        return ""
