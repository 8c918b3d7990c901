"""The index of a run with many scenarios: rules × subjects, each cell a verdict that leads to its check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from chaoskit.model.verdict import Outcome
from chaoskit.report.page import wording
from chaoskit.report.page.markup import Html, tag
from chaoskit.report.page.scene import Scene
from chaoskit.report.page.sections.chip import chip, sign

_ORDER = [Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS]


def render(scenes: Sequence[Scene]) -> Html:
    """Table of scenarios and the card of rules × subjects."""
    return tag("section", tag("h2", "Scenarios"), _scenarios(scenes), _card(scenes), id="index")


def ranked(scenes: Sequence[Scene]) -> list[Scene]:
    """Failed first, then inconclusive, then passed; in the order of the run among equals."""
    return sorted(scenes, key=lambda scene: _ORDER.index(scene.record.outcome))


def _scenarios(scenes: Sequence[Scene]) -> Html:
    rows = []
    for scene in ranked(scenes):
        record = scene.record
        counts = [sum(v.outcome is outcome for v in record.verdicts) for outcome in _ORDER]
        said = ", ".join(f"{n} {o.value}" for n, o in zip(counts, _ORDER, strict=True) if n) or "nothing judged"
        rows.append(
            tag(
                "li",
                chip(record.outcome),
                tag("a", record.name, href=f"#{scene.id}"),
                tag("span", said, class_="muted"),
                tag("span", wording.seconds(record.ended - record.started), class_="number muted"),
            )
        )
    return tag("ol", *rows, class_="scenarios")


def _card(scenes: Sequence[Scene]) -> Html | None:
    cells: dict[tuple[int, str], list[tuple[Outcome, str]]] = defaultdict(list)
    for scene in scenes:
        for position, verdict in enumerate(scene.record.verdicts):
            for rule in [verdict.rule] if verdict.rule else list(scene.record.rules):
                cells[rule, verdict.subject].append((verdict.outcome, scene.check_id(position)))
    rules = sorted({rule for rule, _ in cells})
    subjects = list(dict.fromkeys(subject for _, subject in cells))
    if not rules:
        return None
    head = tag(
        "tr", tag("th", "Rule", scope="col"), *(tag("th", wording.name(s) or "all", scope="col") for s in subjects)
    )
    rows = [
        tag(
            "tr",
            tag("th", f"{rule} {wording.RULES.get(rule, '')}", scope="row"),
            *(_cell(cells.get((rule, subject), [])) for subject in subjects),
        )
        for rule in rules
    ]
    table = tag(
        "table", tag("caption", "Rules × subjects"), tag("thead", head), tag("tbody", *rows), class_="scorecard"
    )
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Scorecard, scrolls sideways")


def _cell(found: list[tuple[Outcome, str]]) -> Html:
    if not found:
        return tag("td", "·", class_="muted")
    outcome, target = min(found, key=lambda pair: _ORDER.index(pair[0]))
    more = tag("span", f" ({len(found)})", class_="muted") if len(found) > 1 else None
    return tag("td", tag("a", sign(outcome), more, href=f"#{target}"))
