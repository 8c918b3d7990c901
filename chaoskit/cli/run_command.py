"""`chaoskit run`"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from chaoskit.cli.output import output_option
from chaoskit.errors import ExitCode


@click.command("run")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--system", "system_file", type=click.Path(path_type=Path), help="The system file [chaoskit.yaml near FILES]."
)
@click.option("--only", default="", metavar="NAME", help="Only scenarios whose name contains NAME.")
@click.option("--seed", type=int, help="Seed of all random choices, instead of each scenario's own.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("reports"), show_default=True, help="Where runs go."
)
@click.option("--no-live", is_flag=True, help="No live view; plain lines.")
@output_option
def command(
    files: tuple[Path, ...],
    system_file: Path | None,
    only: str,
    seed: int | None,
    out: Path,
    no_live: bool,
    output: str,
) -> ExitCode:
    """Run the scenarios in FILES (*.chaos.yaml, or folders of them) and judge them."""
    from chaoskit import pipeline
    from chaoskit.cli.play import play

    loaded = pipeline.load(files, system_file=system_file, only=only)
    options = pipeline.RunOptions(out=out, seed=seed, command=shlex.join(["chaoskit", *sys.argv[1:]]))
    return play(loaded, options, output=output, live=not no_live)
