"""Verdicts on a busy machine: the nine scenarios again and again while a process burns each core.

A sound shop must never fail (a flip); inconclusive is honest, but only for a small share of them. A broken shop must
end each of its runs with exit code 1 and the check that its switch names.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaoskit.shop.broken import BROKEN, Broken

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "reports" / "soak"
INCONCLUSIVE_SHARE_MAX = 0.05
RUN_S_MAX = 900.0
_BURN = "import sys, time\nend = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end: pass"


@dataclass(frozen=True, slots=True)
class Seen:
    """One scenario of one run: `pass`, `inconclusive` or `fail`, and what its checks said where it did not pass."""

    scenario: str
    verdict: str
    why: tuple[str, ...]


@contextlib.contextmanager
def cores_burnt(count: int) -> Iterator[None]:
    """One process a core that computes without pause; each ends by itself should we be killed."""
    hogs = [subprocess.Popen([sys.executable, "-c", _BURN, str(RUN_S_MAX)]) for _ in range(count)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def chaoskit(arguments: Sequence[str], folder: Path) -> tuple[int, dict[str, Any]]:
    """(exit code, run.json) of a run under load. Raises RuntimeError where there is no run.json."""
    command = [sys.executable, "-m", "chaoskit", *arguments, "--out", str(folder / "reports")]
    env = {**os.environ, "CHAOSKIT_STATE": str(folder / "state")}
    with cores_burnt(os.cpu_count() or 1):
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=RUN_S_MAX, check=False
        )
    try:
        record: dict[str, Any] = json.loads((folder / "reports" / "latest" / "run.json").read_text())
    except OSError as error:
        raise RuntimeError(f"exit {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}") from error
    return done.returncode, record


# --- the sound shop ---------------------------------------------------------------------------------------------------


def run(times: int = 20) -> tuple[str, bool]:
    """The section of the page, and whether nothing flipped and few were inconclusive."""
    seen: list[Seen] = []
    began = time.monotonic()
    for number in range(times):
        with tempfile.TemporaryDirectory(prefix="flips-") as name:
            load = f"{os.getloadavg()[0]:.1f}"
            code, record = chaoskit(["run", "scenarios"], Path(name))
            if code:
                _keep(Path(name) / "reports" / "latest", number)
        found = [_seen(scenario) for scenario in record["scenarios"]]
        seen += found
        print(f"{number + 1}/{times}: exit {code}, load before {load}, {record['duration_s']:.0f} s", file=sys.stderr)
        for one in found:
            for line in one.why:
                print(f"   {one.scenario}: {line}", file=sys.stderr, flush=True)
    inconclusive = sum(one.verdict == "inconclusive" for one in seen) / max(1, len(seen))
    flips = sum(one.verdict == "fail" for one in seen)
    return page(seen, times, time.monotonic() - began), flips == 0 and inconclusive <= INCONCLUSIVE_SHARE_MAX


def _keep(run: Path, number: int) -> None:
    """What did not pass is kept with all its evidence, to find out why: `chaoskit judge` works on it."""
    kept = KEPT / f"flips-{time.strftime('%Y%m%d-%H%M%S')}-{number}"
    shutil.copytree(run.resolve(), kept)
    print(f"   kept as {kept.relative_to(ROOT)}", file=sys.stderr)


def _seen(scenario: dict[str, Any]) -> Seen:
    why = []
    for check in scenario["checks"]:
        if check["verdict"] != "pass":
            reasons = "; ".join(check["voided_by"])
            why.append(f"{check['verdict']} {check['id']}: {check['sentence']}{f' ({reasons})' if reasons else ''}")
    return Seen(Path(scenario["file"]).name.removesuffix(".chaos.yaml"), scenario["verdict"], tuple(why))


def page(seen: Sequence[Seen], times: int, took_s: float) -> str:
    """Markdown."""
    flips = sum(one.verdict == "fail" for one in seen)
    unclear = sum(one.verdict == "inconclusive" for one in seen)
    lines = [
        f"The nine scenarios, {times} times, with a process that computes without pause on each core "
        f"({took_s / 60:.0f} minutes): {flips} of {len(seen)} verdicts flipped, "
        f"{unclear / max(1, len(seen)):.1%} were inconclusive (asked: 0, and at most {INCONCLUSIVE_SHARE_MAX:.0%}).",
        "",
        "| scenario | pass | inconclusive | fail |",
        "|---|---|---|---|",
    ]
    for name in dict.fromkeys(one.scenario for one in seen):
        counts = Counter(one.verdict for one in seen if one.scenario == name)
        lines.append(f"| {name} | {counts['pass']} | {counts['inconclusive']} | {counts['fail']} |")
    reasons = Counter(f"{one.scenario}: {line[:400]}" for one in seen for line in one.why)
    return "\n".join([*lines, "", *(f"- {count} ×, {text}" for text, count in reasons.most_common())]).rstrip() + "\n"


# --- the broken shops -------------------------------------------------------------------------------------------------


def run_broken(times: int = 3, names: Sequence[str] = ()) -> tuple[str, bool]:
    """The same for every broken shop, or those named: exit code 1, and the check that its switch names failed."""
    lines = ["| broken on purpose | red | not red | which was seen instead |", "|---|---|---|---|"]
    all_red = True
    for name in names or BROKEN:
        missed = []
        for _ in range(times):
            with tempfile.TemporaryDirectory(prefix="broken-") as folder:
                code, record = chaoskit(["demo", "--no-live", "--broken", name], Path(folder))
            missed += [] if (said := _not_red(BROKEN[name], code, record)) == "" else [said]
        all_red = all_red and not missed
        lines.append(f"| {name} | {times - len(missed)} | {len(missed)} | {'; '.join(missed)[:600]} |")
        print(lines[-1], file=sys.stderr, flush=True)
    head = f"Every broken shop, {times} times, both cores loaded: its run must end with 1 and name the check."
    return "\n".join([head, "", *lines]) + "\n", all_red


def _not_red(broken: Broken, code: int, record: dict[str, Any]) -> str:
    """ "" where all that must be red is; else what was seen instead."""
    verdicts = {
        (Path(scenario["file"]).name, check["check"], check["verdict"])
        for scenario in record["scenarios"]
        for check in scenario["checks"]
    }
    green = [(file, check) for file, check in broken.turns_red if (file, check, "fail") not in verdicts]
    if code == 1 and not green:
        return ""
    why = [line for scenario in record["scenarios"] for line in _seen(scenario).why]
    return f"exit {code}, not red: {green}; {' / '.join(why)}".replace("|", "/").replace("\n", " ")
