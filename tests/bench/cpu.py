"""CPU seconds of whole processes, children included, side by side."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def cpu_s(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, ok: int = 0
) -> float:
    """User and system seconds of one run of a command and its children; raises if it does not end with `ok`."""
    # Compiled once, as an installed tool is; some environments switch that off.
    env = {**(env or {}), "PYTHONDONTWRITEBYTECODE": ""}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, env={**os.environ, **env}, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != ok:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def pairs(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """(median of ours, median of theirs, median of the ratios pair by pair)."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return statistics.median(ours), statistics.median(theirs), statistics.median(ratios)


def report(name: str, asked: str, measured: str, ok: bool) -> None:
    """One figure as a JSON line, for the collector."""
    print(json.dumps({"name": name, "asked": asked, "measured": measured, "ok": ok}), flush=True)
