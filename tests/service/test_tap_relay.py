"""The tap between real callers and callees: what passes, what is seen."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path

import httpx
import psutil
import pytest
from chaoskit.model.event import CallStarted

from tests.fixtures.tap import LINK, answering, scripted, silent, tap_world

pytestmark = pytest.mark.service

GET = b"GET /customers/1 HTTP/1.1\r\nHost: c\r\n\r\n"
LAST = b"GET /customers/1 HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n"


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def read_one_byte(host: str, port: int) -> bytes:
    """Connect and wait for the other side to say something."""
    with socket.create_connection((host, port), timeout=5) as caller:
        return caller.recv(1)


def test_each_call_is_one_started_and_one_ended_event(tmp_path: Path) -> None:
    """Protects the facts that every check stands on: who, what, when, how it ended, how much."""

    async def scenario() -> None:
        async with tap_world(tmp_path, answering()) as world:
            before = world.clock.now()
            async with httpx.AsyncClient(base_url=world.url) as client:
                for n in range(3):
                    await client.get(f"/customers/{n}?x=1", headers={"traceparent": f"00-{n}"})
            calls = await world.calls(3)
            started = world.of(CallStarted)
            assert [(c.method, c.path, c.status, c.outcome) for c in calls] == [
                ("GET", f"/customers/{n}?x=1", 200, "answered") for n in range(3)
            ]
            assert [c.trace for c in calls] == ["00-0", "00-1", "00-2"]
            assert len({c.connection for c in calls}) == 1
            assert [(s.call, s.t) for s in started] == [(c.call, c.t) for c in calls]
            assert all(before <= c.t <= c.end <= world.clock.now() for c in calls)
            assert all(c.bytes_down == 43 and c.bytes_up > 100 and c.link == LINK for c in calls)
            assert world.tap.calls_seen(LINK) == 3

    asyncio.run(scenario())


def test_pipelined_requests_are_calls_of_their_own(tmp_path: Path) -> None:
    """Protects order and number where a caller does not wait for answers."""
    answers = b"".join(b"HTTP/1.1 20%d OK\r\nContent-Length: 1\r\n\r\n%d" % (n, n) for n in range(3))

    async def scenario() -> None:
        async with tap_world(tmp_path, scripted(answers, requests=3)) as world:
            assert await world.exchange(GET + GET + LAST) == answers
            assert [c.status for c in await world.calls(3)] == [200, 201, 202]

    asyncio.run(scenario())


def test_chunked_bodies_pass_untouched_both_ways(tmp_path: Path) -> None:
    """Protects framing: chunk extensions, trailers and sizes come out as they went in."""
    sent = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: 1\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 2\r\n\r\n"
    got: list[bytes] = []

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readexactly(len(sent)))
        writer.write(answer)

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            assert await world.exchange(sent) == answer
            (call,) = await world.calls(1)
            assert (call.outcome, call.bytes_up, call.bytes_down) == ("answered", len(sent), len(answer))
            assert got == [sent]

    asyncio.run(scenario())


def test_100_continue_belongs_to_the_call(tmp_path: Path) -> None:
    """Protects callers that wait for permission before they send a body."""

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await reader.readexactly(5)
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            reader, writer = await world.connect()
            writer.write(b"PUT /x HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert (await reader.read()).startswith(b"HTTP/1.1 201 ")
            writer.close()
            (call,) = await world.calls(1)
            assert (call.status, call.outcome) == (201, "answered")

    asyncio.run(scenario())


def test_answers_without_a_body_end_with_their_head(tmp_path: Path) -> None:
    """Protects keep-alive behind HEAD, 204 and 304, whatever length they name."""
    heads = (b"200 OK\r\nContent-Length: 99", b"204 No Content", b"304 Not Modified\r\nContent-Length: 99")
    answers = b"".join(b"HTTP/1.1 " + head + b"\r\n\r\n" for head in heads)
    answers += b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    async def scenario() -> None:
        async with tap_world(tmp_path, scripted(answers, requests=4)) as world:
            assert await world.exchange(GET.replace(b"GET", b"HEAD") + GET + GET + GET) == answers
            assert [c.status for c in await world.calls(4)] == [200, 204, 304, 200]

    asyncio.run(scenario())


def test_http_1_0_answer_ends_with_the_connection(tmp_path: Path) -> None:
    """Protects answers without a length: their end is not a cut."""
    answer = b"HTTP/1.0 200 OK\r\n\r\nas long as it takes"

    async def scenario() -> None:
        async with tap_world(tmp_path, scripted(answer)) as world:
            assert await world.exchange(b"GET / HTTP/1.0\r\n\r\n") == answer
            (call,) = await world.calls(1)
            assert (call.outcome, call.bytes_down) == ("answered", len(answer))

    asyncio.run(scenario())


def test_upgrade_passes_as_bytes(tmp_path: Path) -> None:
    """Protects WebSockets: after 101 nothing is read as HTTP, both ways."""

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi")
        while data := await reader.read(100):
            writer.write(data[::-1])

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            reader, writer = await world.connect()
            writer.write(b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(4) == b"\x81\x02hi"
            for frame in (b"\x81\x85abcd12345", b"GET / HTTP/1.1\r\n\r\n"):
                writer.write(frame)
                assert await reader.readexactly(len(frame)) == frame[::-1]
            writer.close()
            (call,) = await world.calls(1)
            (connection,) = await world.connections(1)
            assert (call.status, call.outcome, connection.outcome) == (101, "answered", "closed")

    asyncio.run(scenario())


def test_half_closed_caller_gets_its_answer(tmp_path: Path) -> None:
    """Protects callers that send FIN behind their request and read on: they have not given up."""

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == GET  # until FIN
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            assert (await world.exchange(GET, fin=True)).endswith(b"ok")
            (call,) = await world.calls(1)
            assert call.outcome == "answered"

    asyncio.run(scenario())


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_abandoned_call_ends_when_the_caller_left(tmp_path: Path, reset: bool) -> None:
    """Protects timeouts as the tap measures them: within 10 ms of the caller's own clock."""

    async def scenario() -> None:
        async with tap_world(tmp_path, silent) as world:
            errors_s = []
            for n in range(3):
                _, writer = await world.connect()
                writer.write(GET)
                await world.until(lambda n=n: world.tap.calls_seen(LINK) == n + 1)
                if reset:
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                left = world.clock.now()
                writer.transport.abort()
                call = (await world.calls(n + 1))[-1]
                assert call.outcome == "abandoned"
                errors_s.append(abs(call.end - left))
            assert min(errors_s) <= 0.010

    asyncio.run(scenario())


