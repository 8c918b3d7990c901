"""The calls on one link by arrival, those in flight included; and when each of them failed. Pure."""

from __future__ import annotations

from bisect import bisect_left

from msgspec import Struct

from chaoskit.checks.known import once
from chaoskit.model.event import Call, CallStarted
from chaoskit.model.evidence import Evidence, Window

_NEVER = float("inf")


class LinkCalls(Struct, frozen=True):
    """`calls`, their event indices and arrival times run in parallel, by arrival.

    A call in flight has the outcome `open` and ends at infinity. `live`: arrivals were seen as they came; otherwise
    calls show only when they have ended, and nothing can be said of the newest ones before the scenario is over.
    """

    calls: list[Call]
    indices: list[int]
    times: list[float]
    live: bool

    def within(self, window: Window) -> range:
        """Positions of the calls that arrived in a window."""
        return range(bisect_left(self.times, window.start), bisect_left(self.times, window.end))

    def count(self, start: float, end: float) -> int:
        """How many arrived from `start` (included) to `end` (excluded)."""
        return max(0, bisect_left(self.times, end) - bisect_left(self.times, start))


def calls_on(evidence: Evidence, link: str) -> LinkCalls:
    """All calls on a link."""
    return once(evidence, ("calls", link), lambda: _collect(evidence, link))


def _collect(evidence: Evidence, link: str) -> LinkCalls:
    ended = [(call.t, i, call) for i, call in evidence.indexed(Call) if call.link == link]
    started = [(i, call) for i, call in evidence.indexed(CallStarted) if call.link == link]
    done = {call.call for _, _, call in ended}
    for i, arrival in started:
        if arrival.call not in done:
            ended.append((arrival.t, i, _in_flight(arrival)))
    ended.sort(key=lambda row: row[:2])
    return LinkCalls([c for _, _, c in ended], [i for _, i, _ in ended], [t for t, _, _ in ended], bool(started))


def _in_flight(arrival: CallStarted) -> Call:
    return Call(
        t=arrival.t,
        link=arrival.link,
        call=arrival.call,
        connection=arrival.connection,
        method=arrival.method,
        path=arrival.path,
        end=_NEVER,
        status=0,
        outcome="open",
        trace=arrival.trace,
    )


def failed_at(call: Call, timeout_s: float | None = None) -> float | None:
    """When the caller knew that the call had failed; None for a good one or one still in flight.

    With a declared timeout, a call that takes longer has failed then, even if its caller did not hang up.
    """
    if timeout_s is not None and call.end - call.t > timeout_s:
        return call.t + timeout_s if call.outcome in ("open", "answered") else min(call.end, call.t + timeout_s)
    if call.outcome == "open":
        return None
    return call.end if call.outcome != "answered" or call.status >= 500 else None


def succeeded_at(call: Call, timeout_s: float | None = None) -> float | None:
    """When the call got its good answer, or None."""
    good = call.outcome == "answered" and 0 < call.status < 500
    return call.end if good and failed_at(call, timeout_s) is None else None
