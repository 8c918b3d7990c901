"""The events that decided each check, with times relative to the injection, and how to see it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from chaoskit.model.verdict import Finding, Outcome, Verdict
from chaoskit.report.page import wording
from chaoskit.report.page.describe import body_of, describe
from chaoskit.report.page.markup import Html, tag
from chaoskit.report.page.panels import latency
from chaoskit.report.page.scene import Scene
from chaoskit.report.page.sections.chip import sign

EVENTS_MAX = 10
"""A reader believes ten events and reads none of a thousand; the rest is in events.ndjson."""


def render(scene: Scene) -> Html:
    """The section: a fold per check, open where it did not pass."""
    blocks = [_check(scene, position, verdict) for position, verdict in enumerate(scene.record.verdicts)]
    repeat = tag("p", tag("b", "Repeat this"), tag("code", repeat_command(scene), class_="command"))
    return tag("section", tag("h3", "Evidence"), *blocks, _slowest(scene), repeat, class_="evidence")


def repeat_command(scene: Scene) -> str:
    """The command line that runs this scenario alone, as it was."""
    parts = ["chaoskit", "run", scene.record.file, "--only", scene.record.name]
    parts += ["--seed", str(scene.seed)] if scene.seed else []
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
    said = f"{finding.name.replace('_', ' ')}: expected {finding.expected}, observed {finding.observed}"
    rest = len(known) - EVENTS_MAX
    more = tag("p", f"and {rest} more; see events.ndjson", class_="muted") if rest > 0 else None
    return tag("div", _table(scene, known[:EVENTS_MAX], said), more)


def _slowest(scene: Scene) -> Html | None:
    """Where the dots of the latency panel lead."""
    rows = [index for index, _ in latency.slowest(scene)]
    if not rows:
        return None
    summary = tag(
        "summary", f"The {wording.plural(len(rows), 'slowest request')}, at most one per step of the timeline"
    )
    return tag("details", summary, _table(scene, rows, "From the intended start", ids=True), class_="proof")


def _table(scene: Scene, indices: Sequence[int], caption: str, ids: bool = False) -> Html:
    names = (("Time", "number"), ("Event", None), ("What it said", None), ("No.", "number"))
    head = tag("tr", *(tag("th", text, scope="col", class_=kind) for text, kind in names))
    rows, before = [], ""
    for index in indices:
        body = body_of(scene.events[index])
        rows.append(_row(scene, index, "same body as above" if body and body == before else body, ids))
        before = body
    table = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *rows), class_="events")
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=f"Events: {caption}")


def _row(scene: Scene, index: int, body: str, ids: bool) -> Html:
    event = scene.events[index]
    what, said = describe(event)
    shown = tag("p", body, class_="muted") if body.startswith("same body") else tag("pre", body) if body else None
    return tag(
        "tr",
        tag("td", wording.at(scene.relative(event.t)), class_="number"),
        tag("td", what),
        tag("td", wording.clipped(said, 240), shown),
        tag("td", index, class_="number muted"),
        id=latency.request_id(scene, index) if ids else None,
    )
