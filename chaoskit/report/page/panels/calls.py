"""Calls seen on each link at the tap, per second, by outcome: here one sees a breaker open and probe."""

from __future__ import annotations

from collections import defaultdict

from chaoskit.model.event import Call
from chaoskit.report.page import wording
from chaoskit.report.page.panel import Panel, Series, Tone
from chaoskit.report.page.scene import Scene

_TONES: dict[str, Tone] = {
    "answered": "ok",
    "5xx": "degraded",
    "open": "faint",
    "abandoned": "error",
    "refused": "error",
    "cut": "error",
}


def panels(scene: Scene) -> list[Panel]:
    """One panel a link that any call crossed."""
    links: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for call in scene.of(Call):
        bucket = scene.axis.bucket(call.t)
        if bucket is not None:
            outcome = "5xx" if call.outcome == "answered" and call.status >= 500 else call.outcome
            links[call.link].setdefault(outcome, [0] * scene.axis.count)[bucket] += 1
    return [_panel(scene, link, counts) for link, counts in links.items()]


def _panel(scene: Scene, link: str, counts: dict[str, list[int]]) -> Panel:
    order = [*_TONES, *sorted(set(counts) - set(_TONES))]
    series = tuple(
        Series(name, _TONES.get(name, "error"), tuple(n / scene.axis.seconds_in(i) for i, n in enumerate(counts[name])))
        for name in order
        if name in counts
    )
    note = "arrivals at the tap, by outcome"
    return Panel(f"calls-{link}", f"Calls {wording.name(link)}", "/s", "bars", series, note=note, subject=link)
