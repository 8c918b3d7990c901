"""The nine scenarios in one `chaoskit run`: how much of its wall time do their own checks need?

Needed, a scenario: `before` (the declared time of its first fault) + `fault` + `after` + `quiet`:

- `fault`: the declared durations, from the first fault's time to the last one's end. Where a fault has no declared end,
  until the last instant under it that a finding shows (`Finding.at`), and where a breaker's time open is looked at, its
  declared reset time longer; then the half second after which an instant counts as known (SETTLE_S).
- `after`: from healing to the last instant that a finding shows, plus the window for which that finding looks on
  (a drained queue's calm, a closed breaker's gap, the log's second look), plus SETTLE_S; at least the steady window.
- `quiet`: the declared quiet window before effects are counted for the last time.

Everything else is ours, and is said on standard error: start-up, baseline beyond the declared time, injecting and
reverting, looking on for longer than needed, load on and off, sweeps, and teardown. Give the folder of a run to have
that one looked at instead of a new one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chaoskit import pipeline
from chaoskit.checks.thresholds import DRAINED_CALM_S, GAP_S_MIN, SETTLE_S
from chaoskit.model.event import (
    Event,
    FaultConfirmed,
    FaultReverted,
    LoadEnded,
    LoadStarted,
    PartStarted,
    PhaseStarted,
)
from chaoskit.model.plan import ScenarioPlan
from chaoskit.model.record import RunRecord, ScenarioRecord
from chaoskit.model.system import System
from chaoskit.model.verdict import Outcome
from chaoskit.report.run_folder import read_run

from tests.bench.cpu import report

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
FACTOR_MAX = 1.2
RUN_S_MAX = 600.0
LOOKS_ON_S = {"drains": DRAINED_CALM_S, "breaker": GAP_S_MIN, "breaker_log": SETTLE_S}
"""For so long after the instant that it shows a finding of the check must look on."""
WHILE_OPEN = {"fails_fast", "calls_while_open"}


@dataclass(frozen=True, slots=True)
class Needed:
    """Seconds that the checks of one scenario need."""

    before: float
    fault: float
    after: float
    quiet: float

    @property
    def total(self) -> float:
        return self.before + self.fault + self.after + self.quiet


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds that one scenario took, by what they were spent on."""

    before: float
    fault: float
    after: float
    load_off: float
    settle: float
    rest: float

    @property
    def total(self) -> float:
        return self.before + self.fault + self.after + self.load_off + self.settle + self.rest


