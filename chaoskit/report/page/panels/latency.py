"""Latency of the load from the intended start: p50, p95, p99 per bucket, and the worst requests as dots."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chaoskit.model.event import Sample
from chaoskit.report.page import wording
from chaoskit.report.page.panel import Dot, Panel, Series
from chaoskit.report.page.scene import Scene

DOTS_MAX = 12


def panels(scene: Scene) -> list[Panel]:
    """One panel, or none without samples."""
    samples = scene.of(Sample)
    if not samples:
        return []
    buckets: list[list[float]] = [[] for _ in range(scene.axis.count)]
    worst: dict[int, Sample] = {}
    for sample in samples:
        # The bucket of the *intended* start: an outage must not move the requests that it delayed.
        bucket = scene.axis.bucket(sample.due)
        if bucket is None:
            continue
        buckets[bucket].append(sample.latency_ms)
        if bucket not in worst or sample.latency_ms > worst[bucket].latency_ms:
            worst[bucket] = sample
    for values in buckets:
        values.sort()
    series = (
        Series("p99", "faint", tuple(percentile(values, 0.99) for values in buckets)),
        Series("p95", "strong", tuple(percentile(values, 0.95) for values in buckets)),
        Series("p50", "ok", tuple(percentile(values, 0.50) for values in buckets)),
    )
    note = "from the intended start, so waiting in the queue counts; dots are the slowest requests"
    return [Panel("latency", "Latency", "ms", "lines", series, _dots(scene, worst.values()), note=note)]


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Nearest rank: the smallest value that `share` of all do not exceed."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _dots(scene: Scene, worst: object) -> tuple[Dot, ...]:
    samples = sorted(worst, key=lambda s: -s.latency_ms)[:DOTS_MAX]  # type: ignore[call-overload]
    return tuple(
        Dot(
            sample.due,
            sample.latency_ms,
            f"{sample.name}: {wording.with_unit(sample.latency_ms, 'ms')} at {wording.at(scene.relative(sample.due))}, "
            + (sample.error or f"status {sample.status}"),
            "strong" if sample.ok else "error",
        )
        for sample in samples
    )
