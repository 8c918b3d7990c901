"""Message bodies: keys, fresh messages from a sample, and the catalogue of poison."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from chaoskit.broker.body import Sample, key_of, to_body
from chaoskit.broker.mutants import spoil
from chaoskit.errors import FaultFailed
from chaoskit.model.poison import MUTANTS

ORDER = {"orderId": "o-1", "items": [{"sku": "a"}], "total": 2.5}


def sample_of(folder: Path, document: Any, key_path: str) -> Sample:
    file = folder / "sample.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return Sample(str(file), key_path)


def test_the_key_is_read_as_text_or_not_at_all() -> None:
    """Numbers become text; what can't be read is "", never an exception inside a consumer callback."""
    assert key_of(b'{"order": {"ids": [7]}}', "$.order.ids[0]") == "7"
    for body in (b"", b"{", b'{"orderId": null}', b"[1]", b"\xff", b"[" * 100_000):
        assert key_of(body, "orderId") == ""


@pytest.mark.parametrize(
    ("document", "path", "kind"),
    [
        (ORDER, "orderId", "text"),
        ({"order": {"id": 7}}, "$.order.id", "number"),
        ({"ids": ["0b0f6f6e-6b1e-4f6e-9a51-111111111111"]}, "ids[0]", "uuid"),
        ('{"orderId": "{key}", "seq": {seq}}', "orderId", "text"),
    ],
)
def test_fresh_messages_have_new_keys_of_the_same_kind(tmp_path: Path, document: Any, path: str, kind: str) -> None:
    """A consumer must take our messages for real ones, and no two keys are the same, nor the sample's."""
    sample = sample_of(tmp_path, document, path)
    fresh = [sample.fresh() for _ in range(20)]
    keys = [key for key, _ in fresh]
    assert len(set(keys)) == 20
    assert [key_of(to_body(body), path) for _, body in fresh] == keys
    if kind == "number":
        assert all(key.isdigit() for key in keys)
    if kind == "uuid":
        assert all(uuid.UUID(key) for key in keys)


def test_keys_differ_from_run_to_run(tmp_path: Path) -> None:
    """A system that runs on remembers the keys of earlier runs; repeating them would look like duplicates."""
    assert sample_of(tmp_path, ORDER, "orderId").fresh()[0] != sample_of(tmp_path, ORDER, "orderId").fresh()[0]


@pytest.mark.parametrize(("text", "path"), [("{", "id"), ('{"id": 1}', "order.id"), ("", "id")])
def test_a_useless_sample_is_named(tmp_path: Path, text: str, path: str) -> None:
    """A sample that is no JSON or has no key at the path is the user's mistake: file and remedy are told."""
    with pytest.raises(FaultFailed, match="no JSON with a business key") as raised:
        sample_of(tmp_path, text, path)
    assert "sample.json" in raised.value.where
    with pytest.raises(FaultFailed, match="can't be read"):
        Sample(str(tmp_path / "missing.json"), "id")


def readable(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body.decode()), dict)
    except ValueError:
        return False


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_is_what_the_catalogue_says(name: str) -> None:
    """Certain poison has broken bytes or no key; a suspicious mutant is sound JSON that still carries its key."""
    spoilt = spoil(name, json.loads(json.dumps(ORDER)), "o-1", "orderId")
    if MUTANTS[name].certain:
        assert not readable(spoilt.body) or key_of(spoilt.body, "orderId") == ""
        assert spoilt.content_type == "application/json"
    else:
        assert key_of(spoilt.body, "orderId") == "o-1" == spoilt.key
        assert json.loads(spoilt.body) != ORDER or spoilt.content_type != "application/json"


def test_mutants_reach_nested_keys() -> None:
    """The business key may lie deep in the message."""
    document = {"data": {"orders": [{"id": "o-1"}]}}
    path = "$.data.orders[0].id"
    assert spoil("missing-key", json.loads(json.dumps(document)), "o-1", path).body == b'{"data":{"orders":[{}]}}'
    assert json.loads(spoil("null-key", document, "o-1", path).body) == {"data": {"orders": [{"id": None}]}}
    alone = spoil("wrong-type", {"data": {"orders": [{"id": "o-1"}]}}, "o-1", path)
    assert (json.loads(alone.body)["data"], alone.key) == ([{"orders": [{"id": "o-1"}]}], "")
