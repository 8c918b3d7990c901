"""The reference pages against the code: nothing that exists is left out."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from chaoskit.cli.group import COMMANDS, chaoskit
from chaoskit.errors import ExitCode
from chaoskit.files.validation import keys_of
from chaoskit.model import scenario, system
from chaoskit.model.placeholder import BARE_KINDS, NAMED_KINDS
from pydantic import BaseModel

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference"


def page(name: str) -> str:
    """The text of a reference page."""
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    """A new option without a word in the reference fails here."""
    text = page("cli.md")
    command = chaoskit.get_command(click.Context(chaoskit), name)
    assert command is not None
    assert f"## {name}\n" in text
    for option in command.params:
        if isinstance(option, click.Option):
            assert f"{option.opts[-1]}" in text, option.opts


def test_every_exit_code_is_documented() -> None:
    """Each code stands in the table under its name."""
    for code in ExitCode:
        assert f"| {int(code)} | {code.name.lower()} |" in page("exit-codes.md")


@pytest.mark.parametrize(
    "cls", [scenario.Scenario, scenario.Load, scenario.Messages, scenario.Steady, scenario.FaultSpec]
)
def test_every_key_of_a_scenario_is_documented(cls: type[BaseModel]) -> None:
    """Each key that the loader reads stands in the reference."""
    text = page("scenario-language.md")
    assert [key for key in keys_of(cls) if f"`{key}`" not in text] == []


@pytest.mark.parametrize(
    "cls",
    [
        *(system.System, system.Service, system.Ready, system.Stop, system.Link, system.Broker, system.Consumer),
        *(system.AcceptedBy, system.Saga, system.Book, system.Request, system.Guard, system.ForeignToxiproxy),
    ],
)
def test_every_key_of_the_system_file_is_documented(cls: type[BaseModel]) -> None:
    """The same for the system file."""
    text = page("system-file.md")
    assert [key for key in keys_of(cls) if f"`{key}`" not in text] == []


@pytest.mark.parametrize("kind", [*NAMED_KINDS, *BARE_KINDS])
def test_every_placeholder_is_documented(kind: str) -> None:
    """Each kind of placeholder stands in the table."""
    assert f"`${{{kind}" in page("system-file.md")
