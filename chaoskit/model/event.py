"""Events: everything that a run observed, each one line of `events.ndjson` (schema `chaoskit/event/1`).

`t` is seconds since the run began, on the machine's monotonic clock, for the instant at which the thing *happened*
(a call's arrival, a request's true start), not when it was written down. Lines are ordered by when they were
recorded; readers sort by `t`. `scenario` is the index of the scenario it belongs to, -1 outside of one.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

EVENT_SCHEMA = "chaoskit/event/1"

KINDS: dict[str, type[Event]] = {}


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag_field="kind"):
    """Base of all events; `kind` names the subclass on the wire.

    Structs and not dataclasses: a call or a sample is made thousands of times a second, ten times as cheaply.
    """

    kind: ClassVar[str] = ""
    t: float
    scenario: int = -1


def registered(cls: type[Event]) -> type[Event]:
    """Note an event class under its wire name, which is its tag."""
    cls.kind = str(cls.__struct_config__.tag)
    KINDS[cls.kind] = cls
    return cls


# --- the run -------------------------------------------------------------------------------------------------


@registered
class RunStarted(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="run.started"):
    """`wall` is the epoch second at t = 0."""

    system: str
    version: str
    wall: float


@registered
class RunEnded(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="run.ended"):
    """`reason`: completed | aborted: … | broken: …"""

    reason: str


@registered
class ScenarioStarted(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="scenario.started"):
    name: str
    file: str
    line: int = 0


@registered
class ScenarioEnded(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="scenario.ended"):
    """`reason`: decided | deadline | aborted: … | broken: …"""

    reason: str


@registered
class PhaseStarted(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="phase"):
    """`phase`: (proof, where a link is nudged,) baseline, fault, recovery, settle (load off, effects counted)."""

    phase: str


@registered
class SteadySeen(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="steady"):
    """The steady state held (or not, by its limit) in `phase`."""

    phase: str
    held: bool
    detail: str


# --- faults --------------------------------------------------------------------------------------------------


@registered
class FaultAsked(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="fault.asked"):
    """`fault` is its id within the scenario: f1, f2, …; `name` the keyword, `target` a link, consumer, service."""

    fault: str
    name: str
    target: str
    params: str


@registered
class FaultConfirmed(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="fault.confirmed"):
    """Read back from the engine: from `t` on the fault was in force."""

    fault: str
    name: str
    target: str
    detail: str = ""


@registered
class FaultHit(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="fault.hit"):
    """What the fault touched so far: calls, connections or messages (`count`, cumulative)."""

    fault: str
    count: int
    detail: str = ""


@registered
class FaultReverted(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="fault.reverted"):
    """Read back: from `t` on the fault was gone. `asked_t` is when we asked for it."""

    fault: str
    asked_t: float
    detail: str = ""


@registered
class FaultFailedEvent(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="fault.failed"):
    """Injecting, confirming or reverting failed, or the fault ended by itself. `step`: inject | hold | revert."""

    fault: str
    step: str
    reason: str


# --- load ----------------------------------------------------------------------------------------------------


@registered
class LoadStarted(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="load.started"):
    journey: str
    rate_per_s: float


@registered
class LoadSecond(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="load.second"):
    """The generator's own health in the second that ends at `t`. Counts of iterations; lag of the worst start."""

    due: int
    started: int
    dropped: int
    lag_ms_max: float


@registered
class LoadIteration(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="load.iteration"):
    """One pass through a journey that makes more than one request; its requests are samples of their own.

    `t` is its true start, `due` its intended one; `latency_ms` counts from `due` to the end of the last request.
    """

    journey: str
    due: float
    latency_ms: float
    requests: int
    ok: bool


@registered
class LoadEnded(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="load.ended"):
    due: int
    started: int
    completed: int
    dropped: int
    lag_ms_p99: float


@registered
class Sample(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="sample"):
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


@registered
class LinkProof(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="link.proof"):
    """Before any fault: does traffic really pass this link? `sight`: tap | load | broker."""

    link: str
    passed: bool
    sight: str
    detail: str


@registered
class CallStarted(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="call.started"):
    """A call arrived on a link; exactly one `call` event with the same `t` and number follows when it has ended."""

    link: str
    call: int
    connection: int
    method: str
    path: str
    trace: str = ""


@registered
class Call(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="call"):
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


@registered
class Connection(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="connection"):
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


@registered
class MessagePublished(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="message.published"):
    """We published a message. `purpose`: original | copy | poison | behind (a good one behind poison) | control."""

    consumer: str
    queue: str
    message: str
    key: str
    purpose: str
    confirmed: bool
    detail: str = ""


@registered
class MessageDeadLettered(
    Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="message.dead_lettered"
):
    """A message was seen in a consumer's dead letter queue. `message` is our own id where it carries one."""

    consumer: str
    queue: str
    message: str
    key: str
    reason: str


@registered
class QueueSeen(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="queue"):
    """A queue's live totals. `unacked` and `consumers` are -1 where the sight can't tell."""

    queue: str
    ready: int
    unacked: int
    consumers: int


@registered
class Effect(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="effect"):
    """What the world shows for one business key at one consumer, as a count. `last` marks the final sweep."""

    consumer: str
    key: str
    count: int
    last: bool = False


@registered
class SagaSeen(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="saga"):
    """The state of one saga instance. `books` and `compensations` per participant; `last` marks the final sweep."""

    saga: str
    key: str
    state: str
    books: dict[str, float | str]
    compensations: dict[str, int]
    expected: dict[str, float | str]
    last: bool = False


@registered
class ProbeFailed(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="probe.failed"):
    probe: str
    reason: str


# --- the parts -----------------------------------------------------------------------------------------------


@registered
class PartStarted(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="part.started"):
    """`part`: toxiproxy | tap | broker | load | a service's name; `role`: engine | broker | service."""

    part: str
    role: str
    detail: str = ""


@registered
class PartDied(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="part.died"):
    """It ended or stopped answering although nobody asked it to."""

    part: str
    role: str
    reason: str


@registered
class PartStopped(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="part.stopped"):
    part: str
    role: str
    detail: str = ""


@registered
class BreakerLogged(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="breaker.logged"):
    """What a service itself says of its breaker: closed | open | half-open."""

    link: str
    state: str


@registered
class Stall(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="stall"):
    """`process` (runner | tap | a service's name) got no processor for `stall_ms` of the time before `t`.

    For our own processes that is one gap; for a service the sum of a second. What fell into it can't be timed.
    """

    process: str
    stall_ms: float


@registered
class ClockJumped(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="clock.jumped"):
    """Wall clock and monotonic clock parted by `jump_ms`, or the machine slept."""

    jump_ms: float


@registered
class Leftover(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="leftover"):
    what: str
    healed: bool


@registered
class GuardTripped(Event, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag="guard.tripped"):
    guard: str
    detail: str


def encode(event: Event) -> dict[str, Any]:
    """The event as a JSON object: `kind` first, times rounded to the microsecond."""
    row: dict[str, Any] = {"kind": event.kind}
    for name in event.__struct_fields__:
        value = getattr(event, name)
        row[name] = round(value, 6) if isinstance(value, float) else value
    return row


def decode(row: dict[str, Any]) -> Event:
    """The event that `row` describes. Raises ValueError for an unknown kind, a missing or unknown field, a bad type."""
    cls = KINDS.get(row.get("kind", ""))
    if cls is None:
        raise ValueError(f"unknown event kind {row.get('kind')!r}")
    try:
        return msgspec.convert(row, cls)
    except msgspec.ValidationError as error:
        raise ValueError(f"bad {cls.kind} event: {error}") from error
