"""What the installers of third-party programs share: a lock, a staging folder, and commands whose output is shown.

Standard library only: `tools/bootstrap.py` runs the installers before anything else is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from chaoskit.errors import PartFailed
from chaoskit.installed import tool_folders

_TAIL_LINES = 15


def install_folder() -> Path:
    """Where programs are put: the best of `tool_folders()` that is not merely the current directory's."""
    candidates = [folder for folder in tool_folders() if folder != Path.cwd() / ".tools"]
    checkout = Path(__file__).resolve().parent.parent
    if not os.environ.get("CHAOSKIT_TOOLS") and (checkout / "pyproject.toml").is_file():
        return checkout / ".tools"
    return candidates[0]


def say(part: str, text: str) -> None:
    """One line of progress."""
    print(f"{part}: {text}", flush=True)


@contextlib.contextmanager
def staging(tools: Path, name: str) -> Iterator[Path]:
    """An empty folder `<tools>/.staging/<name>`, ours alone while the block lasts, gone after it.

    A second installer waits for the first. What an interrupted one left is removed: a program appears in its final
    place by one rename, or not at all. Raises PartFailed where the folder can't be written.
    """
    folder = tools / ".staging" / name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = (folder.parent / f"{name}.lock").open("w")
    except OSError as error:
        raise PartFailed(
            f"cannot write the folder for programs: {error.strerror}",
            where=str(tools),
            remedy="make it writable, or set CHAOSKIT_TOOLS to a folder of your own",
        ) from error
    with lock:
        _lock(lock.fileno(), name)
        _remove(folder)
        folder.mkdir()
        try:
            yield folder
        finally:
            _remove(folder)


def run_step(
    part: str, command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """Run `command`, show its lines as progress, return them joined. Raises PartFailed with its last lines."""
    full_env = {**os.environ, "LC_ALL": "C", **(env or {})}
    tail: deque[str] = deque(maxlen=2000)
    try:
        process = subprocess.Popen(
            list(command), env=full_env, cwd=cwd, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise PartFailed(f"cannot run {command[0]}: {error.strerror}", remedy=f"install {command[0]}") from error
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            tail.append(line.rstrip())
            say(part, f"  {line.rstrip()}")
    if process.returncode:
        last = "\n    ".join(list(tail)[-_TAIL_LINES:])
        raise PartFailed(f"{' '.join(command[:3])} … ended with exit code {process.returncode}:\n    {last}")
    return "\n".join(tail)


def ask(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> str | None:
    """The output of a quick, silent command; None where it is missing, fails or takes longer than 60 s."""
    try:
        done = subprocess.run(
            list(command), env={**os.environ, "LC_ALL": "C", **(env or {})}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=60, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def place(built: Path, final: Path) -> None:
    """Put a finished file or folder in its final place; whoever uses an older one there keeps it open."""
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.is_dir():
        old = built.parent / f"{final.name}.old"
        final.rename(old)
    built.rename(final)


def _lock(fd: int, name: str) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(name, "another set-up is at it; waiting for it")
        fcntl.flock(fd, fcntl.LOCK_EX)


def _remove(folder: Path) -> None:
    """Go's module cache is read-only by default: make it writable where that hinders."""

    def unlock(function: object, path: str, _error: object) -> None:
        with contextlib.suppress(OSError):
            os.chmod(Path(path).parent, 0o700)
            os.chmod(path, 0o700)
            os.rmdir(path) if os.path.isdir(path) else os.unlink(path)

    shutil.rmtree(folder, onerror=unlock)
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


def end_with(error: PartFailed) -> int:
    """Say what went wrong; the exit code for it."""
    print(f"\n{error}", file=sys.stderr, flush=True)
    return int(error.exit_code)
