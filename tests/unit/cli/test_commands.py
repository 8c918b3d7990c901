"""What the command line answers, in a process of its own: exit codes, words, no traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SYSTEM = """\
system: tiny
services: {web: {url: "http://127.0.0.1:9"}}
links: {web -> db: {upstream: "127.0.0.1:9", protocol: tcp}}
journeys: {browse: [{http: "GET {web}/"}]}
"""
SCENARIO = """\
scenario: The database is away
load: {journey: browse, rate: 5/s}
faults:
  - {at: 1s, for: 2s, link: web -> db, FAULT}
expect:
  - probe: GET http://127.0.0.1:9/
"""


def chaoskit(*arguments: str, folder: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    command = [sys.executable, "-c", "import sys; from chaoskit.cli import main; sys.exit(main())", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, timeout=60, env={**os.environ, **_PATH, **env}, check=False
    )


_PATH = {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}


def python(code: str) -> subprocess.Popen[str]:
    """Run code that plays with the command line's inside."""
    environment = {**os.environ, **_PATH}
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a tiny system and one scenario in it whose fault is misspelt."""
    (tmp_path / "chaoskit.yaml").write_text(SYSTEM)
    (tmp_path / "a.chaos.yaml").write_text(SCENARIO.replace("FAULT", "lateny: 20ms"))
    return tmp_path


def test_version_is_told_without_click() -> None:
    """`--version` costs next to nothing, because nothing but the package itself is imported for it."""
    code = "import sys; from chaoskit.cli import main; main(['--version']); sys.exit('click' in sys.modules)"
    child = python(code)
    stdout, told = child.communicate(timeout=60)
    assert (child.returncode, stdout.split()[0], told) == (0, "chaoskit", "")


def test_help_names_every_command_and_exit_code() -> None:
    """`--help` is complete, and imports none of the commands."""
    told = chaoskit("--help")
    assert told.returncode == 0
    for word in ("run", "plan", "judge", "demo", "heal", "schema", "Exit codes", "130"):
        assert word in told.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["nonsense"], "Commands: run, plan, judge"),
        (["run", "--sed", "5", "x"], "--seed"),
        (["run"], "Missing argument"),
        (["run", "x", "-o", "xml"], "'json'"),
        (["plan", "nowhere.chaos.yaml"], "no chaoskit.yaml"),
        (["demo", "--broken", "no-timeou"], "did you mean 'no-timeout'?"),
        (["schema", "scnario"], "scenario"),
        (["judge", "nowhere"], "nowhere"),
    ],
)
def test_bad_usage_ends_with_2_and_a_hint(arguments: list[str], words: str, tmp_path: Path) -> None:
    """A user's mistake costs one message that helps, and exit code 2."""
    told = chaoskit(*arguments, folder=tmp_path)
    assert told.returncode == 2, told.stderr
    assert words in told.stderr
    assert "Traceback" not in told.stderr


def test_a_bad_file_is_told_with_its_place(project: Path) -> None:
    """The message begins with file:line:column, as editors understand it."""
    told = chaoskit("plan", "a.chaos.yaml", folder=project)
    assert told.returncode == 2
    assert told.stderr.startswith("a.chaos.yaml:4:40: faults[0]: unknown fault 'lateny'")
    assert "did you mean 'latency'?" in told.stderr


def test_errors_are_json_where_asked(project: Path) -> None:
    """With `-o json` a program gets the problems as JSON on standard output."""
    told = chaoskit("run", "a.chaos.yaml", "-o", "json", folder=project)
    answer = json.loads(told.stdout)
    assert (told.returncode, answer["exit_code"]) == (2, 2)
    problem = answer["problems"][0]
    assert (problem["file"], problem["line"], problem["column"]) == ("a.chaos.yaml", 4, 40)


def test_debug_shows_the_traceback(project: Path) -> None:
    """CHAOSKIT_DEBUG=1 shows where an error was raised."""
    told = chaoskit("plan", "a.chaos.yaml", folder=project, CHAOSKIT_DEBUG="1")
    assert "Traceback" in told.stderr


def test_a_bug_of_ours_is_confessed_without_traceback(project: Path) -> None:
    """What nobody foresaw ends with 4, one line, and how to see more."""
    code = (
        "import sys; from chaoskit import pipeline; from chaoskit.cli import main\n"
        "def broken(*a, **k): raise ZeroDivisionError('oh')\n"
        "pipeline.load = broken; sys.exit(main(['plan', 'a.chaos.yaml']))"
    )
    child = python(code)
    _, told = child.communicate(timeout=60)
    assert child.returncode == 4
    assert "ZeroDivisionError: oh" in told
    assert "bug in chaoskit" in told
    assert "Traceback" not in told


def test_interrupt_ends_with_130(project: Path) -> None:
    """Ctrl-C ends with 130, wherever it strikes."""
    code = (
        "import signal, sys, time; from chaoskit import pipeline; from chaoskit.cli import main\n"
        # A shell that starts us in the background has Ctrl-C ignored, and children inherit that.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def waits(*a, **k): print('waiting', flush=True); time.sleep(30)\n"
        "pipeline.load = waits; sys.exit(main(['plan', 'a.chaos.yaml']))"
    )
    child = python(code)
    assert child.stdout is not None
    assert child.stdout.readline() == "waiting\n"
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=10)
    assert child.returncode == 130
    assert "aborted" in told
    assert "Traceback" not in told
    assert time.monotonic() - began < 5


def test_everything_broken_is_listed_as_json() -> None:
    """`demo --list-broken -o json` names each switch and what must turn red."""
    rows = json.loads(chaoskit("demo", "--list-broken", "-o", "json").stdout)["broken"]
    assert {"no-timeout", "consumer-not-idempotent"} <= {row["name"] for row in rows}
    assert all(row["turns_red"] for row in rows)
