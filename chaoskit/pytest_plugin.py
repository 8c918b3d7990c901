"""`*.chaos.yaml` as tests: a scenario is a collector, each of its checks an item `f.yaml::scenario::check[subject]`.

All selected scenarios of one system run in one go, with the system started once, when the first of their checks is
due. Under xdist the first worker to get there runs them; the others wait and judge what it left. Everything but
pytest is imported at the first `*.chaos.yaml`: unused, this plugin costs nothing. See docs/guides/pytest.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from chaoskit.model.record import ScenarioRecord
    from chaoskit.model.scenario import CheckSpec, Scenario
    from chaoskit.model.verdict import Verdict
    from chaoskit.pipeline import Loaded, RunOptions, RunResult

SUFFIX = ".chaos.yaml"


class CheckFailed(AssertionError):
    """A check failed, or was inconclusive: what was not seen did not pass."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--chaos-output` and `--chaos-seed`."""
    group = parser.getgroup("chaoskit", "chaos scenarios")
    group.addoption(
        "--chaos-output", default="reports", metavar="DIR", help="Where runs leave their reports [reports]."
    )
    group.addoption("--chaos-seed", type=int, metavar="N", help="Seed of all random choices of chaos scenarios.")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A collector for every `*.chaos.yaml`."""
    if not file_path.name.endswith(SUFFIX):
        return None
    file: ChaosFile = ChaosFile.from_parent(parent, path=file_path)
    return file


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Where the reports of this session's runs lie."""
    for folder in config.stash.get(_RUNS, _Runs()).folders:
        terminalreporter.write_line(f"chaoskit report: {folder / 'report.html'}")


class ChaosFile(pytest.File):
    """One file of scenarios."""

    def collect(self) -> Iterator[ChaosScenario]:
        from chaoskit import pipeline
        from chaoskit.errors import UsageProblem

        try:
            loaded = pipeline.load([_near(self.path)])
        except UsageProblem as problem:
            raise self.CollectError(str(problem)) from problem
        for scenario in loaded.scenarios:
            yield ChaosScenario.from_parent(self, name=scenario.scenario, loaded=loaded, scenario=scenario)


class ChaosScenario(pytest.Collector):
    """One scenario; `record` and `problem` are known once it was played."""

    def __init__(self, *, loaded: Loaded, scenario: Scenario, **rest: Any) -> None:
        super().__init__(**rest)
        self.loaded = loaded
        self.scenario = scenario
        self.record: ScenarioRecord | None = None
        self.problem = ""
        self.folder: Path | None = None

    def collect(self) -> Iterator[ChaosCheck]:
        seen: dict[str, int] = {}
        for place, check in enumerate(self.scenario.expect):
            name = f"{check.keyword}[{check.subject}]" if check.subject else check.keyword
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name += f"#{seen[name]}"
            yield ChaosCheck.from_parent(self, name=name, check=check, place=place)

    def setup(self) -> None:
        """Play this scenario, and with it all selected ones of its system, unless that was done before."""
        if self.record is None and not self.problem:
            self.config.stash.setdefault(_RUNS, _Runs()).play(self)


class ChaosCheck(pytest.Item):
    """One check of a scenario."""

    parent: ChaosScenario

    def __init__(self, *, check: CheckSpec, place: int, **rest: Any) -> None:
        super().__init__(**rest)
        self.check = check
        self.place = place
        if self.config.pluginmanager.hasplugin("timeout"):
            self.add_marker(pytest.mark.timeout(0))  # scenarios have deadlines of their own

    def runtest(self) -> None:
        """Raises CheckFailed unless the check passed."""
        verdict = self._verdict()
        self.user_properties += [
            ("chaoskit.verdict", verdict.outcome.value),
            ("chaoskit.sentence", verdict.sentence),
            ("chaoskit.rule", verdict.rule),
            ("chaoskit.report", str(self.parent.folder)),
        ]
        self.add_report_section("call", "chaoskit", _facts(verdict))
        if verdict.outcome.value != "pass":
            raise CheckFailed(_told(verdict, self.position))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was expected and observed, without our own frames."""
        if isinstance(excinfo.value, CheckFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """The scenario's line, and how this check is called in headlines."""
        return self.path, self.line - 1, f"{self.parent.name}: {self.name}"

    def _verdict(self) -> Verdict:
        scenario = self.parent
        verdicts = scenario.record.verdicts if scenario.record else ()
        if self.place >= len(verdicts) or verdicts[self.place].check != self.check.keyword:
            raise CheckFailed(f"{self.position}: no verdict was reached\n{scenario.problem}")
        return verdicts[self.place]

    @property
    def line(self) -> int:
        """Where the check stands in its file, counted from 1."""
        scenario = self.parent.scenario
        return scenario.expect_lines[self.place] if scenario.expect_lines else scenario.line

    @property
    def position(self) -> str:
        """`file:line`"""
        return f"{self.parent.scenario.file}:{self.line}"


