"""`chaoskit heal`"""

from __future__ import annotations

from pathlib import Path

import click

from chaoskit.cli.output import output_option, print_json


@click.command("heal")
@click.option("--system", "system_file", type=click.Path(path_type=Path), help="Only what runs on this system left.")
@output_option
def command(system_file: Path | None, output: str) -> None:
    """Revert what a killed run left behind: toxics, proxies, processes, folders."""
    from chaoskit import pipeline

    healed = pipeline.heal(system_file)
    if output == "json":
        print_json({"healed": healed})
    elif healed:
        click.echo("\n".join(f"reverted: {what}" for what in healed))
    else:
        click.echo("nothing was left behind")
