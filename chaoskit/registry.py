"""All faults and checks there are: one line each. A new one is a file, a line here, and a page in docs/reference/.

Modules are named and not imported: a run pays only for the faults and checks that its files use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Generic, TypeVar

from chaoskit.model.scenario import CheckSpec, FaultSpec, Vocabulary

FAULTS = {
    "latency": "chaoskit.faults.latency:Latency",
    "bandwidth": "chaoskit.faults.bandwidth:Bandwidth",
    "slow_close": "chaoskit.faults.slow_close:SlowClose",
    "blackhole": "chaoskit.faults.blackhole:Blackhole",
    "reset": "chaoskit.faults.reset:Reset",
    "limit_data": "chaoskit.faults.limit_data:LimitData",
    "slicer": "chaoskit.faults.slicer:Slicer",
    "down": "chaoskit.faults.down:Down",
    "duplicate": "chaoskit.faults.duplicate:Duplicate",
    "poison": "chaoskit.faults.poison:Poison",
    "outage": "chaoskit.faults.outage:Outage",
    "hang": "chaoskit.faults.hang:Hang",
    "status": "chaoskit.faults.status:Status",
    "headers_only": "chaoskit.faults.headers_only:HeadersOnly",
    "cut_body": "chaoskit.faults.cut_body:CutBody",
    "change_body": "chaoskit.faults.change_body:ChangeBody",
    "hold": "chaoskit.faults.hold:Hold",
}

CHECKS = {
    "breaker": "chaoskit.checks.breaker:BreakerCheck",
    "breaker_log": "chaoskit.checks.breaker_log:BreakerLogCheck",
    "stays_closed": "chaoskit.checks.stays_closed:StaysClosedCheck",
    "timeout": "chaoskit.checks.timeout:TimeoutCheck",
    "fallback": "chaoskit.checks.fallback:FallbackCheck",
    "attempts": "chaoskit.checks.attempts:AttemptsCheck",
    "errors": "chaoskit.checks.errors:ErrorsCheck",
    "latency": "chaoskit.checks.latency:LatencyCheck",
    "recovers": "chaoskit.checks.recovers:RecoversCheck",
    "idempotent": "chaoskit.checks.idempotent:IdempotentCheck",
    "dead_letter": "chaoskit.checks.dead_letter:DeadLetterCheck",
    "isolates_poison": "chaoskit.checks.isolates_poison:IsolatesPoisonCheck",
    "nothing_lost": "chaoskit.checks.nothing_lost:NothingLostCheck",
    "drains": "chaoskit.checks.drains:DrainsCheck",
    "saga": "chaoskit.checks.saga:SagaCheck",
    "probe": "chaoskit.checks.probe:Probe",
}

S = TypeVar("S")


class Lines(Mapping[str, type[S]], Generic[S]):
    """Keyword → class; a class is imported when it is first asked for."""

    def __init__(self, lines: Mapping[str, str]) -> None:
        self._lines = lines

    def __getitem__(self, keyword: str) -> type[S]:
        module, _, name = self._lines[keyword].partition(":")
        found: type[S] = getattr(import_module(module), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def vocabulary() -> Vocabulary:
    """Keywords to classes, for the files stage."""
    return Vocabulary(faults=Lines[FaultSpec](FAULTS), checks=Lines[CheckSpec](CHECKS))
