"""One link in the tap process: a listening socket, the rules that are armed on it, its open connections."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

from chaoskit.tap.dissector import Dissector
from chaoskit.tap.http import HttpDissector
from chaoskit.tap.outbox import Outbox
from chaoskit.tap.raw import RawDissector
from chaoskit.tap.relay import Leg, Relay
from chaoskit.tap.rule import Rule

DISSECTORS: dict[str, Callable[[Relay], Dissector]] = {"http": HttpDissector, "tcp": RawDissector}
BACKLOG = 1024


class Link:
    """`connections` and `calls` number everything in the process, so that numbers are unique over all links."""

    connections = itertools.count(1)
    calls = itertools.count(1)

    def __init__(self, name: str, host: str, port: int, protocol: str, outbox: Outbox) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.protocol = protocol
        self.outbox = outbox
        self.rules: list[Rule] = []
        self.traffic = 0
        self._dissector = DISSECTORS[protocol]
        self._open: set[Relay] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> str:
        """Accept from now on; returns `host:port`. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port, backlog=BACKLOG)
        bound = self._server.sockets[0].getsockname()
        return f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"

    def _accept(self) -> Leg:
        self.traffic += 1
        relay = Relay(self, next(Link.connections), self._dissector)
        self._open.add(relay)
        return relay.caller

    def forget(self, relay: Relay) -> bool:
        """Take it off the list of open connections; False if it was off already."""
        if relay in self._open:
            self._open.remove(relay)
            return True
        return False

    def arm(self, handle: str, spec: Mapping[str, Any]) -> None:
        """Put a rule in force; the first one armed is asked first."""
        if all(rule.handle != handle for rule in self.rules):
            self.rules.append(Rule(handle, spec))

    def disarm(self, handle: str) -> int | None:
        """Take a rule back and close the calls that it holds; returns its hits, None if it was not armed."""
        found = [rule for rule in self.rules if rule.handle == handle]
        self.rules = [rule for rule in self.rules if rule.handle != handle]
        for relay in list(self._open) if found else []:
            if isinstance(relay.dissector, HttpDissector):
                relay.dissector.release(found[0])
        return found[0].hits if found else None

    def hits(self, handle: str) -> int | None:
        """How often an armed rule took effect; None if it is not armed."""
        return next((rule.hits for rule in self.rules if rule.handle == handle), None)

    async def close(self) -> None:
        """Accept no more and end all connections."""
        if self._server is not None:
            self._server.close()
        now = time.monotonic()
        for relay in list(self._open):
            relay.stop(now)
