"""Events: everything that a run observed, each one line of `events.ndjson` (schema `chaoskit/event/1`).

`t` is seconds since the run began, on the machine's monotonic clock, for the instant at which the thing *happened*
(a call's arrival, a request's true start), not when it was written down. Lines are ordered by when they were
recorded; readers sort by `t`. `scenario` is the index of the scenario it belongs to, -1 outside of one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

EVENT_SCHEMA = "chaoskit/event/1"

KINDS: dict[str, type[Event]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events; `kind` names the subclass on the wire."""

    kind: ClassVar[str] = ""
    t: float
    scenario: int = -1


def kind(name: str) -> Any:
    """Register an event class under its wire name."""

    def register(cls: type[Event]) -> type[Event]:
        cls.kind = name
        KINDS[name] = cls
        return cls

    return register


# --- the run -------------------------------------------------------------------------------------------------


@kind("run.started")
@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """`wall` is the epoch second at t = 0."""

    system: str
    version: str
    wall: float


@kind("run.ended")
@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """`reason`: completed | aborted: … | broken: …"""

    reason: str


@kind("scenario.started")
@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioStarted(Event):
    name: str
    file: str
    line: int = 0


@kind("scenario.ended")
@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioEnded(Event):
    """`reason`: decided | deadline | aborted: … | broken: …"""

    reason: str


@kind("phase")
@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted(Event):
    """`phase`: baseline | fault | recovery | settle (load off, effects are counted)."""

    phase: str


@kind("steady")
@dataclass(frozen=True, slots=True, kw_only=True)
class SteadySeen(Event):
    """The steady state held (or not, by its limit) in `phase`."""

    phase: str
    held: bool
    detail: str


# --- faults --------------------------------------------------------------------------------------------------


@kind("fault.asked")
@dataclass(frozen=True, slots=True, kw_only=True)
class FaultAsked(Event):
    """`fault` is its id within the scenario: f1, f2, …; `name` the keyword, `target` a link, consumer, service."""

    fault: str
    name: str
    target: str
    params: str


@kind("fault.confirmed")
@dataclass(frozen=True, slots=True, kw_only=True)
class FaultConfirmed(Event):
    """Read back from the engine: from `t` on the fault was in force."""

    fault: str
    name: str
    target: str
    detail: str = ""


@kind("fault.hit")
@dataclass(frozen=True, slots=True, kw_only=True)
class FaultHit(Event):
    """What the fault touched so far: calls, connections or messages (`count`, cumulative)."""

    fault: str
    count: int
    detail: str = ""


@kind("fault.reverted")
@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReverted(Event):
    """Read back: from `t` on the fault was gone. `asked_t` is when we asked for it."""

    fault: str
    asked_t: float
    detail: str = ""


@kind("fault.failed")
@dataclass(frozen=True, slots=True, kw_only=True)
class FaultFailedEvent(Event):
    """Injecting, confirming or reverting failed, or the fault ended by itself. `step`: inject | hold | revert."""

    fault: str
    step: str
    reason: str


# --- load ----------------------------------------------------------------------------------------------------


@kind("load.started")
@dataclass(frozen=True, slots=True, kw_only=True)
class LoadStarted(Event):
    journey: str
    rate_per_s: float


@kind("load.second")
@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSecond(Event):
    """The generator's own health in the second that ends at `t`. Counts of iterations; lag of the worst start."""

    due: int
    started: int
    dropped: int
    lag_ms_max: float


@kind("load.iteration")
@dataclass(frozen=True, slots=True, kw_only=True)
class LoadIteration(Event):
    """One pass through a journey that makes more than one request; its requests are samples of their own.

    `t` is its true start, `due` its intended one; `latency_ms` counts from `due` to the end of the last request.
    """

    journey: str
    due: float
    latency_ms: float
    requests: int
    ok: bool


@kind("load.ended")
@dataclass(frozen=True, slots=True, kw_only=True)
class LoadEnded(Event):
    due: int
    started: int
    completed: int
    dropped: int
    lag_ms_p99: float


@kind("sample")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Event):
    """One request of the load. `t` is its true start, `due` its intended start (open model, run seconds).

    `latency_ms` counts from `due`, `service_ms` from `t`. `status` 0 with an `error` when no answer came.
    `body` only where a check asked for bodies (at most 8 KiB).
    """

    name: str
    due: float
    latency_ms: float
    service_ms: float
    status: int
    error: str = ""
    ok: bool = True
    body: str | None = None


# --- links ---------------------------------------------------------------------------------------------------


@kind("link.proof")
@dataclass(frozen=True, slots=True, kw_only=True)
class LinkProof(Event):
    """Before any fault: does traffic really pass this link? `sight`: tap | load | broker."""

    link: str
    passed: bool
    sight: str
    detail: str


