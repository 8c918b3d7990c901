"""The sentence, the verdict, and what was run: the first thing that a reader sees."""

from __future__ import annotations

from datetime import UTC, datetime

from chaoskit.model.record import RunRecord, ScenarioRecord
from chaoskit.model.verdict import Outcome, Verdict
from chaoskit.report.page import wording
from chaoskit.report.page.markup import Html, tag
from chaoskit.report.page.sections.chip import chip

FACT_LONG = 32
"""Characters from which on a fact does not fit its column."""


def render(record: RunRecord) -> Html:
    """The head of the page."""
    facts = [
        ("System", record.system),
        ("Scenarios", _tally(record)),
        ("When", datetime.fromtimestamp(record.wall, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("Took", wording.seconds(record.duration_s)),
        ("Sight", ", ".join(sorted(set(record.sight.values()))) or "–"),
        ("Engine", record.engine),
    ]
    cells = [fact(key, value) for key, value in facts]
    troubles = [
        tag("p", tag("b", word), " ", text, class_="trouble")
        for word, text in (("Broken:", record.broken), ("Aborted:", record.aborted))
        if text
    ]
    return tag(
        "header",
        tag("p", "chaoskit", tag("span", record.run), class_="brand"),
        tag("h1", sentence(record)),
        tag("p", chip(record.outcome), " ", _lead_link(record), class_="verdict"),
        *troubles,
        tag("dl", *cells, class_="facts"),
    )


def fact(name: str, value: str) -> Html:
    """One cell of a list of facts; a long value gets a row of its own."""
    return tag("div", tag("dt", name), tag("dd", value), class_="long" if len(value) > FACT_LONG else None)


def sentence(record: RunRecord) -> str:
    """What came out: the first failed check's sentence, else what kept the run from a verdict, else the good news."""
    lead = leading(record)
    if lead is not None and lead[2].outcome is Outcome.FAIL:
        return wording.name(lead[2].sentence)
    if record.broken or record.aborted:
        return wording.name(record.broken or record.aborted)
    if lead is not None:
        return wording.name(lead[2].voided_by[0] if lead[2].voided_by else lead[2].sentence)
    if record.outcome is not Outcome.PASS:
        return "Nothing was judged."
    if len(record.scenarios) == 1:
        only = record.scenarios[0]
        return f"{only.name}: {wording.plural(len(only.verdicts), 'check')} passed."
    checks = wording.plural(sum(len(scenario.verdicts) for scenario in record.scenarios), "check")
    scenarios = wording.plural(len(record.scenarios), "scenario")
    return f"{record.system} kept its rules: {checks} in {scenarios} passed under fault."


def leading(record: RunRecord) -> tuple[ScenarioRecord, int, Verdict] | None:
    """(scenario, position, verdict) of the check that the run's sentence is about; None when all passed."""
    for wanted in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        for scenario in record.scenarios:
            for position, verdict in enumerate(scenario.verdicts):
                if verdict.outcome is wanted:
                    return scenario, position, verdict
    return None


def _lead_link(record: RunRecord) -> Html | None:
    lead = leading(record)
    if lead is None:
        return None
    scenario, position, verdict = lead
    link = tag("a", wording.name(verdict.id), href=f"#s{scenario.index}-check{position}-row")
    return tag("span", link, f" in “{scenario.name}”", class_="muted")


def _tally(record: RunRecord) -> str:
    outcomes = [scenario.outcome for scenario in record.scenarios]
    counts = [(outcome, outcomes.count(outcome)) for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)]
    return ", ".join(f"{count} {outcome.value}" for outcome, count in counts if count) or "none"
