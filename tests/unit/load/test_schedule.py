"""The open model's intended times."""

from __future__ import annotations

import pytest
from chaoskit.load.schedule import Schedule
from hypothesis import given
from hypothesis import strategies as st


def test_no_error_adds_up() -> None:
    """Protects the rate over hours: the millionth iteration at 30/s is due exactly when arithmetic says."""
    assert Schedule(5.0, 30.0).due_at(1_000_000) == pytest.approx(5.0 + 1_000_000 / 30.0, abs=1e-9)


@given(st.floats(0, 1e6), st.floats(0.01, 5000), st.integers(0, 10**6))
def test_due_by_and_due_at_agree(start: float, rate: float, index: int) -> None:
    """Protects from an iteration lost or begun twice: it counts as due at its instant, not a moment before."""
    schedule = Schedule(start, rate)
    due = schedule.due_at(index)
    count = schedule.due_by(due)
    assert schedule.due_at(count - 1) <= due < schedule.due_at(count)


def test_nothing_is_due_before_the_start() -> None:
    """Protects the lead-in: no iteration begins early."""
    assert Schedule(10.0, 100.0).due_by(9.999) == 0
    assert Schedule(10.0, 100.0).due_by(10.0) == 1


def test_a_rate_of_zero_is_refused() -> None:
    """Protects from a load that would never send anything and still look fine."""
    with pytest.raises(ValueError, match="above 0"):
        Schedule(0.0, 0.0)
