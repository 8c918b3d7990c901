"""What services themselves say of their breakers, read from their logs."""

from __future__ import annotations

import re
from pathlib import Path

from chaoskit.model.event import BreakerLogged
from chaoskit.model.system import parse_link_name
from chaoskit.ports.recorder import Recorder
from chaoskit.run.clock import RunClock

_STATES = {"open": "open", "opened": "open", "closed": "closed", "close": "closed", "half-open": "half-open"}


class BreakerLog:
    """Follows one service's log file; a line that matches the service's `breaker_log` becomes evidence."""

    def __init__(self, log: Path, pattern: str, default_link: str, clock: RunClock, recorder: Recorder) -> None:
        self._log = log
        self._pattern = re.compile(pattern.encode())
        self._default_link = default_link
        self._clock = clock
        self._recorder = recorder
        self._offset = 0

    def poll(self) -> None:
        """Read what was written since; half a line waits for its other half."""
        try:
            with self._log.open("rb") as file:
                file.seek(self._offset)
                text = file.read()
        except OSError:
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            if match := self._pattern.search(line):
                self._record({key: value.decode() for key, value in match.groupdict().items() if value})

    def _record(self, groups: dict[str, str]) -> None:
        state = groups.get("state", "").lower().replace("_", "-").replace("halfopen", "half-open")
        t = self._clock.from_wall(float(groups["time"])) if "time" in groups else self._clock.now()
        link = parse_link_name(groups["link"]) if "link" in groups else self._default_link
        self._recorder.record(BreakerLogged(t=t, link=link, state=_STATES.get(state, state)))
