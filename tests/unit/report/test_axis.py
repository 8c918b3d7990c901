"""The shared time axis and the value scales."""

from __future__ import annotations

from chaoskit.report.page.axis import BUCKETS_MAX, TimeAxis, ValueScale
from hypothesis import given
from hypothesis import strategies as st

starts = st.floats(0, 1e4)
lengths = st.floats(0, 1e5)


@given(starts, lengths)
def test_every_instant_has_a_bucket_and_there_are_few(start: float, length: float) -> None:
    """However long a run, the page stays small and nothing inside of it is dropped."""
    axis = TimeAxis.over(start, start + length, start)
    assert 1 <= axis.count <= BUCKETS_MAX + 1
    for share in (0.0, 0.3, 0.999, 1.0):
        bucket = axis.bucket(axis.start + share * (axis.end - axis.start))
        assert bucket is None or 0 <= bucket < axis.count
    assert axis.bucket(axis.end) == axis.count - 1
    assert axis.bucket(axis.start - 0.001) is None


@given(starts, st.floats(0.5, 1e5), st.floats(0, 1))
def test_ticks_are_few_and_zero_is_among_them(start: float, length: float, share: float) -> None:
    """A reader finds the injection on the axis, and not more ticks than there is room for."""
    zero = start + share * length
    ticks = TimeAxis.over(start, start + length, zero).ticks()
    assert 1 <= len(ticks) <= 14
    assert any(abs(t - zero) < 1e-6 for t in ticks)


@given(st.floats(1e-3, 1e7))
def test_linear_scale_contains_its_values_without_wasting_half(largest: float) -> None:
    """The curve fits and fills at least half of the panel."""
    scale = ValueScale.linear(largest)
    assert 0.45 <= scale.height(largest) <= 1
    assert scale.height(0) == 0


@given(st.floats(1e-3, 1e3), st.floats(1, 1e4))
def test_logarithmic_scale_contains_its_values(smallest: float, ratio: float) -> None:
    """Both ends fit, order is kept, zero does not break it."""
    scale = ValueScale.logarithmic(smallest, smallest * ratio)
    assert 0 <= scale.height(smallest) <= scale.height(smallest * ratio) <= 1
    assert scale.height(0) == 0
    assert scale.ticks()[0] <= smallest * 1.001


def test_last_bucket_is_as_long_as_it_was_watched() -> None:
    """A cut last bucket must not show half the rate."""
    axis = TimeAxis.over(0, 30.1, 0)
    assert axis.width_s == 0.5
    assert abs(axis.seconds_in(axis.count - 1) - 0.1) < 1e-9
