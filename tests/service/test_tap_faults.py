"""Each fault of the tap, as a real client meets it."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from pathlib import Path

import httpx
import pytest
from chaoskit.errors import FaultFailed
from chaoskit.model.instruction import TapRule

from tests.fixtures.tap import LINK, Callee, answering, scripted, silent, tap_world

pytestmark = pytest.mark.service

GET = b"GET /customers/1 HTTP/1.1\r\nHost: c\r\n\r\n"
LAST = b"GET /customers/1 HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n"
BUSY = {"status": 503, "body": '{"busy":true}', "headers": "Retry-After: 1\nX-A: b"}


def test_answer_is_complete_and_keeps_the_connection(tmp_path: Path) -> None:
    """Protects `status`: right status, body, headers and length, HEAD included, on the same connection as before."""

    async def scenario() -> None:
        async with tap_world(tmp_path, answering()) as world, httpx.AsyncClient(base_url=world.url) as client:
            async with world.armed("answer", params=BUSY) as hits:
                for method in ("GET", "POST", "HEAD"):
                    answer = await client.request(method, "/x", content=b"sent" if method == "POST" else None)
                    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
                    assert answer.headers["content-length"] == "13"
                    assert answer.headers["content-type"] == "application/json"
                    assert answer.text == ("" if method == "HEAD" else '{"busy":true}')
                assert await hits() == 3
            assert (await client.get("/x")).text == "hello"
            calls = await world.calls(4)
            assert [(c.status, c.injected, c.outcome) for c in calls] == [
                (503, "answer", "answered"),
                (503, "answer", "answered"),
                (503, "answer", "answered"),
                (200, "", "answered"),
            ]
            assert len({c.connection for c in calls}) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "request_head",
    [LAST, b"GET / HTTP/1.0\r\n\r\n", b"PUT / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"],
    ids=["close", "HTTP/1.0", "100-continue"],
)
def test_answer_closes_where_the_request_says_so(tmp_path: Path, request_head: bytes) -> None:
    """Protects callers that wait for the end of the connection, or that have not sent a body and now never will."""

    async def scenario() -> None:
        async with tap_world(tmp_path, silent) as world, world.armed("answer", params={"status": 500, "body": "no"}):
            got = await world.exchange(request_head)
            assert got.startswith(b"HTTP/1.1 500 ")
            assert b"Connection: close" in got
            assert got.endswith(b"\r\n\r\nno")

    asyncio.run(scenario())


def test_answers_stay_in_order_among_pipelined_requests(tmp_path: Path) -> None:
    """Protects pipelining: an injected answer waits for the real ones before it, and those behind it wait for it."""

    async def scenario() -> None:
        async with tap_world(tmp_path, answering(after_s=0.05)) as world:
            async with world.armed("answer", params={"status": 503}, match_path="/bad"):
                sent = GET + GET.replace(b"/customers", b"/bad") + GET + LAST
                reader, writer = await world.connect()
                writer.write(sent)
                statuses = []
                for length in (5, 0, 5, 5):
                    statuses.append(int((await reader.readuntil(b"\r\n\r\n"))[9:12]))
                    await reader.readexactly(length)
                writer.close()
            assert statuses == [200, 503, 200, 200]
            assert [c.injected for c in await world.calls(4)] == ["", "answer", "", ""]

    asyncio.run(scenario())


def test_hang_lasts_until_the_caller_gives_up(tmp_path: Path) -> None:
    """Protects `hang`: the call arrives, nothing comes back, the caller's own timeout ends it and is measured."""

    async def scenario() -> None:
        async with tap_world(tmp_path, answering()) as world, world.armed("hang") as hits:
            async with httpx.AsyncClient(base_url=world.url, timeout=0.3) as client:
                with pytest.raises(httpx.ReadTimeout):
                    await client.post("/x", content=b"a" * 100_000)
            (call,) = await world.calls(1)
            assert (call.outcome, call.injected, call.status, await hits()) == ("abandoned", "hang", 0, 1)
            assert 0.25 < call.end - call.t < 0.6
            assert call.bytes_up > 100_000

    asyncio.run(scenario())


