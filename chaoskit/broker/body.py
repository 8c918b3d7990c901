"""Message bodies: the business key in them, and new ones made from a real sample."""

from __future__ import annotations

import copy
import itertools
import json
import re
import secrets
import uuid
from pathlib import Path
from typing import Any

from chaoskit.errors import FaultFailed
from chaoskit.model.json_path import read_path

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
BODY_BYTES_MAX = 16 * 1024 * 1024


def key_of(body: bytes, path: str) -> str:
    """The business key in a JSON body, as text; "" where there is none."""
    try:
        value = read_path(path, json.loads(body))
    except (ValueError, LookupError, RecursionError):
        return ""
    return "" if value is None else str(value)


def steps_of(path: str) -> list[str | int]:
    """`$.order.items[0].id` → `["order", "items", 0, "id"]`."""
    return [int(index) if index else name for name, index in _STEP.findall(path.removeprefix("$").lstrip("."))]


def parent_of(path: str, document: Any) -> tuple[Any, str | int]:
    """(the object or list that holds the value at `path`, its last step). Raises LookupError."""
    *way, last = steps_of(path)
    here = document
    for step in way:
        here = here[step]
    return here, last


class Sample:
    """One real message body from a file, and fresh messages like it.

    `{key}` and `{seq}` in the file are replaced; without a `{key}` the value at the path of the business key is. Keys
    are of the kind that stands there: a number, a UUID, else text, and differ from run to run.
    """

    def __init__(self, file: str, key_path: str) -> None:
        self.file = file
        self.key_path = key_path
        self._count = itertools.count(1)
        self._run = secrets.token_hex(3)
        self._text = _read(file)
        try:
            self._document = json.loads(self._text.replace("{key}", "key").replace("{seq}", "1"))
            self._old_key = read_path(key_path, self._document)
        except (ValueError, LookupError) as error:
            raise FaultFailed(
                f"the sample is no JSON with a business key at {key_path!r}: {error}",
                where=file,
                remedy="put one real message there; `{key}` may stand for the key",
            ) from error

    def fresh(self) -> tuple[str, Any]:
        """(a new key, a new document that carries it)."""
        seq = next(self._count)
        key = self._fresh_key(seq)
        if "{key}" in self._text or "{seq}" in self._text:
            document = json.loads(self._text.replace("{key}", str(key)).replace("{seq}", str(seq)))
        else:
            document = copy.deepcopy(self._document)
        if "{key}" not in self._text:
            parent, last = parent_of(self.key_path, document)
            parent[last] = key
        return str(key), document

    def _fresh_key(self, seq: int) -> str | int:
        if isinstance(self._old_key, int) and not isinstance(self._old_key, bool):
            return int(self._run, 16) * 1_000_000 + seq
        try:
            uuid.UUID(str(self._old_key))
        except ValueError:
            return f"ck-{self._run}-{seq}"
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._run}-{seq}"))


def _read(file: str) -> str:
    try:
        raw = Path(file).read_bytes()
        if len(raw) > BODY_BYTES_MAX:
            raise FaultFailed(f"the sample is larger than {BODY_BYTES_MAX} bytes", where=file, remedy="shorten it")
        return raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise FaultFailed(
            f"the sample message can't be read: {error}", where=file, remedy="name a UTF-8 file"
        ) from error


def to_body(document: Any) -> bytes:
    """A document as producers write it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
