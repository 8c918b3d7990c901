"""Free loopback ports for services that must be told theirs."""

from __future__ import annotations

import socket
from collections.abc import Iterable


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A free TCP port on 127.0.0.1 for each name; all are held at once, so no two are the same."""
    held: list[socket.socket] = []
    chosen: dict[str, int] = {}
    try:
        for name in names:
            sock = socket.socket()
            held.append(sock)
            sock.bind(("127.0.0.1", 0))
            chosen[name] = sock.getsockname()[1]
    finally:
        for sock in held:
            sock.close()
    return chosen
