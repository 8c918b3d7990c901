"""Effects and sagas over HTTP, against a real server in this process."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from chaoskit.model.event import Effect, Event, ProbeFailed, SagaSeen
from chaoskit.model.system import System
from chaoskit.probes.http_effects import CONCURRENCY_MAX, HttpEffects

from tests.fakes.ports import FakeClock, ListRecorder


class Shop(ThreadingHTTPServer):
    """Answers with what `answers` holds for a path and a key; remembers what was asked and how much at once."""

    request_queue_size = 128

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.asked: list[str] = []
        self.now = 0
        self.most = 0
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: Shop
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
            self.server.asked.append(self.path)
        path = urlsplit(self.path)
        answer = self.server.answers.get(path.path)
        if callable(answer):
            answer = answer(parse_qs(path.query).get("id", [""])[0])
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        with self.server.lock:
            self.server.now -= 1
        self.send_response(404 if answer is None else status)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(answers: dict[str, Any]) -> Iterator[Shop]:
    shop = Shop(answers)
    thread = threading.Thread(target=shop.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield shop
    finally:
        shop.shutdown()
        thread.join()
        shop.server_close()


def probing(shop: Shop, system: dict[str, Any]) -> tuple[HttpEffects, ListRecorder]:
    recorder = ListRecorder()
    urls = {"inventory": f"http://127.0.0.1:{shop.server_port}/"}
    return HttpEffects(System.model_validate({"system": "t", **system}), urls, FakeClock(3.0), recorder), recorder


def consumer(effect: dict[str, Any] | None) -> dict[str, Any]:
    return {"consumers": {"inventory": {"queue": "q", "key": "id", "effect": effect}}}


def seen(recorder: ListRecorder, kind: type[Event]) -> list[Any]:
    return [event for event in recorder.events if isinstance(event, kind)]


def test_effects_are_counted_by_key() -> None:
    """A list counts by its length, zero included; the key is quoted; each key gives one event."""
    rows = {"a": [1], "b": [1, 2], "c/ d&": []}
    with serving({"/reservations": lambda key: {"items": rows[key]}}) as shop:
        probe, recorder = probing(shop, consumer({"http": "GET {inventory}/reservations?id={key}", "count": "$.items"}))
        assert asyncio.run(probe.effects("inventory", list(rows), last=True)) == {"a": 1, "b": 2, "c/ d&": 0}
        assert "/reservations?id=c%2F%20d%26" in shop.asked
    told = {(event.key, event.count, event.last, event.t) for event in seen(recorder, Effect)}
    assert told == {("a", 1, True, 3.0), ("b", 2, True, 3.0), ("c/ d&", 0, True, 3.0)}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "answered 404"),
        ((500, {"items": []}), "answered 500"),
        ("no JSON", "answered no JSON"),
        ({"other": []}, "$.items: nothing at 'items'"),
        ({"items": {"a": 1}}, "neither a list nor a whole number"),
        ({"items": True}, "neither a list nor a whole number"),
        ({"items": 1.5}, "neither a list nor a whole number"),
    ],
)
def test_what_can_not_be_counted_is_never_zero(answer: Any, reason: str) -> None:
    """A look that fails gives no effect at all, and one `probe.failed` with the reason: zero would read as *lost*."""
    with serving({"/r": answer}) as shop:
        probe, recorder = probing(shop, consumer({"http": "GET {inventory}/r?id={key}", "count": "$.items"}))
        assert asyncio.run(probe.effects("inventory", ["a", "b"], last=False)) == {}
    assert not seen(recorder, Effect)
    failed = seen(recorder, ProbeFailed)
    assert len(failed) == 1
    assert reason in failed[0].reason
    assert "2 of 2 looks failed" in failed[0].reason


def test_a_service_that_is_gone_or_unknown_fails_the_probe() -> None:
    """No connection, no address, no `effect:`: told, and not raised into the run."""
    with serving({}) as shop:
        gone, recorder = probing(shop, consumer({"http": "GET {inventory}/r", "count": "$"}))
        unknown, other = probing(shop, consumer({"http": "GET {inventroy}/r", "count": "$"}))
        none, third = probing(shop, consumer(None))
    for probe in (gone, unknown, none):
        assert asyncio.run(probe.effects("inventory", ["a"], last=False)) == {}
    assert "ConnectionRefusedError" in seen(recorder, ProbeFailed)[0].reason
    assert "no service 'inventroy'" in seen(other, ProbeFailed)[0].reason
    assert "no `effect:`" in seen(third, ProbeFailed)[0].reason


def test_looks_are_concurrent_within_a_limit() -> None:
    """Many keys at once, at most 16: a probe must not be load."""
    with serving({"/r": 1}) as shop:
        probe, _ = probing(shop, consumer({"http": "GET {inventory}/r?id={key}", "value": "$"}))
        found = asyncio.run(probe.effects("inventory", [f"k{n}" for n in range(200)], last=False))
        assert len(found) == 200 == len(shop.asked)
        assert shop.most <= CONCURRENCY_MAX


SAGA = {
    "sagas": {
        "checkout": {
            "accepted_by": {"request": "POST /checkout"},
            "terminal": {"http": "GET {inventory}/state?id={key}", "value": "$.state"},
            "success": ["paid"],
            "failure": ["cancelled"],
            "books": {
                "stock": {
                    "http": "GET {inventory}/book?id={key}",
                    "value": "$.held",
                    "on_success": "$.n",
                    "on_failure": 0,
                }
            },
            "compensations": {"stock": {"http": "GET {inventory}/released?id={key}", "count": "$"}},
        }
    }
}


def test_sagas_tell_state_books_and_what_was_expected() -> None:
    """What a book must hold is a number or a path into the accepted answer, and depends on how the saga ended."""
    states = {"a": "paid", "b": "cancelled", "c": "pending"}
    answers = {
        "/state": lambda key: {"state": states[key]},
        "/book": lambda key: {"held": 0 if key == "b" else 2},
        "/released": lambda key: [1] if key == "b" else [],
    }
    with serving(answers) as shop:
        probe, recorder = probing(shop, SAGA)
        found = asyncio.run(probe.sagas("checkout", [(key, {"n": 2}) for key in states], last=True))
    assert found == states
    told = {
        event.key: (event.books, event.compensations, event.expected, event.last) for event in seen(recorder, SagaSeen)
    }
    assert told == {
        "a": ({"stock": 2}, {"stock": 0}, {"stock": 2}, True),
        "b": ({"stock": 0}, {"stock": 1}, {"stock": 0}, True),
        "c": ({"stock": 2}, {"stock": 0}, {}, True),
    }


def test_a_saga_seen_in_part_is_not_seen() -> None:
    """One book that can't be read, or an answer without the expected amount, gives no `saga` event."""
    with serving({"/state": {"state": "paid"}, "/released": []}) as shop:
        probe, recorder = probing(shop, SAGA)
        assert asyncio.run(probe.sagas("checkout", [("a", {"n": 2})], last=False)) == {}
        assert "/book?id=a answered 404" in seen(recorder, ProbeFailed)[0].reason
        shop.answers["/book"] = {"held": 2}
        assert asyncio.run(probe.sagas("checkout", [("a", {})], last=False)) == {}
    assert not seen(recorder, SagaSeen)
