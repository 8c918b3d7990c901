"""A small vocabulary and a sound system, so that these tests depend on no real fault or check."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from chaoskit.files import load_scenarios, load_system
from chaoskit.model.quantity import Duration, Ratio, Strict
from chaoskit.model.scenario import CheckSpec, FaultSpec, Needs, Scenario, Vocabulary
from chaoskit.model.system import LinkName, System

SYSTEM = """\
system: shop
services:
  order:
    url: http://127.0.0.1:${port:order}
    command: python -m shop.order
    env: {CUSTOMER_URL: "${link:order->customer}", AMQP_URL: "${broker:order}", HOME: "$${HOME}"}
  customer: {url: "http://127.0.0.1:${port:customer}", depends_on: [order]}
links:
  order->customer: {upstream: "${service:customer}", timeout: 3s, breaker: {opens_at: 50%, reset: 10s}}
broker: {kind: rabbitmq}
consumers:
  inventory: {queue: inventory.orders, key: orderId, effect: {http: "GET {order}/r?id={key}", count: $.items}}
journeys:
  browse: [{http: "GET {order}/orders/{seeded.order}"}]
seeded: {order: [1, 2, 3]}
"""

SCENARIO = """\
scenario: A hang opens the breaker
rule: 3
load: {journey: browse, rate: 50/s}
faults:
  - {at: 3s, for: 15s, link: order -> customer, hang: true}
expect:
  - breaker: order -> customer
    opens_within: 6s
"""


class Hang(FaultSpec):
    keyword = "hang"
    hang: Literal[True]


class Latency(FaultSpec):
    keyword = "latency"
    latency: Duration
    jitter: Duration = 0.0


class Jitter(FaultSpec):
    keyword = "jitter"
    jitter: Duration


class Duplicate(FaultSpec):
    keyword = "duplicate"
    targets = ("consumer",)
    duplicate: tuple[Literal["adjacent", "late"], ...]


class Outage(FaultSpec):
    keyword = "outage"
    targets = ("broker",)
    outage: Literal[True]


class BreakerCheck(CheckSpec):
    keyword = "breaker"
    rule: ClassVar[int | None] = 3
    breaker: LinkName
    opens_within: Duration | None = None
    calls_while_open: int | None = None

    @property
    def subject(self) -> str:
        return self.breaker

    def needs(self, system: System) -> Needs:
        return Needs(load=True, links=(self.breaker,))


class ErrorLimit(Strict):
    at_most: Ratio


class Errors(CheckSpec):
    keyword = "errors"
    errors: ErrorLimit

    @property
    def subject(self) -> str:
        return ""

    def needs(self, system: System) -> Needs:
        return Needs(load=True)


class Idempotent(CheckSpec):
    keyword = "idempotent"
    rule: ClassVar[int | None] = 4
    idempotent: str

    @property
    def subject(self) -> str:
        return self.idempotent

    def needs(self, system: System) -> Needs:
        return Needs(effects=(self.idempotent,))


class SagaCheck(CheckSpec):
    keyword = "saga"
    saga: str

    @property
    def subject(self) -> str:
        return self.saga

    def needs(self, system: System) -> Needs:
        return Needs(sagas=(self.saga,), after_inject_s=system.sagas[self.saga].within)


VOCABULARY = Vocabulary(
    faults={cls.keyword: cls for cls in (Hang, Latency, Jitter, Duplicate, Outage)},
    checks={cls.keyword: cls for cls in (BreakerCheck, Errors, Idempotent, SagaCheck)},
)


def system_of(folder: Path, text: str = SYSTEM) -> System:
    """The system that a text describes, by way of a file."""
    file = folder / "chaoskit.yaml"
    file.write_text(text, encoding="utf-8")
    return load_system(file)


def scenarios_of(folder: Path, text: str, name: str = "a.chaos.yaml", system: str = SYSTEM) -> tuple[Scenario, ...]:
    """The scenarios that a text holds."""
    described = system_of(folder, system)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return load_scenarios([file], VOCABULARY, described)
