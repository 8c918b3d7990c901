"""The run's side of the watchdog."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from chaoskit.run import watchdog as script

ENDS_WITHIN_S = 10.0


class Watchdog:
    """Started before anything is changed, dismissed when everything is back. `lock` stays held until it has ended."""

    def __init__(self, folder: Path, lock: int) -> None:
        self._folder = folder
        self._lock = lock
        self._pipe = -1
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. Its end of the pipe is its standard input; ours is inherited by nobody."""
        read_end, self._pipe = os.pipe()
        # Held back from it until it ignores them, and for this moment from us: it must not die while it starts.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, script.IGNORED)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", script.__file__, str(self._folder)],
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(self._lock,),
                start_new_session=True,
                cwd="/",
                env={},  # none of our environment: it must not carry the tag by which the run's processes are found
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(read_end)

    def gone(self) -> str:
        """Why a run must not go on: it would be unprotected. "" while the watchdog watches."""
        if self._process is None or self._process.poll() is None:
            return ""
        return "the watchdog, which puts everything back when this process is killed, is gone"

    def dismiss(self) -> None:
        """Say farewell and wait until it has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(BrokenPipeError):  # somebody killed it; the journal is empty by now, so nothing is lost
            os.write(self._pipe, script.FAREWELL)
        os.close(self._pipe)
        process.wait(ENDS_WITHIN_S)
