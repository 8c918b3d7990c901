"""The shop's breaker, on a clock of the test's own."""

from __future__ import annotations

from chaoskit.shop.breaker import CLOSED, HALF_OPEN, OPEN, Breaker


class Bench:
    """A breaker with its clock and its log."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[tuple[float, str]] = []
        self.breaker = Breaker(
            "order -> customer",
            window_s=10.0,
            reset_s=10.0,
            clock=lambda: self.now,
            log=lambda _, state: self.log.append((self.now, state)),
        )

    def calls(self, count: int, *, succeeded: bool) -> None:
        for _ in range(count):
            permit = self.breaker.admit()
            assert permit is not None
            self.breaker.settle(permit, succeeded=succeeded)


def test_opens_at_half_of_the_window_and_not_before() -> None:
    """50 % means 50 %: one failure fewer keeps it closed."""
    bench = Bench()
    bench.calls(10, succeeded=True)
    bench.calls(9, succeeded=False)
    assert bench.breaker.state == CLOSED
    bench.calls(1, succeeded=False)
    assert bench.breaker.state == OPEN


def test_few_calls_decide_nothing() -> None:
    """A single failure of a quiet service is no reason to stop calling it."""
    bench = Bench()
    bench.calls(4, succeeded=False)
    assert bench.breaker.state == CLOSED
    bench.calls(1, succeeded=False)
    assert bench.breaker.state == OPEN


def test_what_has_left_the_window_no_longer_counts() -> None:
    """Health of long ago must not delay the opening."""
    bench = Bench()
    bench.calls(100, succeeded=True)
    bench.now = 10.1
    bench.calls(5, succeeded=False)
    assert bench.breaker.state == OPEN


def test_half_open_lets_exactly_one_call_through() -> None:
    """A service that may just be recovering gets one probe, not the whole crowd."""
    bench = Bench()
    bench.calls(5, succeeded=False)
    bench.now = 9.9
    assert bench.breaker.admit() is None
    bench.now = 10.0
    assert bench.breaker.admit() is not None
    assert bench.breaker.state == HALF_OPEN
    assert bench.breaker.admit() is None


def test_the_probe_decides() -> None:
    """A failed probe opens it for another full reset time, a good one closes it with a clean window."""
    bench = Bench()
    bench.calls(5, succeeded=False)
    bench.now = 10.0
    bench.calls(1, succeeded=False)
    assert bench.breaker.admit() is None
    bench.now = 20.0
    bench.calls(1, succeeded=True)
    bench.calls(4, succeeded=False)
    assert bench.breaker.state == CLOSED
    assert bench.log == [(0.0, OPEN), (10.0, HALF_OPEN), (10.0, OPEN), (20.0, HALF_OPEN), (20.0, CLOSED)]


def test_late_outcomes_of_an_earlier_state_decide_nothing() -> None:
    """A call that began before the breaker opened must not pass for the probe."""
    bench = Bench()
    early = bench.breaker.admit()
    assert early is not None
    bench.calls(5, succeeded=False)
    bench.now = 10.0
    probe = bench.breaker.admit()
    bench.breaker.settle(early, succeeded=True)
    assert bench.breaker.state == HALF_OPEN
    assert probe is not None
    bench.breaker.settle(probe, succeeded=True)
    assert bench.breaker.state == CLOSED
