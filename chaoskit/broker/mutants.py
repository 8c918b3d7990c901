"""What each mutant of model/poison.py looks like on the wire. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chaoskit.broker.body import parent_of, steps_of, to_body

JSON = "application/json"
HUGE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SpoiltMessage:
    """`key` is the business key that a consumer could read out of it, "" where it can't."""

    body: bytes
    content_type: str
    key: str


def spoil(mutant: str, document: Any, key: str, key_path: str) -> SpoiltMessage:
    """One mutant made from a fresh, sound document that carries `key` at `key_path`."""
    return _SPOIL[mutant](document, key, key_path)


def _truncated(document: Any, key: str, key_path: str) -> SpoiltMessage:
    sound = to_body(document)
    return SpoiltMessage(sound[: max(1, len(sound) * 2 // 3)], JSON, key)


def _not_json(document: Any, key: str, key_path: str) -> SpoiltMessage:
    return SpoiltMessage(b"this is no JSON", JSON, "")


def _empty(document: Any, key: str, key_path: str) -> SpoiltMessage:
    return SpoiltMessage(b"", JSON, "")


def _bad_encoding(document: Any, key: str, key_path: str) -> SpoiltMessage:
    """Sound but for one more field whose text is no UTF-8."""
    return SpoiltMessage(to_body({**document, "note": "§"}).replace("§".encode(), b"\xff\xfe"), JSON, key)


def _missing_key(document: Any, key: str, key_path: str) -> SpoiltMessage:
    parent, last = parent_of(key_path, document)
    del parent[last]
    return SpoiltMessage(to_body(document), JSON, "")


def _null_key(document: Any, key: str, key_path: str) -> SpoiltMessage:
    parent, last = parent_of(key_path, document)
    parent[last] = None
    return SpoiltMessage(to_body(document), JSON, "")


def _wrong_type(document: Any, key: str, key_path: str) -> SpoiltMessage:
    """The key stays readable, so that an effect can be asked for; alone in its message it becomes a list."""
    first = steps_of(key_path)[0]
    others = {name: _other_type(value) for name, value in document.items() if name != first}
    kept = {first: document[first] if others else [document[first]]}
    return SpoiltMessage(to_body({**kept, **others}), JSON, key if others else "")


def _other_type(value: Any) -> Any:
    """A value of a JSON type that nobody expects there."""
    if isinstance(value, (list, dict)):
        return "neither a list nor an object"
    return {"unexpected": value} if isinstance(value, str) else [str(value)]


def _wrong_content_type(document: Any, key: str, key_path: str) -> SpoiltMessage:
    return SpoiltMessage(to_body(document), "application/x-unknown", key)


def _huge(document: Any, key: str, key_path: str) -> SpoiltMessage:
    return SpoiltMessage(to_body({**document, "padding": "x" * HUGE_BYTES}), JSON, key)


def _future_version(document: Any, key: str, key_path: str) -> SpoiltMessage:
    return SpoiltMessage(to_body({**document, "version": 9999}), JSON, key)


_SPOIL: Mapping[str, Callable[[Any, str, str], SpoiltMessage]] = {
    "truncated": _truncated,
    "not-json": _not_json,
    "empty": _empty,
    "bad-encoding": _bad_encoding,
    "missing-key": _missing_key,
    "null-key": _null_key,
    "wrong-type": _wrong_type,
    "wrong-content-type": _wrong_content_type,
    "huge": _huge,
    "future-version": _future_version,
}
