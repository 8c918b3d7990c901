"""How messages come to a queue of a virtual host, and where its dead letters go.

`read_topology` asks the broker once; everything else is pure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaoskit.broker.management import Management
from chaoskit.errors import UsageProblem

HOPS_MAX = 10
"""How far bindings between exchanges, and dead letters from queue to queue, are followed."""


@dataclass(frozen=True, slots=True)
class Binding:
    """From an exchange to a queue or another exchange; `source` "" is the default exchange."""

    source: str
    destination: str
    to_queue: bool
    key: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue. `arguments` are the effective ones: those of its policies and its own, without `x-`.

    `dead_letter_exchange` None: it has no dead lettering at all; "" is the default exchange.
    `dead_letter_key` None: a dead letter keeps the key that it came with.
    """

    name: str
    kind: str
    arguments: Mapping[str, Any]
    exclusive: bool = False

    @property
    def dead_letter_exchange(self) -> str | None:
        value = self.arguments.get("dead-letter-exchange")
        return None if value is None else str(value)

    @property
    def dead_letter_key(self) -> str | None:
        value = self.arguments.get("dead-letter-routing-key")
        return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class DeadLetterRoute:
    """Where the dead letters of one queue end: `queue` "" when nowhere, then `problem` says why.

    `bindings` are those through which they come into the end queue; empty when that is the default exchange.
    """

    queue: str
    bindings: tuple[Binding, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Topology:
    """A virtual host's queues, exchanges (name → type) and bindings."""

    queues: Mapping[str, Queue]
    exchanges: Mapping[str, str]
    bindings: tuple[Binding, ...]

    def queue(self, name: str, asked_by: str = "") -> Queue:
        """Raises UsageProblem, with the nearest name, where there is no such queue."""
        if name in self.queues:
            return self.queues[name]
        near = difflib.get_close_matches(name, self.queues, 1, 0.6)
        known = ", ".join(sorted(q.name for q in self.queues.values() if not q.exclusive)[:10])
        raise UsageProblem(
            f"the broker has no queue {name!r}",
            where=asked_by,
            remedy=f"did you mean {near[0]!r}?" if near else f"there are: {known or 'none; has its service started?'}",
        )

    def into(self, queue: str) -> tuple[Binding, ...]:
        """The bindings into a queue, the implied one of the default exchange left out."""
        return tuple(b for b in self.bindings if b.to_queue and b.destination == queue and b.source)

    def entries(self, queue: str) -> tuple[tuple[str, str], ...]:
        """(exchange, key) pairs that lead to the queue without a wildcard, nearest first."""
        found: dict[tuple[str, str], None] = {}
        for binding in self.into(queue):
            kind = self.exchanges.get(binding.source, "")
            if kind == "direct" or kind == "fanout" or (kind == "topic" and not re.search(r"[*#]", binding.key)):
                found.setdefault((binding.source, binding.key))
        return tuple(found)

    def reached(self, exchange: str, key: str) -> tuple[str, ...]:
        """The queues that a message sent to an exchange with a key comes to (header exchanges are not followed)."""
        if exchange == "":
            return (key,) if key in self.queues else ()
        return tuple(dict.fromkeys(self._reached(exchange, key, HOPS_MAX)))

    def _reached(self, exchange: str, key: str, hops: int) -> Iterator[str]:
        for binding in self.bindings:
            if binding.source == exchange and _matches(self.exchanges.get(exchange, ""), binding.key, key):
                if binding.to_queue:
                    yield binding.destination
                elif hops:
                    yield from self._reached(binding.destination, key, hops - 1)

    def dead_letters(self, name: str) -> DeadLetterRoute:
        """Follow a queue's dead letters to the queue where they stay; retry queues in between are passed."""
        here, seen = self.queue(name), [name]
        for _ in range(HOPS_MAX):
            exchange = here.dead_letter_exchange
            if exchange is None:
                return DeadLetterRoute("", problem=f"queue {here.name!r} has no dead letter exchange")
            if exchange and exchange not in self.exchanges:
                return DeadLetterRoute("", problem=f"the dead letter exchange {exchange!r} does not exist")
            targets = self._dead_letter_targets(here, exchange, self._keys(name))
            onward = [target for target in targets if target not in seen]
            if not onward:
                return DeadLetterRoute("", problem=_nowhere(here, exchange, targets))
            ends = [target for target in onward if self.queues[target].dead_letter_exchange is None]
            if ends:
                return DeadLetterRoute(ends[0], tuple(b for b in self.into(ends[0]) if exchange))
            here = self.queues[onward[0]]
            seen.append(here.name)
        return DeadLetterRoute("", problem=f"the dead letters of {name!r} go round in a circle")

    def _dead_letter_targets(self, queue: Queue, exchange: str, keys: Sequence[str]) -> tuple[str, ...]:
        wanted = [queue.dead_letter_key] if queue.dead_letter_key is not None else keys
        found = [target for key in wanted for target in self.reached(exchange, key)]
        if not found and queue.dead_letter_key is None:  # keys with wildcards: what the exchange can lead to at all
            found = [b.destination for b in self.bindings if b.source == exchange and exchange and b.to_queue]
        return tuple(dict.fromkeys(target for target in found if target in self.queues))

    def _keys(self, queue: str) -> list[str]:
        return [*(binding.key for binding in self.into(queue)), queue]


def _nowhere(queue: Queue, exchange: str, targets: Iterable[str]) -> str:
    if any(targets):
        return f"the dead letters of {queue.name!r} come back to it: there is no place where they stay"
    key = queue.dead_letter_key
    return (
        f"no queue is bound to the dead letter exchange {exchange or '(default)'!r} for key {key or 'of the message'!r}"
    )


def _matches(kind: str, bound: str, key: str) -> bool:
    """Whether a binding's key lets a message's key pass, by the type of the exchange."""
    if kind == "fanout":
        return True
    if kind == "topic":
        return _topic_matches(bound.split("."), key.split("."))
    return bound == key


def _topic_matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return _topic_matches(pattern[1:], words) or (bool(words) and _topic_matches(pattern, words[1:]))
    return bool(words) and pattern[0] in ("*", words[0]) and _topic_matches(pattern[1:], words[1:])


async def read_topology(management: Management) -> Topology:
    """Four calls, about 10 ms. Raises BrokerFailed."""
    policies = await management.policies()
    queues = [_queue(row, policies) for row in await management.queues()]
    exchanges = {str(row["name"]): str(row["type"]) for row in await management.exchanges()}
    bindings = tuple(
        Binding(
            str(row["source"]),
            str(row["destination"]),
            row["destination_type"] == "queue",
            str(row["routing_key"]),
            row["arguments"],
        )
        for row in await management.bindings()
    )
    return Topology({queue.name: queue for queue in queues}, exchanges, bindings)


def _queue(row: Mapping[str, Any], policies: Sequence[Mapping[str, Any]]) -> Queue:
    own = {key.removeprefix("x-"): value for key, value in row["arguments"].items()}
    kind = str(row.get("type", own.get("queue-type", "classic")))
    return Queue(str(row["name"]), kind, {**_policy_of(str(row["name"]), policies), **own}, bool(row.get("exclusive")))


def _policy_of(name: str, policies: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The definition of the policy in force for a queue: the matching one of the highest priority."""
    matching = [
        policy for policy in policies if policy["apply-to"] != "exchanges" and re.search(policy["pattern"], name)
    ]
    best = max(matching, key=lambda policy: policy.get("priority", 0), default=None)
    definition: Mapping[str, Any] = best["definition"] if best else {}
    return definition
