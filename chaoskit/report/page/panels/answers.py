"""Answers of the system to the load, per second, by outcome: ok, fallback, error."""

from __future__ import annotations

from chaoskit.model.event import Sample
from chaoskit.report.page.panel import Panel, Series
from chaoskit.report.page.scene import Scene

FALLBACK_MARK = '"_fallback"'
"""What a degraded answer carries by convention, for stories in which no check looked."""


def panels(scene: Scene) -> list[Panel]:
    """One panel, or none without samples."""
    if not scene.of(Sample):
        return []
    count = scene.axis.count
    counts = {"ok": [0] * count, "fallback": [0] * count, "error": [0] * count}
    for index, event in enumerate(scene.events):
        if isinstance(event, Sample):
            bucket = scene.axis.bucket(event.due + event.latency_ms / 1000)
            if bucket is not None:
                counts[outcome_of(scene, index, event)][bucket] += 1
    tones = {"ok": "ok", "fallback": "degraded", "error": "error"}
    series = tuple(
        Series(name, tones[name], tuple(n / scene.axis.seconds_in(i) for i, n in enumerate(values)))  # type: ignore[arg-type]
        for name, values in counts.items()
        if any(values) or name == "ok"
    )
    return [Panel("answers", "Answers", "/s", "bars", series, note="by the moment of the answer")]


def outcome_of(scene: Scene, index: int, sample: Sample) -> str:
    """ok | fallback | error, for the sample at `index` of the scenario's events."""
    if not sample.ok or sample.error:
        return "error"
    if scene.story.fallbacks is not None:
        return "fallback" if index in scene.story.fallbacks else "ok"
    return "fallback" if sample.body and FALLBACK_MARK in sample.body else "ok"
