"""The run's own requests against real sockets: what counts as an answer, and what as none."""

from __future__ import annotations

import asyncio

import pytest
from chaoskit.model.event import Sample
from chaoskit.probes.http_probe import BODY_BYTES_MAX, HttpProbe

from tests.fakes.ports import ListRecorder, RealClock

pytestmark = pytest.mark.service

ANSWERS = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok"),
    (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end"),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503, ""),
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"x" * 20000, 200, "x" * BODY_BYTES_MAX),
]
NO_ANSWERS = [
    (b"", "ConnectionResetError: no answer"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf", "in the middle of the answer"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n63\r\nhalf", "in the middle of the answer"),
    (b"SSH-2.0-OpenSSH\r\n", "HttpParser"),
]


def asked(says: bytes, request: str = "GET {web}/a b?c=%20d") -> tuple[Sample, bytes]:
    """The sample of one request to a server that says this and closes, and what the server was sent."""

    async def run() -> tuple[Sample, bytes]:
        heard = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(says)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            recorder = ListRecorder()
            await HttpProbe({"service:web": f"{host}:{port}"}, RealClock(), recorder).send(request)
        (sample,) = recorder.events
        assert isinstance(sample, Sample)
        return sample, heard[0]

    return asyncio.run(run())


@pytest.mark.parametrize(("says", "status", "body"), ANSWERS)
def test_an_answer_is_understood_however_it_ends(says: bytes, status: int, body: str) -> None:
    """Every way in which HTTP/1.1 ends a body gives the status and the (bounded) body, and no error."""
    sample, _ = asked(says)
    assert (sample.status, sample.error, sample.body) == (status, "", body)
    assert sample.ok == (status < 400)


@pytest.mark.parametrize(("says", "error"), NO_ANSWERS)
def test_half_an_answer_is_none(says: bytes, error: str) -> None:
    """A connection that is cut, or talks something else, is never a status that looks fine."""
    sample, _ = asked(says)
    assert (sample.status, sample.ok) == (0, False)
    assert error in sample.error


def test_nobody_listening_is_a_sample_with_its_error() -> None:
    """A refused connection is evidence and not a crash."""
    recorder = ListRecorder()
    asyncio.run(HttpProbe({}, RealClock(), recorder).send("GET http://127.0.0.1:1/"))
    (sample,) = recorder.events
    assert isinstance(sample, Sample)
    assert sample.status == 0
    assert "ConnectionRefusedError" in sample.error


def test_what_is_sent_is_one_well_formed_request() -> None:
    """No character of a URL can end the request line; a HEAD's answer has no body to wait for."""
    _, heard = asked(ANSWERS[0][0])
    assert heard.startswith(b"GET /a%20b?c=%20d HTTP/1.1\r\nHost: 127.0.0.1:")
    sample, heard = asked(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "HEAD {web}/")
    assert (sample.status, sample.error) == (200, "")
    sample, heard = asked(ANSWERS[0][0], "POST {web}/")
    assert b"\r\nContent-Length: 0\r\n" in heard
