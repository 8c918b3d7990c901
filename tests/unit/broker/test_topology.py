"""Routes of messages and dead letters, from what the management API tells."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from chaoskit.broker.entry import real_entry
from chaoskit.broker.management import Management
from chaoskit.broker.topology import Binding, Queue, Topology, read_topology
from chaoskit.errors import FaultFailed, UsageProblem
from chaoskit.model.system import Consumer


def topology(
    queues: dict[str, dict[str, Any]], exchanges: dict[str, str], bindings: list[tuple[str, str, str]]
) -> Topology:
    """`bindings`: (exchange, destination, key); a destination that is no queue is an exchange."""
    return Topology(
        {name: Queue(name, "classic", arguments) for name, arguments in queues.items()},
        exchanges,
        tuple(Binding(source, to, to in queues, key) for source, to, key in bindings),
    )


def dying(exchange: str, key: str | None = None) -> dict[str, Any]:
    return {"dead-letter-exchange": exchange, **({"dead-letter-routing-key": key} if key else {})}


@pytest.mark.parametrize(
    ("bound", "key", "arrives"),
    [
        ("order.placed", "order.placed", True),
        ("order.*", "order.placed", True),
        ("order.*", "order.placed.eu", False),
        ("order.#", "order", True),
        ("#.eu", "order.placed.eu", True),
        ("#", "", True),
        ("*", "a.b", False),
        ("order.placed", "order", False),
    ],
)
def test_topic_keys_match_as_the_broker_matches_them(bound: str, key: str, arrives: bool) -> None:
    """`*` is one word and `#` any number: else copies and published messages are thought to go where they don't."""
    seen = topology({"q": {}}, {"events": "topic"}, [("events", "q", bound)]).reached("events", key)
    assert seen == (("q",) if arrives else ())


def test_messages_are_followed_through_exchanges_and_the_default_one() -> None:
    """Exchange to exchange, fanout without a key, and the default exchange, which leads to the queue of that name."""
    seen = topology(
        {"a": {}, "b": {}, "c": {}},
        {"in": "direct", "all": "fanout", "loop": "fanout"},
        [
            ("in", "all", "k"),
            ("all", "a", ""),
            ("all", "b", "x"),
            ("all", "loop", ""),
            ("loop", "all", ""),
            ("in", "c", "l"),
        ],
    )
    assert seen.reached("in", "k") == ("a", "b")
    assert seen.reached("", "c") == ("c",)
    assert seen.reached("", "nowhere") == ()


def test_dead_letters_are_followed_past_a_retry_queue() -> None:
    """A TTL queue that leads back to the work queue is no place where messages stay; a parking queue is."""
    queues = {
        "work": dying("dlx"),
        "retry": dying("", "work"),
        "parked": {},
        "only-retry": dying("again"),
        "later": dying("", "only-retry"),
    }
    seen = topology(
        queues,
        {"dlx": "fanout", "again": "fanout"},
        [("dlx", "retry", ""), ("dlx", "parked", ""), ("again", "later", "")],
    )
    route = seen.dead_letters("work")
    assert route.queue == "parked"
    assert [binding.source for binding in route.bindings] == ["dlx"]
    assert "there is no place where they stay" in seen.dead_letters("only-retry").problem


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "has no dead letter exchange"),
        (dying("missing"), "the dead letter exchange 'missing' does not exist"),
        (dying("dlx", "misspelt"), "no queue is bound to the dead letter exchange 'dlx' for key 'misspelt'"),
    ],
)
def test_a_dead_end_says_why(arguments: dict[str, Any], problem: str) -> None:
    """No exchange, a missing one, a key that leads nowhere: three causes, three messages."""
    seen = topology({"q": arguments, "dead": {}}, {"dlx": "direct"}, [("dlx", "dead", "right")])
    assert problem in seen.dead_letters("q").problem


def test_dead_letters_keep_their_key_where_none_is_set() -> None:
    """Without a dead letter key the queue's own binding keys count."""
    seen = topology(
        {"q": dying("dlx"), "right": {}, "wrong": {}},
        {"dlx": "direct", "events": "topic"},
        [("events", "q", "order.placed"), ("dlx", "wrong", "other"), ("dlx", "right", "order.placed")],
    )
    assert seen.dead_letters("q").queue == "right"


def test_a_missing_queue_is_answered_with_the_nearest_name() -> None:
    """A misspelt queue must not become a fault that hits nothing."""
    with pytest.raises(UsageProblem, match="no queue 'inventry'") as raised:
        topology({"inventory": {}}, {}, []).queue("inventry")
    assert "did you mean 'inventory'" in str(raised.value)


def test_the_real_entry_comes_from_the_declaration_or_the_bindings() -> None:
    """Declared first, then a binding, then the default exchange; a wildcard, or one of two keys, is not guessed."""
    seen = topology(
        {"q": {}, "wild": {}, "bare": {}, "two": {}},
        {"events": "topic", "other": "direct"},
        [
            ("events", "q", "order.*"),
            ("other", "q", "order.placed"),
            ("events", "wild", "#"),
            ("other", "two", "a"),
            ("other", "two", "b"),
        ],
    )
    assert real_entry(seen, Consumer(queue="q", key="id")) == ("other", "order.placed")
    assert real_entry(seen, Consumer(queue="q", key="id", routing_key="order.late")) == ("", "order.late")
    assert real_entry(seen, Consumer(queue="q", key="id", routing_key="order.placed")) == ("other", "order.placed")
    assert real_entry(seen, Consumer(queue="bare", key="id")) == ("", "bare")
    for unknown in ("wild", "two"):
        with pytest.raises(FaultFailed, match="routing key of real messages is not known"):
            real_entry(seen, Consumer(queue=unknown, key="id"))


def test_policies_count_and_a_queue_s_own_arguments_win() -> None:
    """The matching policy of the highest priority counts, and an argument of the queue itself counts more."""

    class Answers:
        async def policies(self) -> list[dict[str, Any]]:
            return [
                {"pattern": "^q", "apply-to": "queues", "priority": 0, "definition": {"dead-letter-exchange": "low"}},
                {"pattern": "^q", "apply-to": "all", "priority": 5, "definition": {"dead-letter-exchange": "high"}},
                {"pattern": "", "apply-to": "exchanges", "priority": 9, "definition": {"dead-letter-exchange": "no"}},
            ]

        async def queues(self) -> list[dict[str, Any]]:
            return [
                {"name": "q1", "arguments": {}, "type": "quorum"},
                {"name": "q2", "arguments": {"x-dead-letter-exchange": "own"}},
                {"name": "other", "arguments": {}},
            ]

        async def exchanges(self) -> list[dict[str, Any]]:
            return [{"name": "events", "type": "topic"}]

        async def bindings(self) -> list[dict[str, Any]]:
            return [
                {
                    "source": "events",
                    "destination": "q1",
                    "destination_type": "queue",
                    "routing_key": "k",
                    "arguments": {},
                }
            ]

    seen = asyncio.run(read_topology(cast(Management, Answers())))
    found = {name: queue.dead_letter_exchange for name, queue in seen.queues.items()}
    assert found == {"q1": "high", "q2": "own", "other": None}
    assert (seen.queues["q1"].kind, seen.reached("events", "k")) == ("quorum", ("q1",))
