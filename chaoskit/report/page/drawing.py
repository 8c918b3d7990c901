"""Panels as inline SVG that stretches with the page: curves scale, letters and strokes do not.

Positions along the time axis are percentages, so the same picture is right at 400 and at 1280 pixels and on paper.
Curves live in a nested drawing whose width is stretched (`preserveAspectRatio="none"`, strokes that don't scale).
"""

from __future__ import annotations

from collections.abc import Sequence

from chaoskit.report.page import wording
from chaoskit.report.page.axis import TimeAxis, ValueScale
from chaoskit.report.page.markup import Html, join, tag
from chaoskit.report.page.panel import Panel, Series
from chaoskit.report.page.scene import FaultBand, Scene

HEIGHTS_PX = {"lines": 132, "bars": 96, "band": 34}
LABEL_SHARE_MIN = 0.09
"""A stretch narrower than this has no room for a word on a narrow screen."""
WIDE_LABEL_SHARE_MIN = 0.06
"""Narrower than this and it has none on a wide screen either; its title still says it."""
_LOG_FROM_RATIO = 30
_WIDE = 1000

DEFINITIONS = Html(
    '<svg width="0" height="0" class="definitions" aria-hidden="true"><defs>'
    '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="7" height="7" class="hatch-ground"/><line x1="0" y1="0" x2="0" y2="7" class="hatch-line"/></pattern>'
    '<pattern id="probe" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">'
    '<rect width="6" height="6" class="probe-ground"/><line x1="0" y1="0" x2="0" y2="6" class="probe-line"/></pattern>'
    "</defs></svg>"
)


def draw_panel(scene: Scene, panel: Panel) -> Html:
    """The value axis and the plot, side by side."""
    height = HEIGHTS_PX[panel.shape]
    scale = value_scale(panel)
    inner = _band(scene.axis, panel) if panel.shape == "band" else _values(scene.axis, panel, scale, height)
    plot = tag(
        "svg",
        _ruling(scene, panel, scale),
        _fault_rects(scene),
        inner,
        _fault_names(scene) if panel.shape != "band" else None,
        tag("line", class_="cursor", y1="0", y2="100%", x1="0", x2="0", visibility="hidden"),
        class_="plot",
        height=height,
        role="img",
        aria_label=f"{panel.title}: {_spoken(panel)}",
    )
    return tag("div", _value_axis(panel, scale, height), plot, class_="chart")


def value_scale(panel: Panel) -> ValueScale:
    """Linear from 0; logarithmic for curves that span a great ratio, or the ordinary ones would be a flat line."""
    if panel.shape == "bars":
        totals = [sum(v or 0 for v in row) for row in zip(*(s.values for s in panel.series), strict=True)]
        return ValueScale.linear(max(totals, default=0))
    values = [v for s in panel.series for v in s.values if v is not None] + [dot.value for dot in panel.dots]
    positive = [v for v in values if v > 0]
    if panel.unit == "ms" and positive and max(positive) / min(positive) > _LOG_FROM_RATIO:
        return ValueScale.logarithmic(min(positive), max(positive))
    return ValueScale.linear(max(values, default=0))


def draw_faults(scene: Scene) -> Html:
    """The strip on top: one labelled row a fault, and the phases."""
    rows: list[Html] = []
    for row, band in enumerate(scene.bands):
        y = row * 22
        rows.append(_fault_rect(scene.axis, band, y + 2, "18"))
        start, end = scene.axis.share(band.start), scene.axis.share(band.end)
        # The label begins inside the band, or ends at it where there would be no room to its right.
        right = start > 0.5
        x = end if right else start
        rest = "" if band.confirmed else " · never confirmed"
        long = wording.clipped(f"{band.fault} {band.label} · {wording.name(band.target)}", 60) + rest
        short = wording.clipped(f"{band.fault} {band.label}", 22)
        place = {"x": _percent(x), "dx": "-6" if right else "6", "text_anchor": "end" if right else "start"}
        rows.append(tag("text", long, y=y + 15, class_="fault-label wide", **place))
        rows.append(tag("text", short, y=y + 15, class_="fault-label narrow", aria_hidden="true", **place))
    height = max(1, len(scene.bands)) * 22 + 2
    spoken = "; ".join(
        f"{b.fault} {b.label} on {b.target} from {wording.at(scene.relative(b.start))} "
        f"to {wording.at(scene.relative(b.end))}"
        for b in scene.bands
    )
    svg = tag("svg", *rows, class_="plot", height=height, role="img", aria_label=f"Faults: {spoken or 'none'}")
    return tag("div", tag("span", "faults", class_="strip-name"), svg, class_="chart strip")