@kind("call.started")
@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(Event):
    """A call arrived on a link; exactly one `call` event with the same `t` and number follows when it has ended."""

    link: str
    call: int
    connection: int
    method: str
    path: str
    trace: str = ""


@kind("call")
@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Event):
    """One HTTP call seen on a link; `t` is the arrival of its first byte at the tap, `end` the last moment of it.

    `outcome`: answered | refused (no connection to the callee) | cut (the callee's side ended early) |
    abandoned (the caller gave up) | open (still in flight when the run ended).
    `injected`: the tap's action where it played a fault itself, else "".
    """

    link: str
    call: int
    connection: int
    method: str
    path: str
    end: float
    status: int
    outcome: str
    injected: str = ""
    bytes_up: int = 0
    bytes_down: int = 0
    trace: str = ""


@kind("connection")
@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Event):
    """One TCP connection over a link, written when it ended.

    `outcome`: closed | refused | reset | unparsed (passed on untouched, but not HTTP/1.x as far as the tap can tell).
    """

    link: str
    connection: int
    end: float
    bytes_up: int
    bytes_down: int
    outcome: str


# --- messages ------------------------------------------------------------------------------------------------


@kind("message.published")
@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePublished(Event):
    """We published a message. `purpose`: original | copy | poison | behind (a good one behind poison) | control."""

    consumer: str
    queue: str
    message: str
    key: str
    purpose: str
    confirmed: bool
    detail: str = ""


@kind("message.dead_lettered")
@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeadLettered(Event):
    """A message was seen in a consumer's dead letter queue. `message` is our own id where it carries one."""

    consumer: str
    queue: str
    message: str
    key: str
    reason: str


@kind("queue")
@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSeen(Event):
    """A queue's live totals. `unacked` and `consumers` are -1 where the sight can't tell."""

    queue: str
    ready: int
    unacked: int
    consumers: int


@kind("effect")
@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Event):
    """What the world shows for one business key at one consumer, as a count. `last` marks the final sweep."""

    consumer: str
    key: str
    count: int
    last: bool = False


@kind("saga")
@dataclass(frozen=True, slots=True, kw_only=True)
class SagaSeen(Event):
    """The state of one saga instance. `books` and `compensations` per participant; `last` marks the final sweep."""

    saga: str
    key: str
    state: str
    books: dict[str, float | str]
    compensations: dict[str, int]
    expected: dict[str, float | str]
    last: bool = False


@kind("probe.failed")
@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFailed(Event):
    probe: str
    reason: str


# --- the parts -----------------------------------------------------------------------------------------------


@kind("part.started")
@dataclass(frozen=True, slots=True, kw_only=True)
class PartStarted(Event):
    """`part`: toxiproxy | tap | broker | load | a service's name; `role`: engine | broker | service."""

    part: str
    role: str
    detail: str = ""


@kind("part.died")
@dataclass(frozen=True, slots=True, kw_only=True)
class PartDied(Event):
    """It ended or stopped answering although nobody asked it to."""

    part: str
    role: str
    reason: str


@kind("part.stopped")
@dataclass(frozen=True, slots=True, kw_only=True)
class PartStopped(Event):
    part: str
    role: str
    detail: str = ""


@kind("breaker.logged")
@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerLogged(Event):
    """What a service itself says of its breaker: closed | open | half-open."""

    link: str
    state: str


@kind("stall")
@dataclass(frozen=True, slots=True, kw_only=True)
class Stall(Event):
    """`process` (runner | tap | a service's name) got no processor for `stall_ms` of the time before `t`.

    For our own processes that is one gap; for a service the sum of a second. What fell into it can't be timed.
    """

    process: str
    stall_ms: float


@kind("clock.jumped")
@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJumped(Event):
    """Wall clock and monotonic clock parted by `jump_ms`, or the machine slept."""

    jump_ms: float


@kind("leftover")
@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover(Event):
    what: str
    healed: bool


@kind("guard.tripped")
@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTripped(Event):
    guard: str
    detail: str


def encode(event: Event) -> dict[str, Any]:
    """The event as a JSON object: `kind` first, times rounded to the microsecond."""
    row: dict[str, Any] = {"kind": event.kind}
    for name in _names(type(event)):
        value = getattr(event, name)
        row[name] = round(value, 6) if isinstance(value, float) else value
    return row


def decode(row: dict[str, Any]) -> Event:
    """The event that `row` describes. Raises ValueError for an unknown kind or a missing or unknown field."""
    values = dict(row)
    cls = KINDS.get(values.pop("kind", ""))
    if cls is None:
        raise ValueError(f"unknown event kind {row.get('kind')!r}")
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"bad {cls.kind} event: {error}") from error


_NAMES: dict[type[Event], tuple[str, ...]] = {}


def _names(cls: type[Event]) -> tuple[str, ...]:
    if cls not in _NAMES:
        _NAMES[cls] = tuple(f.name for f in fields(cls))
    return _NAMES[cls]
