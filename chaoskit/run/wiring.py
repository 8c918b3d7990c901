"""Putting the tap and Toxiproxy into the links, and telling every service where to find its callees.

::

    caller ──▶ tap ──▶ Toxiproxy ──▶ callee         http, tcp: the tap sees also the attempts that a cut link refuses
    client ──▶ Toxiproxy ──▶ tap ──▶ broker         amqp: the tap sees only what the broker really gets
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from chaoskit.model.plan import Plan
from chaoskit.model.system import BROKER, Link, System, parse_link_name
from chaoskit.ports.engines import BrokerEngine, ProxyEngine, TapEngine
from chaoskit.run.free_ports import free_ports
from chaoskit.run.listen_address import check_listen

ANY_PORT = "127.0.0.1:0"
_PORT = re.compile(r"\$\{port:\s*([\w.-]+)\s*\}")
_LINK = re.compile(r"\$\{link:([^}]*)\}")

Expand = Callable[[str, Mapping[str, str]], str]


class Wiring:
    """The addresses of a run: what each `${…}` stands for. `urls` are the services' own addresses, past all links.

    `tapped` are the links on which the tap can see something; `adopted` those through proxies of the system's own
    Toxiproxy, each with the host:port that the proxy listens on.
    """

    def __init__(self, plan: Plan, folder: str, env: Mapping[str, str], expand: Expand, toxic_links: frozenset[str]):
        self._plan = plan
        self._system = plan.system
        self._expand = expand
        self._toxic_links = toxic_links
        ports = free_ports(sorted({name for text in _texts(plan.system) for name in _PORT.findall(text)}))
        self.values: dict[str, str] = {
            "python": sys.executable,
            "folder": folder,
            **{f"port:{name}": str(port) for name, port in ports.items()},
            **{f"env:{name}": value for name, value in env.items()},
        }
        self.tapped: set[str] = set()
        self.adopted: dict[str, str] = {}
        self.urls: dict[str, str] = {}
        for name, service in plan.system.services.items():
            if service.url:
                self.urls[name] = expand(service.url, self.values).rstrip("/")
                self.values[f"service:{name}"] = self.urls[name]

    def check_listeners(self) -> None:
        """Before anything is started: can we listen where callers already point? Raises EngineFailed."""
        for name in self._plan.links:
            link = self._system.links.get(name)
            if link is not None and link.listen and link.toxiproxy is None:
                check_listen(name, self._expand(link.listen, self.values))

    async def connect(self, toxiproxy: ProxyEngine | None, tap: TapEngine | None, broker: BrokerEngine | None) -> None:
        """Build the way of every link. Raises EngineFailed, LeftoversFound or UsageProblem (a port taken)."""
        for name, sight in self._plan.links.items():
            link = self._system.links.get(name) or Link(upstream=BROKER, protocol="amqp")
            if link.toxiproxy is not None:
                if name in self._toxic_links and toxiproxy is not None:
                    url, proxy = link.toxiproxy.url, link.toxiproxy.proxy
                    self.adopted[name] = await toxiproxy.adopt_link(name, url=url, proxy=proxy)
                    address = _dialled(self.adopted[name], url)
                    self.values[f"link:{name}"] = f"http://{address}" if link.protocol == "http" else address
            elif sight == "broker":
                await self._to_broker(name, link, toxiproxy, tap, broker)
            else:
                await self._to_service(name, link, toxiproxy, tap if sight == "tap" else None)

    async def _to_service(self, name: str, link: Link, toxiproxy: ProxyEngine | None, tap: TapEngine | None) -> None:
        upstream = self._expand(link.upstream or "", self.values)
        address = host_port(upstream)
        listen = self._expand(link.listen, self.values) if link.listen else ANY_PORT
        if name in self._toxic_links and toxiproxy is not None:
            address = await toxiproxy.add_link(name, upstream=address, listen=ANY_PORT if tap else listen)
        if tap is not None:
            self.tapped.add(name)
            address = await tap.open_link(
                name, listen=listen, upstream=address, protocol="http" if link.protocol == "http" else "tcp"
            )
        path = urlsplit(upstream).path if "//" in upstream else ""
        self.values[f"link:{name}"] = f"http://{address}{path}" if link.protocol == "http" else address

    async def _to_broker(
        self,
        name: str,
        link: Link,
        toxiproxy: ProxyEngine | None,
        tap: TapEngine | None,
        broker: BrokerEngine | None,
    ) -> None:
        named = link.upstream if link.upstream not in (None, BROKER) else ""
        if not named and broker is None:
            return
        address = host_port(self._expand(named, self.values)) if named or broker is None else broker.host_port
        listen = self._expand(link.listen, self.values) if link.listen else ANY_PORT
        if name in self._toxic_links and toxiproxy is not None and tap is not None:
            self.tapped.add(name)
            behind = await tap.open_link(name, listen=ANY_PORT, upstream=address, protocol="tcp")
            address = await toxiproxy.add_link(name, upstream=behind, listen=listen)
        elif link.listen and tap is not None:
            self.tapped.add(name)
            address = await tap.open_link(name, listen=listen, upstream=address, protocol="tcp")
        if broker is not None:
            self.values[f"broker:{name.split(' -> ')[0]}"] = broker.through(address)
        self.values[f"link:{name}"] = address

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """A service's environment with all addresses in place."""
        return {key: self.text(value) for key, value in env.items()}

    def text(self, text: str) -> str:
        """`text` with its placeholders replaced; link names may be written with or without spaces."""
        return self._expand(_LINK.sub(lambda m: "${link:" + parse_link_name(m[1]) + "}", text), self.values)


def host_port(address: str) -> str:
    """`http://127.0.0.1:80/x` or `127.0.0.1:80` → `127.0.0.1:80`; the scheme's port where none is given."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    port = parts.port or (443 if parts.scheme == "https" else 5672 if parts.scheme == "amqp" else 80)
    return f"{parts.hostname}:{port}"


def _dialled(listen: str, url: str) -> str:
    """Where to reach what listens there; a proxy on all addresses is reached on the host of its Toxiproxy."""
    host, _, port = listen.rpartition(":")
    return f"{urlsplit(url).hostname}:{port}" if host in ("", "0.0.0.0", "[::]") else listen


def _texts(system: System) -> list[str]:
    found: list[str] = []
    for service in system.services.values():
        command = [service.command] if isinstance(service.command, str) else list(service.command or ())
        found += [service.url or "", *command, *service.env.values(), service.ready.tcp or "" if service.ready else ""]
    for link in system.links.values():
        found += [link.upstream or "", link.listen or ""]
    return found
