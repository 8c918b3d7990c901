"""A front for a real Toxiproxy whose DELETE of toxics hangs, as the real one's does in a deadlock."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextlib.contextmanager
def stubborn_front(url: str, *, silent: tuple[str, ...] = ("DELETE toxics",)) -> Iterator[str]:
    """The URL of the front. `silent`: `METHOD part-of-path` of the calls that are never answered."""
    behind = urlsplit(url).netloc
    over = threading.Event()

    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if any(self.command == rule.split()[0] and rule.split()[1] in self.path for rule in silent):
                over.wait(30)
                self.close_connection = True
                return
            connection = http.client.HTTPConnection(behind, timeout=5)
            connection.request(self.command, self.path, body or None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = relay

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