def draw_phases(axis: TimeAxis, phases: Sequence[tuple[str, float, float]]) -> Html:
    """The strip of phases: (name, start, end)."""
    parts: list[Html] = []
    for name, start, end in phases:
        left, right = axis.share(start), axis.share(end)
        parts.append(tag("line", x1=_percent(left), x2=_percent(left), y1="0", y2="20", class_="phase-line"))
        if right - left >= WIDE_LABEL_SHARE_MIN:
            last = right > 0.99 and right - left < 0.2  # at the right edge a word must end where the plot ends
            place = {"x": _percent(right if last else left), "dx": "0" if last else "5"}
            parts.append(
                tag(
                    "text",
                    wording.clipped(name, 14),
                    y="14",
                    text_anchor="end" if last else "start",
                    class_="phase-label" + _when_wide(right - left),
                    **place,
                )
            )
    svg = tag(
        "svg", *parts, class_="plot", height=20, role="img", aria_label="Phases: " + ", ".join(p[0] for p in phases)
    )
    return tag("div", tag("span", "phases", class_="strip-name"), svg, class_="chart strip")


def draw_time_axis(axis: TimeAxis) -> Html:
    """Ticks in seconds from the injection; every other one vanishes on narrow screens."""
    parts: list[Html] = []
    for position, t in enumerate(axis.ticks()):
        share = axis.share(t)
        anchor = "start" if share < 0.03 else "end" if share > 0.97 else "middle"
        relative = t - axis.zero
        text = "0 s" if abs(relative) < 1e-9 else f"{'−' if relative < 0 else '+'}{wording.number(abs(relative))} s"
        second = "tick second" if position % 2 else "tick"
        parts.append(tag("text", text, x=_percent(share), y="14", text_anchor=anchor, class_=second))
    svg = tag("svg", *parts, class_="plot", height=20, role="img", aria_label="Time axis, seconds from the injection")
    return tag("div", tag("span", "", class_="strip-name"), svg, class_="chart strip")


def draw_sparkline(scene: Scene, panel: Panel) -> Html:
    """A panel's main curve in the size of a word, with its fault bands."""
    ranked = sorted(panel.series, key=lambda s: (not any(s.values), s.tone != "strong"))
    main = ranked[0]  # the panel's main curve, unless only another one ever moved
    series = _total(panel) if panel.shape == "bars" else main
    scale = value_scale(panel)
    curve = tag("path", d=_curve(scene.axis, series, scale), class_="curve tone-strong")
    box = tag("svg", curve, viewBox=f"0 -8 {_WIDE} 116", preserveAspectRatio="none", width="100%", height="100%")
    label = f"{panel.title} in small"
    return tag("svg", _fault_rects(scene), box, class_="sparkline", role="img", aria_label=label)


def draw_key(tone: str, shape: str) -> Html:
    """The small sign of a series in a legend."""
    if shape == "lines":
        return tag(
            "svg", tag("line", x1=0, y1=6, x2=16, y2=6, class_=f"curve tone-{tone}"), class_="key", aria_hidden="true"
        )
    return tag(
        "svg", tag("rect", x=1, y=1, width=12, height=10, class_=f"bar tone-{tone}"), class_="key", aria_hidden="true"
    )


def _values(axis: TimeAxis, panel: Panel, scale: ValueScale, height: int) -> Html:
    paths = _bars(axis, panel, scale) if panel.shape == "bars" else _curves(axis, panel, scale)
    box = tag("svg", *paths, viewBox=f"0 0 {_WIDE} 100", preserveAspectRatio="none", width="100%", height="100%")
    dots = []
    for dot in panel.dots:
        y = round((1 - scale.height(dot.value)) * height, 1)
        place = {"cx": _percent(axis.share(dot.t)), "cy": max(3.5, y), "r": 3.5}
        circle = tag("circle", tag("title", dot.title), class_=f"dot tone-{dot.tone}", **place)
        dots.append(tag("a", circle, href=dot.href, aria_label=dot.title) if dot.href else circle)
    return join([box, *dots])


def _curves(axis: TimeAxis, panel: Panel, scale: ValueScale) -> list[Html]:
    return [tag("path", d=_curve(axis, series, scale), class_=f"curve tone-{series.tone}") for series in panel.series]


def _curve(axis: TimeAxis, series: Series, scale: ValueScale) -> str:
    """A line through the middles of the buckets that ends where nothing was measured."""
    steps, drawing = [], False
    for bucket, value in enumerate(series.values):
        if value is None:
            drawing = False
            continue
        middle = axis.share(axis.bucket_start(bucket) + axis.seconds_in(bucket) / 2) * _WIDE
        x, y = round(middle, 1), round(98 - scale.height(value) * 96, 1)
        steps.append(f"L{x:g} {y:g}" if drawing else f"M{x:g} {y:g}h.01")
        drawing = True
    return "".join(steps)


