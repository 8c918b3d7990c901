"""How long the services that we started waited for a processor although they wanted to run.

On a busy machine a service misses its own timeouts for want of a processor; such a failure says nothing of its code.
Linux counts the waiting per thread (`/proc/PID/task/TID/schedstat`, second field, in ns; see
https://docs.kernel.org/scheduler/sched-stats.html). Where it does not, nothing is reported.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from chaoskit.model.event import Stall
from chaoskit.ports.recorder import Recorder

WINDOW_S = 1.0
EVERY_S = 0.5
"""Windows overlap, so that no wait is cut in two."""
WAITED_MS_MIN = 100.0
"""Waiting less than this in a second is everyday life on two cores."""


class Starvation:
    """`poll` often; it records a `stall` of a service where one of its threads waited long within the last second."""

    def __init__(self, pids: Mapping[str, int], recorder: Recorder) -> None:
        self._pids = dict(pids)
        self._recorder = recorder
        self._looks: deque[tuple[float, dict[str, dict[str, int]]]] = deque()

    def poll(self, now: float) -> None:
        """Look, if half a second has passed; `now` in run seconds."""
        if self._looks and now - self._looks[-1][0] < EVERY_S:
            return
        waited = {name: _waited_ns(pid) for name, pid in self._pids.items()}
        while len(self._looks) > 1 and now - self._looks[1][0] >= WINDOW_S:
            self._looks.popleft()
        before = self._looks[0][1] if self._looks else waited
        for name, threads in waited.items():
            worst_ms = max((ns - before[name].get(thread, ns) for thread, ns in threads.items()), default=0) / 1e6
            if worst_ms >= WAITED_MS_MIN:
                self._recorder.record(Stall(t=now, process=name, stall_ms=worst_ms))
        self._looks.append((now, waited))


def _waited_ns(pid: int) -> dict[str, int]:
    """Thread → nanoseconds that it waited for a processor so far."""
    waited = {}
    folder = f"/proc/{pid}/task"
    try:
        threads = os.listdir(folder)
    except OSError:
        return {}
    for thread in threads:
        try:
            waited[thread] = int(Path(folder, thread, "schedstat").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            continue
    return waited
