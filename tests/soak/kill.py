"""Runs ended by kill -9, SIGINT, SIGTERM and SIGHUP at random instants of their life: is anything left 2 s later?

A run of the tiny system, half of them with a Toxiproxy that somebody else runs, a third with a consumer on a broker
that somebody else runs, is ended at an instant drawn evenly from its first 50 ms to its usual end. SIGINT and SIGHUP go
to the whole process group in every second round, as a terminal sends them. Each round ends with a run that must work.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from chaoskit.broker.node import BrokerNode
from chaoskit.toxiproxy.server import ToxiproxyServer

from tests.fakes.ports import FreeWard
from tests.fixtures.rabbitmq import Rabbit
from tests.service.tiny.project import Project
from tests.soak.leftovers import MARK, Surroundings, on_broker, remove_proxies
from tests.soak.project import write_project
from tests.soak.receiver import receiving

SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FIRST_S = 0.05
CLEAN_WITHIN_S = 2.0
WATCHED_S = 15.0
"""So long we look on when something is left, to tell what is slow from what is never cleaned."""
RUN_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Round:
    """One run to be ended: by which signal, at which share of its usual length."""

    number: int
    signal: signal.Signals
    to_group: bool
    kind: str
    foreign_toxiproxy: bool
    share: float

    def __str__(self) -> str:
        name = self.signal.name + (" to the group" if self.to_group else "")
        toxiproxy = "foreign" if self.foreign_toxiproxy else "own"
        return f"round {self.number}: {name} at {self.share:.0%} of a run of {self.kind}, {toxiproxy} Toxiproxy"


@dataclass(slots=True)
class Outcome:
    """What became of a round. `left` 2 s after the signal; `clean_s` until nothing was left (infinite: never)."""

    round: Round
    at_s: float
    left: list[str] = field(default_factory=list)
    clean_s: float = float("inf")
    ended_s: float = float("inf")
    code: int | None = None
    next_code: int | None = None
    had_ended: bool = False
    trouble: list[str] = field(default_factory=list)
    said: str = ""
    """The end of its output, where something was left."""

    @property
    def ok(self) -> bool:
        return not self.left and not self.trouble and self.next_code == 0


def rounds(times: int, seed: int) -> list[Round]:
    """All rounds, every signal equally often, drawn from the seed."""
    drawn = random.Random(seed)
    plan = []
    for number in range(times):
        sent = SIGNALS[number % len(SIGNALS)]
        plan.append(
            Round(
                number,
                sent,
                to_group=sent in (signal.SIGINT, signal.SIGHUP) and drawn.random() < 0.5,
                kind="messages" if number % 3 == 0 else "links",
                foreign_toxiproxy=drawn.random() < 0.5,
                share=drawn.random(),
            )
        )
    drawn.shuffle(plan)
    return plan


class Lane:
    """One place in which rounds are played one after the other: its folder, state, Toxiproxy and virtual host."""

    def __init__(self, folder: Path, toxiproxy: str, vhost: Rabbit, effects: str) -> None:
        self._folder = folder
        self._temporary = folder / "tmp"
        self._temporary.mkdir(parents=True)
        self._toxiproxy, self._vhost = toxiproxy, vhost
        self._projects = {
            "links": write_project(folder / "links", "links"),
            "messages": write_project(folder / "messages", "messages", vhost=vhost, effects=effects),
        }
        self._usual = on_broker(vhost)
        self._usual_s: dict[tuple[str, bool], float] = {}

    def play(self, this: Round) -> Outcome:
        """Start a run, end it, look, run again."""
        project = self._projects[this.kind]
        length_s = self._length_s(project, this)
        at_s = FIRST_S + this.share * (length_s - FIRST_S)
        around = Surroundings(
            project.state,
            self._temporary,
            self._toxiproxy if this.foreign_toxiproxy else "",
            self._vhost if this.kind == "messages" else None,
            self._usual,
        )
        outcome = Outcome(this, at_s)
        mark = f"{os.getpid()}-{this.number}"
        with self._running(project, this, mark) as process:
            start = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b")")[2].split()[19].decode()
            begun = time.monotonic()
            _wait(lambda: process.poll() is not None, begun + at_s)
            outcome.had_ended = process.poll() is not None
            sent = time.monotonic()
            _send(process, this)
            self._look(outcome, sent, lambda: around.leftovers(mark, process.pid, start))
            self._until_ended(outcome, process, sent)
        said = self._output.read_text()
        if (
            "Traceback" in said and "KeyboardInterrupt" not in said
        ):  # which is the interpreter's, before any code of ours
            outcome.trouble.append("a traceback: " + said[-1500:])
        if outcome.left:
            outcome.said = said[-9000:]
        if outcome.left:
            remove_proxies(self._toxiproxy)
        self._run_again(outcome, project)
        return outcome

    def _length_s(self, project: Project, this: Round) -> float:
        """How long such a run takes when nobody ends it; measured once."""
        key = (this.kind, this.foreign_toxiproxy)
        if key not in self._usual_s:
            begun = time.monotonic()
            with self._running(project, this, "measure") as process:
                if process.wait(RUN_S_MAX):
                    raise RuntimeError(f"a run that nobody ended failed:\n{self._output.read_text()}")
            self._usual_s[key] = time.monotonic() - begun
        return self._usual_s[key]

    @property
    def _output(self) -> Path:
        return self._folder / "output.txt"

    @contextmanager
    def _running(
        self, project: Project, this: Round, mark: str, scenario: str = "one"
    ) -> Iterator[subprocess.Popen[bytes]]:
        env = {
            **project.env,
            MARK: mark,
            "TMPDIR": str(self._temporary),
            "CHAOSKIT_TOXIPROXY_URL": self._toxiproxy if this.foreign_toxiproxy else "",
        }
        command = [sys.executable, "-m", "chaoskit", "run", f"{scenario}.chaos.yaml", "--out", "reports"]
        with self._output.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=project.folder, env=env, stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def _look(self, outcome: Outcome, sent: float, leftovers: Callable[[], list[str]]) -> None:
        """Until nothing is left; what is left 2 s after the signal counts."""
        looked = False
        while (now := time.monotonic()) - sent < WATCHED_S:
            left = leftovers()
            if not left:
                outcome.clean_s = now - sent
                break
            if not looked and now - sent >= CLEAN_WITHIN_S:
                looked, outcome.left = True, left
            time.sleep(max(0.02, min(0.25, sent + CLEAN_WITHIN_S - now)))

    def _until_ended(self, outcome: Outcome, process: subprocess.Popen[bytes], sent: float) -> None:
        """The run's own process may write its report when everything is back; not for ever."""
        try:
            outcome.code = process.wait(WATCHED_S)
            outcome.ended_s = time.monotonic() - sent
        except subprocess.TimeoutExpired:
            outcome.trouble.append(f"its process was still there {WATCHED_S:g} s later")

    def _run_again(self, outcome: Outcome, project: Project) -> None:
        mark = f"{os.getpid()}-{outcome.round.number}-again"
        with self._running(project, outcome.round, mark, "two") as process:
            try:
                outcome.next_code = process.wait(RUN_S_MAX)
            except subprocess.TimeoutExpired:
                outcome.trouble.append(f"the next run did not end within {RUN_S_MAX:g} s")
        if outcome.next_code:
            outcome.trouble.append("the next run failed: " + self._output.read_text()[-1500:])


