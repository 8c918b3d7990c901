"""The events that decided each check, with times relative to the injection, and how to see it again."""

from __future__ import annotations

import shlex

from chaoskit.model.verdict import Finding, Outcome, Verdict
from chaoskit.report.page import wording
from chaoskit.report.page.describe import body_of, describe
from chaoskit.report.page.markup import Html, tag
from chaoskit.report.page.scene import Scene
from chaoskit.report.page.sections.chip import sign

EVENTS_MAX = 10
"""A reader believes ten events and reads none of a thousand; the rest is in events.ndjson."""


def render(scene: Scene) -> Html:
    """The section: a fold per check, open where it did not pass."""
    blocks = [_check(scene, position, verdict) for position, verdict in enumerate(scene.record.verdicts)]
    repeat = tag("p", tag("b", "Repeat this"), tag("code", repeat_command(scene), class_="command"))
    return tag("section", tag("h3", "Evidence"), *blocks, repeat, class_="evidence")


def repeat_command(scene: Scene) -> str:
    """The command line that runs this scenario alone, as it was."""
    parts = ["chaoskit", "run", scene.record.file, "--only", scene.record.name, "--seed", str(scene.seed)]
    return " ".join(shlex.quote(part) for part in parts)


def _check(scene: Scene, position: int, verdict: Verdict) -> Html:
    summary = tag(
        "summary",
        sign(verdict.outcome),
        " ",
        verdict.check,
        " ",
        tag("span", wording.name(verdict.subject), class_="subject"),
    )
    findings = [_finding(scene, finding) for finding in verdict.findings]
    if not any(finding.evidence for finding in verdict.findings):
        findings.append(
            tag("p", "No single event decided this: it rests on what was, or was not, seen as a whole.", class_="muted")
        )
    opened = verdict.outcome is not Outcome.PASS
    return tag("details", summary, *findings, id=scene.check_id(position), open=opened, class_="proof")


def _finding(scene: Scene, finding: Finding) -> Html | None:
    known = [index for index in finding.evidence if 0 <= index < len(scene.events)]
    if not known:
        return None
    rows = [_row(scene, index) for index in known[:EVENTS_MAX]]
    head = tag("tr", *(tag("th", text, scope="col") for text in ("Time", "Event", "What it said", "No.")))
    said = f"{finding.name.replace('_', ' ')}: expected {finding.expected}, observed {finding.observed}"
    rest = len(known) - EVENTS_MAX
    more = tag("p", f"and {rest} more; see events.ndjson", class_="muted") if rest > 0 else None
    table = tag("table", tag("caption", said), tag("thead", head), tag("tbody", *rows), class_="events")
    box = tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=f"Events: {finding.name}")
    return tag("div", box, more)


def _row(scene: Scene, index: int) -> Html:
    event = scene.events[index]
    what, said = describe(event)
    body = body_of(event)
    return tag(
        "tr",
        tag("td", wording.at(scene.relative(event.t)), class_="number"),
        tag("td", what),
        tag("td", wording.clipped(said, 240), tag("pre", body) if body else None),
        tag("td", index, class_="number muted"),
    )
