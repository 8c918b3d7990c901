"""Whatever goes wrong with us, the fault, the load or the system: never exit 0, and a message that says what."""

from __future__ import annotations

import http.client
import json
import re
import signal
from pathlib import Path

import pytest

from tests.service.tiny.project import LONG, SERVICE, SLOW, SYSTEM, Project, eventually

pytestmark = pytest.mark.service


def test_the_tiny_system_is_green(tmp_path: Path) -> None:
    """The control: with nothing wrong the same scenario passes, so the tests below fail for their own reason."""
    code, output = Project(tmp_path).run()
    assert code == 0, output


def test_toxiproxy_is_dead(tmp_path: Path) -> None:
    """An engine that cannot be reached ends the run before any fault, with exit 4."""
    code, output = Project(tmp_path).run(env={"CHAOSKIT_TOXIPROXY_URL": "http://127.0.0.1:9"})
    assert code == 4, output
    assert "127.0.0.1:9" in output


@pytest.mark.parametrize(
    ("number", "part"),
    [
        (signal.SIGKILL, "toxiproxy-server"),
        (signal.SIGSTOP, "toxiproxy-server"),
        (signal.SIGKILL, "chaoskit.tap.process"),
        (signal.SIGKILL, "chaoskit.load.child"),
        (signal.SIGKILL, "service.py back"),
    ],
    ids=["toxiproxy dies", "toxiproxy hangs", "tap dies", "load dies", "service dies"],
)
def test_a_part_dies_in_mid_run(tmp_path: Path, number: signal.Signals, part: str) -> None:
    """A part that dies or hangs under the fault makes the run exit 4, names the part, and leaves nothing."""
    running = Project(tmp_path, LONG).start()
    running.until_line("in force")
    assert len(running.family()) >= 5
    running.child(part).send_signal(number)
    code = running.finish(40)
    assert code == 4, running.output
    assert re.search(r"toxiproxy|tap|load|back", running.output.splitlines()[-4:].__str__().lower()), running.output
    assert eventually(lambda: not running.family(), 2)


def test_the_watchdog_is_gone(tmp_path: Path) -> None:
    """A run that nobody would clean up after is stopped: exit 130, everything put back."""
    running = Project(tmp_path, LONG).start()
    running.until_line("in force")
    next(child for child in _children(running.pid) if "watchdog.py" in " ".join(child.cmdline())).kill()
    assert running.finish(40) == 130, running.output
    assert "the watchdog" in running.output
    assert eventually(lambda: not running.family(), 2)


def test_somebody_takes_the_fault_away(tmp_path: Path) -> None:
    """A toxic that vanishes in mid-fault leaves the scenario inconclusive."""
    running = Project(tmp_path, LONG).start()
    running.until_line("in force")
    url = f"127.0.0.1:{_listening(running.child('toxiproxy-server').pid)}"
    connection = http.client.HTTPConnection(url)
    connection.request("POST", "/reset")
    connection.getresponse().read()
    code = running.finish(40)
    assert code == 3, running.output
    assert "ended early" in running.output


def _listening(pid: int) -> int:
    import psutil

    process = psutil.Process(pid)
    arguments = process.cmdline()
    return int(arguments[arguments.index("-port") + 1])


def test_no_traffic_on_the_faulted_link(tmp_path: Path) -> None:
    """A fault on a link that nobody uses proves nothing, and is not even injected."""
    project = Project(tmp_path, SLOW.replace("link: front -> back", "link: front -> nobody"))
    code, output = project.run()
    assert code == 3, output
    assert "front → nobody" in output
    assert project.events("fault.confirmed") == []


def test_the_caller_bypasses_the_link(tmp_path: Path) -> None:
    """A caller that reaches the callee around our proxy is noticed before the fault."""
    project = Project(tmp_path, system=SYSTEM.replace('"${link:front -> back}"', '"http://127.0.0.1:${port:back}"'))
    text = (tmp_path / "chaoskit.yaml").read_text()
    text = text.replace("front -> back: {up", 'front -> back: {listen: "127.0.0.1:0", up')
    (tmp_path / "chaoskit.yaml").write_text(text)
    code, output = project.run()
    assert code == 3, output
    assert "no traffic" in output


def test_load_is_not_delivered(tmp_path: Path) -> None:
    """A generator that can't send what was asked makes its verdicts inconclusive."""
    scenario = SLOW.replace("rate: 30/s", "rate: 400/s, users_max: 1").replace("steady: {p95: 250ms, errors: 0%}\n", "")
    code, output = Project(tmp_path, scenario).run()
    assert code == 3, output
    assert "dropped" in output


def test_load_lags(tmp_path: Path) -> None:
    """A generator that stood still for a second has measured itself, not the system."""
    scenario = SLOW.replace("for: 2s", "for: 4s").replace("errors: {at_most: 0%}", "latency: {p95: 300ms}")
    running = Project(tmp_path, scenario).start()
    running.until_line("in force")
    child = running.child("chaoskit.load.child")
    child.suspend()
    try:
        eventually(lambda: False, 1.2)
    finally:
        child.resume()
    code = running.finish(60)
    assert code == 3, running.output
    assert "late" in running.output or "lag" in running.output