def _send(process: subprocess.Popen[bytes], this: Round) -> None:
    if process.poll() is None:
        (os.killpg if this.to_group else os.kill)(process.pid, this.signal)


def _wait(holds: Callable[[], bool], until: float) -> None:
    while not holds() and time.monotonic() < until:
        time.sleep(0.005)


# --- all of it --------------------------------------------------------------------------------------------------------


def run(times: int = 200, seed: int = 1, lanes: int = 2) -> tuple[str, bool]:
    """The section of the page, and whether nothing was left."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kill-soak-") as name, ExitStack() as stack:
        places = _lanes(Path(name), lanes, stack)
        outcomes = _play_all(rounds(times, seed), places)
    return page(outcomes, seed, time.monotonic() - begun), all(outcome.ok for outcome in outcomes)


def _lanes(folder: Path, count: int, stack: ExitStack) -> list[Lane]:
    node = BrokerNode(ward=FreeWard(), log_folder=folder)
    servers = [ToxiproxyServer(ward=FreeWard(), log_folder=folder) for _ in range(count)]
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    def wait_for(work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(120)  # type: ignore[arg-type]  # start and stop of parts

    for part in (node, *servers):
        stack.callback(lambda part=part: wait_for(part.stop()))
        wait_for(part.start())
    root = Rabbit(node.url, node.management_url)
    places = []
    for number, server in enumerate(servers):
        vhost = _virtual_host(root, f"lane-{number}")
        effects = stack.enter_context(receiving(vhost))
        places.append(Lane(folder / f"lane-{number}", server.url, vhost, effects))
    return places


def _virtual_host(root: Rabbit, name: str) -> Rabbit:
    address = root.address
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    with root.api() as api:
        api.put(f"/vhosts/{name}").raise_for_status()
        api.put(f"/permissions/{name}/{address.user}", json=rights).raise_for_status()
    return Rabbit(replace(address, vhost=name).url, root.management_url)


def _play_all(plan: list[Round], places: list[Lane]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    waiting = iter(plan)
    lock = threading.Lock()

    def play(place: Lane) -> None:
        while True:
            with lock:
                this = next(waiting, None)
            if this is None:
                return
            try:
                outcome = place.play(this)
            except Exception as error:  # noqa: BLE001  # a round that can't be played is a finding of its own
                outcome = Outcome(this, 0.0, trouble=[f"{type(error).__name__}: {error}"])
            with lock:
                outcomes.append(outcome)
                _say(outcome, len(outcomes), len(plan))

    threads = [threading.Thread(target=play, args=(place,), daemon=True) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def _say(outcome: Outcome, done: int, of: int) -> None:
    state = "clean" if outcome.ok else f"LEFT {outcome.left} {outcome.trouble}\n{outcome.said}\n"
    print(
        f"{done}/{of} {outcome.round}, {outcome.at_s:.2f} s: {state} after {outcome.clean_s:.2f} s, "
        f"exit {outcome.code}, next {outcome.next_code}",
        file=sys.stderr,
        flush=True,
    )


def page(outcomes: list[Outcome], seed: int, took_s: float) -> str:
    """Markdown."""
    lines = [
        f"{len(outcomes)} runs ended at random instants (seed {seed}), in {took_s / 60:.0f} minutes. Looked at "
        f"{CLEAN_WITHIN_S:g} s after the signal: processes, toxics and proxies, queues, exchanges, bindings and "
        "consumers, scratch and temporary folders, the journal, the lock; then the next run must work. The run's own "
        "process may go on to write its report when everything is back (column `gone`).",
        "",
        "| signal | runs | left some | clean, median | clean, at most | gone, at most | next failed | exit codes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    by_signal = sorted(outcomes, key=lambda outcome: outcome.round.signal.name)
    for name, group in itertools.groupby(by_signal, key=lambda outcome: outcome.round.signal.name):
        lines.append(_row(name, list(group)))
    bad = [outcome for outcome in outcomes if not outcome.ok]
    lines += ["", *(f"- {o.round}, {o.at_s:.2f} s: {'; '.join([*o.left, *o.trouble])[:600]}" for o in bad)]
    return "\n".join(lines).rstrip() + "\n"


def _row(name: str, outcomes: list[Outcome]) -> str:
    clean = [outcome.clean_s for outcome in outcomes if not outcome.had_ended]
    cells = [
        name,
        f"{len(outcomes)}",
        f"{sum(bool(outcome.left) for outcome in outcomes)}",
        f"{statistics.median(clean or [0]):.2f} s",
        f"{max(clean, default=0):.2f} s",
        f"{max(outcome.ended_s for outcome in outcomes):.2f} s",
        f"{sum(outcome.next_code != 0 for outcome in outcomes)}",
        ", ".join(sorted({str(outcome.code) for outcome in outcomes})),
    ]
    return f"| {' | '.join(cells)} |"
