"""Which hosts faults may touch: the allow-list of the system file. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from chaoskit.errors import UsageProblem
from chaoskit.model.system import System

_PLACEHOLDER_PORT = re.compile(r"\$\{[^}]*\}")


def check_targets(system: System, system_file: str) -> None:
    """Refuse a system whose links, services or broker lie outside its `allow` list. Raises UsageProblem."""
    for what, address in _targets(system):
        host, port = _host_and_port(address)
        if host and not _allowed(host, port, system.allow):
            raise UsageProblem(
                f"{what} points at {host}, which is not on the allow-list",
                where=system_file,
                remedy="if faults may really touch it, add it to `allow:` in the system file; "
                f"there now: {', '.join(system.allow)}",
            )


def _targets(system: System) -> Iterator[tuple[str, str]]:
    for name, link in system.links.items():
        if link.upstream:
            yield f"link '{name}'", link.upstream
        if link.toxiproxy:
            yield f"the Toxiproxy of link '{name}'", link.toxiproxy.url
    for name, service in system.services.items():
        if service.url:
            yield f"service '{name}'", service.url
    if system.broker and system.broker.url:
        yield "the broker", system.broker.url


def _host_and_port(address: str) -> tuple[str, int | None]:
    """Host and port of a URL or host:port; placeholders in the port stand for a local port that we choose."""
    if address.startswith("${"):
        return "", None  # a reference to another address, which is checked where it is written
    plain = _PLACEHOLDER_PORT.sub("0", address)
    parts = urlsplit(plain if "//" in plain else f"//{plain}")
    return parts.hostname or "", parts.port or None


def _allowed(host: str, port: int | None, allow: tuple[str, ...]) -> bool:
    for entry in allow:
        if entry in (host, f"{host}:{port}"):
            return True
        try:
            if ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue  # a name on one side: only the literal comparison above counts
    return False
