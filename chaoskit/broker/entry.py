"""With which exchange and routing key real messages come to a consumer's queue."""

from __future__ import annotations

from chaoskit.broker.topology import Topology
from chaoskit.errors import FaultFailed
from chaoskit.model.system import Consumer


def real_entry(topology: Topology, consumer: Consumer) -> tuple[str, str]:
    """(exchange, routing key): what the user declared, else what the bindings say. Raises FaultFailed, UsageProblem."""
    queue = topology.queue(consumer.queue, asked_by="consumers")
    entries = topology.entries(queue.name)
    if consumer.routing_key is not None:
        found = next((exchange for exchange, key in entries if key == consumer.routing_key), "")
        return consumer.exchange if consumer.exchange is not None else found, consumer.routing_key
    fitting = [entry for entry in entries if consumer.exchange in (None, entry[0])]
    if len({key for _, key in fitting}) == 1:  # of several keys we can't know which one goes with the sample
        return fitting[0]
    if not topology.into(queue.name):
        return "", queue.name
    keys = ", ".join(sorted({binding.key for binding in topology.into(queue.name)}))
    raise FaultFailed(
        f"the routing key of real messages is not known: queue {queue.name!r} is bound with {keys}",
        where="consumers",
        remedy="write it into the consumer as `routing_key:`",
    )
