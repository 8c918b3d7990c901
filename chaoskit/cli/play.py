"""A run, watched: the live view on a terminal, plain lines elsewhere, the verdicts at its end."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from chaoskit.errors import ExitCode
    from chaoskit.pipeline import Loaded, RunOptions, RunResult


def play(loaded: Loaded, options: RunOptions, *, output: str, live: bool) -> ExitCode:
    """Run it and print what `output` asks for: with `json`, lines go to standard error and `run.json` to output."""
    from chaoskit import pipeline
    from chaoskit.report.terminal import open_view

    as_json = output == "json"
    plan = pipeline.make_plan(loaded, options.seed)
    view = open_view(
        sys.stderr if as_json else sys.stdout, plan.scenarios, live=None if live and not as_json else False
    )
    if not gc.isenabled():  # see cli/__init__.py
        gc.freeze()  # what start-up made stays for good: no need to look through it again and again
        gc.set_threshold(50_000, 20, 50)
        gc.enable()
    try:
        result = pipeline.run(loaded, options, view)
        view.finish(result.record, str(result.folder / "report.html"))
    finally:
        view.close()
    if as_json:
        print_run_json(result)
    return result.exit_code


def show(result: RunResult, *, output: str) -> ExitCode:
    """Print the verdicts of a run that is over."""
    from chaoskit.report.terminal import open_view

    if output == "json":
        print_run_json(result)
    else:
        open_view(sys.stdout, live=False).finish(result.record, str(result.folder / "report.html"))
    return result.exit_code


def print_run_json(result: RunResult) -> None:
    """The run's own `run.json`."""
    click.echo((result.folder / "run.json").read_text(encoding="utf-8").rstrip("\n"))
