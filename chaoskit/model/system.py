"""The system under test, as `chaoskit.yaml` describes it."""

# No `from __future__ import annotations`: pydantic would compile every one of them again at start-up.

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from chaoskit.model.quantity import Duration, Rate, Ratio, Strict

LINK_PATTERN = r"^\s*[\w.-]+\s*->\s*[\w.-]+\s*$"
BROKER = "broker"
"""The callee's name in the links that lead to the broker: `order -> broker`."""


def parse_link_name(value: Any) -> str:
    """`"order->customer"` → `"order -> customer"`. Raises ValueError if it is not `caller -> callee`."""
    if not isinstance(value, str) or not re.match(LINK_PATTERN, value):
        raise ValueError(f"not a link: {value!r}; write 'caller -> callee'")
    caller, callee = (part.strip() for part in value.split("->"))
    return f"{caller} -> {callee}"


LinkName = Annotated[str, BeforeValidator(parse_link_name), WithJsonSchema({"type": "string", "pattern": LINK_PATTERN})]


class Ready(Strict):
    """When a service counts as started; exactly one of the four, until `within` has passed."""

    http: str | None = None
    tcp: str | None = None
    log: str | None = None
    exec: str | None = None
    within: Duration = 30.0

    @model_validator(mode="after")
    def _one(self) -> "Ready":
        if sum(value is not None for value in (self.http, self.tcp, self.log, self.exec)) != 1:
            raise ValueError("ready needs exactly one of http, tcp, log, exec")
        return self


class Stop(Strict):
    """How a service is asked to end, and how long it may take before it is killed."""

    signal: Literal["TERM", "INT", "QUIT", "HUP", "KILL"] = "TERM"
    grace: Duration = 5.0


class Service(Strict):
    """One service. Without `command` somebody else runs it and we only talk to its `url`."""

    url: str | None = None
    command: str | tuple[str, ...] | None = None
    cwd: str | None = None
    env: dict[str, str] = Field(default_factory=dict)
    ready: Ready | None = None
    stop: Stop = Field(default_factory=Stop)
    depends_on: tuple[str, ...] = ()
    openapi: str | None = None
    breaker_log: str | None = None
    """A regular expression on the service's log lines with groups `link` (or one link only), `state`, and
    optionally `time` (epoch seconds); lines that match become evidence of what the service itself says."""


class Breaker(Strict):
    """What the caller's breaker on a link is declared to do."""

    opens_at: Ratio = 0.5
    reset: Duration | None = None


class ForeignToxiproxy(Strict):
    """A Toxiproxy that the system already runs: we add and remove our own `ck-…` toxics and touch nothing else."""

    url: str
    proxy: str


class Link(Strict):
    """One way from a caller to a callee, on which faults can be put.

    `listen` is where the caller already points (any loopback address); left out, a free port is taken and
    `${link:caller->callee}` gives its address. With `protocol: amqp`, `upstream` may be left out: it is the broker.
    """

    upstream: str | None = None
    protocol: Literal["http", "tcp", "amqp"] = "http"
    listen: str | None = None
    sight: Literal["tap", "load"] = "tap"
    """`load`: no tap in the way; nothing can be said then of single calls on the link."""
    toxiproxy: ForeignToxiproxy | None = None
    timeout: Duration | None = None
    breaker: Breaker | None = None
    attempts_max: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _way(self) -> "Link":
        if self.upstream is None and self.toxiproxy is None and self.protocol == "amqp":
            return self  # to the system's broker
        if (self.upstream is None) == (self.toxiproxy is None):
            raise ValueError("a link needs either upstream (we build the way) or toxiproxy (the system has its own)")
        return self


class Broker(Strict):
    """The broker. Without `url` a private throw-away node is started for the run."""

    kind: Literal["rabbitmq"] = "rabbitmq"
    url: str | None = None
    management_url: str | None = None


class HttpProbe(Strict):
    """`GET {service}/path?x={key}`; `count` or `value` is a path such as `$.items` or `$.status` into the JSON."""

    http: str
    count: str | None = None
    value: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "HttpProbe":
        if (self.count is None) == (self.value is None):
            raise ValueError("a probe needs exactly one of count and value")
        return self


class AcceptedBy(Strict):
    """Which answers of the load mean that the system took on a piece of work, and its business key."""

    request: str
    status: int = 202
    key: str = "$.id"


class Consumer(Strict):
    """One consumer of a queue, and how its effect shows to the world."""

    queue: str
    service: str | None = None
    dead_letter: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    key: str
    """Path of the business key in the message's JSON body, `orderId` or `$.order.id`."""
    message: str | None = None
    """A file with one real message body; poison and published messages are made from it."""
    effect: HttpProbe | None = None
    accepted_by: AcceptedBy | None = None
    settles_within: Duration = 10.0


class Book(Strict):
    """What one participant of a saga holds for a key, and what it must hold at either end."""

    http: str
    value: str
    on_success: str | float | int
    on_failure: str | float | int


class Saga(Strict):
    """A transaction over several services: who starts it, how it ends, and whose books must agree.

    `on_success` and `on_failure` are numbers, or paths into the accepted answer such as `$.total`.
    """

    accepted_by: AcceptedBy
    terminal: HttpProbe
    success: tuple[str, ...]
    failure: tuple[str, ...]
    within: Duration = 10.0
    books: dict[str, Book]
    compensations: dict[str, HttpProbe] = Field(default_factory=dict)
    """Per participant how often a key was compensated: at most once, exactly once after a failure."""


class Request(Strict):
    """One request of a journey; `{seeded.NAME}` takes the next value of a list, `{seq}` counts, `{uuid}` is new."""

    http: str
    """`METHOD {service}/path`"""
    name: str | None = None
    json_body: Any = Field(None, alias="json")
    headers: dict[str, str] = Field(default_factory=dict)
    expect_status: tuple[int, ...] = ()


class LocustJourney(Strict):
    """A Locust user class of the user's own: `path/to/file.py:ClassName`."""

    locust: str


class Guard(Strict):
    """Limits that abort a run at once, wherever it is."""

    errors_max: Ratio | None = None
    latency_max: Duration | None = None
    rate_max: Rate | None = None
    run_max: Duration = 3600.0


class System(Strict):
    """All of `chaoskit.yaml`."""

    system: str = Field(pattern=r"^[\w.-]+$")
    services: dict[str, Service] = Field(default_factory=dict)
    links: dict[LinkName, Link] = Field(default_factory=dict)
    broker: Broker | None = None
    consumers: dict[str, Consumer] = Field(default_factory=dict)
    sagas: dict[str, Saga] = Field(default_factory=dict)
    journeys: dict[str, tuple[Request, ...] | LocustJourney] = Field(default_factory=dict)
    seeded: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1", "localhost")
    """Hosts, networks and `host:port`s that faults may touch."""
    guards: Guard = Field(default_factory=Guard)
