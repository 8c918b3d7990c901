"""What was checked: one row a check with its findings; failed first, then inconclusive, what passed folded."""

from __future__ import annotations

from chaoskit.model.verdict import Finding, Outcome, Verdict
from chaoskit.report.page import wording
from chaoskit.report.page.drawing import draw_sparkline
from chaoskit.report.page.markup import Html, tag
from chaoskit.report.page.panel import Panel
from chaoskit.report.page.scene import Scene
from chaoskit.report.page.sections.chip import chip, sign

_ORDER = {Outcome.FAIL: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASS: 2}


def render(scene: Scene, panels: list[Panel]) -> Html:
    """The section; `panels` are those of the timeline, to draw from and to link to."""
    ranked = sorted(enumerate(scene.record.verdicts), key=lambda pair: _ORDER[pair[1].outcome])
    rows = [(verdict.outcome, _check(scene, position, verdict, panels)) for position, verdict in ranked]
    loud = [row for outcome, row in rows if outcome is not Outcome.PASS]
    passed = [row for outcome, row in rows if outcome is Outcome.PASS]
    parts: list[Html] = [*loud]
    if passed:
        summary = tag("summary", wording.plural(len(passed), "check"), " passed")
        parts.append(tag("details", summary, *passed, open=not loud, class_="passed"))
    if not rows:
        parts.append(tag("p", "No check was judged: ", scene.record.reason, class_="trouble"))
    return tag("section", tag("h3", "What was checked"), *parts, class_="checks")


def panel_of(verdict: Verdict, panels: list[Panel]) -> Panel | None:
    """The panel where a check is best seen: calls or queue of its subject, else the load's latency or answers."""
    mine = [panel for panel in panels if panel.subject and panel.subject == verdict.subject and panel.shape != "band"]
    if mine:
        return mine[0]
    wanted = "answers" if verdict.check in ("errors", "fallback") else "latency"
    return next((panel for panel in panels if panel.key == wanted), next(iter(panels), None))


def _check(scene: Scene, position: int, verdict: Verdict, panels: list[Panel]) -> Html:
    panel = panel_of(verdict, [panel for panel in panels if panel.shape != "band"])
    head = tag(
        "div",
        chip(verdict.outcome),
        tag("h4", verdict.check, " ", tag("span", wording.name(verdict.subject), class_="subject")),
        tag("span", f"rule {verdict.rule}", class_="muted") if verdict.rule else None,
        draw_sparkline(scene, panel) if panel else None,
        class_="check-head",
    )
    voided = [tag("li", wording.name(reason)) for reason in verdict.voided_by]
    why = tag("div", tag("b", "Not accepted, because"), tag("ul", *voided), class_="voided") if voided else None
    anchor = f"{scene.id}-panel{panels.index(panel)}" if panel else ""
    table = _findings(scene, position, verdict, anchor) if verdict.findings else None
    more = tag("p", tag("a", "Evidence", href=f"#{scene.check_id(position)}"), class_="more")
    said = tag("p", wording.name(verdict.sentence))
    return tag(
        "article",
        head,
        said,
        why,
        table,
        more,
        class_=f"check {verdict.outcome.value}",
        id=f"{scene.check_id(position)}-row",
    )


def _findings(scene: Scene, position: int, verdict: Verdict, anchor: str) -> Html:
    names = ("", "Expectation", "Expected", "Observed")
    head = tag("tr", *(tag("th", text, scope="col") for text in names), tag("th", "When", scope="col", class_="number"))
    rows = [
        tag(
            "tr",
            tag("td", sign(finding.outcome)),
            tag("th", finding.name.replace("_", " "), scope="row"),
            tag("td", finding.expected, data_label="expected"),
            tag("td", finding.observed, data_label="observed", class_="observed"),
            tag("td", _when(scene, position, finding, anchor), class_="number"),
        )
        for finding in sorted(verdict.findings, key=lambda finding: _ORDER[finding.outcome])
    ]
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="findings")


def _when(scene: Scene, position: int, finding: Finding, anchor: str) -> Html | None:
    if finding.at is None or not anchor:
        return None
    text = wording.at(scene.relative(finding.at))
    return tag("a", text, href=f"#{anchor}", class_="jump", data_at=f"{finding.at:.3f}", title="Show in the timeline")
