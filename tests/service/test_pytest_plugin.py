"""The pytest plugin in pytest runs of its own; a stub plays the run, so that only the plugin is on trial."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SYSTEM = """\
system: tiny
services: {web: {url: "http://127.0.0.1:9"}}
links: {web -> db: {upstream: "127.0.0.1:9", protocol: tcp}}
journeys: {browse: [{http: "GET {web}/"}]}
"""

SCENARIO = """\
scenario: NAME
load: {journey: browse, rate: 5/s}
expect:
  - probe: GET http://127.0.0.1:9/good
  - probe: GET http://127.0.0.1:9/bad
  - probe: GET http://127.0.0.1:9/unseen
"""

STUB = """
import os, pathlib
from chaoskit import pipeline
from chaoskit.errors import EngineFailed, ExitCode
from chaoskit.model.record import RunRecord, ScenarioRecord
from chaoskit.model.verdict import Finding, Outcome, Verdict

OUTCOMES = {"good": Outcome.PASS, "bad": Outcome.FAIL, "unseen": Outcome.INCONCLUSIVE}
LAST = {}

def verdict(check):
    outcome = next(o for word, o in OUTCOMES.items() if word in check.subject)
    finding = Finding("answers", outcome, "\\u2264 100ms", "140ms")
    return Verdict.of(check.keyword, check.rule, check.subject, [finding])

def run(loaded, options, listener=None):
    with open(os.environ["STUB_LOG"], "a") as log:
        log.write("run " + ",".join(s.scenario for s in loaded.scenarios) + "\\n")
    if os.environ.get("STUB_FAILS"):
        raise EngineFailed("Toxiproxy did not start", where="127.0.0.1:8474", remedy="look at its log")
    return result(loaded, pathlib.Path(options.out) / "run-1")

def result(loaded, folder):
    records = tuple(
        ScenarioRecord(i, s.scenario, s.file, s.line, (), tuple(map(verdict, s.expect)), 0.0, 1.0, "decided")
        for i, s in enumerate(loaded.scenarios)
    )
    record = RunRecord("r", "tiny", "chaoskit.yaml", "0", 0.0, 1.0, "", {}, 1, "pytest", records)
    return pipeline.RunResult(record, folder, ExitCode.FAILED)

def judge(folder):
    with open(os.environ["STUB_LOG"], "a") as log:
        log.write(f"judge {folder.name}\\n")
    paths = sorted(path.relative_to(pathlib.Path.cwd()) for path in pathlib.Path.cwd().glob("*.chaos.yaml"))
    return result(pipeline.load(paths), folder)

pipeline.run, pipeline.judge = run, judge
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with two scenarios of one system, and a stub that plays runs and logs them."""
    pytester.makefile(".yaml", chaoskit=SYSTEM)
    for name in ("first", "second"):
        (pytester.path / f"{name}.chaos.yaml").write_text(SCENARIO.replace("NAME", f"The {name}"))
    pytester.makeconftest(STUB)
    monkeypatch.setenv("STUB_LOG", str(pytester.path / "log"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """pytest in a process of its own, without the plugins that are none of our business: they take seconds."""
    return project.runpytest_subprocess("-p", "chaoskit.pytest_plugin", "-p", "no:cacheprovider", *arguments)


def log_of(project: pytest.Pytester) -> list[str]:
    """What the stub was asked to do."""
    log = project.path / "log"
    return log.read_text().splitlines() if log.exists() else []


def test_a_check_is_an_item(project: pytest.Pytester) -> None:
    """A scenario is a collector and each check an item, named so that `-k` and node ids work."""
    told = run(project, "--collect-only", "-q")
    told.stdout.fnmatch_lines(
        [
            "first.chaos.yaml::The first::probe[[]GET http://127.0.0.1:9/good]",
            "first.chaos.yaml::The first::probe[[]GET http://127.0.0.1:9/bad]",
            "second.chaos.yaml::The second::probe[[]GET http://127.0.0.1:9/unseen]",
        ]
    )
    assert log_of(project) == [], "collecting must run nothing"


def test_only_a_passed_check_is_green(project: pytest.Pytester) -> None:
    """A failed and an inconclusive check both fail, with their place, what was expected and what was observed."""
    told = run(project)
    told.assert_outcomes(passed=2, failed=4)
    told.stdout.fnmatch_lines(
        [
            "fail: probe*",
            "first.chaos.yaml:5: answers: expected ≤ 100ms / observed 140ms",
            "inconclusive: probe*",
            "first.chaos.yaml:6: answers: expected ≤ 100ms / observed 140ms",
            "chaoskit report: reports/run-1/report.html",
        ]
    )
    told.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_the_system_is_started_once(project: pytest.Pytester) -> None:
    """All scenarios of a system are played in one run."""
    run(project)
    assert log_of(project) == ["run The first,The second"]


def test_only_what_is_selected_is_played(project: pytest.Pytester) -> None:
    """A scenario of which nothing is selected is not run."""
    run(project, "-k", "second and good").assert_outcomes(passed=1, deselected=5)
    assert log_of(project) == ["run The second"]


def test_a_run_that_breaks_fails_every_check(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that does not start turns no check green, is tried once, and is told without a traceback."""
    monkeypatch.setenv("STUB_FAILS", "1")
    told = run(project)
    told.assert_outcomes(failed=6)
    told.stdout.fnmatch_lines(["first.chaos.yaml:4: no verdict was reached", "127.0.0.1:8474: Toxiproxy did not start"])
    told.stdout.no_fnmatch_line("*Traceback*")
    assert len(log_of(project)) == 1


def test_a_bad_file_is_a_collection_error(project: pytest.Pytester) -> None:
    """A misspelt key stops pytest with exit code 2 and its file:line:column, not with a traceback of ours."""
    (project.path / "third.chaos.yaml").write_text(SCENARIO.replace("expect:", "expct:"))
    told = run(project)
    assert told.ret == pytest.ExitCode.INTERRUPTED
    told.stdout.fnmatch_lines(["third.chaos.yaml:3:1: unknown key 'expct'", "*did you mean 'expect'*"])
    told.stdout.no_fnmatch_line("*chaoskit/pytest_plugin.py*")


def test_junit_tells_the_verdict(project: pytest.Pytester) -> None:
    """Each check is one testcase with its verdict and report as properties."""
    run(project, "--junitxml=junit.xml", "--chaos-output=out")
    text = (project.path / "junit.xml").read_text()
    assert text.count("<testcase ") == 6
    assert 'name="chaoskit.verdict" value="inconclusive"' in text
    assert 'name="chaoskit.report" value="out/run-1"' in text


def test_workers_share_one_run(project: pytest.Pytester) -> None:
    """Under xdist the system is started once all the same: the other workers judge what the first one left."""
    told = run(project, "-p", "xdist", "-n", "2")
    told.assert_outcomes(passed=2, failed=4)
    log = sorted(log_of(project))
    assert log[-1] == "run The first,The second"
    assert set(log[:-1]) <= {"judge run-1"}


def test_unused_it_imports_nothing_of_ours() -> None:
    """A test run without scenarios pays only for the thin module."""
    code = (
        "import sys, pytest, chaoskit.pytest_plugin\n"
        "ours = ('chaoskit', 'pydantic', 'yaml', 'click')\n"
        "print(*sorted(name for name in sys.modules if name.split('.')[0] in ours))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["chaoskit", "chaoskit.pytest_plugin"]
