"""`messages:` of a scenario: chaoskit is the producer."""

from __future__ import annotations

import asyncio
import itertools
import secrets

from aio_pika.abc import AbstractChannel, AbstractExchange
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError, PublishError

from chaoskit.broker.body import Sample, key_of, to_body
from chaoskit.broker.connection import connect
from chaoskit.broker.management import Management
from chaoskit.broker.mutants import JSON
from chaoskit.broker.side_door import CONFIRM_S_MAX, own_message
from chaoskit.broker.topology import Topology, read_topology
from chaoskit.errors import BrokerFailed, FaultFailed
from chaoskit.model.event import MessagePublished
from chaoskit.model.scenario import Messages
from chaoskit.model.system import System
from chaoskit.ports.clock import Clock
from chaoskit.ports.engines import BrokerEngine
from chaoskit.ports.recorder import Recorder

WINDOW = 200
"""Messages that may wait for their confirmation at once."""


class Publisher:
    """Publishes at a rate, each message confirmed, with keys of its own; recorded once per consumer it reaches."""

    def __init__(self, broker: BrokerEngine, system: System, clock: Clock, recorder: Recorder) -> None:
        self._broker = broker
        self._system = system
        self._clock = clock
        self._recorder = recorder
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def publish(self, messages: Messages) -> None:
        """Until all are sent and confirmed or refused. Raises FaultFailed, BrokerFailed, UsageProblem."""
        async with Management(self._broker.url, self._broker.management_url) as management:
            topology = await read_topology(management)
        exchange = self._exchange(messages, topology)
        consumers = self._consumers(topology.reached(exchange, messages.publish))
        sample = Sample(messages.from_, next(iter(consumers.values())))
        connection = await connect(self._broker.url)
        try:
            channel = await connection.channel(on_return_raises=True)
            await self._paced(messages, await _exchange_of(channel, exchange), sample, consumers)
        finally:
            await connection.close()

    async def _paced(
        self, messages: Messages, exchange: AbstractExchange, sample: Sample, consumers: dict[str, str]
    ) -> None:
        """Each is due by the schedule, not by the one before it; at most `WINDOW` are on their way."""
        window = asyncio.Semaphore(WINDOW)
        began = self._clock.now()

        async def one() -> None:
            async with window:
                await self._one(messages.publish, exchange, sample, consumers)

        async with asyncio.TaskGroup() as sending:
            for number in range(messages.count):
                due = began + number / messages.rate
                await asyncio.sleep(max(0.0, due - self._clock.now()))
                sending.create_task(one())

    async def _one(
        self, routing_key: str, exchange: AbstractExchange, sample: Sample, consumers: dict[str, str]
    ) -> None:
        message_id = f"ck-{self._run}-{next(self._numbers)}"
        _, document = sample.fresh()
        body = to_body(document)
        refused = ""
        try:
            await exchange.publish(own_message(body, message_id, JSON), routing_key, timeout=CONFIRM_S_MAX)
        except (PublishError, DeliveryError) as error:
            refused = f"refused: {error}"
        except (AMQPError, ChannelInvalidStateError, OSError, TimeoutError) as error:
            refused = f"no confirmation: {error}"
        for name, key_path in consumers.items():
            self._recorder.record(
                MessagePublished(
                    t=self._clock.now(),
                    consumer=name,
                    queue=self._system.consumers[name].queue,
                    message=message_id,
                    key=key_of(body, key_path),
                    purpose="original",
                    confirmed=not refused,
                    detail=refused,
                )
            )

    def _exchange(self, messages: Messages, topology: Topology) -> str:
        """The one named, else the one through which the key reaches a consumer of the system file."""
        if messages.exchange or messages.publish in topology.queues:
            return messages.exchange
        reaching = [name for name in topology.exchanges if self._reaches(topology, name, messages.publish)]
        if len(reaching) == 1:
            return reaching[0]
        raise FaultFailed(
            f"{len(reaching) or 'no'} exchanges lead to a consumer with routing key {messages.publish!r}",
            where="messages.publish",
            remedy="name one as `exchange:`" if reaching else "look for a misspelt routing key, or add `exchange:`",
        )

    def _reaches(self, topology: Topology, exchange: str, key: str) -> bool:
        reached = topology.reached(exchange, key)
        return bool(exchange) and any(consumer.queue in reached for consumer in self._system.consumers.values())

    def _consumers(self, queues: tuple[str, ...]) -> dict[str, str]:
        """Name → path of the business key, of the consumers that read one of the queues."""
        found = {name: c.key for name, c in self._system.consumers.items() if c.queue in queues}
        if not found:
            raise FaultFailed(
                "the messages reach no queue of a consumer",
                where="messages",
                remedy=f"they reach {', '.join(queues) or 'no queue at all'}; see `consumers:` in the system file",
            )
        return found


async def _exchange_of(channel: AbstractChannel, name: str) -> AbstractExchange:
    try:
        return await channel.get_exchange(name) if name else channel.default_exchange
    except AMQPError as error:
        raise BrokerFailed(f"exchange {name!r} can't be used: {error}", where="messages.exchange") from error