def test_disarming_closes_what_hangs(tmp_path: Path) -> None:
    """Protects the end of `hang`: held calls end without an answer, so that nobody waits for a fault that is over."""

    async def scenario() -> None:
        async with tap_world(tmp_path, answering()) as world:
            async with world.armed("hang"):
                held = asyncio.create_task(world.exchange(GET))
                await world.until(lambda: world.tap.calls_seen(LINK) == 1)
                await asyncio.sleep(0.05)
                assert not held.done()
            assert await held == b""
            (call,) = await world.calls(1)
            assert (call.outcome, call.injected) == ("cut", "hang")

    asyncio.run(scenario())


def test_hang_survives_the_callees_idle_timeout(tmp_path: Path) -> None:
    """Protects `hang` from callees that close idle connections: the caller must not see an end."""

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world, world.armed("hang"):
            reader, writer = await world.connect()
            writer.write(GET)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(), 0.3)
            writer.close()
            (call,) = await world.calls(1)
            assert call.outcome == "abandoned"

    asyncio.run(scenario())


def test_answer_needs_no_callee(tmp_path: Path) -> None:
    """Protects faults played by the tap on a link whose callee is down."""

    async def scenario() -> None:
        async with tap_world(tmp_path, 1) as world, world.armed("answer", params={"status": 503}):
            assert (await world.exchange(LAST)).startswith(b"HTTP/1.1 503 ")

    asyncio.run(scenario())


def test_headers_only_promises_a_body(tmp_path: Path) -> None:
    """Protects `headers_only`: a client gets a whole head and waits for the body in vain."""

    async def scenario() -> None:
        async with tap_world(tmp_path, answering()) as world, world.armed("headers_only") as hits:
            client = httpx.AsyncClient(base_url=world.url, timeout=0.3)
            async with client, client.stream("GET", "/x") as answer:
                assert answer.status_code == 200
                with pytest.raises(httpx.ReadTimeout):
                    await answer.aread()
            (call,) = await world.calls(1)
            assert (call.outcome, call.status, call.injected) == ("abandoned", 200, "headers_only")
            assert await hits() == 1

    asyncio.run(scenario())


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("callee", "after", "body"),
    [
        (answering(b"hello"), 2, b"he"),
        (answering(b"hello"), 99, b"hell"),
        (scripted(CHUNKED), 4, b"5\r\nh"),
        (scripted(CHUNKED), 99, b"5\r\nhello\r\n0\r\n\r"),
        (scripted(b"HTTP/1.1 200 OK\r\n\r\nuntil the end"), 5, b"until"),
    ],
    ids=["length", "longer than the body", "chunked", "longer than the chunks", "until close"],
)
def test_cut_body_breaks_off_where_asked(tmp_path: Path, callee: Callee, after: int, body: bytes) -> None:
    """Protects `cut_body`: so many bytes of the body come, never all of them, and then a reset."""

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world, world.armed("cut_body", params={"bytes": after}) as hits:
            reader, writer = await world.connect()
            writer.write(GET)
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(body)) == body
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
            writer.close()
            (call,) = await world.calls(1)
            assert (call.outcome, call.status, call.injected, await hits()) == ("cut", 200, "cut_body", 1)

    asyncio.run(scenario())


def test_cut_body_leaves_answers_without_a_body(tmp_path: Path) -> None:
    """Protects the count of hits: what can't be cut is not counted as cut."""

    async def scenario() -> None:
        answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        async with tap_world(tmp_path, scripted(answer)) as world, world.armed("cut_body", params={"bytes": 0}) as hits:
            assert await world.exchange(GET) == answer
            assert await hits() == 0

    asyncio.run(scenario())


NAMED = json.dumps({"id": 1, "name": "Ada"}).encode()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(NAMED), NAMED),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n"
        % (NAMED[:3], len(NAMED) - 3, NAMED[3:]),
        b"HTTP/1.1 200 OK\r\n\r\n" + NAMED,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(NAMED), NAMED),
    ],
    ids=["length", "chunked", "until close", "after 100"],
)
def test_change_body_keeps_the_framing_right(tmp_path: Path, answer: bytes) -> None:
    """Protects `change_body`: a client reads a sound answer that says something else."""
    params = {"find": '"name"', "replace": '"fullName"'}

    async def scenario() -> None:
        async with tap_world(tmp_path, scripted(answer)) as world, world.armed("change_body", params=params) as hits:
            async with httpx.AsyncClient(base_url=world.url) as client:
                assert (await client.get("/x")).json() == {"id": 1, "fullName": "Ada"}
            (call,) = await world.calls(1)
            assert (call.outcome, call.injected, await hits()) == ("answered", "change_body", 1)

    asyncio.run(scenario())


