"""Where the stages meet: file → model → plan → evidence → verdicts → report. What people touch calls only this.

Stages are imported inside the functions: `plan` must not pay for the report, nor `judge` for the engines.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from chaoskit import __version__
from chaoskit.errors import Aborted, ChaoskitError, ExitCode, UsageProblem
from chaoskit.model.event import Event
from chaoskit.model.plan import Plan
from chaoskit.model.record import RunRecord, ScenarioRecord
from chaoskit.model.scenario import Scenario
from chaoskit.model.system import System
from chaoskit.model.verdict import Finding, Outcome, Verdict


class Loaded(Struct, frozen=True):
    """The user's files, read and validated."""

    system: System
    system_file: Path
    scenarios: tuple[Scenario, ...]


class RunOptions(Struct, frozen=True):
    """`out` is the folder that gets a folder per run. `extra_env` adds variables to services (by name, or `*`)."""

    out: Path = Path("reports")
    seed: int | None = None
    extra_env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    command: str = ""


class RunResult(Struct, frozen=True):
    """What a run found, where it lies, and what the process should end with."""

    record: RunRecord
    folder: Path
    exit_code: ExitCode
    error: ChaoskitError | None = None


class Listener(Protocol):
    """Watches a run: every event as it is recorded, and the verdicts as they stand."""

    def on_event(self, event: Event) -> None: ...

    def on_verdicts(self, scenario_index: int, verdicts: tuple[Verdict, ...]) -> None: ...


def load(paths: Sequence[Path], *, system_file: Path | None = None, only: str = "") -> Loaded:
    """Read and validate everything. Raises FileProblem with all that is wrong, UsageProblem for zero scenarios."""
    from chaoskit.files import find_system_file, load_scenarios, load_system
    from chaoskit.registry import vocabulary

    if not paths:
        raise UsageProblem("no scenario file was given", remedy="name `*.chaos.yaml` files or a folder of them")
    found = system_file or find_system_file(paths[0])
    with _no_pydantic_plugins():
        system = load_system(found)
        scenarios = load_scenarios(paths, vocabulary(), system)
    chosen = tuple(s for s in scenarios if only.lower() in s.scenario.lower() or only in s.file)
    if not chosen:
        raise UsageProblem(
            f"no scenario matches {only!r}" if only else "there is no scenario in these files",
            where=", ".join(map(str, paths)),
            remedy="known: " + "; ".join(s.scenario for s in scenarios)
            if scenarios
            else "scenarios end in .chaos.yaml",
        )
    return Loaded(system, found, chosen)


@contextmanager
def _no_pydantic_plugins() -> Iterator[None]:
    """Looking for plugins, of which we use none, opens every package that is installed and imports 25 modules.

    For the time of a load an empty module stands where pydantic asks for them.
    """
    named = "pydantic.plugin._loader"
    if named in sys.modules:  # somebody else in this process has paid already
        yield
        return
    stand_in = ModuleType(named)
    stand_in.__dict__["get_plugins"] = tuple
    sys.modules[named] = stand_in
    try:
        yield
    finally:
        del sys.modules[named]


def make_plan(loaded: Loaded, seed: int | None = None) -> Plan:
    """What a run would do. No side effect. Raises UsageProblem."""
    from chaoskit.plan.timeline import make_plan as plan_of

    return plan_of(loaded.system, str(loaded.system_file), loaded.scenarios, seed)


