"""`duplicate` on a real broker, with real consumers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter

import aio_pika
import pytest
from chaoskit.broker.actuator import BrokerActuator
from chaoskit.errors import FaultFailed
from chaoskit.model.event import MessagePublished
from chaoskit.model.instruction import DuplicateMessages

from tests.fakes.ports import ListRecorder, RealClock
from tests.fixtures.rabbitmq import Rabbit
from tests.service.message_consumer import (
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
KEYS = [f"k{number}" for number in range(40)]


def actuator_of(vhost: Rabbit) -> tuple[BrokerActuator, ListRecorder]:
    recorder = ListRecorder()
    return BrokerActuator(vhost, system_of(), RealClock(), recorder), recorder


@pytest.mark.parametrize("idempotent", [True, False])
def test_adjacent_copies_double_the_effect_of_a_naive_consumer_only(vhost: Rabbit, idempotent: bool) -> None:
    """Each message gets one copy that the consumer accepts as its own: two effects, or one where it is idempotent."""
    declare(vhost)
    before = names_of(vhost, "queues"), names_of(vhost, "exchanges")

    async def play() -> None:
        actuator, recorder = actuator_of(vhost)
        order = DuplicateMessages("inventory")
        handle, undo = actuator.prepare("f1", order)
        assert undo == ()
        async with consuming(vhost, idempotent=idempotent) as consumer:
            await actuator.inject(handle, order)
            await produce(vhost, KEYS)
            await until(lambda: len(consumer.taken) >= 2 * len(KEYS))
            assert await actuator.hold(handle, order) == (len(KEYS), "")
            assert (await actuator.revert(handle, order)).detail == f"{len(KEYS)} copies sent"
            await produce(vhost, ["after"])
            await until(lambda: consumer.effects["after"])
            await asyncio.sleep(0.2)
            assert consumer.effects == Counter({**dict.fromkeys(KEYS, 1 if idempotent else 2), "after": 1})
        copies = seen(recorder, MessagePublished)
        assert Counter(copy.key for copy in copies) == Counter(KEYS)
        assert {(copy.purpose, copy.confirmed, copy.detail, copy.queue) for copy in copies} == {
            ("copy", True, "adjacent", QUEUE)
        }

    asyncio.run(play())
    assert (names_of(vhost, "queues"), names_of(vhost, "exchanges")) == before


def test_a_copy_is_the_original_but_for_our_marks(vhost: Rabbit) -> None:
    """Key, headers and properties stay, `user_id` goes, and nothing of the way it took shows: no consumer can tell."""
    declare(vhost)

    async def play() -> None:
        actuator, _ = actuator_of(vhost)
        order = DuplicateMessages("inventory")
        handle, _ = actuator.prepare("f1", order)
        async with consuming(vhost) as consumer:
            await actuator.inject(handle, order)
            await produce(
                vhost, ["k"], type="placed", headers={"tenant": 7}, priority=3, user_id=vhost.address.user, app_id="a"
            )
            await until(lambda: len(consumer.taken) == 2)
            await actuator.revert(handle, order)
        original, copy = consumer.taken
        for name in (
            "body",
            "routing_key",
            "message_id",
            "type",
            "priority",
            "app_id",
            "content_type",
            "delivery_mode",
        ):
            assert getattr(original, name) == getattr(copy, name), name
        assert copy.user_id is None
        marks = {"x-chaoskit-id": f"{handle}-1", "x-chaoskit-fault": handle}
        assert copy.headers == {"tenant": 7, **marks}

    asyncio.run(play())


@pytest.mark.parametrize(
    "headers",
    [
        {"x-chaoskit-fault": "ck-f9-00"},
        {"x-death": [{"queue": QUEUE, "reason": "expired", "count": 1, "exchange": ""}]},
    ],
    ids=["a copy", "a retry"],
)
def test_copies_and_retries_are_not_copied_again(vhost: Rabbit, headers: dict[str, object]) -> None:
    """A consumer that sends a copy on, or retries through a TTL queue, must not start an avalanche."""
    declare(vhost)

    async def play() -> None:
        actuator, _ = actuator_of(vhost)
        order = DuplicateMessages("inventory")
        handle, _ = actuator.prepare("f1", order)
        async with consuming(vhost) as consumer:
            await actuator.inject(handle, order)
            await produce(vhost, ["again"], headers=headers)
            await produce(vhost, ["new"])
            await until(lambda: len(consumer.taken) == 3)
            await actuator.revert(handle, order)
            assert Counter(message.headers.get("x-chaoskit-fault") == handle for message in consumer.taken) == {
                False: 2,
                True: 1,
            }

    asyncio.run(play())


def test_a_late_copy_comes_late(vhost: Rabbit) -> None:
    """A late copy arrives no sooner than its delay after the original, and a revert sends the pending ones."""
    declare(vhost)

    async def play() -> None:
        actuator, recorder = actuator_of(vhost)
        order = DuplicateMessages("inventory", when="late", delay_s=0.5, copies=2)
        handle, _ = actuator.prepare("f1", order)
        loop = asyncio.get_running_loop()
        async with consuming(vhost, idempotent=False) as consumer:
            await actuator.inject(handle, order)
            began = loop.time()
            await produce(vhost, ["k"])
            await until(lambda: len(consumer.taken) == 3)
            assert loop.time() - began >= 0.5
            long = DuplicateMessages("inventory", when="late", delay_s=60)
            handle_of_long, _ = actuator.prepare("f2", long)
            await actuator.inject(handle_of_long, long)
            await produce(vhost, ["pending"])
            await until(lambda: consumer.effects["pending"])
            began = loop.time()
            await actuator.revert(handle_of_long, long)
            assert loop.time() - began < 3
            await actuator.revert(handle, order)
            await until(lambda: consumer.effects["pending"] == 4)
        assert Counter(copy.key for copy in seen(recorder, MessagePublished)) == Counter({"k": 2, "pending": 3})

    asyncio.run(play())


def test_a_share_is_drawn_from_the_seed(vhost: Rabbit) -> None:
    """The same seed copies the same messages, about as many as asked: a run can be repeated."""
    declare(vhost)

    async def copied(seed: int) -> list[str]:
        actuator, recorder = actuator_of(vhost)
        order = DuplicateMessages("inventory", share=0.5, seed=seed)
        handle, _ = actuator.prepare("f1", order)
        async with consuming(vhost) as consumer:
            await actuator.inject(handle, order)
            await produce(vhost, KEYS)
            await until(lambda: len(consumer.taken) >= len(KEYS))
            await actuator.revert(handle, order)
        return sorted(copy.key for copy in seen(recorder, MessagePublished))

    first, again, other = asyncio.run(copied(1)), asyncio.run(copied(1)), asyncio.run(copied(2))
    assert first == again != other
    assert 8 <= len(first) <= 32


def test_another_queue_named_like_the_key_gets_nothing(vhost: Rabbit) -> None:
    """Copies reach the one queue only, also where the default exchange would lead their key elsewhere."""
    declare(vhost)
    with vhost.api() as api:
        api.put(f"/queues/{vhost.address.vhost}/{ROUTING_KEY}", json={"durable": True}).raise_for_status()
    before = names_of(vhost, "exchanges")

    async def play() -> int:
        actuator, _ = actuator_of(vhost)
        order = DuplicateMessages("inventory")
        handle, _ = actuator.prepare("f1", order)
        async with consuming(vhost) as consumer:
            await actuator.inject(handle, order)
            await produce(vhost, KEYS)
            await until(lambda: len(consumer.taken) == 2 * len(KEYS))
            await actuator.revert(handle, order)
        async with await aio_pika.connect(vhost.url) as connection:
            channel = await connection.channel()
            other = await channel.declare_queue(ROUTING_KEY, passive=True)
            return other.declaration_result.message_count or 0

    assert asyncio.run(play()) == 0
    assert names_of(vhost, "exchanges") == before


def test_a_queue_behind_the_default_exchange_is_refused(vhost: Rabbit) -> None:
    """What can't be shadowed is a failed fault, never a fault that hits nothing; a misspelt queue is named."""
    with vhost.api() as api:
        api.put(f"/queues/{vhost.address.vhost}/{QUEUE}", json={"durable": True}).raise_for_status()

    async def play(vhost: Rabbit) -> str:
        actuator, _ = actuator_of(vhost)
        order = DuplicateMessages("inventory")
        handle, _ = actuator.prepare("f1", order)
        with pytest.raises(FaultFailed) as raised:
            await actuator.inject(handle, order)
        await actuator.revert(handle, order)
        return str(raised.value)

    assert "default exchange" in asyncio.run(play(vhost))
    with vhost.api() as api:
        api.delete(f"/queues/{vhost.address.vhost}/{QUEUE}")
        api.put(f"/queues/{vhost.address.vhost}/{QUEUE}s", json={"durable": True}).raise_for_status()
    assert f"did you mean '{QUEUE}s'" in asyncio.run(play(vhost))


