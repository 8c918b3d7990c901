"""Writing a file so that a reader sees the old one or the new one, never half of it."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from chaoskit.errors import UsageProblem


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` by `text` in UTF-8; lone surrogates become `?`. Raises UsageProblem where it can't."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not tempfile: it imports shutil and random. One process writes a file once at a time.
        fresh = path.with_name(f".{path.name}.{os.getpid()}-{time.monotonic_ns()}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        fresh.chmod(0o644)  # whatever the umask: CI artefact collectors run as somebody else
        fresh.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()


def _unwritable(path: Path, error: OSError) -> UsageProblem:
    return UsageProblem(
        f"cannot write {path.name}: {error.strerror or error}",
        where=str(path),
        remedy="choose another folder with --out, or make room",
    )
