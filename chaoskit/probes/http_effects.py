"""Effects and sagas as the system itself shows them over HTTP, by business key."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from chaoskit.model.event import Effect, ProbeFailed, SagaSeen
from chaoskit.model.json_path import read_path
from chaoskit.model.system import Book, HttpProbe, Saga, System
from chaoskit.ports.clock import Clock
from chaoskit.ports.recorder import Recorder
from chaoskit.probes.kept_connections import KeptConnections

CONCURRENCY_MAX = 16
TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 8 * 1024 * 1024

_PLACEHOLDER = re.compile(r"\{([\w.-]+)\}")
T = TypeVar("T")
Value = float | str


class CanNotTell(Exception):
    """A look that found nothing that could be counted; never taken for a zero."""


class HttpEffects:
    """Implements ports.effect_probe.EffectProbe with the probes of the system file.

    `urls` maps services to their addresses. A look that fails gives no `effect` and no `saga`: each sweep records one
    `probe.failed` that says how many failed, and the first reason.
    """

    def __init__(self, system: System, urls: Mapping[str, str], clock: Clock, recorder: Recorder) -> None:
        self._system = system
        self._urls = urls
        self._clock = clock
        self._recorder = recorder

    async def effects(self, consumer: str, keys: Sequence[str], *, last: bool) -> dict[str, int]:
        """How often the effect of each key shows; keys that could not be looked at are left out."""
        probe = self._system.consumers[consumer].effect
        if probe is None:
            self._failed(f"effect of {consumer}", "the consumer has no `effect:` in the system file")
            return {}

        async def look(client: KeptConnections, key: str) -> int:
            count = await self._count(client, probe, key)
            self._recorder.record(Effect(t=self._clock.now(), consumer=consumer, key=key, count=count, last=last))
            return count

        return await self._sweep(f"effect of {consumer}", list(keys), lambda key: key, look)

    async def sagas(self, saga: str, accepted: Sequence[tuple[str, Any]], *, last: bool) -> dict[str, str]:
        """The state of each saga by key; those that could not be looked at in full are left out."""
        declared = self._system.sagas[saga]

        async def look(client: KeptConnections, piece: tuple[str, Any]) -> str:
            seen = await self._saga(client, saga, declared, piece, last)
            self._recorder.record(seen)
            return seen.state

        return await self._sweep(f"saga {saga}", list(accepted), lambda piece: piece[0], look)

    async def _sweep(
        self,
        name: str,
        pieces: list[T],
        key_of: Callable[[T], str],
        look: Callable[[KeptConnections, T], Awaitable[Any]],
    ) -> dict[str, Any]:
        """Look at all pieces, at most 16 at a time."""
        window = asyncio.Semaphore(CONCURRENCY_MAX)
        found: dict[str, Any] = {}
        failures: list[str] = []

        async def one(client: KeptConnections, piece: T) -> None:
            async with window:
                try:
                    found[key_of(piece)] = await look(client, piece)
                except CanNotTell as error:
                    failures.append(f"key {key_of(piece)}: {error}")

        async with KeptConnections(timeout_s=TIMEOUT_S, answer_bytes_max=ANSWER_BYTES_MAX) as client:
            await asyncio.gather(*(one(client, piece) for piece in pieces))
        if failures:
            self._failed(name, f"{len(failures)} of {len(pieces)} looks failed; {failures[0]}")
        return found

    async def _saga(
        self, client: KeptConnections, name: str, saga: Saga, piece: tuple[str, Any], last: bool
    ) -> SagaSeen:
        key, answer = piece
        state = str(await self._value(client, saga.terminal, key))
        books = {party: await self._book(client, book, key) for party, book in saga.books.items()}
        compensations = {party: await self._count(client, probe, key) for party, probe in saga.compensations.items()}
        expected: dict[str, Value] = {}
        for party, book in saga.books.items():
            if state in (*saga.success, *saga.failure):
                wanted = book.on_success if state in saga.success else book.on_failure
                expected[party] = _expected(wanted, answer)
        return SagaSeen(
            t=self._clock.now(),
            saga=name,
            key=key,
            state=state,
            books=books,
            compensations=compensations,
            expected=expected,
            last=last,
        )

    async def _book(self, client: KeptConnections, book: Book, key: str) -> Value:
        return _value_at(book.value, await self._answer(client, book.http, key))

    async def _value(self, client: KeptConnections, probe: HttpProbe, key: str) -> Value:
        return _value_at(probe.value or probe.count or "$", await self._answer(client, probe.http, key))

    async def _count(self, client: KeptConnections, probe: HttpProbe, key: str) -> int:
        return _count_at(probe.count or probe.value or "$", await self._answer(client, probe.http, key))

    async def _answer(self, client: KeptConnections, template: str, key: str) -> Any:
        """The JSON of one request. Raises CanNotTell for every answer that is not 2xx with JSON."""
        method, url = self._request(template, key)
        try:
            status, body = await client.request(method, url)
        except (OSError, ValueError) as error:
            raise CanNotTell(f"{method} {url}: {type(error).__name__} {error}".rstrip()) from error
        if not 200 <= status < 300:
            raise CanNotTell(f"{method} {url} answered {status}")
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise CanNotTell(f"{method} {url} answered no JSON") from error

    def _request(self, template: str, key: str) -> tuple[str, str]:
        """`GET {inventory}/reservations?orderId={key}` → (method, URL); the key is quoted."""
        values = {**self._urls, "key": quote(key, safe="")}
        unknown = [name for name in _PLACEHOLDER.findall(template) if name not in values]
        method, _, url = template.strip().partition(" ")
        if unknown or not url:
            what = f"no service {unknown[0]!r} with a known address" if unknown else "write it as METHOD URL"
            raise CanNotTell(f"{template!r}: {what}")
        return method.upper(), _PLACEHOLDER.sub(lambda match: values[match.group(1)].rstrip("/"), url.strip())

    def _failed(self, probe: str, reason: str) -> None:
        self._recorder.record(ProbeFailed(t=self._clock.now(), probe=probe, reason=reason))


def _read(path: str, document: Any) -> Any:
    try:
        return read_path(path, document)
    except LookupError as error:
        raise CanNotTell(f"the answer has {error}") from error


def _count_at(path: str, document: Any) -> int:
    """The length of a list, or a whole number. Raises CanNotTell for anything else."""
    value = _read(path, document)
    if isinstance(value, list):
        return len(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise CanNotTell(f"{path} is neither a list nor a whole number: {str(value)[:60]!r}")


def _value_at(path: str, document: Any) -> Value:
    """A number or a text; a list counts as its length. Raises CanNotTell for anything else."""
    value = _read(path, document)
    if isinstance(value, list):
        return len(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float, str)):
        return value
    raise CanNotTell(f"{path} is neither a number nor a text: {str(value)[:60]!r}")


def _expected(wanted: str | float, answer: Any) -> Value:
    """A number or a text as declared, or what the path `$.…` finds in the accepted answer."""
    return _value_at(wanted, answer) if isinstance(wanted, str) and wanted.startswith("$") else wanted
