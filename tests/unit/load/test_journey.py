"""Journeys from YAML: what goes over the wire for a seed."""

from __future__ import annotations

import json
import uuid

import pytest
from chaoskit.load.journey import Values, compile_call

URLS = {"order": "http://127.0.0.1:8080/"}
SEEDED = {"order": ["a/b", "ord-2", 3]}


def values(index: int, seed: str = "1/1") -> Values:
    return Values(seed, SEEDED, index, 100 + index)


def test_the_lists_cycle_from_a_place_that_the_seed_gives() -> None:
    """Protects determinism and coverage: every value in turn, the same turn for the same seed."""
    call = compile_call({"http": "GET {order}/orders/{seeded.order}"}, URLS)
    urls = [call.url(values(index)) for index in range(6)]
    assert urls[:3] == urls[3:]
    assert set(urls) == {f"http://127.0.0.1:8080/orders/{value}" for value in ("a%2Fb", "ord-2", "3")}
    assert urls == [call.url(values(index)) for index in range(6)]


def test_one_value_throughout_an_iteration() -> None:
    """Protects journeys that come back to what they began with: the order placed is the order looked at."""
    request = {"http": "PUT {order}/{seeded.order}", "json": {"id": "{seeded.order}"}}
    call = compile_call(request, URLS)
    for index in range(3):
        round_ = values(index)
        assert call.body is not None
        named = json.loads(call.body(round_))["id"]
        assert call.url(round_).rpartition("/")[2].replace("%2F", "/") == str(named)


def test_values_keep_their_type_in_json() -> None:
    """Protects contracts: a number stays a number, within text it becomes text."""
    body = {"n": "{seq}", "text": "no. {seq}", "list": ["{seq}", True, None], "{seq}": 1.5}
    call = compile_call({"http": "POST {order}/", "json": body}, URLS)
    assert call.body is not None
    assert json.loads(call.body(values(7))) == {"n": 107, "text": "no. 107", "list": [107, True, None], "107": 1.5}
    assert dict(call.headers).keys() == {"Content-Type"}


def test_uuids_are_new_at_each_place_and_the_same_for_a_seed() -> None:
    """Protects business keys: never twice within a run, and a run can be repeated."""
    call = compile_call({"http": "POST {order}/", "json": ["{uuid}", "{uuid}"]}, URLS)
    assert call.body is not None
    drawn = [json.loads(call.body(values(index, seed))) for seed in ("1/1", "1/2") for index in range(50)]
    flat = [text for pair in drawn for text in pair]
    assert len(set(flat)) == 200
    assert uuid.UUID(flat[0]).version == 4
    assert json.loads(call.body(values(0, "1/1"))) == drawn[0]


def test_mistakes_are_named() -> None:
    """Protects from a load that begins and then fails at each request: unknown services, lists, and no request."""
    with pytest.raises(ValueError, match="unknown service 'ordr'; known: order"):
        compile_call({"http": "GET {ordr}/x"}, URLS)
    with pytest.raises(ValueError, match="write METHOD"):
        compile_call({"http": "{order}/x"}, URLS)
    with pytest.raises(LookupError, match=r"seeded\.customer"):
        compile_call({"http": "GET {order}/{seeded.customer}"}, URLS).url(values(0))


def test_the_default_name_is_what_stands_in_the_file() -> None:
    """Protects names in reports: one name for all orders, not one each."""
    request = {"http": "GET {order}/orders/{seeded.order}"}
    assert compile_call(request, URLS).name == request["http"]
    assert compile_call({**request, "name": "look"}, URLS).name == "look"