def run(loaded: Loaded, options: RunOptions, listener: Listener | None = None) -> RunResult:
    """Run it, judge it, and write its folder. Raises UsageProblem before anything is started."""
    from chaoskit.engines import RealEngines
    from chaoskit.plan.timeline import links_with_toxics
    from chaoskit.report.events_ndjson import EventsWriter
    from chaoskit.run.clock import RunClock
    from chaoskit.run.recorder import RunRecorder
    from chaoskit.run.safety import Safety
    from chaoskit.run.session import SessionOptions, not_played, run_session

    plan = make_plan(loaded, options.seed)
    clock = RunClock()
    folder = _new_folder(options.out, clock.origin_wall, loaded.system.system)
    events: list[Event] = []
    _keep_files(folder, loaded)
    with EventsWriter(folder / "events.ndjson") as writer:

        def sink(event: Event) -> None:
            events.append(event)
            writer.record(event)
            if listener is not None:
                listener.on_event(event)

        session_options = SessionOptions(
            folder=folder,
            version=__version__,
            extra_env=options.extra_env,
            toxic_links=links_with_toxics(plan),
            on_verdicts=listener.on_verdicts if listener is not None else lambda index, verdicts: None,
        )
        safety = Safety(loaded.system.system, loaded.system_file, options.command)
        result = run_session(plan, RealEngines(), session_options, clock, RunRecorder(sink), safety)
        error = result.error
        why = error.what if error else "the run ended before"
        records = [
            *result.records,
            *(_unplayed(s.scenario, s.index, why, clock.now()) for s in not_played(plan, result)),
        ]
        record = _record(plan, options, folder, clock.origin_wall, clock.now(), records, error, events)
    _write_reports(folder, record, plan, events)
    _point_latest(options.out, folder)
    return RunResult(record, folder, exit_code_of(record, error), error)


def judge(folder: Path) -> RunResult:
    """Judge a saved run again, from its evidence alone, and write its reports anew. Raises UsageProblem."""
    from chaoskit.checks.judge import judge_scenario
    from chaoskit.model.evidence import evidence_of
    from chaoskit.report.run_folder import read_run

    saved, events = read_run(folder)
    loaded = _kept_files(folder)
    plan = make_plan(loaded, saved.seed or None)
    by_scenario = _by_scenario(events)
    scenarios = []
    for old in saved.scenarios:
        if old.index < len(plan.scenarios) and not old.reason.startswith("not played"):
            evidence = evidence_of(plan.scenarios[old.index], by_scenario.get(old.index, []))
            old = replace(old, verdicts=judge_scenario(evidence, loaded.system, final=True))
        scenarios.append(old)
    record = replace(saved, scenarios=tuple(scenarios))
    _write_reports(folder, record, plan, events)
    return RunResult(record, folder, exit_code_of(record, None))


