"""events.ndjson: every kind of event survives, and the schema says what is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

import jsonschema
import pytest
from chaoskit.errors import FileProblem
from chaoskit.model.event import KINDS, Event, PhaseStarted, Sample, encode
from chaoskit.report.events_ndjson import EventsWriter, event_schema, read_events, write_events
from msgspec import structs

from tests.unit.report.example_run import example_run

_VALUES: dict[Any, Any] = {
    float: 1.25,
    int: 3,
    str: '<&"> ümlaut \u2028 \x1b',
    bool: True,
    str | None: "body",
    dict[str, float | str]: {"a": 1.5, "b": "x"},
    dict[str, int]: {"a": 1},
}


def _one_of(cls: type[Event]) -> Event:
    hints = get_type_hints(cls)
    return cls(**{name: _VALUES[hints[name]] for name in cls.__struct_fields__})


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_kind_round_trips_and_fits_the_schema(name: str, tmp_path: Path) -> None:
    """No kind of event may be lost, changed or undocumented."""
    event = _one_of(KINDS[name])
    write_events(tmp_path / "e", [event])
    assert read_events(tmp_path / "e") == [event]
    validator = jsonschema.Draft202012Validator(event_schema()["$defs"][name])
    validator.validate(encode(event))
    assert not validator.is_valid(encode(event) | {"surprise": 1})
    assert not validator.is_valid({k: v for k, v in encode(event).items() if k != "t"})


def test_schema_is_a_schema_and_knows_what_may_be_left_out() -> None:
    """Fields with a default are optional, those without are not."""
    schema = event_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    sample = schema["$defs"]["sample"]
    needed = {f.name for f in structs.fields(Sample) if f.required}
    assert set(sample["required"]) == {"kind", *needed}
    assert sample["properties"]["body"] == {"type": ["string", "null"]}
    assert sample["description"].startswith("One request of the load.")
    assert schema["$defs"]["part.stopped"]["description"] == ""


def test_whole_example_fits_the_schema(tmp_path: Path) -> None:
    """What is written line by line is what was published."""
    events = [event for rows in example_run().events.values() for event in rows]
    write_events(tmp_path / "e", events)
    validator = jsonschema.Draft202012Validator(event_schema())
    lines = (tmp_path / "e").read_text(encoding="utf-8").splitlines()
    for line in lines[::97]:
        validator.validate(json.loads(line))
    assert len(lines) == len(events)


def test_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """After kill -9 the rest of a run is still readable."""
    path = tmp_path / "e"
    write_events(path, [PhaseStarted(t=1.0, phase="baseline"), PhaseStarted(t=2.0, phase="fault")])
    path.write_bytes(path.read_bytes()[:-9])
    assert [event.t for event in read_events(path)] == [1.0]


@pytest.mark.parametrize("bad", ['{"kind": "phase"}', "{", '{"kind": "nonsense", "t": 1}', "[]", "3", '{"kind": []}'])
def test_broken_line_is_named(bad: str, tmp_path: Path) -> None:
    """A line in the middle that is no event is an error with its number, never skipped."""
    path = tmp_path / "e"
    write_events(path, [PhaseStarted(t=1.0, phase="baseline")])
    path.write_bytes(path.read_bytes() + bad.encode() + b"\n")
    with pytest.raises(FileProblem, match=":2:1: cannot read events"):
        read_events(path)


def test_writer_buffers_and_closes_twice(tmp_path: Path) -> None:
    """Fast means buffered; closed means all is there; closing again is harmless."""
    writer = EventsWriter(tmp_path / "deep" / "e")
    writer.record(PhaseStarted(t=1.0, phase="x"))
    assert (tmp_path / "deep" / "e").read_bytes() == b""
    writer.flush()
    assert len(read_events(tmp_path / "deep" / "e")) == 1
    writer.close()
    writer.close()
