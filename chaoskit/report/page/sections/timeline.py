"""The timeline: all panels under one time axis, the faults hatched through all of them, a table behind each."""

from __future__ import annotations

from typing import Any

from chaoskit.model.event import PhaseStarted
from chaoskit.report.page import drawing, wording
from chaoskit.report.page.axis import TimeAxis
from chaoskit.report.page.markup import Html, json_block, tag
from chaoskit.report.page.panel import Panel
from chaoskit.report.page.panels import answers, breaker, calls, generator, latency, queues
from chaoskit.report.page.scene import Scene

PANELS = (latency, answers, calls, breaker, queues, generator)
"""A new panel is a file in panels/ and a name here; breakers are then put right under the calls of their link."""


def panels_of(scene: Scene) -> list[Panel]:
    """All panels that have something to show, in the order of the page."""
    found = [panel for module in PANELS for panel in module.panels(scene)]
    bands = {panel.subject: panel for panel in found if panel.shape == "band"}
    ordered: list[Panel] = []
    for panel in found:
        if panel.shape == "band" and any(p.key == f"calls-{panel.subject}" for p in found):
            continue
        ordered.append(panel)
        if panel.key == f"calls-{panel.subject}" and panel.subject in bands:
            ordered.append(bands[panel.subject])
    return ordered


def render(scene: Scene, panels: list[Panel]) -> Html | None:
    """The section, or None when nothing was measured."""
    if not panels:
        return None
    figures = [_figure(scene, position, panel) for position, panel in enumerate(panels)]
    origin = "injection" if any(band.confirmed for band in scene.bands) else "start"
    text = f"Times count from the {origin}. Move over the panels, or focus them and use ← →."
    hint = tag("p", text, class_="muted hint")
    board = tag(
        "div",
        tag("p", "", class_="readout", role="status"),
        drawing.draw_phases(scene.axis, _phases(scene)),
        drawing.draw_faults(scene) if scene.bands else None,
        drawing.draw_time_axis(scene.axis),
        *figures,
        drawing.draw_time_axis(scene.axis),
        class_="board",
        tabindex=0,
        role="group",
        aria_label="Timeline: arrow keys move the cursor",
        data_scene=scene.id,
    )
    return tag(
        "section",
        tag("h3", "Timeline"),
        hint,
        board,
        json_block(f"{scene.id}-data", _data(scene, panels)),
        class_="timeline",
    )


def _figure(scene: Scene, position: int, panel: Panel) -> Html:
    legend = [
        tag(
            "span",
            drawing.draw_key(s.tone, panel.shape),
            wording.clipped(s.name, 24),
            " ",
            tag("output", "", data_series=i),
            class_="entry",
        )
        for i, s in enumerate(panel.series)
    ]
    if panel.shape == "band":
        legend = [tag("span", tag("output", "", data_series=0), class_="entry")]
    log = " · logarithmic" if panel.shape == "lines" and drawing.value_scale(panel).log else ""
    unit = tag("span", panel.unit + log, class_="unit") if panel.unit else None
    caption = tag("figcaption", tag("b", panel.title), unit, tag("span", *legend, class_="legend"))
    note = tag("p", panel.note, class_="muted") if panel.note else None
    twin = tag("details", tag("summary", "Table"), note, _table(scene, panel), class_="twin")
    figure = {"id": f"{scene.id}-panel{position}", "data_panel": position}
    return tag("figure", caption, drawing.draw_panel(scene, panel), twin, class_=f"panel {panel.shape}", **figure)


def _table(scene: Scene, panel: Panel) -> Html:
    if panel.shape == "band":
        names, rows = ["until", "state"], _stretch_rows(scene.axis, panel)
    else:
        names, rows = [s.name for s in panel.series], _bucket_rows(scene.axis, panel)
    unit = f" ({panel.unit})" if panel.unit else ""
    head = tag(
        "tr",
        tag("th", "from", scope="col"),
        *(tag("th", n + (unit if n != "state" else ""), scope="col") for n in names),
    )
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="numbers")
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=f"{panel.title}, table")


def _bucket_rows(axis: TimeAxis, panel: Panel) -> list[Html]:
    rows = []
    for bucket, values in enumerate(zip(*(s.values for s in panel.series), strict=True)):
        if any(value is not None for value in values):
            first = tag("th", wording.at(axis.bucket_start(bucket) - axis.zero), scope="row")
            rows.append(tag("tr", first, *(tag("td", wording.with_unit(value, "")) for value in values)))
    return rows


def _stretch_rows(axis: TimeAxis, panel: Panel) -> list[Html]:
    return [
        tag(
            "tr",
            tag("th", wording.at(stretch.start - axis.zero), scope="row"),
            tag("td", wording.at(stretch.end - axis.zero)),
            tag("td", stretch.state),
        )
        for stretch in panel.stretches
    ]


def _phases(scene: Scene) -> list[tuple[str, float, float]]:
    events = scene.of(PhaseStarted)
    ends = [event.t for event in events[1:]] + [scene.axis.end]
    return [(event.phase, event.t, end) for event, end in zip(events, ends, strict=True)]


def _data(scene: Scene, panels: list[Panel]) -> dict[str, Any]:
    """What the cursor reads: rounded values a bucket, or the stretches of a band."""
    axis = scene.axis
    return {
        "start": round(axis.start, 4),
        "end": round(axis.end, 4),
        "zero": round(axis.zero, 4),
        "width": axis.width_s,
        "count": axis.count,
        "panels": [
            {
                "unit": panel.unit,
                "series": [[None if v is None else float(f"{v:.4g}") for v in s.values] for s in panel.series],
                "stretches": [[round(s.start, 3), round(s.end, 3), s.state] for s in panel.stretches],
            }
            for panel in panels
        ],
    }
