"""`chaoskit demo`"""

from __future__ import annotations

from pathlib import Path

import click

from chaoskit.cli.output import output_option, print_json
from chaoskit.errors import ExitCode, UsageProblem


@click.command("demo")
@click.option(
    "--broken", default="", metavar="NAME", help="Break the shop on purpose: the scenarios that notice turn red."
)
@click.option("--list-broken", is_flag=True, help="What can be broken, and which check notices.")
@click.option("--only", default="", metavar="NAME", help="Only scenarios whose name contains NAME.")
@click.option("--seed", type=int, help="Seed of all random choices.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("reports"), show_default=True, help="Where runs go."
)
@click.option("--no-live", is_flag=True, help="No live view; plain lines.")
@output_option
def command(
    broken: str, list_broken: bool, only: str, seed: int | None, out: Path, no_live: bool, output: str
) -> ExitCode:
    """Run the shop's scenarios: a real system of services under real faults."""
    if list_broken:
        _print_broken(output)
        return ExitCode.PASSED
    from chaoskit import pipeline
    from chaoskit.cli.play import play

    folder = demo_folder()
    paths = _files_that_notice(folder, broken) if broken else [folder]
    loaded = pipeline.load(paths, only=only)
    options = pipeline.RunOptions(
        out=out,
        seed=seed,
        extra_env={"*": {"SHOP_BROKEN": broken}} if broken else {},
        command="chaoskit demo" + (f" --broken {broken}" if broken else ""),
    )
    return play(loaded, options, output=output, live=not no_live)


def demo_folder() -> Path:
    """The shop's scenarios: of the checkout, or as the package carries them. Raises UsageProblem."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package.parent / "scenarios", package / "_demo" / "scenarios"):
        if any(folder.glob("*.chaos.yaml")):
            return folder
    raise UsageProblem(
        "the shop's scenarios are not here",
        where=str(package),
        remedy="install chaoskit[demo] again, or use a checkout",
    )


def _files_that_notice(folder: Path, name: str) -> list[Path]:
    from chaoskit.shop.broken import BROKEN

    if name not in BROKEN:
        import difflib  # costs start-up

        close = difflib.get_close_matches(name, BROKEN, n=1, cutoff=0.5)
        remedy = f"did you mean '{close[0]}'?" if close else "--list-broken shows what there is"
        raise UsageProblem(f"the shop has nothing to break that is called '{name}'", remedy=remedy)
    return [folder / file for file in dict.fromkeys(file for file, _ in BROKEN[name].turns_red)]


def _print_broken(output: str) -> None:
    from chaoskit.shop.broken import BROKEN

    if output == "json":
        rows = [
            {"name": one.name, "breaks": one.breaks, "turns_red": [list(pair) for pair in one.turns_red]}
            for one in BROKEN.values()
        ]
        print_json({"broken": rows})
        return
    width = max(map(len, BROKEN), default=0)
    for one in BROKEN.values():
        red = ", ".join(f"{check} in {file}" for file, check in one.turns_red)
        click.echo(f"{one.name:<{width}}  {one.breaks}\n{'':<{width}}  red: {red}")
