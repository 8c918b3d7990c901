"""The list of the shop's own faults."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from chaoskit.shop.broken import BROKEN, Broken
from chaoskit.shop.settings import Settings

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_names_a_scenario_and_a_check_that_exist(broken: Broken) -> None:
    """`demo --broken` promises a red check by name: it must stand in that scenario file."""
    assert broken.turns_red
    for file, check in broken.turns_red:
        scenarios = yaml.safe_load_all((ROOT / "scenarios" / file).read_text())
        assert any(check in item for scenario in scenarios for item in scenario["expect"])


@pytest.mark.parametrize("name", BROKEN)
def test_every_switch_is_used(name: str) -> None:
    """A switch that no code asks for would leave the shop sound and the demonstration a lie."""
    code = "".join(path.read_text() for path in (ROOT / "chaoskit" / "shop").glob("*.py"))
    assert f'is_broken("{name}")' in code


def test_a_misspelt_switch_is_refused() -> None:
    """Otherwise a sound shop would pass for a broken one."""
    with pytest.raises(SystemExit, match="no-timeuot"):
        Settings.from_environment("order", {"PORT": "1", "SHOP_BROKEN": "no-timeuot"})


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_is_documented(broken: Broken) -> None:
    """The guide's table is the list, word for word."""
    where = ", ".join(f"`{check}` in {file}" for file, check in broken.turns_red)
    row = f"| `{broken.name}` | {broken.breaks} | {where} |"
    assert row in (ROOT / "docs" / "guides" / "shop.md").read_text().splitlines()
