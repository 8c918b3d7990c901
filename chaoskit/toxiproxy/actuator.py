"""Toxiproxy's hands: toxics and closed doors on the links that go through it."""

from __future__ import annotations

import asyncio
import functools
import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msgspec import Struct, field

from chaoskit.errors import EngineFailed, FaultFailed, LeftoversFound, UsageProblem
from chaoskit.model.instruction import Confirmation, Instruction, ProxyDown, Toxic, Undo
from chaoskit.toxiproxy.client import EngineClient, Missing, Taken
from chaoskit.toxiproxy.control import EngineSilent
from chaoskit.toxiproxy.toxic_types import validated

PREFIX = "ck-"
"""What we name begins so; nothing else is ever changed."""
T = TypeVar("T")


class _Way(Struct):
    """The proxy that a link goes through. `ours`: we made it, so it goes with us.

    `closing`: handles that were ever asked to close its door; `closed`: those that hold it closed now.
    """

    client: EngineClient
    proxy: str
    ours: bool
    listen: str = ""
    upstream: str = ""
    closing: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)


class ToxiproxyActuator:
    """An `Actuator` for `Toxic` and `ProxyDown`. `add_link` makes proxies on the server at `url`.

    Calls to servers are made one after the other in a thread of its own: a server that hangs never stops the run's
    event loop, and a cancelled call has ended before the next begins.
    """

    def __init__(self, url: str = "") -> None:
        self.url = url
        self._clients: dict[str, EngineClient] = {}
        self._ways: dict[str, _Way] = {}
        self._counters: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="toxiproxy")

    # --- links ---------------------------------------------------------------------------------------------------

    def link_undo(self, link: str) -> Undo:
        """How to take `add_link` back from the journal alone; known before it is called."""
        return Undo("proxy", {"url": self.url, "proxy": proxy_name(link)})

    async def add_link(self, link: str, *, upstream: str, listen: str = "127.0.0.1:0") -> str:
        """Make the proxy `ck-…` to `upstream` (host:port or a URL); returns the host:port it listens on.

        Raises LeftoversFound where an earlier run left that proxy, EngineFailed where it can't listen.
        """
        client, name, target = self._client(self.url), proxy_name(link), host_port(upstream)

        def make() -> str:
            made = client.create_proxy(name, upstream=target, listen=listen)
            # Here, in the thread: who is cancelled while it works must still find the proxy when all are deleted.
            self._ways[link] = _Way(client, name, True, made.listen, target)
            return made.listen

        try:
            return await self._call(make)
        except Taken as error:
            raise LeftoversFound(
                f"the proxy {name} exists already, left by another run", where=self.url, remedy="run `chaoskit heal`"
            ) from error
        except FaultFailed as error:
            raise EngineFailed(
                f"the link {link} cannot listen on {listen}: {error.what}",
                where=self.url,
                remedy="end what uses this address, or let the link listen elsewhere",
            ) from error

    async def adopt_link(self, link: str, url: str, proxy: str) -> str:
        """Use a proxy of the system's own Toxiproxy; returns the host:port it listens on.

        Raises UsageProblem where there is no such proxy, LeftoversFound where toxics `ck-…` of another run are on it.
        """
        client = self._client(url)
        proxies = await self._call(client.snapshots)
        if proxy not in proxies:
            there = ", ".join(sorted(proxies)) or "none"
            raise UsageProblem(
                f"this Toxiproxy has no proxy {proxy!r}",
                where=url,
                remedy=f"correct the link {link}; there are: {there}",
            )
        found = await self._call(lambda: client.snapshot(proxy))
        left = [toxic["name"] for toxic in found["toxics"] if toxic["name"].startswith(PREFIX)]
        if left:
            raise LeftoversFound(
                f"toxics of another run are still on {proxy}: {', '.join(left)}",
                where=url,
                remedy="run `chaoskit heal`, or remove them",
            )
        self._ways[link] = _Way(client, proxy, False, found["listen"], found["upstream"])
        return str(found["listen"])

    async def leftovers(self) -> list[str]:
        """`ck-…` proxies and toxics, on all servers in use, that this run did not make: `URL proxy [toxic]`."""
        ours = {(way.client.url, way.proxy) for way in self._ways.values() if way.ours}
        found = []
        for url in [self.url] if self.url else []:
            self._client(url)
        for client in list(self._clients.values()):
            for name, proxy in (await self._call(client.snapshots)).items():
                if (client.url, name) in ours:
                    continue
                if name.startswith(PREFIX):
                    found.append(f"{client.url} {name}")
                found += [f"{client.url} {name} {t['name']}" for t in proxy["toxics"] if t["name"].startswith(PREFIX)]
        return found

    async def close(self) -> list[str]:
        """Delete the proxies that we made, however often asked; returns those that a hung server kept."""
        kept = []
        for link, way in list(self._ways.items()):
            if way.ours:
                try:
                    await self._call(functools.partial(way.client.delete_proxy, way.proxy))
                except EngineSilent:
                    kept.append(way.proxy)
                except EngineFailed:
                    pass  # gone, and the proxy with it
            del self._ways[link]
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        return kept

    # --- the port ------------------------------------------------------------------------------------------------

    def prepare(self, fault: str, instruction: Instruction) -> tuple[str, tuple[Undo, ...]]:
        """Raises UsageProblem for an unknown link or a toxic that Toxiproxy doesn't know."""
        way = self._way(instruction)
        handle = f"{PREFIX}{fault}-{next(self._counters[fault])}"
        if isinstance(instruction, Toxic):
            validated(instruction.type, instruction.attributes, instruction.stream, instruction.toxicity)
            args = {"url": way.client.url, "proxy": way.proxy, "toxic": handle}
            return handle, (Undo("toxic", {**args, "listen": way.listen, "upstream": way.upstream}),)
        return handle, (Undo("enable", {"url": way.client.url, "proxy": way.proxy, "enabled": True}),)

    async def inject(self, handle: str, instruction: Instruction) -> Confirmation:
        way = self._way(instruction)
        try:
            if isinstance(instruction, Toxic):
                toxic = instruction
                await self._call(lambda: _add(way, handle, toxic))
            else:
                await self._call(lambda: _close_door(way, handle))
        except Taken as error:
            raise FaultFailed(
                f"{handle} is on {way.proxy} already, left by another run",
                where=way.client.url,
                remedy="run `chaoskit heal`",
            ) from error
        reason = await self._call(lambda: _why_not(way, handle, instruction))
        if reason:
            raise FaultFailed(f"injected, but {reason}", where=way.client.url, remedy="see who else uses this server")
        return Confirmation(_described(way, handle, instruction), {"url": way.client.url, "proxy": way.proxy})

    async def hold(self, handle: str, instruction: Instruction) -> tuple[int | None, str]:
        """Toxiproxy counts no hits, so the first is None always."""
        way = self._way(instruction)
        return None, await self._call(lambda: _why_not(way, handle, instruction))

    async def revert(self, handle: str, instruction: Instruction) -> Confirmation:
        way = self._way(instruction)
        if isinstance(instruction, Toxic):
            detail = await self._call(lambda: _remove(way, handle))
        else:
            detail = await self._call(lambda: _open_door(way, handle))
        return Confirmation(f"{handle}: {detail}", {"url": way.client.url, "proxy": way.proxy})

    # -------------------------------------------------------------------------------------------------------------

    def _client(self, url: str) -> EngineClient:
        key = url.rstrip("/")
        if key not in self._clients:
            self._clients[key] = EngineClient(url)
        return self._clients[key]

    def _way(self, instruction: Instruction) -> _Way:
        assert isinstance(instruction, (Toxic, ProxyDown)), f"not for Toxiproxy: {instruction}"
        way = self._ways.get(instruction.link)
        if way is None:
            known = ", ".join(self._ways) or "none"
            raise UsageProblem(f"no link {instruction.link!r} goes through Toxiproxy", remedy=f"there are: {known}")
        return way

    async def _call(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread; when we are cancelled meanwhile, return only after it has ended."""
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise


def proxy_name(link: str) -> str:
    """`order -> customer` → `ck-order-customer`: Toxiproxy can't reach names with a slash in them."""
    return PREFIX + re.sub(r"[^\w.]+", "-", link).strip("-")


def host_port(upstream: str) -> str:
    """`http://host:port/…` or `host:port` → `host:port`."""
    scheme, found, rest = upstream.partition("://")
    place = (rest if found else upstream).partition("/")[0]
    if re.search(r":\d+$", place):
        return place
    return f"{place}:{ {'https': 443, 'amqp': 5672, 'amqps': 5671}.get(scheme, 80) }"


def _add(way: _Way, handle: str, toxic: Toxic) -> None:
    way.client.snapshot(way.proxy)  # what we would have to put back if removing the toxic hung
    way.client.add_toxic(
        way.proxy,
        handle,
        type=toxic.type,
        attributes=toxic.attributes,
        stream=toxic.stream,
        toxicity=toxic.toxicity,
    )


def _remove(way: _Way, handle: str) -> str:
    how = way.client.remove_toxic(way.proxy, handle)
    try:
        way.client.toxic(way.proxy, handle)
    except Missing:
        return f"{how}, read back from {way.proxy}"
    raise FaultFailed(f"the toxic {handle} is still on {way.proxy}", where=way.client.url, remedy="remove it by hand")


def _close_door(way: _Way, handle: str) -> None:
    if not way.closed and not way.client.proxy(way.proxy).enabled:
        raise FaultFailed(
            f"{way.proxy} is down already, and not through us", where=way.client.url, remedy="enable it before the run"
        )
    way.closing.add(handle)
    way.client.set_enabled(way.proxy, False)
    way.closed.add(handle)


def _open_door(way: _Way, handle: str) -> str:
    """Two faults may have closed it; it opens with the last of them."""
    way.closed.discard(handle)
    if handle not in way.closing:
        return f"{way.proxy} was never closed by it"
    if way.closed:
        return f"{way.proxy} stays down for another fault"
    try:
        way.client.set_enabled(way.proxy, True)
        enabled = way.client.proxy(way.proxy).enabled
    except Missing:
        return f"{way.proxy} was gone"
    if not enabled:
        raise FaultFailed(f"{way.proxy} stays down", where=way.client.url, remedy="enable it by hand")
    return f"{way.proxy} accepts connections again"


def _why_not(way: _Way, handle: str, instruction: Toxic | ProxyDown | Instruction) -> str:
    """Why the change is not in force, or ""."""
    try:
        seen = way.client.snapshot(way.proxy)
    except Missing:
        return f"the proxy {way.proxy} is gone"
    if isinstance(instruction, Toxic):
        return _toxic_missing(way, handle, instruction, seen)
    return f"the proxy {way.proxy} was enabled by somebody else" if seen["enabled"] else ""


def _toxic_missing(way: _Way, handle: str, asked: Toxic, seen: dict[str, object]) -> str:
    rows = seen["toxics"]
    assert isinstance(rows, list)
    row = next((row for row in rows if row["name"] == handle), None)
    if row is None:
        return f"the toxic {handle} is gone from {way.proxy}"
    if not seen["enabled"] and not way.closed:
        return f"the proxy {way.proxy} was disabled by somebody else"
    attributes = validated(asked.type, asked.attributes, asked.stream, asked.toxicity)
    now = (row["type"], row["attributes"], row["stream"], row["toxicity"])
    if now != (asked.type, attributes, asked.stream, asked.toxicity):
        return f"the toxic {handle} on {way.proxy} was changed by somebody else to {now}"
    return ""


def _described(way: _Way, handle: str, instruction: Instruction) -> str:
    if not isinstance(instruction, Toxic):
        return f"{handle}: {way.proxy} refuses connections"
    values = " ".join(f"{name}={value}" for name, value in instruction.attributes.items())
    share = "" if instruction.toxicity == 1 else f", {instruction.toxicity:.0%} of connections"
    return f"{handle}: {instruction.type} {values} {instruction.stream} on {way.proxy}{share}"
