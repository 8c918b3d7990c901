"""The group of commands: each is a module of its own name, imported when it is called."""

from __future__ import annotations

import importlib

import click

from chaoskit import __version__

COMMANDS = {
    "run": "Run scenarios against the system and judge them.",
    "plan": "Show what a run would do; nothing is started or touched.",
    "judge": "Judge a saved run again; no service is needed.",
    "demo": "Run the shop's scenarios, sound or broken on purpose.",
    "heal": "Revert what a killed run left behind.",
    "schema": "Print the JSON Schema of a file.",
}


class LazyGroup(click.Group):
    """Knows its commands by name and their modules by need."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"chaoskit.cli.{cmd_name}_command").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise click.UsageError(f"No such command '{name}'.{_hint(name)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table, so that `--help` imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _hint(name: str) -> str:
    import difflib  # costs start-up

    close = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else f" Commands: {', '.join(COMMANDS)}."


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 passed, 1 failed, 2 usage or file, 3 inconclusive, 4 a part failed, 130 aborted.",
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
def chaoskit() -> None:
    """Proof, under fault, that a system of services keeps the six rules of good communication."""
