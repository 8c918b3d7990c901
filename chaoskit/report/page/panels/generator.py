"""The load generator's own health: how late its worst request started, and what it had to drop."""

from __future__ import annotations

from chaoskit.model.event import LoadSecond
from chaoskit.report.page.panel import Panel, Series
from chaoskit.report.page.scene import Scene


def panels(scene: Scene) -> list[Panel]:
    """The lag, and what was dropped if anything was; none without load."""
    lag: list[float | None] = [None] * scene.axis.count
    dropped: list[float | None] = [None] * scene.axis.count
    for second in scene.of(LoadSecond):
        # An event says how the second *before* it was.
        first = scene.axis.bucket(max(scene.axis.start, second.t - 1))
        last = scene.axis.bucket(min(scene.axis.end, second.t))
        if first is None or last is None:
            continue
        for bucket in range(first, max(first + 1, last)):
            lag[bucket] = max(lag[bucket] or 0.0, second.lag_ms_max)
            dropped[bucket] = max(dropped[bucket] or 0.0, float(second.dropped))
    if not any(value is not None for value in lag):
        return []
    note = "how late the worst request started: what lags here is not the system's fault"
    found = [Panel("generator", "Generator lag", "ms", "lines", (Series("lag", "ok", tuple(lag)),), note=note)]
    if any(dropped):
        series = (Series("dropped", "error", tuple(dropped)),)
        found.append(Panel("dropped", "Dropped by the generator", "/s", "bars", series, note="never sent"))
    return found
