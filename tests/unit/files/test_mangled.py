"""Whatever stands in a file: a message or a scenario, never a traceback, never a key that nobody read."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import yaml
from chaoskit.errors import FileProblem
from chaoskit.files import load_scenarios, load_system
from chaoskit.model.scenario import Scenario
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.files.vocabulary import SCENARIO, SYSTEM, VOCABULARY, system_of

_BOUNDED = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def mangled(text: str) -> st.SearchStrategy[str]:
    """The text with a few stretches replaced, doubled or dropped."""
    noise = st.sampled_from(
        [*"{}[]:,-#&*!|>'\"%@`~?\t\n \\", "<<: ", "*a", "&a ", "---\n", "!!x ", "\x00", "é", "${", "null"]
    )

    def change(cuts: list[tuple[int, int, str]]) -> str:
        result = text
        for at, length, insert in cuts:
            at %= len(result) + 1
            result = result[:at] + insert + result[at + length :]
        return result

    return st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 6), noise), min_size=1, max_size=4).map(change)


def _explained(problem: FileProblem) -> None:
    assert all(one.message and one.line >= 0 for one in problem.problems)
    assert "Traceback" not in str(problem)


def _scenarios(text: str) -> tuple[Scenario, ...] | None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.chaos.yaml").write_text(text, encoding="utf-8", newline="")
        try:
            return load_scenarios([folder], VOCABULARY, system_of(folder))
        except FileProblem as problem:
            return _explained(problem)


@_BOUNDED
@given(text=mangled(SCENARIO))
def test_a_mangled_scenario_is_refused_or_read(text: str) -> None:
    """No text can make the reader raise anything but FileProblem."""
    _scenarios(text)


@_BOUNDED
@given(text=mangled(SYSTEM))
def test_a_mangled_system_is_refused_or_read(text: str) -> None:
    """The same for the system file."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "chaoskit.yaml"
        file.write_text(text, encoding="utf-8", newline="")
        try:
            load_system(file)
        except FileProblem as problem:
            _explained(problem)


@_BOUNDED
@given(data=st.data())
def test_a_foreign_value_never_gives_a_traceback(data: st.DataObject) -> None:
    """Any JSON value in the place of any value is read or refused with a message."""
    document = yaml.safe_load(SCENARIO)
    _replace(document, data.draw(st.integers(0, 30)), data.draw(_ANYTHING))
    _scenarios(json.dumps(document))


@_BOUNDED
@given(place=st.integers(0, 5), key=st.from_regex(r"[a-z_]{3,12}", fullmatch=True))
def test_an_unknown_key_is_never_accepted(place: int, key: str) -> None:
    """A key that nobody reads is refused in every mapping of a scenario."""
    document = yaml.safe_load(SCENARIO)
    mappings = _mappings(document)
    mapping = mappings[place % len(mappings)]
    if key in mapping or key in _KNOWN:
        return
    mapping[key] = 1
    assert _scenarios(json.dumps(document)) is None


_KNOWN = {
    *("scenario", "rule", "rules", "load", "messages", "steady", "faults", "expect", "seed", "fault_max", "deadline"),
    *("journey", "rate", "users_max", "timeout", "at", "for", "for_", "link", "consumer", "broker", "service"),
    *VOCABULARY.faults,
    *VOCABULARY.checks,
    *("opens_within", "calls_while_open"),
}


def _mappings(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(found for child in value.values() for found in _mappings(child))]
    if isinstance(value, list):
        return [found for child in value for found in _mappings(child)]
    return []


def _replace(document: Any, number: int, new: Any) -> None:
    """Put `new` in the place of the value with that number."""
    places: list[tuple[Any, Any]] = []

    def visit(value: Any) -> None:
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            visit(value[key])

    visit(document)
    holder, key = places[number % len(places)]
    holder[key] = new
