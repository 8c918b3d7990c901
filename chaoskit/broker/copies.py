"""`duplicate` at work: a shadow of one consumer's queue, of which each message is sent to the consumer once more."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from typing import Any

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from chaoskit.broker.body import key_of
from chaoskit.broker.connection import connect
from chaoskit.broker.side_door import FAULT_HEADER, SideDoor, marked_copy
from chaoskit.broker.topology import Binding, Topology
from chaoskit.errors import FaultFailed
from chaoskit.model.event import MessagePublished
from chaoskit.model.instruction import DuplicateMessages
from chaoskit.model.system import Consumer
from chaoskit.ports.clock import Clock
from chaoskit.ports.recorder import Recorder

ADJACENT_WINDOW = 200
"""Copies that may wait for their confirmation at once; much less and copies fall behind the originals."""
LATE_WINDOW = 10_000
"""Late copies that may wait for their time at once; more stay in the shadow queue, and come later than asked."""
DUE_S_MAX = 1.0
"""How long a revert waits for late copies that are not due yet, before it sends them at once."""
DRAIN_S_MAX = 5.0


class CopyMaker:
    """One `DuplicateMessages` in force, on a connection of its own: when that ends, the broker removes the shadow."""

    def __init__(
        self, handle: str, order: DuplicateMessages, consumer: Consumer, clock: Clock, recorder: Recorder
    ) -> None:
        self.handle = handle
        self.count = 0
        self.trouble = ""
        self._order = order
        self._consumer = consumer
        self._clock = clock
        self._recorder = recorder
        self._random = random.Random(order.seed)
        self._numbers = itertools.count(1)
        self._in_work = 0
        self._hurry = asyncio.Event()
        self._reverting = False
        self._connection: AbstractConnection | None = None
        self._bindings: tuple[Binding, ...] = ()

    async def start(self, url: str, topology: Topology) -> str:
        """Bind the shadow like the consumer's queue; says how. Raises FaultFailed, BrokerFailed, UsageProblem."""
        bindings = _shadowable(topology, self._consumer.queue)
        connection = self._connection = await connect(url)
        connection.close_callbacks.add(self._lost)
        channel = await connection.channel(on_return_raises=True)
        await channel.set_qos(prefetch_count=LATE_WINDOW if self._order.when == "late" else ADJACENT_WINDOW)
        self._door = SideDoor(channel, topology, self._consumer.queue)
        # A name of our own, because the broker refuses to tell the depth of a queue by a name that it made up itself.
        self._shadow: AbstractQueue = await channel.declare_queue(self.handle, exclusive=True, auto_delete=True)
        await self._shadow.consume(self._take)
        for binding in bindings:
            await self._shadow.bind(binding.source, binding.key, arguments=dict(binding.arguments))
        self._bindings = bindings
        ways = ", ".join(f"{binding.source} ({binding.key})" for binding in bindings)
        return f"a private queue gets what {self._consumer.queue} gets from {ways}"

    async def stop(self) -> str:
        """Take no new messages, send what is due, close; says what was done. May be called again."""
        if self._reverting or self._connection is None:
            return f"{self.count} copies sent"
        self._reverting = True
        left = await self._settle() if self._bindings and not self.trouble else ""
        self._hurry.set()
        with contextlib.suppress(AMQPError, OSError, TimeoutError):
            await self._connection.close()
        return f"{self.count} copies sent{left}"

    async def _settle(self) -> str:
        """Cut the shadow off and send what it holds; "" or what went wrong with that."""
        try:
            for binding in self._bindings:
                await self._shadow.unbind(binding.source, binding.key, arguments=dict(binding.arguments))
            await self._drain()
            await self._door.close()
        except (AMQPError, ChannelInvalidStateError, OSError, TimeoutError) as error:
            return f"; the last ones may be missing: {error}"
        return ""

    async def _drain(self) -> None:
        now = self._clock.now()
        wait_s = DUE_S_MAX if self._order.when == "late" else 0.0
        await self._clock.until(lambda: self._in_work == 0, now + min(wait_s, self._order.delay_s))
        self._hurry.set()
        deadline = self._clock.now() + DRAIN_S_MAX
        while self._clock.now() < deadline:
            await self._clock.until(lambda: self._in_work == 0, deadline)
            if not (await self._shadow.declare()).message_count and self._in_work == 0:
                return

    async def _take(self, original: AbstractIncomingMessage) -> None:
        self._in_work += 1
        try:
            if self._wanted(original):
                if self._order.when == "late":
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._order.delay_s):
                            await self._hurry.wait()
                for _ in range(self._order.copies):
                    await self._send(original)
            await original.ack()
        except (AMQPError, ChannelInvalidStateError, OSError) as error:
            self.trouble = self.trouble or f"copying stopped: {error}"
        finally:
            self._in_work -= 1

    def _wanted(self, original: AbstractIncomingMessage) -> bool:
        """Neither a copy, nor a message that comes back to this queue after it was dead-lettered from it."""
        deaths: Any = original.headers.get("x-death") or []
        again = any(isinstance(death, dict) and death.get("queue") == self._consumer.queue for death in deaths)
        if FAULT_HEADER in original.headers or again:
            return False
        return self._order.share >= 1 or self._random.random() < self._order.share

    async def _send(self, original: AbstractIncomingMessage) -> None:
        copy_id = f"{self.handle}-{next(self._numbers)}"
        refused = await self._door.put(marked_copy(original, copy_id, self.handle), original.routing_key or "")
        self.count += not refused
        self._recorder.record(
            MessagePublished(
                t=self._clock.now(),
                consumer=self._order.consumer,
                queue=self._consumer.queue,
                message=copy_id,
                key=key_of(original.body, self._consumer.key),
                purpose="copy",
                confirmed=not refused,
                detail=refused or self._order.when,
            )
        )

    def _lost(self, _: object, error: BaseException | None = None) -> None:
        if not self._reverting:
            self.trouble = self.trouble or f"the connection to the broker was lost: {error}"


def _shadowable(topology: Topology, queue: str) -> tuple[Binding, ...]:
    """The bindings of a queue that a second queue can have as well. Raises FaultFailed where there are none."""
    topology.queue(queue, asked_by="duplicate")
    bindings = topology.into(queue)
    if not bindings:
        raise FaultFailed(
            f"queue {queue!r} is bound to no exchange: what comes through the default exchange can't be shadowed",
            where="duplicate",
            remedy="bind the queue to an exchange and publish there, or leave the fault out for this consumer",
        )
    return bindings
