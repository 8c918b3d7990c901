"""When a link was exposed to faults, and what was usual before: the baseline that all else is relative to. Pure."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from msgspec import Struct

from chaoskit.checks.calls import calls_on
from chaoskit.checks.known import known_until, once
from chaoskit.checks.requests import ended_at, look_of, percentile, requests_of
from chaoskit.checks.thresholds import BASELINE_REQUESTS, BASELINE_REQUESTS_MIN, BASELINE_S
from chaoskit.model.event import FaultAsked, FaultConfirmed, FaultReverted
from chaoskit.model.evidence import Evidence, Window

_EDGE_S = 0.1


class Exposure(Struct, frozen=True):
    """From the first injection to the last revert. `asked` is when the first injection was begun (it may bite from
    then on), `window` runs from its confirmation to the moment its revert was asked for, `healed` is when that was
    confirmed (None so far). `names` are the faults' keywords."""

    asked: float
    window: Window
    healed: float | None
    names: tuple[str, ...]


def exposure(evidence: Evidence, target: str | None = None) -> Exposure | None:
    """What faults on a link (or on its callee, or a consumer, or anything) amount to; None if none was confirmed."""
    return once(evidence, ("exposure", target), lambda: _exposure(evidence, target))


def _exposure(evidence: Evidence, target: str | None) -> Exposure | None:
    hits = [f for f in evidence.of(FaultConfirmed) if target is None or _concerns(f.target, target)]
    if not hits:
        return None
    ids = {fault.fault for fault in hits}
    asked = [event.t for event in evidence.of(FaultAsked) if event.fault in ids]
    reverted = {event.fault: event for event in evidence.of(FaultReverted) if event.fault in ids}
    over = len(reverted) == len(ids)
    end = max(event.asked_t for event in reverted.values()) if over else float("inf")
    healed = max(event.t for event in reverted.values()) if over else None
    start = min(fault.t for fault in hits)
    return Exposure(
        asked=min([start, *asked]),
        window=Window(start, end),
        healed=healed,
        names=tuple(dict.fromkeys(fault.name for fault in hits)),
    )


def _concerns(fault_target: str, target: str) -> bool:
    """A fault on a service hits every link that leads to it; one on `broker` every link to the broker."""
    return fault_target == target or target.endswith(f"-> {fault_target}")


class Usual(Struct, frozen=True):
    """What was usual without a fault: how many requests tell it, their p95, what answers look like."""

    requests: int
    p95_ms: float
    looks: frozenset[Any]


def usual(evidence: Evidence) -> Usual:
    """From the load's first request until the first fault was asked for."""
    return once(evidence, ("usual",), lambda: _usual(evidence))


def _before_fault(evidence: Evidence) -> Window:
    asked = [event.t for event in evidence.of(FaultAsked)] or [event.t for event in evidence.of(FaultConfirmed)]
    return Window(float("-inf"), min(asked, default=float("inf")))


def baseline_start(evidence: Evidence) -> float:
    """When the baseline began; what came before (the phase `proof`) was no usual traffic."""
    window = evidence.phase("baseline")
    return window.start if window is not None else float("-inf")


def _baseline(evidence: Evidence, edge: float) -> Window:
    """The last two seconds before `edge`, or the last forty answers if they go back further: services warm up."""
    answered = requests_of(evidence).answered
    i = bisect_left(answered, edge) - BASELINE_REQUESTS
    wanted = min(edge - BASELINE_S, answered[i] if i >= 0 else float("-inf"))
    return Window(max(wanted, baseline_start(evidence)), edge)


def _usual(evidence: Evidence) -> Usual:
    requests = requests_of(evidence)
    before = _baseline(evidence, _before_fault(evidence).end)
    good = [s for i in requests.within(before) if (s := requests.samples[i]).ok and ended_at(s) <= before.end]
    return Usual(len(good), percentile((s.service_ms for s in good), 0.95), frozenset(look_of(s) for s in good))


class CallsPerRequest(Struct, frozen=True):
    """`ratio` calls on a link per answered request of the load, from `requests` of them; 0 requests: not known."""

    ratio: float
    requests: int


def calls_per_request(evidence: Evidence, link: str) -> CallsPerRequest:
    """Measured without a fault on the link. Zero requests when there were too few to tell."""
    return once(evidence, ("calls per request", link), lambda: _calls_per_request(evidence, link))


def _calls_per_request(evidence: Evidence, link: str) -> CallsPerRequest:
    requests, calls, exposed = requests_of(evidence), calls_on(evidence, link), exposure(evidence, link)
    edge = exposed.asked if exposed else known_until(evidence)
    window = _baseline(evidence, edge - _EDGE_S)
    done = sum(
        requests.samples[i].status > 0 and ended_at(requests.samples[i]) <= edge for i in requests.within(window)
    )
    if done < BASELINE_REQUESTS_MIN:
        return CallsPerRequest(0.0, 0)
    return CallsPerRequest(len(calls.within(window)) / done, done)
