"""`chaoskit schema`"""

from __future__ import annotations

import click

from chaoskit.cli.output import output_option, print_json


@click.command("schema")
@click.argument("name", type=click.Choice(["scenario", "system", "event", "run"]), default="scenario")
@output_option
def command(name: str, output: str) -> None:
    """Print the JSON Schema (draft 2020-12) of scenario files, the system file, events.ndjson or run.json."""
    from chaoskit import pipeline
    from chaoskit.errors import UsageProblem

    schemas = pipeline.schemas()
    if name not in schemas:
        raise UsageProblem(f"no schema is published for '{name}'", remedy=f"there are: {', '.join(schemas)}")
    print_json(schemas[name])  # JSON either way: that is what a schema is
