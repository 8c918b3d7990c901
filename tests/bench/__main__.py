"""`make bench`: run every tests/bench/bench_*.py in a process of its own and write docs/benchmarks.md.

A bench is a module that prints JSON lines `{"name", "asked", "measured", "ok"}` (and anything else to stderr).
Names after `python -m tests.bench` select benches: `python -m tests.bench toxiproxy`. The exit code is 1 where a figure
is not met, and where a bench fails.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
BENCH_S_MAX = 1800

Row = dict[str, object]


def main(names: list[str]) -> int:
    """Run the benches, all or those named; the exit code."""
    modules = sorted(path.stem for path in FOLDER.glob("bench_*.py"))
    chosen = [module for module in modules if not names or module.removeprefix("bench_") in names]
    if not chosen:
        print(f"no such bench; there are: {', '.join(m.removeprefix('bench_') for m in modules)}", file=sys.stderr)
        return 2
    rows = [row for module in chosen for row in run(module)]
    if not names:  # a part of the figures must not replace the page with all of them
        PAGE.write_text(page(rows))
        print(f"written to {PAGE.relative_to(ROOT)}")
    return int(not all(row["ok"] for row in rows))


def run(module: str) -> list[Row]:
    """The rows of one bench, each printed as it comes; one that says why where it fails."""
    print(f"{module} …", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"tests.bench.{module}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            timeout=BENCH_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [failed(module, f"took more than {BENCH_S_MAX} s")]
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    rows = [row for row in found if "name" in row]  # what else a bench prints explains its figures
    if done.returncode and all(row["ok"] for row in rows):
        rows.append(failed(module, f"ended with exit code {done.returncode}"))
    if not rows:
        rows.append(failed(module, "printed no figure"))
    for row in rows:
        print(line_of(row), flush=True)
    return rows


def failed(module: str, why: str) -> Row:
    """The row of a bench that gave no figures."""
    return {"name": module, "asked": "figures", "measured": why, "ok": False}


def line_of(row: Row) -> str:
    """The row as a line of a markdown table."""
    return f"| {row['name']} | {row['asked']} | {row['measured']} | {'yes' if row['ok'] else '**no**'} |"


def page(rows: list[Row]) -> str:
    """docs/benchmarks.md."""
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    head = [
        "# Figures",
        "",
        f"Written by `make bench` on {today}: Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores.",
        "Side by side with what each is compared to, in turns, as medians: trust the ratios, not the times.",
        "",
        "| what | asked | measured | met |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *(line_of(row) for row in rows), ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
