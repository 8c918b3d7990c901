"""The safety net of a run as one thing: lock, leftovers, journal, watchdog, stop file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaoskit.errors import Aborted, LeftoversFound
from chaoskit.run.journal import Journal
from chaoskit.run.lock import SystemLock, file_hash, state_root, system_folder
from chaoskit.run.watchdog_process import Watchdog


class Safety:
    """`claimed()` holds the system for one run; within it, `journal` is open and the watchdog watches."""

    def __init__(self, system: str, system_file: Path, command: str) -> None:
        self.folder = system_folder(system, system_file)
        self.stop_file = state_root() / "stop"
        self._command = command
        self._journal: Journal | None = None
        self._watchdog: Watchdog | None = None

    def unprotected(self) -> str:
        """Why the run must be stopped, because nobody would put things back if it were killed; else ""."""
        return self._watchdog.gone() if self._watchdog is not None else ""

    @property
    def journal(self) -> Journal:
        """The open journal; only within `claimed()`."""
        assert self._journal is not None, "the system is not claimed"
        return self._journal

    @contextmanager
    def claimed(self) -> Iterator[list[str]]:
        """Take the lock, heal leftovers (yielded, in words), open the journal, start the watchdog.

        Raises Aborted while the stop file exists, UsageProblem while another run holds the system, LeftoversFound
        when an earlier run's changes could not be undone.
        """
        if self.stop_file.exists():
            raise Aborted(
                "runs are stopped on this machine", where=str(self.stop_file), remedy="remove that file to allow runs"
            )
        with SystemLock(self.folder, self._command) as lock:
            healed = heal_folder(self.folder)
            self._journal = Journal(self.folder)
            watchdog = self._watchdog = Watchdog(self.folder, lock.fd)
            watchdog.start()
            self._journal.tag_family()
            try:
                yield healed
            finally:
                self._journal.end_family()
                self._journal.undo_open()  # nothing stands open, unless a bug of ours cut the clean-up short
                watchdog.dismiss()
                self._journal.close()


def heal_folder(folder: Path) -> list[str]:
    """Undo what stands open in one system's journal; says what was done. Raises LeftoversFound for the rest."""
    journal = Journal(folder)
    try:
        done = journal.undo_open()
    finally:
        journal.close()
    left = [what for what, undone in done if not undone]
    if left:
        raise LeftoversFound(
            "an earlier run left something that could not be put back: " + "; ".join(left),
            where=str(folder),
            remedy="see to it by hand, then run `chaoskit heal` again",
        )
    return [what for what, _ in done]


def heal_all(system_file: Path | None) -> list[str]:
    """Heal one system, or every system that has a journal on this machine. A run that goes on is left alone."""
    root = state_root()
    folders = sorted(path for path in root.glob("*") if path.is_dir()) if root.is_dir() else []
    if system_file is not None:
        folders = [path for path in folders if path.name.endswith(file_hash(system_file))]
    healed: list[str] = []
    for folder in folders:
        with SystemLock(folder, f"heal, pid {os.getpid()}"):
            healed += [f"{folder.name}: {what}" for what in heal_folder(folder)]
    return healed
