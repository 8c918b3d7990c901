"""Seeing dead letters without touching their queue."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from chaoskit.broker.body import key_of
from chaoskit.broker.side_door import ID_HEADER
from chaoskit.broker.topology import Binding, Topology
from chaoskit.errors import FaultFailed
from chaoskit.model.event import MessageDeadLettered
from chaoskit.model.system import Consumer

PEEK_MAX = 5000
"""How many messages of a dead letter queue are looked at in one go."""
PREFETCH = 500


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """One dead letter queue with the consumers whose messages end there, by the queue that they read."""

    name: str
    kind: str
    bindings: tuple[Binding, ...]
    consumers: Mapping[str, Consumer]

    @property
    def shadowable(self) -> bool:
        """All its messages come through exchanges that another queue can be bound to as well."""
        return bool(self.bindings)


def dead_letter_queue(topology: Topology, consumer: Consumer) -> tuple[str, str, tuple[Binding, ...]]:
    """(queue, its kind, bindings to shadow) for a consumer; the bindings are empty where it can only be read.

    Raises FaultFailed where there is none, UsageProblem where the declared one is not at the broker.
    """
    route = topology.dead_letters(consumer.queue)
    name = consumer.dead_letter or route.queue
    if not name:
        raise FaultFailed(route.problem, where=consumer.queue)
    queue = topology.queue(name, asked_by="consumers: dead_letter")
    direct = topology.queue(consumer.queue).dead_letter_exchange == ""
    return name, queue.kind, () if direct else topology.into(name)


Seen = Callable[[MessageDeadLettered], None]


class DeadLetterSight(Protocol):
    """Tells of each message that comes to a dead letter queue."""

    async def start(self, connection: AbstractConnection) -> None: ...

    async def look(self, ready: int) -> None:
        """The queue has `ready` messages now."""
        ...


class Shadow:
    """A private queue with the bindings of the dead letter queue: it gets the same, from now on."""

    def __init__(self, queue: DeadLetterQueue, now: Callable[[], float], seen: Seen) -> None:
        self._queue = queue
        self._now = now
        self._seen = seen

    async def start(self, connection: AbstractConnection) -> None:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        shadow = await channel.declare_queue(exclusive=True, auto_delete=True)
        await shadow.consume(self._take)
        for binding in self._queue.bindings:
            await shadow.bind(binding.source, binding.key, arguments=dict(binding.arguments))

    async def look(self, ready: int) -> None:
        """It is told of messages by the broker."""

    async def _take(self, message: AbstractIncomingMessage) -> None:
        for event in _events_of(self._queue, message, self._now()):
            self._seen(event)
        await message.ack()


class Peek:
    """Reads the queue and puts everything back, in order; only for a queue at a node of our own."""

    def __init__(self, queue: DeadLetterQueue, now: Callable[[], float], seen: Seen) -> None:
        self._queue = queue
        self._now = now
        self._seen = seen
        self._known: Counter[str] = Counter()
        self._ready = 0

    async def start(self, connection: AbstractConnection) -> None:
        """What lies there already is no news."""
        self._connection = connection
        self._known = Counter(_identity(message) for message in await self._read())

    async def look(self, ready: int) -> None:
        if ready <= self._ready:
            self._ready = ready
            return
        messages = await self._read()
        self._ready = ready
        counted: Counter[str] = Counter()
        for message in messages:
            identity = _identity(message)
            counted[identity] += 1
            if counted[identity] > self._known[identity]:
                self._known[identity] += 1
                for event in _events_of(self._queue, message, self._now()):
                    self._seen(event)

    async def _read(self) -> list[AbstractIncomingMessage]:
        """Closing a channel gives all that it did not settle back to its old place."""
        channel: AbstractChannel = await self._connection.channel()
        try:
            queue = await channel.get_queue(self._queue.name, ensure=False)
            messages: list[AbstractIncomingMessage] = []
            while len(messages) < PEEK_MAX and (message := await queue.get(no_ack=False, fail=False)):
                messages.append(message)
            return messages
        finally:
            await channel.close()


def _events_of(queue: DeadLetterQueue, message: AbstractIncomingMessage, now: float) -> list[MessageDeadLettered]:
    """One event per consumer that it can be from: by the queue that it died in, else all that declare this one."""
    death = _death(message)
    died_in = str(death.get("queue", ""))
    owners = [name for name, consumer in queue.consumers.items() if consumer.queue == died_in]
    return [
        MessageDeadLettered(
            t=now,
            consumer=name,
            queue=queue.name,
            message=str(message.headers.get(ID_HEADER) or message.message_id or ""),
            key=key_of(message.body, queue.consumers[name].key),
            reason=str(death.get("reason") or "sent there by the consumer itself"),
        )
        for name in (owners if death else queue.consumers)
    ]


def _death(message: AbstractIncomingMessage) -> Mapping[str, Any]:
    """The newest entry of `x-death`; empty where the broker did not dead-letter it."""
    deaths: Any = message.headers.get("x-death") or [{}]
    return deaths[0] if isinstance(deaths, list) and isinstance(deaths[0], dict) else {}


def _identity(message: AbstractIncomingMessage) -> str:
    known = message.headers.get(ID_HEADER) or message.message_id
    return str(known) if known else hashlib.sha256(message.body).hexdigest()