def _bars(axis: TimeAxis, panel: Panel, scale: ValueScale) -> list[Html]:
    base = [0.0] * axis.count
    paths = []
    for series in panel.series:
        steps = []
        for bucket, value in enumerate(series.values):
            if not value:
                continue
            left = axis.share(axis.bucket_start(bucket)) * _WIDE
            right = axis.share(axis.bucket_start(bucket) + axis.seconds_in(bucket)) * _WIDE
            low, high = scale.height(base[bucket]) * 98, scale.height(base[bucket] + value) * 98
            high = max(high, low + 2.5)  # one single call must be seen beside hundreds
            width = max(0.6, (right - left) * 0.86)
            steps.append(f"M{left:.1f} {100 - low:.1f}V{100 - high:.1f}h{width:.1f}V{100 - low:.1f}z")
            base[bucket] += value
        paths.append(tag("path", d="".join(steps), class_=f"bar tone-{series.tone}"))
    return paths


def _band(axis: TimeAxis, panel: Panel) -> Html:
    parts: list[Html] = []
    for stretch in panel.stretches:
        left, right = axis.share(stretch.start), axis.share(stretch.end)
        title = f"{stretch.state} {wording.at(stretch.start - axis.zero)} to {wording.at(stretch.end - axis.zero)}"
        shape = {"x": _percent(left), "width": _percent(max(right - left, 0.002)), "y": 6, "height": 22}
        parts.append(tag("rect", tag("title", title), class_=f"state tone-{stretch.tone}", **shape))
        if right - left >= WIDE_LABEL_SHARE_MIN:
            tone = f"state-label on-{stretch.tone}" + _when_wide(right - left)
            parts.append(
                tag(
                    "text",
                    wording.clipped(stretch.state, 12),
                    x=_percent((left + right) / 2),
                    y=21,
                    text_anchor="middle",
                    class_=tone,
                )
            )
    return join(parts)


def _ruling(scene: Scene, panel: Panel, scale: ValueScale) -> Html:
    lines = [
        tag("line", x1=_percent(x), x2=_percent(x), y1="0", y2="100%", class_="rule")
        for x in (scene.axis.share(t) for t in scene.axis.ticks())
    ]
    if panel.shape != "band":
        ticks = [round((1 - scale.height(v)) * 100, 2) for v in scale.ticks()]
        lines += [tag("line", x1="0", x2="100%", y1=f"{y:g}%", y2=f"{y:g}%", class_="rule") for y in ticks]
    return join(lines)


def _value_axis(panel: Panel, scale: ValueScale, height: int) -> Html:
    if panel.shape == "band":
        return tag("span", "", class_="strip-name")
    texts = []
    for value in scale.ticks():
        y = (1 - scale.height(value)) * height
        baseline = round(min(height - 2, max(10.0, y + 4)), 1)
        texts.append(
            tag("text", wording.number(value), x="100%", dx="-6", y=baseline, text_anchor="end", class_="tick")
        )
    return tag("svg", *texts, class_="value-axis", height=height, aria_hidden="true")


def _fault_rects(scene: Scene) -> Html:
    return join(_fault_rect(scene.axis, band, 0, "100%") for band in scene.bands)


def _fault_names(scene: Scene) -> Html:
    """Which fault it is, small, in every panel: a reader who scrolled no longer sees the strip on top."""
    return join(
        tag(
            "text",
            wording.clipped(band.fault, 6),
            x=_percent(scene.axis.share(band.start)),
            dx=4,
            y=12 + 12 * row,
            class_="fault-name",
        )
        for row, band in enumerate(scene.bands)
    )


def _fault_rect(axis: TimeAxis, band: FaultBand, y: int, height: str) -> Html:
    left, right = axis.share(band.start), axis.share(band.end)
    title = tag("title", f"{band.fault} {band.label} on {wording.name(band.target)}")
    shape = {"x": _percent(left), "width": _percent(max(right - left, 0.003)), "y": y, "height": height}
    kind = "fault" if band.confirmed else "fault unconfirmed"
    edges = [
        tag(
            "line",
            x1=_percent(x),
            x2=_percent(x),
            y1=y,
            y2="100%" if height == "100%" else y + int(height),
            class_="fault-edge",
        )
        for x in (left, right)
    ]
    return join([tag("rect", title, class_=kind, **shape), *edges])


def _total(panel: Panel) -> Series:
    rows = zip(*(s.values for s in panel.series), strict=True)
    return Series("all", "strong", tuple(float(sum(v or 0 for v in row)) for row in rows))


def _spoken(panel: Panel) -> str:
    if panel.shape == "band":
        return ", ".join(stretch.state for stretch in panel.stretches)
    highs = [(s.name, max((v for v in s.values if v is not None), default=None)) for s in panel.series]
    return ", ".join(f"{name} at most {wording.with_unit(high, panel.unit)}" for name, high in highs) + "; table below"


def _when_wide(share: float) -> str:
    return "" if share >= LABEL_SHARE_MIN else " wide"


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"
