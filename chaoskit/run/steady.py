"""Whether the steady state holds now. Pure."""

from __future__ import annotations

from chaoskit.model.evidence import Evidence, Window
from chaoskit.model.quantity import format_duration
from chaoskit.model.scenario import Load, Steady

SAMPLES_MIN = 10
"""Below this a percentile says nothing (at low rates: what the window can hold)."""


def steady_now(evidence: Evidence, steady: Steady, load: Load | None, now: float, since: float) -> tuple[bool, str]:
    """(holds, what was seen) over the last `steady.window` seconds; requests count by their true start."""
    if now - since < steady.window:
        return False, f"watched for {format_duration(max(0.0, now - since))} of {format_duration(steady.window)}"
    samples = evidence.samples(Window(max(since, now - steady.window), now))
    wanted = min(SAMPLES_MIN, max(1, int((load.rate if load else 1.0) * steady.window * 0.5)))
    if len(samples) < wanted:
        return False, f"{len(samples)} answers in the last {format_duration(steady.window)}, {wanted} wanted"
    bad = sum(not sample.ok for sample in samples) / len(samples)
    p95_s = sorted(sample.latency_ms for sample in samples)[int(0.95 * (len(samples) - 1))] / 1000
    seen = f"p95 {format_duration(p95_s)}, errors {bad:.1%} of {len(samples)}"
    if steady.errors is not None and bad > steady.errors:
        return False, seen
    if steady.p95 is not None and p95_s > steady.p95:
        return False, seen
    return True, seen
