"""Free loopback ports for services that must be told theirs."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable
from pathlib import Path

LOWEST = 15_000
TRIES = 200
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A free TCP port on 127.0.0.1 for each name; all are held at once, so no two are the same.

    Below the ports that the system gives to outgoing connections: between our look and the service's start any client
    on the machine may be given one of those.
    """
    held: list[socket.socket] = []
    chosen: dict[str, int] = {}
    draw = random.SystemRandom()  # not the run's seed: two runs at once must not draw the same
    try:
        for name in names:
            held.append(_bound(draw))
            chosen[name] = held[-1].getsockname()[1]
    finally:
        for sock in held:
            sock.close()
    return chosen


def _bound(draw: random.Random) -> socket.socket:
    below = _ephemeral_from()
    for port in [*(draw.randrange(LOWEST, below) for _ in range(TRIES if below > LOWEST else 0)), 0]:
        sock = socket.socket()
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            sock.close()
            continue
        return sock
    raise OSError("there is no free port on 127.0.0.1")


def _ephemeral_from() -> int:
    try:
        return int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