def main(arguments: Sequence[str]) -> None:
    """Print two figures; where the time went on standard error."""
    if arguments:
        judge_run(Path(arguments[0]))
        return
    with tempfile.TemporaryDirectory(prefix="nine-") as name:
        folder = Path(name)
        command = [sys.executable, "-m", "chaoskit", "run", str(SCENARIOS), "--out", str(folder / "reports")]
        env = {**os.environ, "CHAOSKIT_STATE": str(folder / "state")}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=RUN_S_MAX, check=False)
        if done.returncode not in (0, 1, 3):
            raise RuntimeError(f"the run ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        judge_run((folder / "reports" / "latest").resolve())


def judge_run(folder: Path) -> None:
    """The figures of a saved run of the nine scenarios."""
    loaded = pipeline.load([SCENARIOS])
    plan = pipeline.make_plan(loaded)
    record, events = read_run(folder)
    started = [event.part for event in events if isinstance(event, PartStarted)]
    once = len(started) == len(set(started))
    passed = sum(scenario.outcome is Outcome.PASS for scenario in record.scenarios)
    report(
        "the nine scenarios in one run: starts",
        "the system is started once",
        f"{len(started)} parts, {'each once' if once else 'some again'}; {passed} of {len(record.scenarios)} passed",
        once and passed == len(plan.scenarios),
    )
    rows = []
    for scenario, made in zip(plan.scenarios, record.scenarios, strict=True):
        own = [event for event in events if event.scenario == scenario.index]
        rows.append((needed(scenario, made, own, loaded.system), spent(made, own)))
    say(record, rows)
    total = sum(row.total for row, _ in rows)
    factor = record.duration_s / total
    report(
        "the nine scenarios in one run: wall",
        f"≤ {FACTOR_MAX} × the windows that their checks need",
        f"{factor:.2f} × ({record.duration_s:.1f} s : {total:.1f} s)",
        factor <= FACTOR_MAX,
    )


def needed(plan: ScenarioPlan, record: ScenarioRecord, events: Sequence[Event], system: System) -> Needed:
    """As the module's docstring defines it."""
    confirmed = min((e.t for e in events if isinstance(e, FaultConfirmed)), default=record.started)
    healed = max((e.t for e in events if isinstance(e, FaultReverted)), default=record.ended)
    shown = [(v.check, v.subject, f) for v in record.verdicts for f in v.findings]
    ends = [fault.at_s + fault.for_s for fault in plan.faults if fault.for_s is not None]
    if len(ends) == len(plan.faults):
        fault_s = max(ends) - plan.faults[0].at_s
    else:
        instants = [confirmed]
        for _, subject, finding in shown:
            link = system.links.get(subject)
            if finding.at is not None and finding.at <= healed:
                reset = link.breaker.reset or 0.0 if link is not None and link.breaker is not None else 0.0
                instants.append(finding.at + (reset if finding.name in WHILE_OPEN else 0.0))
        fault_s = max(instants) - confirmed + SETTLE_S
    later = [f.at - healed + LOOKS_ON_S.get(check, 0.0) for check, _, f in shown if f.at is not None and f.at > healed]
    steady = plan.scenario.steady
    after_s = max([*(instant + SETTLE_S for instant in later), steady.window if steady is not None else 0.0])
    return Needed(plan.baseline_s, fault_s, after_s, plan.needs.quiet_s)


def spent(record: ScenarioRecord, events: Sequence[Event]) -> Spent:
    """What each phase took; `before` begins with the load, what came before that is in `rest`."""
    phases = {event.phase: event.t for event in events if isinstance(event, PhaseStarted)}
    begun = min((e.t for e in events if isinstance(e, LoadStarted)), default=record.started)
    fault = phases.get("fault", record.ended)
    begun = min(begun, fault)
    recovery = phases.get("recovery", record.ended)
    settle = phases.get("settle", record.ended)
    off = max((e.t for e in events if isinstance(e, LoadEnded)), default=settle)
    over = min(off, settle)
    # `load.ended` is recorded once all that was in flight has drained, so the phase's own end is not told apart from it
    return Spent(
        before=fault - begun,
        fault=recovery - fault,
        after=max(0.0, over - recovery),
        load_off=settle - over,
        settle=record.ended - settle,
        rest=begun - record.started,
    )


def say(record: RunRecord, rows: Sequence[tuple[Needed, Spent]]) -> None:
    """A markdown table: spent (needed) seconds a scenario, and what no scenario accounts for."""
    head = "| scenario | wall | before | fault | after | load off | settle (quiet) | before the load |"
    print(head + "\n|" + "---|" * 8, file=sys.stderr)
    for (need, took), made in zip(rows, record.scenarios, strict=True):
        cells = [
            Path(made.file).name.removesuffix(".chaos.yaml"),
            f"{made.ended - made.started:.1f} ({need.total:.1f})",
            f"{took.before:.2f} ({need.before:.2f})",
            f"{took.fault:.2f} ({need.fault:.2f})",
            f"{took.after:.2f} ({need.after:.2f})",
            f"{took.load_off:.2f}",
            f"{took.settle:.2f} ({need.quiet:.2f})",
            f"{took.rest:.2f}",
        ]
        print(f"| {' | '.join(cells)} |", file=sys.stderr)
    played = sum(made.ended - made.started for made in record.scenarios)
    first, last = record.scenarios[0].started, record.scenarios[-1].ended
    print(
        f"start-up {first:.1f} s, between scenarios {last - first - played:.2f} s, teardown "
        f"{record.duration_s - last:.2f} s, beyond what is needed within scenarios "
        f"{played - sum(need.total for need, _ in rows):.1f} s",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