class _Runs:
    """The runs of one pytest session: one a system."""

    def __init__(self) -> None:
        self.folders: list[Path] = []

    def play(self, first: ChaosScenario) -> None:
        """Run the scenarios that belong together with `first`, and give each its record or the reason for none."""
        from chaoskit.errors import ChaoskitError

        together = _selected_with(first)
        try:
            result = _result(first, together)
        except ChaoskitError as error:
            for scenario in together:
                scenario.problem = str(error)
            return
        self.folders.append(result.folder)
        records = {(record.file, record.line): record for record in result.record.scenarios}
        for scenario in together:
            scenario.folder = result.folder
            scenario.record = records.get((scenario.scenario.file, scenario.scenario.line))
            scenario.problem = result.record.broken or result.record.aborted or "the run ended before"


_RUNS = pytest.StashKey[_Runs]()


def _selected_with(first: ChaosScenario) -> list[ChaosScenario]:
    """The scenarios of the same system that have selected checks, in the session's order."""
    scenarios: dict[ChaosScenario, None] = {}
    for item in first.session.items:
        if isinstance(item, ChaosCheck) and item.parent.loaded.system_file == first.loaded.system_file:
            scenarios[item.parent] = None
    return list(scenarios)


def _result(first: ChaosScenario, together: list[ChaosScenario]) -> RunResult:
    from msgspec.structs import replace

    from chaoskit import pipeline

    out, seed = Path(first.config.getoption("chaos_output")), first.config.getoption("chaos_seed")
    options = pipeline.RunOptions(out=out, seed=seed, command="pytest")
    loaded = replace(first.loaded, scenarios=tuple(scenario.scenario for scenario in together))
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if session is None:
        return pipeline.run(loaded, options, None)
    with _turn(f"{session}-{loaded.system_file}", sum(one.deadline for one in loaded.scenarios) + 120) as note:
        return _run_or_follow(loaded, options, note)


def _run_or_follow(loaded: Loaded, options: RunOptions, note: Path) -> RunResult:
    """The first worker runs and notes where; those after it judge what it left, or fail for the same reason."""
    from chaoskit import pipeline
    from chaoskit.errors import ChaoskitError

    folder, _, why = note.read_text(encoding="utf-8").partition("\n") if note.exists() else ("", "", "")
    if folder:
        return pipeline.judge(Path(folder))
    if why:
        raise ChaoskitError(why)
    try:
        result = pipeline.run(loaded, options, None)
    except ChaoskitError as error:
        note.write_text(f"\n{error}", encoding="utf-8")
        raise
    note.write_text(f"{result.folder}\n", encoding="utf-8")
    return result


@contextmanager
def _turn(name: str, wait_s: float) -> Iterator[Path]:
    """Alone among all processes that name the same thing; yields the file in which they leave each other a note."""
    import fcntl
    import hashlib
    import tempfile
    import time

    from chaoskit.errors import ChaoskitError

    note = Path(tempfile.gettempdir()) / f"chaoskit-{hashlib.sha256(name.encode()).hexdigest()[:24]}"
    with note.with_suffix(".lock").open("w") as lock:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ChaoskitError(f"another pytest worker still runs this system after {wait_s:.0f}s") from None
                time.sleep(0.05)
        yield note


def _near(path: Path) -> Path:
    """The path as a person here would write it, so that reports and messages stay the same on every machine."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _facts(verdict: Verdict) -> str:
    lines = [
        f"{one.outcome.value}: {one.name}: expected {one.expected} / observed {one.observed}"
        for one in verdict.findings
    ]
    return "\n".join([verdict.sentence, *lines])


def _told(verdict: Verdict, position: str) -> str:
    """`file:line: expected … / observed …` of everything that did not pass."""
    told = [
        f"{position}: {one.name}: expected {one.expected} / observed {one.observed}"
        for one in verdict.findings
        if one.outcome.value != "pass"
    ]
    told += [f"{position}: not accepted: {reason}" for reason in verdict.voided_by]
    return "\n".join([f"{verdict.outcome.value}: {verdict.id}: {verdict.sentence}", *told])
