"""From arguments to an exit code: calls the command, explains what went wrong, never shows a traceback unasked."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from chaoskit.cli.group import chaoskit
from chaoskit.cli.output import print_json
from chaoskit.errors import ChaoskitError, ExitCode, FileProblem

DEBUG = "CHAOSKIT_DEBUG"


def enter(arguments: Sequence[str]) -> int:
    """Run one command line to its end; returns the exit code."""
    as_json = _wants_json(arguments)
    try:
        result = chaoskit.main(args=list(arguments), prog_name="chaoskit", standalone_mode=False)
        return int(result or ExitCode.PASSED)
    except click.ClickException as error:
        error.show()
        if as_json:
            _error_as_json(error.format_message(), ExitCode.USAGE)
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        print("aborted", file=sys.stderr)
        return ExitCode.ABORTED
    except ChaoskitError as error:
        return _explain(error, as_json)
    except Exception as error:  # noqa: BLE001  the last place to turn a bug of ours into words
        return _confess(error, as_json)


def _explain(error: ChaoskitError, as_json: bool) -> int:
    if os.environ.get(DEBUG):
        _traceback(error)
    text = str(error) if isinstance(error, FileProblem) else f"error: {error}"
    print(text, file=sys.stderr)
    if as_json and isinstance(error, FileProblem):
        _problems_as_json(error)
    elif as_json:
        _error_as_json(error.what, error.exit_code, where=error.where, remedy=error.remedy)
    return error.exit_code


def _confess(error: Exception, as_json: bool) -> int:
    if os.environ.get(DEBUG):
        _traceback(error)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    remedy = f"this is a bug in chaoskit; {DEBUG}=1 shows where"
    print(f"error: {what}\n  → {remedy}", file=sys.stderr)
    if as_json:
        _error_as_json(what, ExitCode.BROKEN, remedy=remedy)
    return ExitCode.BROKEN


def _traceback(error: Exception) -> None:
    import traceback  # costs start-up

    traceback.print_exception(error)


def _problems_as_json(error: FileProblem) -> None:
    keys = ("file", "line", "column", "message", "remedy")
    problems = [{key: getattr(problem, key) for key in keys} for problem in error.problems]
    print_json({"error": error.what, "exit_code": int(error.exit_code), "problems": problems})


def _error_as_json(what: str, exit_code: ExitCode, *, where: str = "", remedy: str = "") -> None:
    print_json({"error": what, "where": where, "remedy": remedy, "exit_code": int(exit_code)})


def _wants_json(arguments: Sequence[str]) -> bool:
    joined = " ".join(arguments)
    return any(
        spelling in f" {joined} " for spelling in (" -o json ", " -ojson ", " --output json ", " --output=json ")
    )
