"""JSON Schema (draft 2020-12) of the two kinds of files, for editors and for whoever writes them by program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from chaoskit.model.scenario import PLACE_FIELDS, Scenario, Vocabulary
from chaoskit.model.system import System

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema(vocabulary: Vocabulary) -> dict[str, dict[str, Any]]:
    """`{"system": …, "scenario": …}`."""
    return {"system": _system(), "scenario": _scenario(vocabulary)}


def _system() -> dict[str, Any]:
    body = System.model_json_schema()
    definitions = body.pop("$defs", {})
    body["properties"]["links"]["additionalProperties"] = False  # a name that is no `caller -> callee` is a mistake
    return _document("chaoskit.yaml: the system under test", body, definitions)


def _scenario(vocabulary: Vocabulary) -> dict[str, Any]:
    body = Scenario.model_json_schema()
    definitions: dict[str, Any] = body.pop("$defs", {})
    for unused in ("FaultSpec", "CheckSpec"):
        definitions.pop(unused, None)
    for ours in PLACE_FIELDS:
        body["properties"].pop(ours, None)
    body["properties"]["faults"] = _items("fault", vocabulary.faults, definitions)
    body["properties"]["expect"] = {**_items("check", vocabulary.checks, definitions), "minItems": 1}
    body["required"] = sorted({*body.get("required", ()), "expect"})
    body["description"] = "What must hold, under which load, with which faults."
    return _document("*.chaos.yaml: one scenario a document", body, definitions)


def _items(word: str, classes: Mapping[str, type[BaseModel]], definitions: dict[str, Any]) -> dict[str, Any]:
    """A list whose items are told apart by their keyword: exactly one of them fits."""
    choices = []
    for keyword, cls in sorted(classes.items()):
        body = cls.model_json_schema()
        definitions.update(body.pop("$defs", {}))
        body["required"] = sorted({*body.get("required", ()), keyword})
        definitions[f"{word}.{keyword}"] = body
        choices.append({"$ref": f"#/$defs/{word}.{keyword}"})
    items: dict[str, Any] = {"anyOf": choices} if choices else {"not": {}}
    return {"type": "array", "items": items}


def _document(title: str, body: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"$schema": DRAFT, **body, "title": title}
    if definitions:
        result["$defs"] = dict(sorted(definitions.items()))
    return result
