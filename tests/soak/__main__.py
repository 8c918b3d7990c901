"""`python -m tests.soak [kill|flips|broken] [--times N]`: the long measurements, into docs/soak.md.

Without a name all of them. Each replaces its own section of the page. The exit code is 1 where something was left
behind, a verdict flipped, or more than the allowed share was inconclusive.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import signal
import sys
from pathlib import Path

from tests.soak import flips, kill

PAGE = Path(__file__).resolve().parents[2] / "docs" / "soak.md"
HEAD = """\
# Soak

Written by `make soak`: what takes too long for every change. Each section says when it was measured.
"""
TITLES = {
    "kill": "Runs that are killed",
    "flips": "Verdicts on a busy machine",
    "broken": "Broken shops on a busy machine",
}


def main(arguments: list[str]) -> int:
    """Measure, write the page; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(TITLES)}; all if left out")
    parser.add_argument("--times", type=int, help="how often; each has its own default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry", action="store_true", help="print the section, leave the page alone")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(TITLES):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}; there are {', '.join(TITLES)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what we started ourselves is ended
    all_ok = True
    for name in given.names or TITLES:
        section, ok = measure(name, given.times, given.seed)
        all_ok = all_ok and ok
        print(section, flush=True)
        if not given.dry:
            PAGE.write_text(with_section(PAGE.read_text() if PAGE.exists() else HEAD, TITLES[name], section))
    return int(not all_ok)


def measure(name: str, times: int | None, seed: int) -> tuple[str, bool]:
    """The section's text, and whether it is as asked."""
    if name == "kill":
        return kill.run(times or 200, seed)
    return flips.run(times or 20) if name == "flips" else flips.run_broken(times or 3)


def with_section(page: str, title: str, text: str) -> str:
    """The page with this section replaced, or added at its end."""
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    where = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    section = f"## {title}\n\n{today}, {where}.\n\n{text.strip()}\n"
    parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    kept = [section if part.startswith(f"## {title}\n") else part.rstrip() + "\n" for part in parts]
    if section not in kept:
        kept.append(section)
    return "\n".join(kept)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
