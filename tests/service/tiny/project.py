"""The tiny system as a user's project in a folder, and `chaoskit run` on it as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

SERVICE = Path(__file__).with_name("service.py")

SYSTEM = f"""\
system: tiny
services:
  back:
    url: http://127.0.0.1:${{port:back}}
    command: ["${{python}}", {SERVICE}, back, "${{port:back}}"]
    ready: {{http: /health}}
  front:
    url: http://127.0.0.1:${{port:front}}
    command: ["${{python}}", {SERVICE}, front, "${{port:front}}"]
    ready: {{http: /health}}
    env: {{BACK_URL: "${{link:front -> back}}"}}
links:
  front -> back: {{upstream: "http://127.0.0.1:${{port:back}}", timeout: 300ms}}
  front -> nobody: {{upstream: "http://127.0.0.1:${{port:back}}", listen: "127.0.0.1:0"}}
journeys:
  look: [{{http: "GET {{front}}/", name: GET /}}]
"""

SLOW = """\
scenario: A slow back
rule: 3
load: {journey: look, rate: 30/s}
steady: {p95: 250ms, errors: 0%}
faults: [{at: 1s, for: 2s, link: front -> back, latency: 50ms}]
expect: [{errors: {at_most: 0%}}]
"""

LONG = SLOW.replace("for: 2s", "for: 30s").replace("errors: {at_most: 0%}", "breaker: front -> back, opens_within: 25s")


class Project:
    """A folder with `chaoskit.yaml` and one scenario; `run()` runs it to the end, `start()` leaves it running."""

    def __init__(self, folder: Path, scenario: str = SLOW, system: str = SYSTEM) -> None:
        self.folder = folder
        self.state = folder / "state"
        (folder / "chaoskit.yaml").write_text(system)
        (folder / "one.chaos.yaml").write_text(scenario)

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "CHAOSKIT_STATE": str(self.state), "CHAOSKIT_TOXIPROXY_URL": ""}

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Running:
        command = [sys.executable, "-m", "chaoskit", "run", "one.chaos.yaml", "--out", "reports", *arguments]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**self.env, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return Running(process)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
        """(exit code, all that it printed)."""
        running = self.start(*arguments, env=env)
        return running.finish(), running.output

    @property
    def record(self) -> dict[str, Any]:
        """`run.json` of the newest run."""
        loaded: dict[str, Any] = json.loads((self.folder / "reports" / "latest" / "run.json").read_text())
        return loaded

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        lines = (self.folder / "reports" / "latest" / "events.ndjson").read_text().splitlines()
        return [row for row in map(json.loads, lines) if not kind or row["kind"] == kind]


class Running:
    """A run that goes on. Its children are known by the tag that they carry."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        start = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b")")[2].split()[19].decode()
        self._tag = f"{process.pid}-{start}-"
        self.output = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    def until_line(self, text: str, within_s: float = 40) -> None:
        """Read its output until a line contains `text`. Raises AssertionError with all output if it never does."""
        deadline = time.monotonic() + within_s
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
            assert time.monotonic() < deadline, self.output
        raise AssertionError(f"ended without {text!r}:\n{self.output}")

    def finish(self, within_s: float = 60) -> int:
        """Wait for its end; its exit code."""
        rest, _ = self.process.communicate(timeout=within_s)
        self.output += rest
        return self.process.returncode

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.process.pid, number)

    def child(self, what: str) -> psutil.Process:
        """The child whose command line contains `what`."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if what in " ".join(child.cmdline()):
                return child
        raise AssertionError(f"no child {what!r}")

    def family(self) -> list[psutil.Process]:
        """All living processes that carry this run's tag, also after its end."""
        return list(tagged(self._tag))


def tagged(beginning: str) -> Iterator[psutil.Process]:
    """Living processes whose tag begins so."""
    for process in psutil.process_iter():
        try:
            tag = process.environ().get("CHAOSKIT_RUN", "")
            if tag.startswith(beginning) and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


def eventually(holds: Callable[[], bool], within_s: float) -> bool:
    """Wait until it holds, at most so long."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
