"""Histograms that merge without loss, percentiles that are right at a cliff."""

from __future__ import annotations

import numpy as np
import pytest
from chaoskit.load.histogram import VALUE_MAX_US, Histogram, bounds_of, bucket_of, percentiles_by_second
from hypothesis import given
from hypothesis import strategies as st

values = st.integers(0, VALUE_MAX_US)


@given(values)
def test_a_value_lies_within_its_bucket_to_one_part_in_128(value: int) -> None:
    """Protects the precision that the reports promise."""
    low, high = bounds_of(bucket_of(value))
    assert low <= value <= high
    assert high - low <= max(value / 128, 0)


@given(values)
def test_buckets_are_in_the_order_of_their_values(value: int) -> None:
    """Protects percentiles, which walk the buckets upwards without a gap."""
    low, high = bounds_of(bucket_of(value))
    assert bucket_of(high) == bucket_of(low)
    if high < VALUE_MAX_US:
        assert bucket_of(high + 1) == bucket_of(value) + 1


@given(st.lists(values, max_size=50), st.lists(values, max_size=50))
def test_merged_is_the_same_as_counted_together(left: list[int], right: list[int]) -> None:
    """Protects totals over seconds, endpoints and children; columns and single values count alike."""
    one, other, both = Histogram(), Histogram(), Histogram()
    for value in left:
        one.add(value)
    other.add_all(np.array(right, dtype=np.int64))
    both.add_all(np.array(left + right, dtype=np.int64))
    one.merge(other)
    assert one == both
    assert Histogram.decode(both.encode()) == both


def test_the_cliff_of_bimodal_data_is_found() -> None:
    """Protects p99 under a fault: 98.5 % fast, the rest 3 s; sketches that interpolate invent a value in between."""
    histogram = Histogram()
    histogram.add(4_000, 985)
    histogram.add(3_000_000, 15)
    assert histogram.percentile_us(98) == pytest.approx(4_000, rel=0.004)
    assert histogram.percentile_us(99) == pytest.approx(3_000_000, rel=0.004)


def test_nothing_has_no_percentile() -> None:
    """Protects from a latency of 0 where there was no sample at all."""
    with pytest.raises(ValueError, match="no samples"):
        Histogram().percentile_us(99)


def test_percentiles_by_second_are_exact_and_leave_empty_seconds_out() -> None:
    """Protects the per-second series: unsorted input, a second without samples is absent and not zero."""
    times = [3.9, 1.2, 1.8, 1.5]
    found = percentiles_by_second(times, [7.0, 10.0, 30.0, 20.0], (50, 100))
    assert found == {1: (20.0, 30.0), 3: (7.0, 7.0)}
    assert percentiles_by_second([], [], (50,)) == {}
