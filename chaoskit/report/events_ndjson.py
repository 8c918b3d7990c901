"""`events.ndjson`: all that a run observed, one JSON object a line; and the JSON Schema of those lines."""

from __future__ import annotations

import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import msgspec

from chaoskit.errors import FileProblem, Problem
from chaoskit.model.event import EVENT_SCHEMA, KINDS, Event, decode, encode

FLUSH_BYTES = 64 * 1024


class EventsWriter:
    """Appends events to a file as they come; nothing is lost at `close`, at most one buffer at kill -9.

    Not atomic on purpose: a run that dies must leave what it saw so far.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self._buffer = bytearray()
        self._encode = msgspec.json.Encoder().encode

    def record(self, event: Event) -> None:
        """Add one line."""
        self._buffer += self._encode(encode(event))
        self._buffer += b"\n"
        if len(self._buffer) >= FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand what is buffered to the operating system."""
        self._file.write(self._buffer)
        self._file.flush()
        self._buffer.clear()

    def close(self) -> None:
        """Flush and close, however often asked."""
        if not self._file.closed:
            self.flush()
            self._file.close()

    def __enter__(self) -> EventsWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_events(path: Path, events: Iterable[Event]) -> None:
    """Write a whole list of events."""
    with EventsWriter(path) as writer:
        for event in events:
            writer.record(event)


def read_events(path: Path) -> list[Event]:
    """The events of a file, in its order. A torn last line (the writer was killed) is left out.

    Raises FileProblem with the line for anything else that is not an event.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise _unreadable(path, 0, error.strerror or str(error)) from error
    last = len(lines)
    parse = msgspec.json.Decoder(dict[str, Any]).decode
    events: list[Event] = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            events.append(decode(parse(line)))
        except (msgspec.DecodeError, ValueError, TypeError) as error:
            if number == last:  # no newline after it: the writer never finished this line
                break
            raise _unreadable(path, number, str(error)) from error
    return events


def event_schema() -> dict[str, Any]:
    """JSON Schema of one line of `events.ndjson`, made from the event classes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": EVENT_SCHEMA,
        "title": "One observation of a run; t in seconds since its start",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in KINDS],
        "$defs": {name: _class_schema(name, cls) for name, cls in KINDS.items()},
    }


def _class_schema(name: str, cls: type[Event]) -> dict[str, Any]:
    mine = msgspec.structs.fields(cls)
    required = [f.name for f in mine if f.required]
    properties = {"kind": {"const": name}, **{f.name: _type_schema(f.type) for f in mine}}
    return {
        "type": "object",
        "description": " ".join((cls.__doc__ or "").split())
        if not (cls.__doc__ or "").startswith(cls.__name__)
        else "",
        "properties": properties,
        "required": ["kind", *required],
        "additionalProperties": False,
    }


_PLAIN = {float: "number", int: "integer", str: "string", bool: "boolean", types.NoneType: "null"}


def _type_schema(hint: Any) -> dict[str, Any]:
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return {"type": [_PLAIN[part] for part in get_args(hint)]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type_schema(get_args(hint)[1])}
    raise TypeError(f"no JSON Schema for {hint!r}: teach chaoskit/report/events_ndjson.py")


def _unreadable(path: Path, line: int, message: str) -> FileProblem:
    remedy = "name the folder of a run, for example reports/latest; the file may have been edited or cut"
    return FileProblem([Problem(str(path), line, 1 if line else 0, f"cannot read events: {message}", remedy)])
