"""`chaoskit judge`"""

from __future__ import annotations

from pathlib import Path

import click

from chaoskit.cli.output import output_option
from chaoskit.errors import ExitCode


@click.command("judge")
@click.argument("run", type=click.Path(path_type=Path))
@output_option
def command(run: Path, output: str) -> ExitCode:
    """Judge RUN, the folder of a saved run, again: from its evidence alone."""
    from chaoskit import pipeline
    from chaoskit.cli.play import show

    return show(pipeline.judge(run), output=output)
