"""`poison`, `messages:` and the queue watch on a real broker."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from chaoskit.broker.actuator import BrokerActuator
from chaoskit.broker.publisher import Publisher
from chaoskit.broker.watch import QueueWatch
from chaoskit.errors import FaultFailed
from chaoskit.model.event import MessageDeadLettered, MessagePublished, ProbeFailed, QueueSeen
from chaoskit.model.instruction import PoisonMessages
from chaoskit.model.poison import MUTANTS
from chaoskit.model.scenario import Messages
from chaoskit.model.system import Consumer, System

from tests.fakes.ports import ListRecorder, RealClock
from tests.fixtures.rabbitmq import Rabbit
from tests.service.message_consumer import (
    DEAD,
    EXCHANGE,
    QUEUE,
    ROUTING_KEY,
    Relay,
    consuming,
    declare,
    names_of,
    produce,
    seen,
    system_of,
    until,
)

pytestmark = pytest.mark.service
REFUSED = {name for name, mutant in MUTANTS.items() if mutant.certain}
"""What the consumer of these tests can't read; the rest of the catalogue it takes for orders."""


async def poison(vhost: Rabbit, system: System, recorder: ListRecorder, good_behind: int = 2) -> str:
    actuator = BrokerActuator(vhost, system, RealClock(), recorder)
    order = PoisonMessages("inventory", tuple(MUTANTS), good_behind=good_behind)
    handle, undo = actuator.prepare("f1", order)
    assert undo == ()
    await actuator.inject(handle, order)
    assert await actuator.hold(handle, order) == (len(MUTANTS), "")
    await actuator.revert(handle, order)
    return handle


@pytest.mark.parametrize("dead_letters", ["dead", "default"])
def test_poison_is_seen_in_the_dead_letter_queue(vhost: Rabbit, tmp_path: Path, dead_letters: str) -> None:
    """Each spoilt message is told by identity and reason, also where the queue can only be read; it stays as it is."""
    declare(vhost, dead_letters=dead_letters)
    system, recorder = system_of(tmp_path / "sample.json", routing_key=ROUTING_KEY), ListRecorder()

    async def play() -> str:
        watch = QueueWatch(vhost, system, RealClock(), recorder)
        async with consuming(vhost) as consumer:
            await watch.start(["inventory"])
            handle = await poison(vhost, system, recorder)
            await until(lambda: len(consumer.taken) == 3 * len(MUTANTS))
            await until(lambda: len(seen(recorder, MessageDeadLettered)) >= len(REFUSED))
            await produce(vhost, ["late"], routing_key="order.other", message_id="m-late")
            await until(lambda: len(seen(recorder, MessageDeadLettered)) > len(REFUSED))
            await asyncio.sleep(0.6)
            await watch.stop()
        assert all(count == 1 for count in consumer.effects.values())
        good = {event.key for event in seen(recorder, MessagePublished) if event.purpose == "behind"}
        assert len(good) == 2 * len(MUTANTS)
        assert good <= set(consumer.effects)
        return handle

    handle = asyncio.run(play())
    sent = {event.message: event for event in seen(recorder, MessagePublished)}
    *dead, foreign = seen(recorder, MessageDeadLettered)
    assert (foreign.message, foreign.key, foreign.reason) == ("m-late", "late", "rejected")
    assert Counter(sent[event.message].detail for event in dead) == Counter(REFUSED)
    assert {(event.queue, event.consumer, event.reason) for event in dead} == {(DEAD, "inventory", "rejected")}
    assert all(event.message.startswith(handle) for event in dead)
    assert not seen(recorder, ProbeFailed)
    last = {event.queue: event for event in seen(recorder, QueueSeen)}
    assert (last[DEAD].ready, last[DEAD].unacked, last[QUEUE].ready) == (len(REFUSED) + 1, 0, 0)
    assert {QUEUE, DEAD} == names_of(vhost, "queues")


def test_without_a_dead_letter_queue_the_watch_says_so(vhost: Rabbit, tmp_path: Path) -> None:
    """A consumer whose poison vanishes gives no dead letter, and the watch tells why it can't see any."""
    declare(vhost, dead_letters="none")
    system, recorder = system_of(tmp_path / "sample.json", routing_key=ROUTING_KEY), ListRecorder()

    async def play() -> None:
        watch = QueueWatch(vhost, system, RealClock(), recorder)
        async with consuming(vhost) as consumer:
            await watch.start(["inventory"])
            await poison(vhost, system, recorder, good_behind=0)
            await until(lambda: len(consumer.taken) == len(MUTANTS))
            await watch.stop()

    asyncio.run(play())
    assert not seen(recorder, MessageDeadLettered)
    assert [event.reason for event in seen(recorder, ProbeFailed)] == [f"queue {QUEUE!r} has no dead letter exchange"]


