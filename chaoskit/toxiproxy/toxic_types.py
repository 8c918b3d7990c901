"""Which toxics there are and what they take: Toxiproxy itself accepts unknown attributes and crashes on some values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chaoskit.errors import UsageProblem


class Bounds(NamedTuple):
    """Least and greatest value of an attribute; `default` None where it must be given."""

    least: int
    greatest: int
    default: int | None = 0


_MS_MAX = 24 * 3600 * 1000
_BYTES_MAX = 2**53

TOXICS: dict[str, dict[str, Bounds]] = {
    "latency": {"latency": Bounds(0, _MS_MAX), "jitter": Bounds(0, _MS_MAX)},
    "bandwidth": {"rate": Bounds(1, 2**31, None)},  # 0 stalls for good, a negative rate crashes the server
    "slow_close": {"delay": Bounds(0, _MS_MAX)},
    "timeout": {"timeout": Bounds(0, _MS_MAX)},
    "reset_peer": {"timeout": Bounds(0, _MS_MAX)},
    "limit_data": {"bytes": Bounds(0, _BYTES_MAX, None)},
    "slicer": {  # without a size the server overflows its stack
        "average_size": Bounds(1, 2**31, None),
        "size_variation": Bounds(0, 2**31),
        "delay": Bounds(0, _MS_MAX * 1000),
    },
}
STREAMS = ("downstream", "upstream")


def validated(type_: str, attributes: Mapping[str, object], stream: str, toxicity: float) -> dict[str, int]:
    """All attributes of the toxic, defaults filled in. Raises UsageProblem: what is wrong, and what was meant."""
    if type_ not in TOXICS:
        raise _unknown("toxic", type_, TOXICS, "")
    if stream not in STREAMS:
        raise _unknown("stream", stream, STREAMS, type_)
    if isinstance(toxicity, bool) or not isinstance(toxicity, (int, float)) or not 0 < toxicity <= 1:
        raise UsageProblem(f"toxicity {toxicity!r} is no share of connections", where=type_, remedy="0 < toxicity ≤ 1")
    bounds = TOXICS[type_]
    for name in attributes:
        if name not in bounds:
            raise _unknown("attribute", name, bounds, type_)
    filled = {name: attributes.get(name, bound.default) for name, bound in bounds.items()}
    checked = {name: _checked(type_, name, value, bounds[name]) for name, value in filled.items()}
    if type_ == "slicer" and checked["size_variation"] >= checked["average_size"]:
        raise UsageProblem("size_variation must be smaller than average_size", where="slicer", remedy="lower it")
    return checked


def _checked(type_: str, name: str, value: object, bound: Bounds) -> int:
    if value is None:
        raise UsageProblem(f"the toxic needs the attribute {name}", where=type_, remedy=f"give {name}")
    if isinstance(value, bool) or not isinstance(value, int) or not bound.least <= value <= bound.greatest:
        remedy = f"a whole number from {bound.least} to {bound.greatest}"
        raise UsageProblem(f"{name} cannot be {value!r}", where=type_, remedy=remedy)
    return value


def _unknown(what: str, given: str, known: Iterable[str], where: str) -> UsageProblem:
    names = list(known)
    import difflib  # 3 ms that only a mistake costs

    near = difflib.get_close_matches(str(given), names, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
    return UsageProblem(f"unknown {what} {given!r}", where=where, remedy=remedy)
