"""One run at a time per system: a lock file in the system's state folder, held by the run and its watchdog."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from pathlib import Path
from types import TracebackType

from chaoskit.errors import UsageProblem

CLEANING_S_MAX = 15.0
"""How long the watchdog of a killed run may still hold the lock."""


def state_root() -> Path:
    """Where journals, locks and the stop file lie: `CHAOSKIT_STATE`, else the user's state folder."""
    if named := os.environ.get("CHAOSKIT_STATE"):
        return Path(named)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "chaoskit"


def file_hash(system_file: Path) -> str:
    """Tells systems of the same name in different places apart."""
    return hashlib.sha256(str(system_file.resolve()).encode()).hexdigest()[:10]


def system_folder(system: str, system_file: Path) -> Path:
    """The state folder of one system; made if need be."""
    folder = state_root() / f"{system}-{file_hash(system_file)}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class SystemLock:
    """A context manager. Raises UsageProblem, naming the holder, while another run is at work on the system."""

    def __init__(self, folder: Path, command: str) -> None:
        self._path = folder / "lock"
        self._command = command
        self.fd = -1

    def __enter__(self) -> SystemLock:
        self.fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + CLEANING_S_MAX
        while not self._take():
            holder = self._holder()
            if _alive(holder.get("pid", 0)) or time.monotonic() > deadline:
                os.close(self.fd)
                raise UsageProblem(
                    f"another run is at work on this system: pid {holder.get('pid', '?')}, since "
                    f"{holder.get('since', '?')}, {holder.get('command') or 'unknown command'}",
                    where=str(self._path),
                    remedy="wait until it has ended, or stop it (it puts everything back)",
                )
            time.sleep(0.05)  # its runner is dead: the watchdog is putting things back right now
        os.ftruncate(self.fd, 0)
        said = {"pid": os.getpid(), "since": time.strftime("%H:%M:%S"), "command": self._command}
        os.pwrite(self.fd, json.dumps(said).encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.fd)

    def _take(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holder(self) -> dict[str, object]:
        try:
            found = json.loads(os.pread(self.fd, 4096, 0) or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def _alive(pid: object) -> bool:
    return isinstance(pid, int) and pid > 0 and Path(f"/proc/{pid}").exists()
