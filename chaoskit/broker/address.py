"""Where a broker is and as whom to talk to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from chaoskit.errors import UsageProblem

AMQP_PORT = 5672
AMQPS_PORT = 5671
MANAGEMENT_PORT = 15672


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """An `amqp://` URL in its parts; `vhost` without quoting (`/` is RabbitMQ's default)."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    vhost: str

    @classmethod
    def parse(cls, url: str) -> BrokerAddress:
        """Raises UsageProblem, without the password, where it is no AMQP URL."""
        try:
            parts = urlsplit(url)
            port = parts.port or (AMQPS_PORT if parts.scheme == "amqps" else AMQP_PORT)
        except ValueError as error:
            raise UsageProblem(f"not a broker's URL: {error}", remedy=_WRITE) from error
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise UsageProblem(f"not a broker's URL: {parts.scheme or 'no'} scheme", where="broker.url", remedy=_WRITE)
        return cls(
            parts.scheme,
            parts.hostname,
            port,
            unquote(parts.username or "guest"),
            unquote(parts.password or "guest"),
            unquote(parts.path[1:]) or "/",
        )

    @property
    def url(self) -> str:
        """The whole URL, password included; not for messages."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"{self.scheme}://{login}@{self._netloc}/{quote(self.vhost, safe='')}"

    @property
    def shown(self) -> str:
        """The URL as messages may show it."""
        return f"{self.scheme}://{quote(self.user, safe='')}:…@{self._netloc}/{quote(self.vhost, safe='')}"

    @property
    def host_port(self) -> str:
        return self._netloc

    def through(self, host_port: str) -> BrokerAddress:
        """The same user and virtual host at another `host:port`: a proxy in front of it."""
        host, _, port = host_port.rpartition(":")
        return replace(self, host=host.strip("[]"), port=int(port))

    @property
    def _netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


_WRITE = "write amqp://user:password@host:5672/vhost"
