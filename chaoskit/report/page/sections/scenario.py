"""One scenario: its checks, its timeline, its evidence, its messages and the plan as run."""

from __future__ import annotations

from chaoskit.model.quantity import format_duration
from chaoskit.model.verdict import Outcome
from chaoskit.report.page import wording
from chaoskit.report.page.markup import Html, join, tag
from chaoskit.report.page.scene import Scene
from chaoskit.report.page.sections import checks, evidence, messages, timeline
from chaoskit.report.page.sections.chip import chip


def render(scene: Scene, alone: bool) -> Html:
    """A fold per scenario, open where it did not pass; no fold when it is the only one."""
    record = scene.record
    panels = timeline.panels_of(scene)
    where = f"{record.file}:{record.line}" if record.line else record.file
    rules = "rule " + ", ".join(map(str, record.rules)) if record.rules else ""
    facts = " · ".join(part for part in (where, rules, f"ended: {record.reason}") if part)
    body = join(
        [
            tag("p", wording.name(facts), class_="muted"),
            checks.render(scene, panels),
            timeline.render(scene, panels),
            messages.render(scene),
            evidence.render(scene),
            _plan(scene),
            _not_judged(scene),
        ]
    )
    title = tag("h2", record.name)
    if alone:
        return tag("section", title, body, class_="scenario", id=scene.id)
    took = tag("span", wording.seconds(record.ended - record.started), class_="number muted")
    summary = tag("summary", chip(record.outcome), title, took)
    opened = record.outcome is not Outcome.PASS
    return tag("details", summary, body, class_="scenario", id=scene.id, open=opened)


def _plan(scene: Scene) -> Html | None:
    if scene.plan is None or not scene.plan.faults:
        return None
    head = tag("tr", *(tag("th", text, scope="col") for text in ("Fault", "On", "At", "For", "How")))
    rows = []
    for fault in scene.plan.faults:
        length = (
            format_duration(fault.for_s)
            if fault.for_s is not None
            else f"until decided, ≤ {format_duration(fault.for_max_s)}"
        )
        how = ", ".join(type(instruction).__name__ for instruction in fault.instructions)
        cells = (f"{fault.id} {fault.name}", wording.name(fault.target), f"+{format_duration(fault.at_s)}", length, how)
        rows.append(tag("tr", *(tag("td", cell) for cell in cells)))
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    caption = tag("summary", "The plan as run")
    box = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Plan")
    return tag("details", caption, tag("p", "At: from the start of the load.", class_="muted"), box)


def _not_judged(scene: Scene) -> Html | None:
    if not scene.record.notes:
        return None
    return tag(
        "section",
        tag("h3", "Not judged, and why"),
        tag("ul", *(tag("li", wording.name(n)) for n in scene.record.notes)),
    )
