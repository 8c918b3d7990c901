"""A consumer that somebody else runs, on a broker that somebody else runs: what a run must leave as it found it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.fixtures.rabbitmq import Rabbit
from tests.service.message_consumer import MessageConsumer, consuming, declare

READY_WITHIN_S = 20.0


@contextlib.contextmanager
def receiving(vhost: Rabbit) -> Iterator[str]:
    """Queues are declared and consumed from; the URL at which `GET /effects?orderId=…` lists a key's effects."""
    declare(vhost)
    ready, stop = threading.Event(), threading.Event()
    consumers: list[MessageConsumer] = []

    async def consume() -> None:
        async with consuming(vhost) as consumer:
            consumers.append(consumer)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(consume()), daemon=True)
    thread.start()
    if not ready.wait(READY_WITHIN_S):
        raise RuntimeError(f"no consumer on {vhost.host_port} within {READY_WITHIN_S:g} s")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(consumers[0]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        stop.set()
        thread.join(READY_WITHIN_S)


def _handler_of(consumer: MessageConsumer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = parse_qs(urlsplit(self.path).query).get("orderId", [""])[0]
            body = json.dumps({"items": [key] * consumer.effects[key]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    return Handler
