"""The sentence, the verdict, and what was run: the first thing that a reader sees."""

from __future__ import annotations

from datetime import UTC, datetime

from chaoskit.model.record import RunRecord
from chaoskit.model.verdict import Outcome
from chaoskit.report.page import wording
from chaoskit.report.page.markup import Html, tag
from chaoskit.report.page.sections.chip import chip


def render(record: RunRecord) -> Html:
    """The head of the page."""
    facts = [
        ("System", record.system),
        ("Scenarios", _tally(record)),
        ("When", datetime.fromtimestamp(record.wall, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("Took", wording.seconds(record.duration_s)),
        ("Engine", record.engine),
        ("Sight", ", ".join(sorted(set(record.sight.values()))) or "–"),
    ]
    cells = [tag("div", tag("dt", key), tag("dd", value)) for key, value in facts]
    troubles = [
        tag("p", tag("b", word), " ", text, class_="trouble")
        for word, text in (("Broken:", record.broken), ("Aborted:", record.aborted))
        if text
    ]
    return tag(
        "header",
        tag("p", "chaoskit", tag("span", record.run), class_="brand"),
        tag("h1", sentence(record)),
        tag("p", chip(record.outcome), class_="verdict"),
        *troubles,
        tag("dl", *cells, class_="facts"),
    )


def sentence(record: RunRecord) -> str:
    """What came out, in one sentence: the first failed check's, else what kept the run from a verdict, else the good news."""
    verdicts = [verdict for scenario in record.scenarios for verdict in scenario.verdicts]
    for wanted in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        if wanted is Outcome.INCONCLUSIVE and (record.broken or record.aborted):
            return wording.name(record.broken or record.aborted)
        for verdict in verdicts:
            if verdict.outcome is wanted:
                reason = verdict.voided_by[0] if verdict.voided_by else verdict.sentence
                return wording.name(reason if wanted is Outcome.INCONCLUSIVE else verdict.sentence)
    if record.outcome is not Outcome.PASS:
        return "Nothing was judged."
    scenarios = wording.plural(len(record.scenarios), "scenario")
    return (
        f"{record.system} kept its rules: {wording.plural(len(verdicts), 'check')} in {scenarios} passed under fault."
    )


def _tally(record: RunRecord) -> str:
    outcomes = [scenario.outcome for scenario in record.scenarios]
    counts = [(outcome, outcomes.count(outcome)) for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)]
    return ", ".join(f"{count} {outcome.value}" for outcome, count in counts if count) or "none"
