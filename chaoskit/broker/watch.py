"""Watching the queues of consumers while a scenario runs: live totals, and dead letters by identity."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from chaoskit.broker.connection import connect
from chaoskit.broker.dead_letters import DeadLetterQueue, DeadLetterSight, Peek, Shadow, dead_letter_queue
from chaoskit.broker.live_consumers import UNKNOWN, LiveConsumers
from chaoskit.broker.management import Management
from chaoskit.broker.topology import Topology, read_topology
from chaoskit.errors import BrokerFailed, FaultFailed, UsageProblem
from chaoskit.model.event import ProbeFailed, QueueSeen
from chaoskit.model.system import Consumer, System
from chaoskit.ports.clock import Clock
from chaoskit.ports.engines import BrokerEngine
from chaoskit.ports.recorder import Recorder

EVERY_S = 0.25
SAY_AGAIN_S = 1.0
"""A queue whose totals do not change is recorded this often all the same: it was looked at."""
CLASSIC = "classic"


class QueueWatch:
    """Records `queue` for each watched queue and its dead letter queue, and `message.dead_lettered`.

    What can't be watched is said in a `probe.failed`; nothing is raised once it has started.
    """

    def __init__(self, broker: BrokerEngine, system: System, clock: Clock, recorder: Recorder) -> None:
        self._broker = broker
        self._system = system
        self._clock = clock
        self._recorder = recorder
        self._looking: asyncio.Task[None] | None = None
        self._connection: AbstractConnection | None = None
        self._sights: dict[str, DeadLetterSight] = {}
        self._said: dict[str, QueueSeen] = {}
        self._stopping = False

    async def start(self, consumers: Sequence[str]) -> None:
        """Everything is in place when this returns: no dead letter from now on is missed.

        Raises BrokerFailed; UsageProblem where a consumer's queue is not at the broker.
        """
        await self.stop()
        self._stopping = False
        self._management = Management(self._broker.url, self._broker.management_url)
        topology = await read_topology(self._management)
        chosen = {name: self._system.consumers[name] for name in consumers if name in self._system.consumers}
        queues = {topology.queue(c.queue, asked_by=f"consumers.{name}").name for name, c in chosen.items()}
        self._connection = await connect(self._broker.url)
        self._connection.close_callbacks.add(self._lost)
        self._consumers = LiveConsumers(self._connection)
        for queue in self._dead_letter_queues(topology, chosen):
            queues.add(queue.name)
            if sight := self._sight(queue):
                await sight.start(self._connection)
                self._sights[queue.name] = sight
        self._looking = asyncio.create_task(self._look(queues))

    async def stop(self) -> None:
        """Look once more, then let go of everything. May be called again."""
        self._stopping = True
        task, connection = self._looking, self._connection
        self._looking = self._connection = None
        if task:
            await task
            await self._management.close()
        if connection:
            with contextlib.suppress(AMQPError, OSError, TimeoutError):
                await connection.close()
        self._sights.clear()
        self._said.clear()

    async def _look(self, queues: set[str]) -> None:
        """Every 250 ms until stopped, and a last time then."""
        while True:
            last = self._stopping
            try:
                await self._totals(queues)
            except (BrokerFailed, AMQPError, ChannelInvalidStateError, OSError, TimeoutError) as error:
                self._failed("queues", f"totals could not be read: {error}")
            if last:
                return
            await self._clock.until(lambda: self._stopping, self._clock.now() + EVERY_S)

    async def _totals(self, queues: set[str]) -> None:
        rows, now = await self._management.queues(), self._clock.now()
        for row in rows:
            if (name := str(row["name"])) in queues:
                ready, unacked = int(row.get("messages_ready", 0)), int(row.get("messages_unacknowledged", UNKNOWN))
                consumers = await self._consumers.of(name)
                self._say(QueueSeen(t=now, queue=name, ready=ready, unacked=unacked, consumers=consumers))
                if sight := self._sights.get(name):
                    await sight.look(ready)

    def _say(self, seen: QueueSeen) -> None:
        before = self._said.get(seen.queue)
        same = before and (before.ready, before.unacked, before.consumers) == (seen.ready, seen.unacked, seen.consumers)
        if not (before and same and seen.t - before.t < SAY_AGAIN_S):
            self._said[seen.queue] = seen
            self._recorder.record(seen)

    def _dead_letter_queues(self, topology: Topology, consumers: dict[str, Consumer]) -> list[DeadLetterQueue]:
        """Each once, with all consumers that share it; a consumer without one is named in a `probe.failed`."""
        found: dict[str, DeadLetterQueue] = {}
        for name, consumer in consumers.items():
            try:
                queue, kind, bindings = dead_letter_queue(topology, consumer)
            except (FaultFailed, UsageProblem) as error:
                self._failed(f"dead letters of {name}", error.what)
                continue
            others = found[queue].consumers if queue in found else {}
            found[queue] = DeadLetterQueue(queue, kind, bindings, {**others, name: consumer})
        return list(found.values())

    def _sight(self, queue: DeadLetterQueue) -> DeadLetterSight | None:
        if queue.shadowable:
            return Shadow(queue, self._clock.now, self._recorder.record)
        if self._broker.private and queue.kind == CLASSIC:
            return Peek(queue, self._clock.now, self._recorder.record)
        for name in queue.consumers:
            self._failed(
                f"dead letters of {name}",
                f"messages come to {queue.name!r} through the default exchange, which can't be shadowed; "
                "give the queue a dead letter exchange of its own to see them one by one",
            )
        return None

    def _lost(self, _: object, error: BaseException | None = None) -> None:
        if not self._stopping:
            self._failed("dead letters", f"the connection to the broker was lost: {error}")

    def _failed(self, probe: str, reason: str) -> None:
        self._recorder.record(ProbeFailed(t=self._clock.now(), probe=probe, reason=reason))
