"""The load's requests as the client saw them: when they began, whether they were answered, what is usual. Pure."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from math import ceil, inf
from typing import Any

from msgspec import Struct

from chaoskit.checks.known import once
from chaoskit.model.event import Sample
from chaoskit.model.evidence import Evidence, Window


class Requests(Struct, frozen=True):
    """All samples by true start, with their event indices; and the starts of those that were answered, in order."""

    samples: list[Sample]
    indices: list[int]
    times: list[float]
    answered: list[float]

    def within(self, window: Window) -> range:
        """Positions of the requests that began in a window."""
        return range(bisect_left(self.times, window.start), bisect_left(self.times, window.end))

    def answered_between(self, start: float, end: float) -> int:
        """How many requests that began in [start, end) were answered, with whatever status."""
        return max(0, bisect_left(self.answered, end) - bisect_left(self.answered, start))


def requests_of(evidence: Evidence) -> Requests:
    """All requests of the load so far."""
    return once(evidence, ("requests",), lambda: _collect(evidence))


def _collect(evidence: Evidence) -> Requests:
    probes = evidence.plan.needs.probes  # requests that the run itself sends are no load
    rows = [(i, sample) for i, sample in evidence.indexed(Sample) if sample.name not in probes]
    samples = [sample for _, sample in rows]
    times = [sample.t for sample in samples]
    return Requests(samples, [i for i, _ in rows], times, [s.t for s in samples if s.status > 0])


def ended_at(sample: Sample) -> float:
    """When the answer (or the error) was there, in run seconds."""
    return sample.t + sample.service_ms / 1000


def percentile(values: Iterable[float], q: float) -> float:
    """The smallest value that a share `q` (0..1) of the values does not exceed; infinite for no values at all."""
    ordered = sorted(values)
    return ordered[max(0, ceil(q * len(ordered)) - 1)] if ordered else inf


def shape(document: Any) -> Any:
    """What an answer looks like, whatever it says: keys and kinds of values. Hashable."""
    if isinstance(document, dict):
        return tuple(sorted((key, shape(value)) for key, value in document.items()))
    if isinstance(document, list):
        return ("list", frozenset(shape(value) for value in document))
    return (
        "number" if isinstance(document, (int, float)) and not isinstance(document, bool) else type(document).__name__
    )


def body_of(sample: Sample) -> Any:
    """The parsed JSON body. Raises ValueError when there is none, or it is none (cut at 8 KiB, say)."""
    if sample.body is None:
        raise ValueError("no body was kept")
    return json.loads(sample.body)


def look_of(sample: Sample) -> Any:
    """Name, status and the shape of the body: what makes an answer a usual one or not."""
    return sample.name, sample.status, _shape_of(sample.body)


@lru_cache(maxsize=4096)
def _shape_of(body: str | None) -> Any:
    try:
        return shape(json.loads(body or ""))
    except ValueError:
        return None