def test_a_parking_lot_filled_by_the_consumer_itself_counts(vhost: Rabbit) -> None:
    """A declared dead letter queue is watched through its own bindings; nothing needs an `x-death`."""
    declare(vhost, dead_letters="none")
    recorder = ListRecorder()

    async def play() -> None:
        watch = QueueWatch(vhost, system_of(dead_letter=DEAD), RealClock(), recorder)
        await watch.start(["inventory"])
        async with await aio_pika.connect(vhost.url) as connection:
            channel = await connection.channel()
            parked = await channel.get_exchange("dead")
            await parked.publish(aio_pika.Message(b'{"orderId": "p"}', message_id="m-p"), DEAD)
        await until(lambda: seen(recorder, MessageDeadLettered))
        await watch.stop()

    asyncio.run(play())
    event = seen(recorder, MessageDeadLettered)[0]
    assert (event.key, event.message, event.reason) == ("p", "m-p", "sent there by the consumer itself")


def test_the_default_exchange_of_a_shared_broker_is_not_read(vhost: Rabbit) -> None:
    """On a broker that is not ours no dead letter queue is read and put back: the watch says what it can't see."""
    declare(vhost, dead_letters="default")
    recorder = ListRecorder()

    async def play() -> None:
        shared = Rabbit(vhost.url, vhost.management_url, private=False)
        watch = QueueWatch(shared, system_of(), RealClock(), recorder)
        await watch.start(["inventory"])
        await watch.stop()

    asyncio.run(play())
    assert "can't be shadowed" in seen(recorder, ProbeFailed)[0].reason


def test_totals_are_live_and_told_every_second(vhost: Rabbit) -> None:
    """Ready, unacked and consumers are recorded within half a second of a change, and again though nothing changes."""
    declare(vhost)
    recorder = ListRecorder()

    async def hold_on(message: AbstractIncomingMessage) -> None:
        """Never settles it."""

    def last(name: str) -> Any:
        return next((event for event in reversed(seen(recorder, QueueSeen)) if event.queue == name), None)

    async def play() -> None:
        watch = QueueWatch(vhost, system_of(), RealClock(), recorder)
        await watch.start(["inventory"])
        await produce(vhost, ["a", "b", "c"])
        await until(lambda: last(QUEUE) and last(QUEUE).ready == 3, 2)
        async with await aio_pika.connect(vhost.url) as connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=2)
            queue = await channel.get_queue(QUEUE)
            await queue.consume(hold_on)
            await until(lambda: (last(QUEUE).ready, last(QUEUE).unacked, last(QUEUE).consumers) == (1, 2, 1), 2)
        await until(lambda: (last(QUEUE).ready, last(QUEUE).unacked, last(QUEUE).consumers) == (3, 0, 0), 3)
        told = len([event for event in seen(recorder, QueueSeen) if event.queue == DEAD])
        await until(lambda: len([e for e in seen(recorder, QueueSeen) if e.queue == DEAD]) > told, 3)
        await watch.stop()
        await watch.stop()

    asyncio.run(play())


def test_messages_are_published_at_their_rate_and_confirmed(vhost: Rabbit, tmp_path: Path) -> None:
    """chaoskit as producer: the exchange is found by the routing key, each key is new, the rate is kept."""
    declare(vhost)
    system, recorder = system_of(tmp_path / "sample.json", routing_key=ROUTING_KEY), ListRecorder()
    wanted = Messages.model_validate(
        {"publish": ROUTING_KEY, "from": str(tmp_path / "sample.json"), "count": 50, "rate": "100/s"}
    )

    async def play() -> None:
        async with consuming(vhost) as consumer:
            await Publisher(vhost, system, RealClock(), recorder).publish(wanted)
            await until(lambda: len(consumer.effects) == 50)
        events = seen(recorder, MessagePublished)
        assert {event.key for event in events} == set(consumer.effects)
        assert {(event.purpose, event.confirmed, event.consumer) for event in events} == {
            ("original", True, "inventory")
        }
        assert 0.4 < events[-1].t - events[0].t < 3

    asyncio.run(play())


def test_messages_that_reach_nobody_are_refused(vhost: Rabbit, tmp_path: Path) -> None:
    """A misspelt routing key, and a queue of no consumer: said before anything is sent."""
    declare(vhost)
    system = system_of(tmp_path / "sample.json", routing_key=ROUTING_KEY)

    async def publish(system: System, key: str, exchange: str = "") -> None:
        wanted = {"publish": key, "exchange": exchange, "from": str(tmp_path / "sample.json"), "count": 1}
        await Publisher(vhost, system, RealClock(), ListRecorder()).publish(Messages.model_validate(wanted))

    with pytest.raises(FaultFailed, match="no exchanges lead to a consumer"):
        asyncio.run(publish(system, "order.plaecd"))
    other = System(system="t", consumers={"other": Consumer(queue="elsewhere", key="id")})
    with pytest.raises(FaultFailed, match="reach no queue of a consumer"):
        asyncio.run(publish(other, ROUTING_KEY, EXCHANGE))


def test_a_lost_connection_is_told_by_the_watch(vhost: Rabbit) -> None:
    """From then on dead letters are not seen: that must not look like there were none."""
    declare(vhost)
    recorder, relay = ListRecorder(), Relay(vhost)

    async def play() -> None:
        watch = QueueWatch(await relay.open(), system_of(), RealClock(), recorder)
        await watch.start(["inventory"])
        relay.close()
        await until(lambda: seen(recorder, ProbeFailed))
        await watch.stop()

    asyncio.run(play())
    assert "connection to the broker was lost" in seen(recorder, ProbeFailed)[0].reason
