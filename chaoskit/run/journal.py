"""What would have to be undone, on disk before it is done: `journal.ndjson` in the system's state folder."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from chaoskit.model.instruction import Undo
from chaoskit.run.undo import JOURNAL, MARKER, TAG_VARIABLE, end_family, open_entries, remove_tree, start_of, undo_open


class Journal:
    """Implements ports.journal.Journal. Opening it empties a journal that has nothing open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tokens = 0
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._file = os.open(folder / JOURNAL, flags if open_entries(str(folder)) else flags | os.O_TRUNC, 0o600)
        self._prefix = f"{os.getpid()}-{time.monotonic_ns()}-"
        self._family = ""
        self._outer_tag: str | None = None

    def enter(self, undo: Undo) -> str:
        self._tokens += 1
        token = f"{self._prefix}{self._tokens}"
        self._write({"op": "enter", "token": token, "kind": undo.kind, "args": dict(undo.args)})
        return token

    def done(self, token: str) -> None:
        self._write({"op": "done", "token": token})

    def guard_process(self, pid: int, name: str) -> str:
        start = start_of(pid)
        return self.enter(Undo("process", {"pid": pid, "start": -1 if start is None else start, "name": name}))

    def guard_folder(self, path: str) -> str:
        (Path(path) / MARKER).touch()
        return self.enter(Undo("folder", {"path": path}))

    def make_folder(self, path: Path) -> str:
        """Make a folder of ours; it stands in the journal before it stands on disk."""
        token = self.enter(Undo("folder", {"path": str(path)}))
        path.mkdir(parents=True, exist_ok=True)
        (path / MARKER).touch()
        return token

    def remove_folder(self, token: str, path: Path) -> None:
        """Remove a folder made with `make_folder`; what can't be removed stays in the journal."""
        if remove_tree(str(path)):
            self.done(token)

    def tag_family(self) -> None:
        """From now on every process that we start carries a tag by which it is found, whatever becomes of us."""
        # A tag of its own for each run: the next one of this process must not take later children for leftovers.
        tag = f"{os.getpid()}-{start_of(os.getpid())}-{time.monotonic_ns()}"
        self._family = self.enter(Undo("family", {"tag": tag}))
        self._outer_tag, os.environ[TAG_VARIABLE] = os.environ.get(TAG_VARIABLE), tag

    def end_family(self) -> None:
        """End what still carries the tag, and tag no more: what this process starts from now on is not the run's."""
        tag = os.environ.pop(TAG_VARIABLE)
        if self._outer_tag is not None:
            os.environ[TAG_VARIABLE] = self._outer_tag
        if end_family(tag):
            self.done(self._family)

    def release(self, token: str) -> None:
        self.done(token)

    def undo_open(self) -> list[tuple[str, bool]]:
        """Undo what stands open, the newest first: (what was done, whether it succeeded)."""
        return undo_open(str(self._folder), self.done)

    def close(self) -> None:
        """Close the file. What stands open in it stays for `chaoskit heal`."""
        os.close(self._file)

    def _write(self, row: dict[str, object]) -> None:
        # One write of one line: a kill leaves the whole line or none of it. The page cache survives our death, and
        # with the machine's death everything that we could undo is gone as well, so there is no fsync here.
        os.write(self._file, json.dumps(row).encode() + b"\n")