def test_zero_samples(tmp_path: Path) -> None:
    """A scenario without any request passes nothing."""
    scenario = SLOW.replace("load: {journey: look, rate: 30/s}\n", "").replace("steady: {p95: 250ms, errors: 0%}\n", "")
    code, output = Project(tmp_path, scenario).run()
    assert code in (2, 3), output


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("latency: 50ms", "latencyy: 50ms", "did you mean 'latency'"),
        ("latency: 50ms", "latency: 50ms, jiter: 5ms", "did you mean 'jitter'"),
        ("link: front -> back", "link: front -> bck", "did you mean 'front -> back'"),
        ("errors: {at_most", "errros: {at_most", "did you mean 'errors'"),
        ("expect:", "rollback: []\nexpect:", "rollback"),
        ("latency: 50ms", "latency: 50", "unit"),
        ("expect: [{errors: {at_most: 0%}}]", "expect: []", "expect"),
    ],
    ids=["fault", "attribute", "link", "check", "rollback", "no unit", "zero checks"],
)
def test_misspelt(tmp_path: Path, old: str, new: str, says: str) -> None:
    """What was meant but not written never runs: exit 2, the place, the remedy, and nothing started."""
    assert old in SLOW
    project = Project(tmp_path, SLOW.replace(old, new))
    code, output = project.run()
    assert code == 2, output
    assert re.search(r"one\.chaos\.yaml:\d+:\d+: ", output), output
    assert says in output
    assert not (tmp_path / "reports").exists()


def test_zero_scenarios(tmp_path: Path) -> None:
    """An empty folder is not a passed test."""
    project = Project(tmp_path)
    (tmp_path / "one.chaos.yaml").write_text("")
    code, output = project.run()
    assert code == 2, output


def test_leftovers_of_a_killed_run_are_healed_and_said(tmp_path: Path) -> None:
    """Runner and watchdog killed at once: the next run puts everything back first, and says so."""
    project = Project(tmp_path, LONG)
    running = project.start()
    running.until_line("in force")
    assert len(running.family()) >= 5
    for watchdog in [child for child in _children(running.pid) if "watchdog.py" in " ".join(child.cmdline())]:
        watchdog.kill()
    running.kill()
    running.finish()
    (tmp_path / "one.chaos.yaml").write_text(SLOW)
    code, output = project.run()
    assert code == 0, output
    assert project.events("leftover"), output
    assert not running.family()


def _children(pid: int) -> list:
    import psutil

    return psutil.Process(pid).children()


def test_a_second_run_at_once_is_refused(tmp_path: Path) -> None:
    """One run at a time per system; the second one says who is at work."""
    project = Project(tmp_path, LONG)
    running = project.start()
    running.until_line("run of tiny begins")
    code, output = project.run()
    running.kill(signal.SIGINT)
    assert running.finish() == 130, running.output
    assert code == 2, output
    assert f"pid {running.pid}" in output


def test_verdicts_are_the_same_when_judged_again(tmp_path: Path) -> None:
    """`chaoskit judge` on the saved evidence says what the run said."""
    import subprocess
    import sys

    project = Project(tmp_path)
    project.run()
    before = project.record
    command = [sys.executable, "-m", "chaoskit", "judge", "reports/latest", "-o", "json"]
    done = subprocess.run(command, cwd=tmp_path, env=project.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scenarios"] == before["scenarios"]


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("ready: {http: /health}\n  front", "ready: {log: never said, within: 1s}\n  front", 4, "not ready within 1 s"),
        (f"{SERVICE}, back", "/no/such/file.py, back", 4, "ended before it was ready"),
        ('"${python}"', "/no/such/python", 4, "could not be started"),
        ('upstream: "http://127.0.0.1:${port:back}", timeout', 'upstream: "http://10.9.8.7:80", timeout', 2, "allow"),
    ],
    ids=["never ready", "ends at once", "no such command", "outside the allow-list"],
)
def test_a_system_that_cannot_be_started(tmp_path: Path, old: str, new: str, code: int, says: str) -> None:
    """One clear error with place and remedy, and nothing that was started by then is left."""
    assert old in SYSTEM
    project = Project(tmp_path, system=SYSTEM.replace(old, new))
    running = project.start()
    assert running.finish(40) == code, running.output
    assert says in running.output
    assert "Traceback" not in running.output
    assert eventually(lambda: not running.family(), 2)


@pytest.mark.parametrize("what", ["nothing", "a file", "half a run"])
def test_an_unreadable_run_folder(tmp_path: Path, what: str) -> None:
    """`judge` on something that is no run says so, with exit 2."""
    import subprocess
    import sys

    folder = tmp_path / "run"
    if what == "a file":
        folder.write_text("x")
    elif what == "half a run":
        folder.mkdir()
        (folder / "run.json").write_text("{")
    command = [sys.executable, "-m", "chaoskit", "judge", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert str(folder) in done.stderr
    assert "Traceback" not in done.stderr


def test_the_broker_is_gone_in_mid_run(tmp_path: Path) -> None:
    """A broker that vanishes under the run makes it exit 4, whatever the checks would say."""
    system = SYSTEM + "broker: {kind: rabbitmq}\n"
    system = system.replace("env: {BACK_URL", 'env: {AMQP: "${broker:front}", BACK_URL')
    running = Project(tmp_path, LONG, system).start(env={"CHAOSKIT_AMQP_URL": ""})
    running.until_line("in force")
    running.child("beam").kill()
    assert running.finish(40) == 4, running.output
    assert "broker" in running.output