def test_caller_that_left_before_a_late_answer_has_abandoned_it(tmp_path: Path) -> None:
    """Protects the difference between half-closed and gone, when the callee answers all the same."""

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            _, writer = await world.connect()
            writer.write(GET)
            await writer.drain()
            writer.close()
            (call,) = await world.calls(1)
            assert call.outcome == "abandoned"

    asyncio.run(scenario())


def test_refused_callee_gives_a_call_per_attempt(tmp_path: Path) -> None:
    """Protects the count of attempts at a dead callee, and that its caller sees a broken connection at once."""

    async def scenario() -> None:
        async with tap_world(tmp_path, closed_port()) as world:
            async with httpx.AsyncClient(base_url=world.url) as client:
                for _ in range(2):
                    with pytest.raises(httpx.TransportError):
                        await client.get("/x")
            calls = await world.calls(2)
            assert [(c.outcome, c.status) for c in calls] == [("refused", 0)] * 2
            assert [c.outcome for c in await world.connections(2)] == ["refused"] * 2
            assert all(c.end - c.t < 1 for c in calls)

    asyncio.run(scenario())


@pytest.mark.parametrize(("reset", "said"), [(False, b""), (False, b"half"), (True, b"half")])
def test_callee_that_breaks_off_cuts_the_call(tmp_path: Path, reset: bool, said: bytes) -> None:
    """Protects the callee's FIN and RST in mid-answer: the call is cut, the caller sees the same end."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + said if said else b""

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            if reset:
                with pytest.raises(ConnectionResetError):
                    await world.exchange(GET)
            else:
                assert await world.exchange(GET) == answer
            (call,) = await world.calls(1)
            assert (call.outcome, call.status) == ("cut", 200 if said else 0)

    asyncio.run(scenario())


@pytest.mark.parametrize("armed", [False, True], ids=["unarmed", "armed"])
@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\x00\xa5\x01", b"PING\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\nHost: x\n\n"],
)
def test_what_is_not_http_passes_untouched_and_is_counted(tmp_path: Path, sent: bytes, armed: bool) -> None:
    """Protects other protocols on an HTTP link, also while a rule holds request heads back."""

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(len(sent)))

    async def exchange(world) -> None:
        assert await world.exchange(sent) == sent
        (connection,) = await world.connections(1)
        assert (connection.outcome, connection.bytes_up) == ("unparsed", len(sent))
        assert not world.of(CallStarted)

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            if armed:
                async with world.armed("hang"):
                    await exchange(world)
            else:
                await exchange(world)

    asyncio.run(scenario())


def test_big_bodies_pass_in_constant_memory(tmp_path: Path) -> None:
    """Protects back-pressure: a slow reader of 64 MiB stops the callee instead of filling the tap."""
    size = 64 << 20

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size >> 16):
            writer.write(bytes(1 << 16))
            await writer.drain()

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            process = psutil.Process(world.tap.pid)
            before = most = process.memory_info().rss
            reader, writer = await world.connect()
            writer.write(GET)
            head = await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.2)  # time in which a tap without back-pressure would swallow it all
            got = 0
            while got < size:
                got += len(await reader.read(1 << 20))
                most = max(most, process.memory_info().rss)
            writer.close()
            (call,) = await world.calls(1)
            assert (call.outcome, call.bytes_down) == ("answered", len(head) + got)
            assert most - before < 8 << 20

    asyncio.run(scenario())


def test_uploads_pass_in_constant_memory(tmp_path: Path) -> None:
    """Protects back-pressure the other way, while the callee does not read for a while."""
    size = 32 << 20

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.2)
        got = 0
        while got < size:
            got += len(await reader.read(1 << 20))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            process = psutil.Process(world.tap.pid)
            before = most = process.memory_info().rss
            reader, writer = await world.connect()
            writer.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(size >> 16):
                writer.write(bytes(1 << 16))
                await writer.drain()
                most = max(most, process.memory_info().rss)
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()
            (call,) = await world.calls(1)
            assert (call.outcome, most - before < 8 << 20) == ("answered", True)

    asyncio.run(scenario())


def test_tcp_links_give_connections_with_bytes(tmp_path: Path) -> None:
    """Protects links to databases: no calls, but who connected for how long and how much went each way."""

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"server speaks first")
        writer.write(await reader.read())

    async def scenario() -> None:
        async with tap_world(tmp_path, callee, protocol="tcp") as world:
            assert await world.exchange(GET, fin=True) == b"server speaks first" + GET
            (connection,) = await world.connections(1)
            assert (connection.bytes_up, connection.bytes_down) == (len(GET), len(GET) + 19)
            assert connection.outcome == "closed"
            assert not world.of(CallStarted)

    asyncio.run(scenario())


def test_tcp_link_to_nobody_is_reset(tmp_path: Path) -> None:
    """Protects the caller of a dead database: its connection ends at once."""

    async def scenario() -> None:
        async with tap_world(tmp_path, closed_port(), protocol="tcp") as world:
            with pytest.raises(ConnectionResetError):  # while connecting or after, as the kernel sees fit
                await asyncio.to_thread(read_one_byte, world.host, world.port)
            (connection,) = await world.connections(1)
            assert connection.outcome == "refused"

    asyncio.run(scenario())
