"""The catalogue of poison: names, and which of them no consumer may take for a message. What they look like on the
wire is the broker's business; this is what a scenario, a fault and a check agree on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to spoil a real message.

    `certain`: it cannot be meaningful to anybody (its encoding is broken, or a required field is missing), so that an
    effect of it is a violation. Otherwise it is *suspicious*: a consumer that accepts it gets advice, no verdict.
    """

    name: str
    meaning: str
    certain: bool


MUTANTS: dict[str, Mutant] = {
    mutant.name: mutant
    for mutant in (
        Mutant("truncated", "the JSON ends in the middle", True),
        Mutant("not-json", "plain text that says it is JSON", True),
        Mutant("empty", "no body at all", True),
        Mutant("bad-encoding", "bytes that are no UTF-8", True),
        Mutant("missing-key", "the business key is not there", True),
        Mutant("null-key", "the business key is null", True),
        Mutant("wrong-type", "every field but the key has another type", False),
        Mutant("wrong-content-type", "a sound body declared as application/x-unknown", False),
        Mutant("huge", "a sound body with a field of 1 MiB more", False),
        Mutant("future-version", "a sound body of schema version 9999", False),
    )
}
"""By name, in the order in which `poison: all` sends them. `MessagePublished.detail` carries the name."""
