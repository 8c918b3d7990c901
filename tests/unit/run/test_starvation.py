"""A service that waits for a processor is noticed: its missed timeouts are not its fault."""

from __future__ import annotations

import os

import pytest
from chaoskit.model.event import Stall
from chaoskit.run import starvation
from chaoskit.run.starvation import Starvation

from tests.fakes.ports import ListRecorder


def test_waiting_within_a_second_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst thread's waiting within a second is told, also across looks; little waiting is not."""
    waited = {"1": 0, "2": 0}
    monkeypatch.setattr(starvation, "_waited_ns", lambda pid: dict(waited))
    recorder = ListRecorder()
    watch = Starvation({"order": 42}, recorder)
    watch.poll(10.0)
    waited.update({"1": 60_000_000, "2": 90_000_000})
    watch.poll(10.2)
    watch.poll(10.5)
    assert recorder.events == []
    waited.update({"1": 260_000_000})
    watch.poll(11.0)
    watch.poll(11.5)
    watch.poll(12.0)
    assert recorder.events == [
        Stall(t=11.0, process="order", stall_ms=260.0),
        Stall(t=11.5, process="order", stall_ms=200.0),
    ]


def test_the_kernel_is_asked() -> None:
    """Real counters of a real process; a process that is gone is no error."""
    assert str(os.getpid()) in starvation._waited_ns(os.getpid())
    assert starvation._waited_ns(2**22 + 1) == {}
