"""What stops a run at once, wherever it is: the stop file, the guards of the system file, a clock that jumped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chaoskit.errors import Aborted
from chaoskit.model.event import ClockJumped, GuardTripped, Sample
from chaoskit.model.evidence import Evidence, Window
from chaoskit.model.quantity import format_duration
from chaoskit.model.system import Guard
from chaoskit.ports.recorder import Recorder
from chaoskit.run.clock import RunClock

WINDOW_S = 2.0
SAMPLES_MIN = 20


class Guards:
    """Looked at several times a second; a guard that trips is recorded and raised as Aborted."""

    def __init__(
        self,
        guard: Guard,
        stop_file: Path,
        clock: RunClock,
        recorder: Recorder,
        stopping: Callable[[], str] = lambda: "",
    ) -> None:
        """`stopping` says why a signal, or a watchdog that is gone, wants the run to end, or ""."""
        self._guard = guard
        self._stop_file = stop_file
        self._clock = clock
        self._recorder = recorder
        self._stopping = stopping

    def look(self, evidence: Evidence | None) -> None:
        """Raises Aborted if anything says stop; records a clock that jumped."""
        if reason := self._stopping():  # somebody swallowed the cancellation that came with the signal
            raise Aborted(reason)
        if jump_ms := self._clock.jumped_ms():
            self._recorder.record(ClockJumped(t=self._clock.now(), jump_ms=jump_ms))
        if self._stop_file.exists():
            self._trip("stop file", f"{self._stop_file} exists", "remove it when runs are allowed again")
        if self._clock.now() > self._guard.run_max:
            self._trip("run_max", f"the run lasts longer than {format_duration(self._guard.run_max)}", "")
        if evidence is not None:
            self._watch_load(evidence)

    def _watch_load(self, evidence: Evidence) -> None:
        guard = self._guard
        if guard.errors_max is None and guard.latency_max is None:
            return
        now = self._clock.now()
        samples = evidence.between(Sample, Window(now - WINDOW_S, now))
        if len(samples) < SAMPLES_MIN:
            return
        share = sum(not sample.ok for sample in samples) / len(samples)
        if guard.errors_max is not None and share > guard.errors_max:
            self._trip("errors_max", f"{share:.1%} of answers are errors, {guard.errors_max:.1%} allowed", "")
        p95_s = sorted(s.latency_ms for s in samples)[int(0.95 * (len(samples) - 1))] / 1000
        if guard.latency_max is not None and p95_s > guard.latency_max:
            self._trip("latency_max", f"p95 is {format_duration(p95_s)}", "")

    def _trip(self, guard: str, detail: str, remedy: str) -> None:
        self._recorder.record(GuardTripped(t=self._clock.now(), guard=guard, detail=detail))
        raise Aborted(f"guard '{guard}' tripped: {detail}", remedy=remedy)
