"""The end of a run on the terminal: each check's verdict, and where the report lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chaoskit.errors import ExitCode
from chaoskit.model.record import ScenarioRecord
from chaoskit.model.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from chaoskit.pipeline import RunResult

_COLOURS = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.INCONCLUSIVE: "yellow"}


def print_result(result: RunResult, output: str) -> None:
    """The verdicts as text, or the run's own `run.json`."""
    if output == "json":
        click.echo((result.folder / "run.json").read_text(encoding="utf-8").rstrip("\n"))
        return
    for scenario in result.record.scenarios:
        _print_scenario(scenario)
    for word, why in (("broken", result.record.broken), ("aborted", result.record.aborted)):
        if why:
            click.echo(f"{click.style(word, fg='red', bold=True)}: {why}")
    click.echo(f"{_conclusion(result)}\nreport: {result.folder / 'report.html'}")


def _print_scenario(scenario: ScenarioRecord) -> None:
    place = click.style(f"{scenario.file}:{scenario.line}", dim=True)
    click.echo(f"{_word(scenario.outcome)} {scenario.name}  {place}")
    for verdict in scenario.verdicts:
        click.echo(f"  {_word(verdict.outcome)} {verdict.id}: {verdict.sentence}")
        if verdict.outcome is not Outcome.PASS:
            _print_findings(verdict)
    for note in scenario.notes:
        click.echo(f"  note: {note}")


def _print_findings(verdict: Verdict) -> None:
    for finding in verdict.findings:
        if finding.outcome is not Outcome.PASS:
            click.echo(f"      {finding.name}: expected {finding.expected} / observed {finding.observed}")
    for reason in verdict.voided_by:
        click.echo(f"      not accepted: {reason}")


def _word(outcome: Outcome) -> str:
    return click.style(f"{outcome.value:<12}", fg=_COLOURS[outcome], bold=outcome is Outcome.FAIL)


def _conclusion(result: RunResult) -> str:
    verdicts = [verdict for scenario in result.record.scenarios for verdict in scenario.verdicts]
    counts = [f"{sum(v.outcome is outcome for v in verdicts)} {outcome.value}" for outcome in _COLOURS]
    meaning = ExitCode(result.exit_code).name.lower()
    return f"{len(result.record.scenarios)} scenarios, {', '.join(counts)}: {meaning} (exit {int(result.exit_code)})"
