"""The time axis that all panels of a scenario share, and the scales of values."""

from __future__ import annotations

import math

from msgspec import Struct

BUCKETS_MAX = 120
_WIDTHS_S = (0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)


class TimeAxis(Struct, frozen=True):
    """From `start` to `end` (run seconds), cut into buckets of `width_s`; `zero` is what times are relative to."""

    start: float
    end: float
    zero: float
    width_s: float

    @classmethod
    def over(cls, start: float, end: float, zero: float) -> TimeAxis:
        """An axis with at most BUCKETS_MAX buckets of a round width."""
        length = max(end - start, 0.5)
        width = next((w for w in _WIDTHS_S if length / w <= BUCKETS_MAX), length / BUCKETS_MAX)
        return cls(start, start + length, zero, width)

    @property
    def count(self) -> int:
        """How many buckets there are; the last may be cut short."""
        return max(1, math.ceil((self.end - self.start) / self.width_s - 1e-9))

    def bucket(self, t: float) -> int | None:
        """The bucket that `t` falls into, None outside of the axis."""
        if not self.start <= t <= self.end:
            return None
        return min(int((t - self.start) / self.width_s), self.count - 1)

    def share(self, t: float) -> float:
        """Where `t` lies: 0 at the start, 1 at the end, clamped."""
        return min(1.0, max(0.0, (t - self.start) / (self.end - self.start)))

    def bucket_start(self, bucket: int) -> float:
        """Run second at which a bucket begins."""
        return self.start + bucket * self.width_s

    def seconds_in(self, bucket: int) -> float:
        """How long a bucket is; the last one is as long as it was really watched."""
        return max(min(self.width_s, self.end - self.bucket_start(bucket)), self.width_s / 10)

    def ticks(self, most: int = 12) -> list[float]:
        """Round instants relative to `zero`, in run seconds."""
        length = self.end - self.start
        step = next((s for s in _STEPS_S if length / s <= most), length / most)
        first = math.ceil((self.start - self.zero) / step - 1e-9)
        last = math.floor((self.end - self.zero) / step + 1e-9)
        return [self.zero + i * step for i in range(first, last + 1)]


class ValueScale(Struct, frozen=True):
    """From 0 (or a power of ten, when `log`) up to `top`."""

    top: float
    bottom: float = 0.0
    log: bool = False

    @classmethod
    def linear(cls, largest: float) -> ValueScale:
        """From 0 to a round number not below `largest`."""
        if largest <= 0:
            return cls(1.0)
        power = 10.0 ** math.floor(math.log10(largest))
        return cls(next(m * power for m in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if m * power >= largest * 0.999))

    @classmethod
    def logarithmic(cls, smallest: float, largest: float) -> ValueScale:
        """Whole decades around both."""
        low = math.floor(math.log10(max(smallest, 1e-3)))
        high = max(low + 1, math.ceil(math.log10(max(largest, 1e-3))))
        return cls(10.0**high, 10.0**low, log=True)

    def height(self, value: float) -> float:
        """0 at the bottom, 1 at the top, clamped."""
        if self.log:
            value = max(value, self.bottom)
            share = math.log10(value / self.bottom) / math.log10(self.top / self.bottom)
        else:
            share = value / self.top
        return min(1.0, max(0.0, share))

    def ticks(self) -> list[float]:
        """Values to write beside the panel: decades, or bottom, middle and top."""
        if not self.log:
            return [0.0, self.top / 2, self.top]
        decades = round(math.log10(self.top / self.bottom))
        return [self.bottom * 10.0**i for i in range(decades + 1)]
