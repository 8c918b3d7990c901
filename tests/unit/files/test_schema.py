"""The published JSON Schemas: current, valid, and in agreement with what the loader accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from chaoskit import pipeline
from chaoskit.files import schema

from tests.unit.files.vocabulary import SCENARIO, SYSTEM, VOCABULARY

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("system", "scenario", "event", "run")


def validator(document: dict[str, Any]) -> jsonschema.Draft202012Validator:
    """For one of our schemas."""
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


@pytest.mark.parametrize("name", NAMES)
def test_the_published_schema_is_current(name: str) -> None:
    """docs/schema holds what `chaoskit schema` prints, so that editors help with the files as they are now."""
    published = json.loads((ROOT / "docs" / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))
    fresh = json.loads(json.dumps(pipeline.schemas()[name]))
    assert published == fresh, f"chaoskit schema {name} > docs/schema/{name}.schema.json"


@pytest.mark.parametrize("file", sorted((ROOT / "scenarios").glob("*.chaos.yaml")), ids=lambda file: file.name)
def test_the_shops_scenarios_fit_the_schema(file: Path) -> None:
    """An editor must not mark as wrong what the loader accepts."""
    check = validator(pipeline.schemas()["scenario"])
    for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
        check.validate(document)
    pipeline.load([file])


def test_the_shops_system_fits_the_schema() -> None:
    """The same for the system file."""
    text = (ROOT / "scenarios" / "chaoskit.yaml").read_text(encoding="utf-8")
    validator(pipeline.schemas()["system"]).validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rule: 3", "rule: 7"),
        ("rule: 3", "rollback: 3"),
        ("rule: 3", "line: 3"),
        ("at: 3s", "at: 3"),
        ("hang: true", "hagn: true"),
        ("hang: true", "hang: true, rollback: x"),
        ("opens_within", "open_within"),
        ("link: order -> customer", "link: order"),
        ("50/s", "50"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(old: str, new: str) -> None:
    """An editor marks the mistakes that the loader would refuse."""
    check = validator(schema(VOCABULARY)["scenario"])
    check.validate(yaml.safe_load(SCENARIO))
    assert not check.is_valid(yaml.safe_load(SCENARIO.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("old", "new"),
    [("order->customer: {", "order=>customer: {"), ("timeout: 3s", "timeout: 3"), ("consumers:", "consumer:")],
)
def test_the_system_schema_refuses_mistakes(old: str, new: str) -> None:
    """The same for the system file."""
    check = validator(schema(VOCABULARY)["system"])
    check.validate(yaml.safe_load(SYSTEM))
    assert not check.is_valid(yaml.safe_load(SYSTEM.replace(old, new, 1)))
