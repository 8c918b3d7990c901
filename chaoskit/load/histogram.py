"""Latency histograms that merge without loss, and exact percentiles by second. Pure.

Log-linear buckets as in HdrHistogram: each power of two is cut into 2^7 equal buckets, so a value is known to
within 1/128 of itself (0.4 % from the middle of a bucket). Values are whole microseconds, 0 and above.
Fault data is bimodal: sketches that interpolate between the modes (t-digest) are far off at the cliff, these are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUB_BITS = 7
_SUB = 1 << SUB_BITS
VALUE_MAX_US = 2**36 - 1
"""19 hours; above it, a value counts as this."""


def bucket_of(value_us: int) -> int:
    """The index of the bucket that a value falls into."""
    value = min(max(value_us, 0), VALUE_MAX_US)
    shift = max(value.bit_length() - SUB_BITS - 1, 0)
    return (shift << SUB_BITS) + (value >> shift)


def bounds_of(bucket: int) -> tuple[int, int]:
    """(lowest, highest) value in microseconds that falls into a bucket."""
    shift = max((bucket >> SUB_BITS) - 1, 0)
    low = (bucket - (shift << SUB_BITS)) << shift
    return low, low + (1 << shift) - 1


@dataclass(slots=True)
class Histogram:
    """Counts by bucket. `a.merge(b)` is the histogram of both sets of samples."""

    counts: dict[int, int] = field(default_factory=dict)
    total: int = 0

    def add(self, value_us: int, count: int = 1) -> None:
        """Count a value."""
        bucket = bucket_of(value_us)
        self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.total += count

    def add_all(self, values_us: NDArray[np.integer]) -> None:
        """Count a whole column: a few ns a sample."""
        import numpy as np

        values = np.clip(values_us.astype(np.int64), 0, VALUE_MAX_US)
        # frexp's exponent is the bit length, exactly: all values are below 2^53.
        shifts = np.maximum(np.frexp(values.astype(np.float64))[1] - SUB_BITS - 1, 0)
        buckets, counts = np.unique((shifts << SUB_BITS) + (values >> shifts), return_counts=True)
        for bucket, count in zip(buckets.tolist(), counts.tolist(), strict=True):
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.total += len(values)

    def merge(self, other: Histogram) -> None:
        """Add the other's counts."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.total += other.total

    def percentile_us(self, percent: float) -> float:
        """The middle of the bucket that holds the nearest-rank percentile. Raises ValueError when empty."""
        if not self.total:
            raise ValueError("no samples")
        rank = max(1, -(-self.total * percent // 100))
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                break
        low, high = bounds_of(bucket)
        return (low + high) / 2

    def encode(self) -> list[int]:
        """A flat list [bucket, count, …] by bucket, for a JSON file."""
        return [number for bucket in sorted(self.counts) for number in (bucket, self.counts[bucket])]

    @classmethod
    def decode(cls, flat: Sequence[int]) -> Histogram:
        """The histogram that `encode` wrote."""
        counts = dict(zip(flat[::2], flat[1::2], strict=True))
        return cls(counts, sum(counts.values()))


def percentiles_by_second(
    times_s: Iterable[float], values: Iterable[float], percents: Sequence[float]
) -> Mapping[int, tuple[float, ...]]:
    """Exact percentiles (numpy's linear ones) of the values of each whole second; seconds without values are absent."""
    import numpy as np

    seconds = np.floor(np.fromiter(times_s, np.float64)).astype(np.int64)
    column = np.fromiter(values, np.float64)
    order = np.argsort(seconds, kind="stable")
    seconds, column = seconds[order], column[order]
    present, starts = np.unique(seconds, return_index=True)
    pieces = np.split(column, starts[1:]) if len(present) else []
    return {
        int(second): tuple(float(p) for p in np.percentile(piece, percents))
        for second, piece in zip(present.tolist(), pieces, strict=True)
    }
