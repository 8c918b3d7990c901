"""A scenario as a `*.chaos.yaml` document describes it, and what every fault and check in it is made of."""

# No `from __future__ import annotations`: pydantic would compile every one of them again at start-up.

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from msgspec import Struct
from pydantic import Field, InstanceOf, model_validator

from chaoskit.model.instruction import Instruction
from chaoskit.model.quantity import Duration, Rate, Ratio, Strict
from chaoskit.model.system import LinkName, System


class Needs(Struct, frozen=True):
    """What a check must be given to reach a verdict; the plan is made from it.

    `after_inject_s` and `after_revert_s` bound how long after the last injection or the last revert it may have to
    watch; `bodies`: the load's answers with their bodies; `effects`/`sagas`/`dead_letters`: names to probe or watch.
    """

    after_inject_s: float = 0.0
    after_revert_s: float = 0.0
    bodies: bool = False
    load: bool = False
    links: tuple[str, ...] = ()
    """Links whose single calls it must see."""
    probes: tuple[str, ...] = ()
    """Requests that the run itself is to send in every phase: `GET http://…` or `GET {service}/path`."""
    effects: tuple[str, ...] = ()
    sagas: tuple[str, ...] = ()
    dead_letters: tuple[str, ...] = ()
    quiet_s: float = 0.0
    """How long nothing may be in force and no load on before the effects are counted for the last time."""


class FaultSpec(Strict):
    """Base of every fault. A subclass sets `keyword`, adds a field of that name, and asks things of engines."""

    keyword: ClassVar[str] = ""
    targets: ClassVar[tuple[str, ...]] = ("link",)
    """Which of the target keys it takes: link, consumer, broker, service."""

    at: Duration = 3.0
    """How long after the scenario's load began; the steady state must hold by then (unless 0s)."""
    for_: Duration | None = Field(None, alias="for")
    """How long it stays; left out: until all that looks at it is decided, at most `Scenario.fault_max`."""
    link: LinkName | None = None
    consumer: str | None = None
    broker: str | None = None
    """`all`, or the service whose link to the broker is meant."""
    service: str | None = None

    @model_validator(mode="after")
    def _one_target(self) -> "FaultSpec":
        given = [key for key in ("link", "consumer", "broker", "service") if getattr(self, key) is not None]
        if len(given) != 1 or given[0] not in self.targets:
            raise ValueError(f"{self.keyword} needs exactly one target: {' or '.join(self.targets)}")
        return self

    @property
    def target(self) -> str:
        """Whom it hits, as a reader would say it: `order -> customer`, `inventory`, `broker`."""
        if self.broker is not None:
            return "broker" if self.broker == "all" else f"{self.broker} -> broker"
        return self.link or self.consumer or self.service or ""

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """What the engines are asked to do, in order; reverted in reverse order."""
        raise NotImplementedError


class CheckSpec(Strict):
    """Base of every check. A subclass sets `keyword` and `rule`, adds a field of that name, and states its needs.

    The verdict is the work of `judge`, a pure function of (evidence, system): see model/evidence.py.
    """

    keyword: ClassVar[str] = ""
    rule: ClassVar[int | None] = None

    @property
    def subject(self) -> str:
        """What it is about: a link, a consumer, a journey."""
        raise NotImplementedError

    def needs(self, system: System) -> Needs:
        """What it must be given."""
        raise NotImplementedError

    # `judge(self, evidence: Evidence, system: System) -> Verdict`; declared with its types in ports/judge.py,
    # because evidence and verdict know scenarios.
    judge: ClassVar[Callable[..., Any]]


class Load(Strict):
    """Open-model load: requests start when they are due, whether or not earlier ones have returned."""

    journey: str
    rate: Rate
    users_max: int = Field(200, ge=1, le=5000)
    timeout: Duration = 10.0


class Steady(Strict):
    """What must hold before the fault, and again after it, over a sliding window of `window`."""

    p95: Duration | None = None
    errors: Ratio | None = None
    window: Duration = 1.0
    within: Duration = 15.0


class Messages(Strict):
    """Messages that chaoskit itself publishes during the scenario: `count` of them at `rate`, keys of its own.

    `{key}` and `{seq}` in the file are replaced, `key_field` says where the business key stands.
    """

    publish: str
    exchange: str = ""
    from_: str = Field(alias="from")
    count: int = Field(ge=1, le=1_000_000)
    rate: Rate = 50.0


class Scenario(Strict):
    """One scenario. `file`, `line` and `expect_lines` say where it stands; they are no keys of the file."""

    scenario: str = Field(min_length=1)
    rule: int | None = Field(None, ge=1, le=6)
    rules: tuple[int, ...] = ()
    load: Load | None = None
    messages: Messages | None = None
    steady: Steady | None = None
    faults: tuple[InstanceOf[FaultSpec], ...] = ()
    expect: tuple[InstanceOf[CheckSpec], ...] = Field(min_length=1)
    seed: int = 1
    fault_max: Duration = 60.0
    deadline: Duration = 180.0
    file: str = ""
    line: int = 0
    expect_lines: tuple[int, ...] = ()
    """The line of each of `expect`."""

    @property
    def about(self) -> tuple[int, ...]:
        """The numbers of the rules that it is about."""
        return self.rules or ((self.rule,) if self.rule else ())


PLACE_FIELDS = ("file", "line", "expect_lines")
"""Fields of Scenario that say where it stands; a file must not set them."""


class Vocabulary(Struct, frozen=True):
    """Which faults and checks there are; the registry fills it, the files stage validates against it."""

    faults: Mapping[str, type[FaultSpec]]
    checks: Mapping[str, type[CheckSpec]]