def heal(system_file: Path | None = None) -> list[str]:
    """Undo whatever earlier runs left (of one system, or of all); says what was done. Raises LeftoversFound."""
    from chaoskit.run.safety import heal_all

    return heal_all(system_file)


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schemas by name: system, scenario, event, run."""
    from chaoskit.files import schema
    from chaoskit.registry import vocabulary
    from chaoskit.report.events_ndjson import event_schema
    from chaoskit.report.run_json import run_schema

    return {**schema(vocabulary()), "event": event_schema(), "run": run_schema()}


def exit_code_of(record: RunRecord, error: ChaoskitError | None) -> ExitCode:
    """1 when a check failed, 130 when aborted, 4 when something broke, 3 when inconclusive, 0 when all passed."""
    if isinstance(error, Aborted) or record.aborted:
        return ExitCode.ABORTED
    if record.outcome is Outcome.FAIL:
        return ExitCode.FAILED
    if error is not None:
        return error.exit_code
    if record.broken:
        return ExitCode.BROKEN
    return ExitCode.PASSED if record.outcome is Outcome.PASS else ExitCode.INCONCLUSIVE


# --- the run's folder ------------------------------------------------------------------------------------------------


def _new_folder(out: Path, wall: float, system: str) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(wall))
    for n in range(1000):
        folder = out / (f"{stamp}-{system}" + (f"-{n}" if n else ""))
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageProblem(
                f"cannot write there: {error.strerror}", where=str(folder), remedy="choose another folder with --out"
            ) from error
        return folder
    raise UsageProblem("no free name for the run's folder", where=str(out))


def _keep_files(folder: Path, loaded: Loaded) -> None:
    """Keep what the run was made from, so that it can be judged again when the files have changed."""
    import json

    kept = folder / "files"
    kept.mkdir()
    (kept / "chaoskit.yaml").write_bytes(loaded.system_file.read_bytes())
    names = {}
    for n, file in enumerate(dict.fromkeys(s.file for s in loaded.scenarios)):
        names[f"{n:03}.chaos.yaml"] = file
        (kept / f"{n:03}.chaos.yaml").write_bytes(Path(file).read_bytes())
    kept_from = {
        "system_file": str(loaded.system_file),
        "files": names,
        "chosen": [[s.file, s.line] for s in loaded.scenarios],
    }
    (kept / "kept.json").write_text(json.dumps(kept_from, indent=2) + "\n")


def _kept_files(folder: Path) -> Loaded:
    import json

    kept = folder / "files"
    try:
        origin = json.loads((kept / "kept.json").read_text())
        again = load(sorted(kept.glob("*.chaos.yaml")), system_file=kept / "chaoskit.yaml")
        names: dict[str, str] = origin["files"]
        chosen = {(file, line) for file, line in origin["chosen"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageProblem(
            f"the files that this run was made from can't be read: {error}",
            where=str(kept),
            remedy="only runs whose folder is whole can be judged again",
        ) from error
    scenarios = (s.model_copy(update={"file": names[Path(s.file).name]}) for s in again.scenarios)
    return Loaded(again.system, kept / "chaoskit.yaml", tuple(s for s in scenarios if (s.file, s.line) in chosen))


def _point_latest(out: Path, folder: Path) -> None:
    latest, fresh = out / "latest", out / f".latest-{folder.name}"
    fresh.symlink_to(folder.name)
    fresh.replace(latest)


# --- records and reports ------------------------------------------------------------------------------------


def _record(
    plan: Plan,
    options: RunOptions,
    folder: Path,
    wall: float,
    duration_s: float,
    records: Sequence[ScenarioRecord],
    error: ChaoskitError | None,
    events: Sequence[Event],
) -> RunRecord:
    from chaoskit.model.event import PartStarted

    engines = [f"{e.part} {e.detail}".strip() for e in events if isinstance(e, PartStarted) and e.role != "service"]
    return RunRecord(
        run=folder.name,
        system=plan.system.system,
        system_file=plan.system_file,
        version=__version__,
        wall=wall,
        duration_s=duration_s,
        engine="; ".join(engines),
        sight=dict(plan.links),
        seed=options.seed or 0,
        command=options.command,
        scenarios=tuple(records),
        broken="" if error is None or isinstance(error, Aborted) else str(error),
        aborted=error.what if isinstance(error, Aborted) else "",
    )


def _unplayed(scenario: Scenario, index: int, why: str, now: float) -> ScenarioRecord:
    verdicts = tuple(
        Verdict.of(
            check.keyword,
            check.rule,
            check.subject,
            [Finding("played", Outcome.INCONCLUSIVE, "the scenario is played", f"it was not: {why}")],
        )
        for check in scenario.expect
    )
    return ScenarioRecord(
        index, scenario.scenario, scenario.file, scenario.line, scenario.about, verdicts, now, now, f"not played: {why}"
    )


def _by_scenario(events: Sequence[Event]) -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = {}
    for event in events:
        found.setdefault(event.scenario, []).append(event)
    return found


def _write_reports(folder: Path, record: RunRecord, plan: Plan, events: Sequence[Event]) -> None:
    from chaoskit.report.html import write_html
    from chaoskit.report.junit import write_junit
    from chaoskit.report.run_json import write_run_json
    from chaoskit.stories import story_of

    by_scenario = _by_scenario(events)
    stories = {
        index: story_of(plan.scenarios[index], plan.system, found, folder)
        for index, found in by_scenario.items()
        if index >= 0
    }
    write_run_json(folder / "run.json", record)
    write_junit(folder / "junit.xml", record)
    write_html(folder / "report.html", record, stories, by_scenario, plan.scenarios, plan.system)
