"""What the installers of third-party programs share: a lock, a staging folder, and commands whose output is shown.

Standard library only: `tools/bootstrap.py` runs the installers before anything else is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from chaoskit.errors import ExitCode, PartFailed
from chaoskit.installed import tool_folders

_TAIL_LINES = 15


def install_folder() -> Path:
    """Where programs are put: `CHAOSKIT_TOOLS`, else the checkout's `.tools`, else the user's cache."""
    *named_or_checkout, _current, cache = tool_folders()
    return named_or_checkout[0] if named_or_checkout else cache


def say(part: str, text: str) -> None:
    """One line of progress."""
    print(f"{part}: {text}", flush=True)


@contextlib.contextmanager
def staging(tools: Path, name: str) -> Iterator[Path]:
    """An empty folder below `<tools>/.staging`, ours alone while the block lasts, gone after it.

    A second installer waits for the first. What an interrupted one left is removed: a program appears in its final
    place by one rename, or not at all. Raises PartFailed where the folder can't be written.
    """
    stages = tools / ".staging"
    try:
        stages.mkdir(parents=True, exist_ok=True)
        lock = (stages / f"{name}.lock").open("w")
    except OSError as error:
        raise PartFailed(
            f"cannot write the folder for programs: {error.strerror}",
            where=str(tools),
            remedy="make it writable, or set CHAOSKIT_TOOLS to a folder of your own",
        ) from error
    with lock:
        _lock(lock.fileno(), name)
        for left in stages.glob(f"{name}-*"):
            _remove(left)
        # A new name each time: a build whose parent was killed may still be writing to the old one.
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=stages))
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
        try:
            for line in process.stdout:
                tail.append(line.rstrip())
                say(part, f"  {line.rstrip()}")
        except BaseException:
            process.kill()
            raise
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
    """As much of it as can be removed; the rest is left for the next time."""
    shutil.rmtree(folder, ignore_errors=True)


def run_installer(part: str, install: Callable[[], str]) -> int:
    """Install, with progress on stdout and no traceback for what can go wrong; the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by set-up: end what runs below us as well
    try:
        say(part, install())
    except PartFailed as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return int(error.exit_code)
    except KeyboardInterrupt:
        say(part, "interrupted; run it again to go on")
        return int(ExitCode.ABORTED)
    return int(ExitCode.PASSED)
