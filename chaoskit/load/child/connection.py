"""Keep-alive that neither hides a fault nor makes one up.

geventhttpclient sends a request again, up to eleven times, when a connection ends without an answer. That hides a
service that drops fresh connections, and multiplies the load. Here: a request is sent again once, only when it is
idempotent (RFC 9110, 9.2.2), only when it went over a *kept* connection, and then over a fresh one. A request that must
not be repeated never goes over a connection that was idle for `IDLE_S_MAX`, so that it does not race against the
server's own idle limit (2 s in gunicorn, 5 s in most).
"""

from __future__ import annotations

import socket
import time
from typing import Any

import gevent
from gevent import monkey
from geventhttpclient.client import IDEMPOTENT_METHODS, HTTPClientPool
from geventhttpclient.response import HTTPConnectionClosed

IDLE_S_MAX = 1.5
_getaddrinfo = monkey.get_original("socket", "getaddrinfo")
_NO_ANSWER = "connection closed without an answer"


class _OneUsersSockets:
    """The kept connection of one user to one host, in front of geventhttpclient's own pool (plain or TLS)."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._fresh = False
        self._taken: Any = None
        self._idle_since = 0.0
        self._resolve = pool._resolve
        pool._resolve = self._resolve_literal
        self._create = pool._create_socket
        pool._create_socket = self._create_socket
        # The client allows `size + 1` further attempts; we allow none but the one that `get_socket` lets pass.
        self.size = 0

    def begin(self, method: str) -> None:
        """A request begins: what came before does not count."""
        self._fresh, self._taken = False, None
        if method not in IDEMPOTENT_METHODS and time.monotonic() - self._idle_since > IDLE_S_MAX:
            self._drop_kept()

    def give_up(self) -> None:
        """Close the connection that a request was abandoned on, unless it was given back already."""
        if self._taken is not None:
            self.release_socket(self._taken)

    def get_socket(self) -> Any:
        if self._fresh:
            raise HTTPConnectionClosed(_NO_ANSWER)
        self._taken = self._pool.get_socket()
        return self._taken

    def return_socket(self, sock: Any) -> None:
        self._taken, self._idle_since = None, time.monotonic()
        self._pool.return_socket(sock)

    def release_socket(self, sock: Any) -> None:
        self._taken = None
        self._pool.release_socket(sock)

    def close(self) -> None:
        self._pool.close()

    def _create_socket(self) -> Any:
        self._fresh = True
        return self._create()

    def _resolve_literal(self) -> Any:
        """An address needs no resolver; gevent would send it through a pool of threads for each connection."""
        host, port = self._pool._connection_host, self._pool._connection_port
        try:
            return _getaddrinfo(host, port, 0, socket.SOCK_STREAM, socket.IPPROTO_TCP, socket.AI_NUMERICHOST)
        except socket.gaierror:
            return self._resolve()

    def _drop_kept(self) -> None:
        queue = self._pool._socket_queue
        while not queue.empty():
            queue.get(block=False).close()


class OneUsersClients(HTTPClientPool):
    """One client a host, each with the rule above."""

    def get_client(self, url: Any) -> Any:
        client: Any = super().get_client(url)
        if not isinstance(client._connection_pool, _OneUsersSockets):
            sockets = client._connection_pool = _OneUsersSockets(client._connection_pool)
            client.request = _guarded(client.request, sockets)
        return client


def _guarded(request: Any, sockets: _OneUsersSockets) -> Any:
    def guarded(method: str, *args: Any, **kwargs: Any) -> Any:
        sockets.begin(method)
        try:
            return request(method, *args, **kwargs)
        except gevent.Timeout:
            sockets.give_up()
            raise

    return guarded