def test_a_lost_connection_ends_the_fault_and_says_so(vhost: Rabbit) -> None:
    """Copying that stopped is a fault that is no longer in force: `hold` tells why, and `revert` still returns."""
    declare(vhost)
    relay = Relay(vhost)

    async def play() -> None:
        actuator = BrokerActuator(await relay.open(), system_of(), RealClock(), ListRecorder())
        order = DuplicateMessages("inventory")
        handle, _ = actuator.prepare("f1", order)
        await actuator.inject(handle, order)
        assert await actuator.hold(handle, order) == (0, "")
        relay.close()
        await until(lambda: actuator._in_force[handle].trouble)
        _, why = await actuator.hold(handle, order)
        assert "connection to the broker was lost" in why
        await actuator.revert(handle, order)

    asyncio.run(play())


def test_kill_minus_nine_leaves_nothing_at_the_broker(vhost: Rabbit) -> None:
    """Whoever injected and is killed leaves no queue, exchange or binding: the broker takes them back."""
    declare(vhost)
    before = names_of(vhost, "queues"), names_of(vhost, "exchanges")
    code = f"""
import asyncio
from chaoskit.broker.actuator import BrokerActuator
from chaoskit.model.instruction import DuplicateMessages
from tests.fakes.ports import ListRecorder, RealClock
from tests.fixtures.rabbitmq import Rabbit
from tests.service.message_consumer import system_of

async def play():
    actuator = BrokerActuator(Rabbit({vhost.url!r}, {vhost.management_url!r}), system_of(), RealClock(), ListRecorder())
    order = DuplicateMessages("inventory")
    await actuator.inject(actuator.prepare("f1", order)[0], order)
    print("in force", flush=True)
    await asyncio.sleep(60)

asyncio.run(play())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline().strip() == b"in force"
        assert len(names_of(vhost, "queues")) == len(before[0]) + 1
        os.kill(process.pid, signal.SIGKILL)
    asyncio.run(until(lambda: (names_of(vhost, "queues"), names_of(vhost, "exchanges")) == before, 2))
    with vhost.api() as api:
        bindings = api.get(f"/bindings/{vhost.address.vhost}").json()
    assert {row["destination"] for row in bindings if row["source"] == EXCHANGE} == {QUEUE}
