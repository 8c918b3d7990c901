"""What a fault asks of an engine: plain data, so that a fault is a pure function from its spec to instructions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

Stream = Literal["downstream", "upstream"]


class Toxic(Struct, frozen=True):
    """One Toxiproxy toxic. `attributes` in Toxiproxy's own units (ms, KB/s, bytes, µs); `toxicity` 0..1."""

    link: str
    type: str
    attributes: Mapping[str, int]
    stream: Stream = "downstream"
    toxicity: float = 1.0


class ProxyDown(Struct, frozen=True):
    """Close a link's open connections and refuse new ones (Toxiproxy `enabled: false`)."""

    link: str


class TapRule(Struct, frozen=True):
    """One rule of the tap on a link.

    `action`: `answer` (status, body, headers) · `hang` · `headers_only` · `cut_body` (after bytes) · `change_body`
    (find, replace) · `hold` (far leg stays open when the near one dies). `first` limits it to the first n calls
    that match; `share` draws per call from `seed`. `match_path` is a prefix, `match_method` a method or "".
    """

    link: str
    action: str
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    share: float = 1.0
    first: int | None = None
    seed: int = 0
    match_method: str = ""
    match_path: str = ""


class DuplicateMessages(Struct, frozen=True):
    """Send `copies` more of each message that reaches a consumer's queue. `when`: adjacent | late."""

    consumer: str
    when: str = "adjacent"
    copies: int = 1
    share: float = 1.0
    seed: int = 0
    delay_s: float = 0.0


class PoisonMessages(Struct, frozen=True):
    """Send one message per mutant that a consumer cannot process, each followed by `good_behind` good ones."""

    consumer: str
    mutants: tuple[str, ...]
    good_behind: int = 0
    seed: int = 0


class ServiceSignal(Struct, frozen=True):
    """Signal a service that we started: KILL (and start it again at revert) or STOP (and CONT at revert)."""

    service: str
    signal: Literal["KILL", "STOP"]


Instruction = Toxic | ProxyDown | TapRule | DuplicateMessages | PoisonMessages | ServiceSignal


class Undo(Struct, frozen=True):
    """How to take one change back with nothing but the journal; see run/journal.py for the kinds.

    `kind`: toxic | proxy | enable | process | continue | folder. `args` are JSON values.
    """

    kind: str
    args: Mapping[str, str | int | float | bool]


class Confirmation(Struct, frozen=True):
    """What an engine read back after a change."""

    detail: str
    data: Mapping[str, str | int | float | bool] = field(default_factory=dict)
