"""Toxiproxy as the run sees it: the server where one is needed, and the hands on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaoskit.ports.engines import Surroundings
from chaoskit.toxiproxy.actuator import ToxiproxyActuator

if TYPE_CHECKING:
    from chaoskit.toxiproxy.server import ToxiproxyServer


class ToxiproxyEngine:
    """Implements ports.engines.ProxyEngine. Without `own_server` all links go through proxies that the system has."""

    name = "toxiproxy"
    role = "engine"

    def __init__(self, around: Surroundings, own_server: bool) -> None:
        self.actuator = ToxiproxyActuator()
        self._journal = around.journal
        self._tokens: list[str] = []
        self._server: ToxiproxyServer | None = None
        if own_server:
            from chaoskit.toxiproxy.server import ToxiproxyServer  # with all that finds and starts it

            self._server = ToxiproxyServer(ward=around.ward, log_folder=around.log_folder)

    async def start(self) -> str:
        if self._server is None:
            return "the system's own"
        detail = await self._server.start()
        self.actuator.url = self._server.url
        return detail

    async def stop(self) -> None:
        """End our own server, or delete our proxies from a foreign one; what that keeps stays in the journal."""
        if self._server is not None and self._server.pid is not None:
            await self._server.stop()  # first: one that hangs would let us wait for each proxy
        kept = await self.actuator.close()
        if self._server is not None:
            await self._server.stop()
        for token in [] if kept else self._tokens:
            self._journal.done(token)
        self._tokens.clear()

    def dead(self) -> str:
        return self._server.dead() if self._server is not None else ""

    async def add_link(self, link: str, *, upstream: str, listen: str) -> str:
        self._tokens.append(self._journal.enter(self.actuator.link_undo(link)))
        return await self.actuator.add_link(link, upstream=upstream, listen=listen)

    async def adopt_link(self, link: str, *, url: str, proxy: str) -> str:
        return await self.actuator.adopt_link(link, url, proxy)
