"""Adding and removing a toxic: our adapter, toxiproxy-python, and bare kept-alive HTTP, side by side on one server."""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from chaoskit.toxiproxy.client import EngineClient
from chaoskit.toxiproxy.server import ToxiproxyServer
from toxiproxy.api import APIConsumer

import toxiproxy
from tests.fakes.ports import FreeWard

ROUNDS, PAIRS = 15, 40
NOWHERE = "127.0.0.1:9"
TOXIC = {"name": "t", "type": "latency", "stream": "downstream", "toxicity": 1.0}
ATTRIBUTES = {"latency": 20, "jitter": 0}


def adapter(url: str) -> Callable[[], None]:
    """One add and one remove through our adapter, validated and compared with what the server stored."""
    client = EngineClient(url)
    client.create_proxy("adapter", upstream=NOWHERE)

    def pair() -> None:
        client.add_toxic("adapter", "t", type="latency", attributes=ATTRIBUTES)
        client.remove_toxic("adapter", "t")

    return pair


def library(url: str) -> Callable[[], None]:
    """The same through toxiproxy-python."""
    APIConsumer.host, APIConsumer.port = urlsplit(url).hostname, urlsplit(url).port
    proxy = toxiproxy.Toxiproxy().create(upstream=NOWHERE, name="library")

    def pair() -> None:
        proxy.add_toxic(**TOXIC, attributes=ATTRIBUTES)
        proxy.destroy_toxic("t")

    return pair


def bare(url: str) -> Callable[[], None]:
    """The same through the standard library's HTTP client on one kept-alive connection, answers read and parsed."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def exchange(method: str, path: str, body: object = None) -> object:
        connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        content = connection.getresponse().read()
        return json.loads(content) if content else None

    exchange("POST", "/proxies", {"name": "bare", "upstream": NOWHERE, "listen": "127.0.0.1:0", "enabled": True})

    def pair() -> None:
        exchange("POST", "/proxies/bare/toxics", {**TOXIC, "attributes": ATTRIBUTES})
        exchange("DELETE", "/proxies/bare/toxics/t")

    return pair


def rate(pair: Callable[[], None]) -> float:
    """Operations a second over one round."""
    start = time.perf_counter()
    for _ in range(PAIRS):
        pair()
    return 2 * PAIRS / (time.perf_counter() - start)


def measure(url: str) -> list[dict[str, object]]:
    """The two rows. Contestants take turns in each round; the ratio is the median of the rounds' ratios."""
    contestants = {"adapter": adapter(url), "library": library(url), "bare": bare(url)}
    for pair in contestants.values():
        rate(pair)
    rounds = [{name: rate(pair) for name, pair in contestants.items()} for _ in range(ROUNDS)]
    rows = []
    for other, label, factor in [("library", "toxiproxy-python", 3.0), ("bare", "raw keep-alive HTTP", 0.7)]:
        ratio = statistics.median(r["adapter"] / r[other] for r in rounds)
        ours, theirs = (statistics.median(r[name] for r in rounds) for name in ("adapter", other))
        rows.append(
            {
                "name": f"adapter, toxic add/remove, against {label}",
                "asked": f"≥ {factor:g} ×",
                "measured": f"{ratio:.1f} × ({ours:.0f}/s against {theirs:.0f}/s)",
                "ok": ratio >= factor,
            }
        )
    return rows


async def main() -> int:
    """Print the rows; 1 where a figure is not met."""
    with tempfile.TemporaryDirectory() as folder:
        server = ToxiproxyServer(ward=FreeWard(), log_folder=Path(folder))
        await server.start()
        try:
            rows = await asyncio.to_thread(measure, server.url)
        finally:
            await server.stop()
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))
    return int(not all(row["ok"] for row in rows))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
