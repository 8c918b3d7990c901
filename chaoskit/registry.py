"""All faults and checks there are: one line each. A new one is a file, a line here, and a page in docs/reference/."""

from __future__ import annotations

from chaoskit.checks.attempts import AttemptsCheck
from chaoskit.checks.breaker import BreakerCheck
from chaoskit.checks.breaker_log import BreakerLogCheck
from chaoskit.checks.dead_letter import DeadLetterCheck
from chaoskit.checks.drains import DrainsCheck
from chaoskit.checks.errors import ErrorsCheck
from chaoskit.checks.fallback import FallbackCheck
from chaoskit.checks.idempotent import IdempotentCheck
from chaoskit.checks.isolates_poison import IsolatesPoisonCheck
from chaoskit.checks.latency import LatencyCheck
from chaoskit.checks.nothing_lost import NothingLostCheck
from chaoskit.checks.probe import Probe
from chaoskit.checks.recovers import RecoversCheck
from chaoskit.checks.saga import SagaCheck
from chaoskit.checks.stays_closed import StaysClosedCheck
from chaoskit.checks.timeout import TimeoutCheck
from chaoskit.faults.bandwidth import Bandwidth
from chaoskit.faults.blackhole import Blackhole
from chaoskit.faults.change_body import ChangeBody
from chaoskit.faults.cut_body import CutBody
from chaoskit.faults.down import Down
from chaoskit.faults.duplicate import Duplicate
from chaoskit.faults.hang import Hang
from chaoskit.faults.headers_only import HeadersOnly
from chaoskit.faults.hold import Hold
from chaoskit.faults.latency import Latency
from chaoskit.faults.limit_data import LimitData
from chaoskit.faults.outage import Outage
from chaoskit.faults.poison import Poison
from chaoskit.faults.reset import Reset
from chaoskit.faults.slicer import Slicer
from chaoskit.faults.slow_close import SlowClose
from chaoskit.faults.status import Status
from chaoskit.model.scenario import CheckSpec, FaultSpec, Vocabulary

FAULTS: tuple[type[FaultSpec], ...] = (
    Latency,
    Bandwidth,
    SlowClose,
    Blackhole,
    Reset,
    LimitData,
    Slicer,
    Down,
    Duplicate,
    Poison,
    Outage,
    Hang,
    Status,
    HeadersOnly,
    CutBody,
    ChangeBody,
    Hold,
)

CHECKS: tuple[type[CheckSpec], ...] = (
    BreakerCheck,
    BreakerLogCheck,
    StaysClosedCheck,
    TimeoutCheck,
    FallbackCheck,
    AttemptsCheck,
    ErrorsCheck,
    LatencyCheck,
    RecoversCheck,
    IdempotentCheck,
    DeadLetterCheck,
    IsolatesPoisonCheck,
    NothingLostCheck,
    DrainsCheck,
    SagaCheck,
    Probe,
)


def vocabulary() -> Vocabulary:
    """Keywords to classes, for the files stage."""
    return Vocabulary(
        faults={fault.keyword: fault for fault in FAULTS}, checks={check.keyword: check for check in CHECKS}
    )
