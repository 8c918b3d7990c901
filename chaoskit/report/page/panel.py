"""What a panel of the timeline shows, as data: series over the buckets of the shared axis, or stretches of a state."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Tone = Literal["ok", "strong", "faint", "degraded", "error", "open", "half-open", "closed"]


class Series(Struct, frozen=True):
    """One value a bucket, None where there was nothing to measure."""

    name: str
    tone: Tone
    values: tuple[float | None, ...]


class Dot(Struct, frozen=True):
    """One single observation worth a look; `href` leads to it in the page."""

    t: float
    value: float
    title: str
    tone: Tone = "strong"
    href: str = ""


class Stretch(Struct, frozen=True):
    """A state that lasted from `start` to `end`."""

    start: float
    end: float
    state: str
    tone: Tone


class Panel(Struct, frozen=True):
    """`lines` and `bars` (stacked) have series, a `band` has stretches. `key` is unique in a scenario."""

    key: str
    title: str
    unit: str
    shape: Literal["lines", "bars", "band"]
    series: tuple[Series, ...] = ()
    dots: tuple[Dot, ...] = ()
    stretches: tuple[Stretch, ...] = ()
    note: str = ""
    subject: str = ""
    """The link or consumer it is about, to find it from a check; empty: the whole system."""
