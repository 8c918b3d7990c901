"""`poison` at work: spoilt messages for one consumer, each with good ones right behind it."""

from __future__ import annotations

import itertools

from chaoskit.broker.body import Sample, to_body
from chaoskit.broker.connection import connect
from chaoskit.broker.entry import real_entry
from chaoskit.broker.mutants import JSON, SpoiltMessage, spoil
from chaoskit.broker.side_door import SideDoor, own_message
from chaoskit.broker.topology import Topology
from chaoskit.errors import FaultFailed
from chaoskit.model.event import MessagePublished
from chaoskit.model.instruction import PoisonMessages
from chaoskit.model.system import Consumer
from chaoskit.ports.clock import Clock
from chaoskit.ports.recorder import Recorder


class Poisoner:
    """One `PoisonMessages`: sent in order, one confirmed after another, so that the good ones are truly behind."""

    def __init__(
        self, handle: str, order: PoisonMessages, consumer: Consumer, clock: Clock, recorder: Recorder
    ) -> None:
        self.handle = handle
        self.count = 0
        self.trouble = ""
        self._order = order
        self._consumer = consumer
        self._clock = clock
        self._recorder = recorder
        self._numbers = itertools.count(1)

    async def start(self, url: str, topology: Topology) -> str:
        """Send all; says what. Raises FaultFailed, BrokerFailed, UsageProblem."""
        sample = self._sample()
        self._routing_key = real_entry(topology, self._consumer)[1]
        connection = await connect(url)
        try:
            self._door = SideDoor(await connection.channel(on_return_raises=True), topology, self._consumer.queue)
            for mutant in self._order.mutants:
                key, document = sample.fresh()
                spoilt = spoil(mutant, document, key, self._consumer.key)
                self.count += await self._send(spoilt, "poison", mutant)
                for _ in range(self._order.good_behind):
                    key, document = sample.fresh()
                    await self._send(SpoiltMessage(to_body(document), JSON, key), "behind", mutant)
            await self._door.close()
        finally:
            await connection.close()
        return f"{self.count} spoilt messages, {self._order.good_behind} good ones behind each"

    async def stop(self) -> str:
        """Nothing stays in force: what was sent was sent."""
        return f"{self.count} spoilt messages sent"

    def _sample(self) -> Sample:
        if self._consumer.message is None:
            raise FaultFailed(
                f"there is no sample to spoil for consumer {self._order.consumer!r}",
                where="consumers",
                remedy="give it a `message:`, a file with one real message body",
            )
        return Sample(self._consumer.message, self._consumer.key)

    async def _send(self, what: SpoiltMessage, purpose: str, mutant: str) -> bool:
        message_id = f"{self.handle}-{next(self._numbers)}"
        message = own_message(what.body, message_id, what.content_type, self.handle)
        refused = await self._door.put(message, self._routing_key)
        self._recorder.record(
            MessagePublished(
                t=self._clock.now(),
                consumer=self._order.consumer,
                queue=self._consumer.queue,
                message=message_id,
                key=what.key,
                purpose=purpose,
                confirmed=not refused,
                detail=f"{mutant}: {refused}" if refused else mutant,
            )
        )
        if refused:
            raise FaultFailed(f"{purpose} message {mutant!r} did not reach {self._consumer.queue}: {refused}")
        return True
