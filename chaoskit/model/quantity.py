"""Durations, ratios and rates as users write them, and the pydantic types that parse them.

Durations follow Go's `time.ParseDuration` (https://pkg.go.dev/time#ParseDuration): the unit is mandatory.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

_UNIT_S = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_UNIT_BYTES = {"B": 1, "KB": 1000, "MB": 1_000_000}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(us|µs|ms|s|m|h)")
DURATION_PATTERN = r"^(\d+(\.\d+)?(us|µs|ms|s|m|h))+$"
RATIO_PATTERN = r"^\d+(\.\d+)?%$"
SIZE_PATTERN = r"^(\d+(\.\d+)?)(B|KB|MB)$"
THROUGHPUT_PATTERN = r"^\d+(\.\d+)?(KB|MB)/s$"
RATE_PATTERN = r"^\d+(\.\d+)?/(s|m)$"


def parse_duration(value: Any) -> float:
    """`"1m30s"` → 90.0 (seconds). Raises ValueError for a number without a unit or anything else."""
    if isinstance(value, str) and re.match(DURATION_PATTERN, value.strip()):
        return sum(float(number) * _UNIT_S[unit] for number, unit in _DURATION_PART.findall(value))
    if (isinstance(value, (int, float)) and not isinstance(value, bool)) or str(value).strip().isdigit():
        raise ValueError(f"a duration needs a unit: write '{value}ms' or '{value}s'")
    raise ValueError(f"not a duration: {value!r}; write for example 250ms, 3s or 1m30s")


def parse_ratio(value: Any) -> float:
    """`"50%"` or `0.5` → 0.5. Raises ValueError outside 0..1."""
    if isinstance(value, str) and re.match(RATIO_PATTERN, value.strip()):
        value = float(value.strip()[:-1]) / 100
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise ValueError(f"not a share: {value!r}; write for example 25% (or 0.25)")


def parse_rate(value: Any) -> float:
    """`"50/s"` → 50.0, `"30/m"` → 0.5 (per second). Raises ValueError without a unit or for zero."""
    if isinstance(value, str) and re.match(RATE_PATTERN, value.strip()):
        number, unit = value.strip().split("/")
        if float(number) > 0:
            return float(number) / (60 if unit == "m" else 1)
    raise ValueError(f"not a rate: {value!r}; write for example 50/s or 30/m")


def parse_size(value: Any) -> int:
    """`"10KB"` → 10000 (bytes; 1 KB = 1000 B). Raises ValueError for a number without a unit or anything else."""
    if isinstance(value, str) and (found := re.match(SIZE_PATTERN, value.strip())):
        size = float(found[1]) * _UNIT_BYTES[found[3]]
        if size == int(size):
            return int(size)
    raise ValueError(f"not a size: {value!r}; write for example 512B, 10KB or 1MB")


def parse_throughput(value: Any) -> int:
    """`"100KB/s"` → 100 (KB/s, whole ones, at least 1). Raises ValueError."""
    if isinstance(value, str) and re.match(THROUGHPUT_PATTERN, value.strip()):
        size = parse_size(value.strip().removesuffix("/s"))
        if size >= 1000 and size % 1000 == 0:
            return size // 1000
        raise ValueError(f"not possible: {value!r}; whole KB/s from 1KB/s on")
    raise ValueError(f"not a throughput: {value!r}; write for example 100KB/s or 1MB/s")


def format_duration(seconds: float) -> str:
    """Shortest exact-enough spelling: 0.25 → `250ms`, 90 → `1m30s`, 4.2 → `4.2s`."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f}us" if seconds else "0s"
    if seconds < 1:
        return f"{seconds * 1e3:.3g}ms" if seconds * 1e3 < 100 else f"{seconds * 1e3:.0f}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(seconds, 60)
    tail = "" if rest < 0.0005 else format_duration(rest)
    return f"{int(minutes)}m{tail}"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["250ms", "3s", "1m30s"]}),
]
"""Seconds in the model; a string with a unit in the file."""

Ratio = Annotated[
    float,
    BeforeValidator(parse_ratio),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": RATIO_PATTERN}, {"type": "number", "minimum": 0, "maximum": 1}]}
    ),
]
"""0..1 in the model; `50%` (or 0.5) in the file."""

Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    WithJsonSchema({"type": "string", "pattern": RATE_PATTERN, "examples": ["50/s", "30/m"]}),
]
"""Per second in the model; `50/s` in the file."""


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN, "examples": ["512B", "10KB", "1MB"]}),
]
"""Bytes in the model; a string with a unit in the file."""

Throughput = Annotated[
    int,
    BeforeValidator(parse_throughput),
    WithJsonSchema({"type": "string", "pattern": THROUGHPUT_PATTERN, "examples": ["100KB/s", "1MB/s"]}),
]
"""KB/s in the model; a string with a unit in the file."""


class Strict(BaseModel):
    """A frozen model that refuses unknown keys: a misspelt key must never be ignored."""

    # Deferred: a run pays only for the kinds of faults and checks that its files use.
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), defer_build=True)
