"""Faults of its own that the shop can be given, one switch each (`SHOP_BROKEN`), to prove that checks find them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Broken:
    """One switch. `turns_red` names (scenario file, check) pairs: with it on, each of them must fail."""

    name: str
    breaks: str
    turns_red: tuple[tuple[str, str], ...]


_HANG, _DUPLICATES, _POISON = "2-hang.chaos.yaml", "6-duplicates.chaos.yaml", "7-poison.chaos.yaml"
_ALL = (
    Broken("no-timeout", "a call to another service waits for ever", ((_HANG, "timeout"),)),
    Broken("no-breaker", "a failing service is called again for every request", ((_HANG, "breaker"),)),
    Broken("breaker-never-closes", "once open, the breaker stays open", ((_HANG, "breaker"),)),
    Broken("retries-while-open", "some calls are made although the breaker is open", ((_HANG, "breaker"),)),
    Broken(
        "breaker-opens-on-404", "an unknown customer counts as a failure", (("5-unknown.chaos.yaml", "stays_closed"),)
    ),
    Broken("no-fallback", "without the customer there is no order", (("1-latency.chaos.yaml", "fallback"),)),
    Broken(
        "fallback-only-on-timeout",
        "a 502 or a cut answer of the customer service becomes our own 500",
        (("4-bad-answers.chaos.yaml", "fallback"),),
    ),
    Broken(
        "consumer-not-idempotent", "a message that comes twice has its effect twice", ((_DUPLICATES, "idempotent"),)
    ),
    Broken("no-dead-letter", "a rejected message is gone", ((_POISON, "dead_letter"),)),
    Broken(
        "blocks-behind-poison",
        "a rejected message is put back, in front of all others",
        ((_POISON, "isolates_poison"),),
    ),
    Broken(
        "publish-unconfirmed",
        "events are sent without an outbox and without waiting for the broker's word",
        (("8-broker-outage.chaos.yaml", "nothing_lost"),),
    ),
    Broken(
        "no-compensation", "inventory stays reserved for a cancelled order", (("9-payment-fails.chaos.yaml", "saga"),)
    ),
    Broken("compensates-twice", "inventory is released twice", (("9-payment-fails.chaos.yaml", "saga"),)),
    Broken(
        "charge-left-behind",
        "a charge whose answer came too late is never voided",
        (("9-payment-fails.chaos.yaml", "saga"),),
    ),
)
BROKEN: Mapping[str, Broken] = {broken.name: broken for broken in _ALL}
"""Name → what it breaks, and what must turn red."""
