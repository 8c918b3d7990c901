"""A callee for faults on connections: it does what the caller's first line says."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator


class _Handler(socketserver.StreamRequestHandler):
    """`echo`: every further line back · `send N`: N bytes, then close · `bye`: close at once."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            words = self.rfile.readline().split()
            if words[:1] == [b"echo"]:
                for line in self.rfile:
                    self.wfile.write(line)
            elif words[:1] == [b"send"]:
                self.wfile.write(b"x" * int(words[1]))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64


@contextlib.contextmanager
def tcp_callee() -> Iterator[str]:
    """The host:port of one that listens."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def call(host_port: str, timeout_s: float = 5.0) -> socket.socket:
    """A connection to it."""
    host, _, port = host_port.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout_s)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_all(connection: socket.socket) -> list[bytes]:
    """Everything until the end, as it came."""
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return chunks
