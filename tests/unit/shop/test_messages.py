"""What the shop's consumers take for a message."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from chaoskit.shop.events import EVENTS, Poison, parse

CONTRACTS = Path(__file__).parents[3] / "contracts" / "messages"


def _example(event: str) -> bytes:
    return (CONTRACTS / f"{event.replace('.', '-')}.json").read_bytes()


@pytest.mark.parametrize("event", EVENTS)
def test_examples_schema_and_code_agree(event: str) -> None:
    """The published example and schema of each event are what the code really takes, field by field."""
    schema = json.loads((CONTRACTS / f"{event.replace('.', '-')}.schema.json").read_text())
    body = json.loads(_example(event))
    jsonschema.validate(body, schema)
    assert parse(event, _example(event), "application/json") == body
    assert set(schema["required"]) == set(EVENTS[event])
    for name in schema["required"]:
        without = {key: value for key, value in body.items() if key != name}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(without, schema)
        with pytest.raises(Poison, match=name):
            parse(event, json.dumps(without).encode(), None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b'{"orderId": "o',
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        _example("order.placed") + b" " * 300_000,
        _example("order.placed").replace(b'"quantity": 2', b'"quantity": 99999999999999999999'),
        _example("order.placed").replace(b'"c-7"', b'"\\ud800"'),
        _example("order.placed").replace(b"2200", b"NaN"),
        _example("order.placed").replace(b'"total"', b'"version": 9999, "total"'),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_poison_is_refused(body: bytes) -> None:
    """Whatever cannot be meaningful is refused at the door, never by an exception further inside."""
    with pytest.raises(Poison):
        parse("order.placed", body, "application/json")


def test_unknown_fields_are_left_alone() -> None:
    """A producer may add fields without breaking its consumers."""
    body = {**json.loads(_example("payment.failed")), "reason": "card declined"}
    assert parse("payment.failed", json.dumps(body).encode(), None)["reason"] == "card declined"
