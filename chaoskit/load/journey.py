"""Journeys written in YAML: requests whose placeholders are filled in anew for each iteration, the same for a seed.

`{service}` at the start of the path is a base URL; `{seeded.NAME}` the value of a list that is this iteration's turn
(the same throughout the iteration), `{seq}` the iteration's number, `{uuid}` a new one at each place. Pure.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_PLACEHOLDER = re.compile(r"\{(seeded\.[\w-]+|seq|uuid)\}")
_HTTP = re.compile(r"^([A-Z]+)\s+\{([\w.-]+)\}(\S*)$")


@dataclass(slots=True)
class Values:
    """Where one iteration takes its values from. `seed` names the load; equal seeds give equal values."""

    seed: str
    seeded: Mapping[str, Sequence[Any]]
    index: int
    seq: int
    _uuids: int = field(default=0)

    def of(self, name: str) -> Any:
        """The value of a placeholder. Raises LookupError for a list that does not exist or is empty."""
        if name == "seq":
            return self.seq
        if name == "uuid":
            self._uuids += 1
            text = f"{self.seed}/{self.index}/{self._uuids}"
            return str(uuid.UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest(), version=4))
        values = self.seeded.get(name.removeprefix("seeded."), ())
        if not values:
            raise LookupError(f"{{{name}}}: there is no such list under 'seeded' in the system file, or it is empty")
        return values[(_first(self.seed, name, len(values)) + self.index) % len(values)]


def _first(seed: str, name: str, count: int) -> int:
    return random.Random(f"{seed}/{name}").randrange(count)


Fill = Callable[[Values], Any]


def text_template(text: str, escape: Callable[[str], str] = str) -> Fill:
    """A function from values to the text with all placeholders filled in, each passed through `escape`."""
    parts = _PLACEHOLDER.split(text)
    if len(parts) == 1:
        return lambda _: text
    fixed, names = parts[::2], parts[1::2]

    def fill(values: Values) -> str:
        filled = (escape(str(values.of(name))) for name in names)
        return fixed[0] + "".join(value + rest for value, rest in zip(filled, fixed[1:], strict=True))

    return fill


def json_template(document: Any) -> Fill:
    """The same for a JSON document; a string that is nothing but one placeholder keeps the type of its value."""
    if isinstance(document, str):
        whole = _PLACEHOLDER.fullmatch(document)
        return (lambda values: values.of(whole[1])) if whole else text_template(document)
    if isinstance(document, Mapping):
        members = [(text_template(key), json_template(value)) for key, value in document.items()]
        return lambda values: {key(values): value(values) for key, value in members}
    if isinstance(document, (list, tuple)):
        items = [json_template(item) for item in document]
        return lambda values: [item(values) for item in items]
    return lambda _: document


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to be filled in. `expect_status` empty: any below 400 is as expected."""

    name: str
    method: str
    url: Fill
    headers: tuple[tuple[str, Fill], ...]
    body: Callable[[Values], bytes] | None
    expect_status: frozenset[int]


def compile_call(request: Mapping[str, Any], urls: Mapping[str, str]) -> Call:
    """A call from a request of the system file as plain data: http, name, json, headers, expect_status.

    Raises ValueError where it does not read `METHOD {service}/path` or names an unknown service.
    """
    match = _HTTP.match(request["http"])
    if not match:
        raise ValueError(f"not a request: {request['http']!r}; write METHOD {{service}}/path")
    method, service, path = match.groups()
    if service not in urls:
        raise ValueError(f"{request['http']!r}: unknown service {service!r}; known: {', '.join(sorted(urls))}")
    target = text_template(path, lambda value: quote(value, safe=""))
    base = urls[service].rstrip("/")
    headers = dict(request.get("headers") or {})
    body = None
    if request.get("json") is not None:
        fill = json_template(request["json"])
        headers.setdefault("Content-Type", "application/json")
        body = lambda values: json.dumps(fill(values)).encode()  # noqa: E731 — a closure like its neighbours
    return Call(
        request.get("name") or request["http"],
        method,
        lambda values: base + target(values),
        tuple((name, text_template(value)) for name, value in headers.items()),
        body,
        frozenset(request.get("expect_status") or ()),
    )
