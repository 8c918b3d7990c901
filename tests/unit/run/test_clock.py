"""The run's clock notices when the machine's clocks jump, and only then."""

from __future__ import annotations

import pytest
from chaoskit.run.clock import RunClock


class Machine:
    mono, wall, boot = 100.0, 5_000.0, 100.0

    def clock(self) -> RunClock:
        return RunClock(lambda: self.mono, lambda: self.wall, lambda: self.boot)

    def go(self, seconds: float) -> None:
        self.mono, self.wall, self.boot = self.mono + seconds, self.wall + seconds, self.boot + seconds


def test_time_going_on_is_no_jump() -> None:
    """Hours of ordinary time are not a jump."""
    machine = Machine()
    clock = machine.clock()
    machine.go(7200)
    assert clock.jumped_ms() == 0
    assert clock.now() == 7200


def test_a_wall_clock_that_is_set_is_a_jump_once() -> None:
    """A jump is said once, with its size."""
    machine = Machine()
    clock = machine.clock()
    machine.go(5)
    machine.wall -= 60
    assert clock.jumped_ms() == pytest.approx(60_000)
    assert clock.jumped_ms() == 0


def test_sleep_is_a_jump() -> None:
    """A machine that slept in mid-run has measured nothing meanwhile."""
    machine = Machine()
    clock = machine.clock()
    machine.boot += 3
    assert clock.jumped_ms() == pytest.approx(3000)


def test_epoch_seconds_become_run_seconds() -> None:
    """A service's own log, in wall time, lands on the run's axis."""
    machine = Machine()
    clock = machine.clock()
    assert clock.from_wall(5_004.25) == pytest.approx(4.25)
