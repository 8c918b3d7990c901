"""The small HTTP client of the sweeps: what servers do with connections never becomes a wrong or a missing count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from chaoskit.probes.kept_connections import KeptConnections

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def serving(answer: Callable[[int, int], tuple[bytes, bool]]) -> AsyncIterator[tuple[str, list[int]]]:
    """A server: `answer(connection, request)` gives the bytes and whether to close then; requests per connection."""
    counts: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = len(counts)
        counts.append(0)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                data, ends = answer(mine, counts[mine])
                counts[mine] += 1
                writer.write(data)
                if ends:
                    break
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x?a=1", counts


def client(answer_bytes_max: int = 1000) -> KeptConnections:
    return KeptConnections(timeout_s=2.0, answer_bytes_max=answer_bytes_max)


async def test_one_connection_serves_many_requests() -> None:
    """Or a sweep of hundreds of keys would open hundreds of connections."""
    async with serving(lambda connection, request: (OK, False)) as (url, counts), client() as http:
        assert [await http.request("GET", url) for _ in range(5)] == [(200, b"ok")] * 5
        assert counts == [5]


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    """Servers close idle connections; that is no failed look."""
    async with serving(lambda connection, request: (OK, request == 1)) as (url, counts), client() as http:
        assert [await http.request("GET", url) for _ in range(5)] == [(200, b"ok")] * 5
        assert counts == [2, 2, 1]


@pytest.mark.parametrize(
    ("data", "ends", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", False, b"ok"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", True, b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nok", True, b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, False, b"ok"),
    ],
    ids=["chunked", "until the end", "HTTP/1.0", "interim answer"],
)
async def test_every_way_to_end_a_body_is_understood(data: bytes, ends: bool, body: bytes) -> None:
    """A body that is taken for shorter or longer than it is would be a wrong count."""
    async with serving(lambda connection, request: (data, ends)) as (url, _), client() as http:
        assert [await http.request("GET", url) for _ in range(2)] == [(200, body)] * 2


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", ConnectionResetError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", ConnectionResetError),
        (b"", ConnectionResetError),
        (b"220 smtp ready\r\n", ValueError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000, ValueError),
    ],
    ids=["cut", "cut in a chunk", "nothing", "no HTTP", "too long"],
)
async def test_a_broken_answer_is_an_error(data: bytes, error: type[Exception]) -> None:
    """Half a list of effects must not be counted."""
    async with serving(lambda connection, request: (data, True)) as (url, _), client() as http:
        with pytest.raises(error):
            await http.request("GET", url)


async def test_what_is_no_url_is_refused() -> None:
    """Before anything is sent."""
    async with client() as http:
        for url in ("ftp://127.0.0.1/", "http:///x", "http://127.0.0.1/ä", "http://127.0.0.1/a b", "127.0.0.1:80/x"):
            with pytest.raises(ValueError):  # noqa: PT011  # each says something else
                await http.request("GET", url)
