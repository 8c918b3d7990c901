"""Toxiproxy as the run sees it: one part with a server, the links through it, and the hands on them."""

from __future__ import annotations

from chaoskit.ports.engines import Surroundings
from chaoskit.toxiproxy.actuator import ToxiproxyActuator
from chaoskit.toxiproxy.server import ToxiproxyServer


class ToxiproxyEngine:
    """A `ProxyEngine`. `own_server` False: all links go through Toxiproxies of the system, and none is started."""

    name = "toxiproxy"
    role = "engine"

    def __init__(self, around: Surroundings, own_server: bool) -> None:
        self.actuator = ToxiproxyActuator()
        self._ward = around.ward
        self._server = ToxiproxyServer(ward=around.ward, log_folder=around.log_folder) if own_server else None
        self._tokens: list[str] = []

    async def start(self) -> str:
        """Raises EngineFailed."""
        if self._server is None:
            return "the system's own Toxiproxy"
        said = await self._server.start()
        self.actuator.url = self._server.url
        return said

    async def add_link(self, link: str, *, upstream: str, listen: str = "127.0.0.1:0") -> str:
        """See `ToxiproxyActuator.add_link`; on a server that outlives us the proxy stands in the journal first."""
        if self._server is not None and self._server.pid is None:
            self._tokens.append(self._ward.enter(self.actuator.link_undo(link)))
        return await self.actuator.add_link(link, upstream=upstream, listen=listen)

    async def adopt_link(self, link: str, *, url: str, proxy: str) -> None:
        """See `ToxiproxyActuator.adopt_link`."""
        await self.actuator.adopt_link(link, url, proxy)

    async def stop(self) -> None:
        """Delete our proxies where the server stays, end the server where it is ours."""
        if self._server is None or self._server.pid is None:
            await self.actuator.close()
            for token in self._tokens:
                self._ward.release(token)
            self._tokens.clear()
        if self._server is not None:
            await self._server.stop()
            await self.actuator.close()

    def dead(self) -> str:
        """Why our server is not alive, or ""."""
        return self._server.dead() if self._server is not None else ""
