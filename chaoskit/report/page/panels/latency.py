"""Latency of the load from the intended start: p50, p95, p99 per bucket, and the worst requests as dots."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chaoskit.model.event import Sample
from chaoskit.report.page import wording
from chaoskit.report.page.panel import Dot, Panel, Series
from chaoskit.report.page.scene import Scene

DOTS_MAX = 12
DOT_FROM_RATIO = 5
"""A request is worth a dot when it took this many times the median; else all is usual and dots would be noise."""


def panels(scene: Scene) -> list[Panel]:
    """One panel, or none without samples."""
    samples = scene.of(Sample)
    if not samples:
        return []
    buckets: list[list[float]] = [[] for _ in range(scene.axis.count)]
    for sample in samples:
        # The bucket of the *intended* start: an outage must not move the requests that it delayed.
        bucket = scene.axis.bucket(sample.due)
        if bucket is not None:
            buckets[bucket].append(sample.latency_ms)
    for values in buckets:
        values.sort()
    series = (
        Series("p99", "faint", tuple(percentile(values, 0.99) for values in buckets)),
        Series("p95", "strong", tuple(percentile(values, 0.95) for values in buckets)),
        Series("p50", "ok", tuple(percentile(values, 0.50) for values in buckets)),
    )
    note = "from the intended start, so waiting in the queue counts; dots are the slowest requests"
    usual = percentile(sorted(sample.latency_ms for sample in samples), 0.5) or 0.0
    worst = [(index, sample) for index, sample in slowest(scene) if sample.latency_ms > DOT_FROM_RATIO * usual]
    dots = tuple(_dot(scene, index, sample) for index, sample in worst)
    return [Panel("latency", "Latency", "ms", "lines", series, dots, note=note)]


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Nearest rank: the smallest value that `share` of all do not exceed."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def slowest(scene: Scene) -> list[tuple[int, Sample]]:
    """The slowest request of each bucket with its index in the scenario's events; at most DOTS_MAX, by time.

    They are the worst buckets' ones, but never all of one outage: one in a bucket.
    """
    worst: dict[int, tuple[float, int, Sample]] = {}
    for index, event in enumerate(scene.events):
        if isinstance(event, Sample):
            bucket = scene.axis.bucket(event.due)
            if bucket is not None and (bucket not in worst or event.latency_ms > worst[bucket][0]):
                worst[bucket] = (event.latency_ms, index, event)
    chosen = sorted(worst.values(), key=lambda row: (-row[0], row[1]))[:DOTS_MAX]
    return sorted(((index, sample) for _, index, sample in chosen), key=lambda row: row[1].due)


def request_id(scene: Scene, index: int) -> str:
    """Id of a slow request's row in the page."""
    return f"{scene.id}-request{index}"


def _dot(scene: Scene, index: int, sample: Sample) -> Dot:
    took = wording.with_unit(sample.latency_ms, "ms")
    answer = sample.error or f"status {sample.status}"
    title = f"{sample.name}: {took} at {wording.at(scene.relative(sample.due))}, {answer}"
    return Dot(sample.due, sample.latency_ms, title, "strong" if sample.ok else "error", f"#{request_id(scene, index)}")
