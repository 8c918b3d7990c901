"""`chaoskit plan`"""

from __future__ import annotations

from pathlib import Path

import click

from chaoskit.cli.output import output_option, print_json


@click.command("plan")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--system", "system_file", type=click.Path(path_type=Path), help="The system file [chaoskit.yaml near FILES]."
)
@click.option("--only", default="", metavar="NAME", help="Only scenarios whose name contains NAME.")
@output_option
def command(files: tuple[Path, ...], system_file: Path | None, only: str, output: str) -> None:
    """Show what a run of FILES would do, when, and for how long. Nothing is started or touched."""
    from chaoskit import pipeline
    from chaoskit.cli.timeline import plan_as_json, plan_as_text

    plan = pipeline.make_plan(pipeline.load(files, system_file=system_file, only=only))
    if output == "json":
        print_json(plan_as_json(plan))
    else:
        click.echo(plan_as_text(plan))
