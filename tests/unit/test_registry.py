"""The registry: every file has its line, every line its file, every one of them its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaoskit.model.scenario import CheckSpec, FaultSpec
from chaoskit.registry import CHECKS, FAULTS, vocabulary

ROOT = Path(__file__).resolve().parents[2]
KINDS = [("faults", keyword) for keyword in FAULTS] + [("checks", keyword) for keyword in CHECKS]


@pytest.mark.parametrize(("kind", "keyword"), KINDS)
def test_a_line_leads_to_its_class_and_its_page(kind: str, keyword: str) -> None:
    """A misspelt line or a missing page is found here and not by a user."""
    known, base = {"faults": (vocabulary().faults, FaultSpec), "checks": (vocabulary().checks, CheckSpec)}[kind]
    cls = known[keyword]
    assert issubclass(cls, base)
    assert cls.keyword == keyword
    assert keyword in cls.model_fields
    assert (ROOT / "docs" / "reference" / kind / f"{keyword}.md").is_file()


@pytest.mark.parametrize(("kind", "base"), [("faults", FaultSpec), ("checks", CheckSpec)])
def test_no_file_is_forgotten(kind: str, base: type) -> None:
    """A fault or check without a line would silently not exist."""
    import importlib

    lines = {"faults": FAULTS, "checks": CHECKS}[kind].values()
    for file in (ROOT / "chaoskit" / kind).glob("*.py"):
        module = importlib.import_module(f"chaoskit.{kind}.{file.stem}")
        for name, value in vars(module).items():
            if (
                isinstance(value, type)
                and issubclass(value, base)
                and value.__module__ == module.__name__
                and value.keyword
            ):
                assert f"{module.__name__}:{name}" in lines