def test_change_body_asks_for_plain_text_and_leaves_what_does_not_match(tmp_path: Path) -> None:
    """Protects compressed answers: a callee that can is asked not to; one that does so all the same is left alone."""
    packed = gzip.compress(NAMED)
    heads: list[bytes] = []

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            async with world.armed("change_body", params={"find": "name", "replace": "x"}) as hits:
                async with httpx.AsyncClient(base_url=world.url) as client:
                    assert (await client.get("/x")).content == NAMED
                assert await hits() == 0
            assert heads[0].lower().count(b"accept-encoding") == 1
            assert b"Accept-Encoding: identity\r\n\r\n" in heads[0]

    asyncio.run(scenario())


@pytest.mark.parametrize("armed", [False, True])
def test_hold_keeps_the_far_leg_open(tmp_path: Path, armed: bool) -> None:
    """Protects `hold`: the callee does not learn that its caller left, which it does without."""
    ended = asyncio.Event()

    async def callee(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        ended.set()

    async def leave(world) -> None:
        _, writer = await world.connect()
        writer.write(GET)
        await world.until(lambda: world.tap.calls_seen(LINK) == 1)
        await asyncio.sleep(0.05)
        writer.close()
        (call,) = await world.calls(1)
        assert (call.outcome, call.injected) == ("abandoned", "hold" if armed else "")

    async def scenario() -> None:
        async with tap_world(tmp_path, callee) as world:
            if armed:
                async with world.armed("hold") as hits:
                    await leave(world)
                    await asyncio.sleep(0.2)
                    assert (ended.is_set(), await hits()) == (False, 1)
            else:
                await leave(world)
            await asyncio.wait_for(ended.wait(), 5)  # held: until the rule is gone

    asyncio.run(scenario())


def test_first_share_and_match_choose_the_calls(tmp_path: Path) -> None:
    """Protects which calls a rule takes: the first n, a share that repeats with its seed, a method and a path."""

    async def statuses(world, count: int, **options: object) -> list[int]:
        rule = world.armed("answer", params={"status": 503}, **options)
        async with rule, httpx.AsyncClient(base_url=world.url) as client:
            return [(await client.get("/customers/1")).status_code for _ in range(count)]

    async def scenario() -> None:
        async with tap_world(tmp_path, answering()) as world:
            assert await statuses(world, 4, first=2) == [503, 503, 200, 200]
            draws = random.Random(7)
            expected = [503 if draws.random() < 0.3 else 200 for _ in range(30)]
            assert await statuses(world, 30, share=0.3, seed=7) == expected
            assert await statuses(world, 30, share=0.3, seed=7) == expected
            assert await statuses(world, 30, share=0.3, seed=8) != expected
            assert await statuses(world, 1, match_path="/orders") == [200]
            assert await statuses(world, 1, match_method="POST") == [200]
            assert await statuses(world, 1, match_method="GET", match_path="/cust") == [503]

    asyncio.run(scenario())


def test_arming_is_read_back_and_disarming_repeatable(tmp_path: Path) -> None:
    """Protects confirmation: a fault that is not in force is never taken for one that is."""
    rule = TapRule(LINK, "hang")

    async def scenario() -> None:
        async with tap_world(tmp_path, answering()) as world:
            handle, undo = world.tap.prepare("f1", rule)
            assert undo == ()
            assert (await world.tap.hold(handle, rule))[1]
            await world.tap.inject(handle, rule)
            assert await world.tap.hold(handle, rule) == (0, "")
            for _ in range(2):
                await world.tap.revert(handle, rule)
            assert (await world.tap.hold(handle, rule))[1]
            for wrong in (TapRule("no -> link", "hang"), TapRule(LINK, "hangs")):
                with pytest.raises(FaultFailed):
                    await world.tap.inject("f2", wrong)

    asyncio.run(scenario())


def test_tcp_links_refuse_rules(tmp_path: Path) -> None:
    """Protects from a fault that would be armed and never hit anything."""

    async def scenario() -> None:
        async with tap_world(tmp_path, silent, protocol="tcp") as world:
            with pytest.raises(FaultFailed, match="needs calls"):
                await world.tap.inject("f1", TapRule(LINK, "hang"))

    asyncio.run(scenario())
