"""What a report needs beyond the record: what the checks understood of a scenario, as plain data.

The pipeline fills it.

Everything in it is optional: a report leaves out what it is not told.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

LEDGER_PARTS = ("effects", "dead_lettered", "ready", "unacked", "lost")
"""The parts that a consumer's ledger adds up from, to `accepted`. `twice` counts keys done more than once."""


class Fate(Struct, frozen=True):
    """What became of one message that was sent to hurt.

    `mutant` says what was done to it, `certain` whether it *must* not be processed (else merely suspicious).
    `fate`: dead-lettered | vanished | loop | stuck | consumer stopped | accepted | …
    """

    consumer: str
    message: str
    mutant: str
    fate: str
    certain: bool = True
    detail: str = ""


class ScenarioStory(Struct, frozen=True):
    """One scenario's story. Times in run seconds.

    `breakers`: per link the instants at which its state changed, as seen from outside: `(t, closed|open|half-open)`.
    `ledgers`: per consumer `accepted` and the `LEDGER_PARTS` it adds up from, and `twice`.
    `twice`: per consumer the business keys whose effect shows more than once.
    `fallbacks`: indices (into the scenario's events) of samples answered by a fallback; None when nobody looked.
    `log_tails`: per part that died, or is to blame, the last lines of its log.
    """

    breakers: Mapping[str, tuple[tuple[float, str], ...]] = field(default_factory=dict)
    ledgers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    twice: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fates: tuple[Fate, ...] = ()
    fallbacks: frozenset[int] | None = None
    log_tails: Mapping[str, str] = field(default_factory=dict)
