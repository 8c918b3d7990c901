"""`${kind:name}` in the system file: the grammar, and putting values in. Pure.

Kinds: `${port:service}` a free port · `${link:caller->callee}` the address to call · `${broker:service}` the AMQP URL
for that service · `${service:name}` its URL · `${env:NAME}` of chaoskit's own environment · `${python}` the
interpreter that runs chaoskit · `${folder}` a private folder, gone with the run. `$${` stands for a literal `${`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

NAMED_KINDS = ("port", "link", "broker", "service", "env")
BARE_KINDS = ("python", "folder")

_OPENING = re.compile(r"\$\$\{|\$\{")


class Placeholder(Struct, frozen=True):
    """One placeholder; `name` is "" for the bare kinds, a link's name is spelled `caller -> callee`."""

    kind: str
    name: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """How values are looked up: `port:order`, `link:order -> customer`, `python`."""
        return f"{self.kind}:{self.name}" if self.name else self.kind


def placeholders(text: str) -> Iterator[Placeholder]:
    """All placeholders of a text, left to right. Raises ValueError for one that is not well-formed."""
    position = 0
    while opening := _OPENING.search(text, position):
        position = opening.end()
        if opening.group() == "$${":
            continue
        end = text.find("}", position)
        inside = text[position:end]
        if end < 0 or "${" in inside or "\n" in inside:
            raise ValueError(
                f"'{text[opening.start() : opening.start() + 20]}' opens a placeholder and never closes it"
            )
        position = end + 1
        yield _parse(inside, opening.start(), position)


def expand(text: str, values: Mapping[str, str]) -> str:
    """The text with every placeholder replaced by `values[placeholder.key]`; values are not expanded again.

    Raises LookupError naming a placeholder that has no value, ValueError for one that is not well-formed.
    """
    parts, position = [], 0
    for found in placeholders(text):
        if found.key not in values:
            raise LookupError(f"${{{found.key}}} has no value here")
        parts += [text[position : found.start].replace("$${", "${"), values[found.key]]
        position = found.end
    return "".join([*parts, text[position:].replace("$${", "${")])


def names(text: str) -> tuple[str, ...]:
    """The keys of all placeholders in a text: `("port:order", "link:order -> customer")`. Raises ValueError."""
    return tuple(found.key for found in placeholders(text))


def _parse(inside: str, start: int, end: int) -> Placeholder:
    kind, colon, name = inside.partition(":")
    name = name.strip()
    if kind in BARE_KINDS and not colon:
        return Placeholder(kind, "", start, end)
    if kind in NAMED_KINDS and name:
        spelled = " -> ".join(part.strip() for part in name.split("->")) if kind == "link" else name
        return Placeholder(kind, spelled, start, end)
    if kind in NAMED_KINDS:
        raise ValueError(f"'${{{inside}}}' names nothing: write ${{{kind}:name}}")
    if kind in BARE_KINDS:
        raise ValueError(f"'${{{inside}}}' takes no name: write ${{{kind}}}")
    raise ValueError(f"unknown placeholder '${{{inside}}}'")
