"""The watchdog on real processes: kill -9 of a run at any instant leaves nothing behind."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from chaoskit.run import watchdog as script
from chaoskit.run.undo import JOURNAL, open_entries

pytestmark = pytest.mark.service

KILLS = 50
GONE_WITHIN_S = 2.0

# A run in small: it claims its system and then starts and stops processes, folders and faults without end. Its
# processes have children of their own, some in a session of their own, some stopped.
RUN = """
import os, random, signal, subprocess, sys, time
from pathlib import Path
from chaoskit.model.instruction import Undo
from chaoskit.run.safety import Safety
seed, folder, engine, mark = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
draw = random.Random(seed)
safety = Safety("small", folder / "chaoskit.yaml", "a run in small")
with safety.claimed():
    print(safety.folder, flush=True)
    journal = safety.journal
    for turn in range(100000):
        made = folder / f"made-{turn}"
        kept = journal.make_folder(made)
        (made / "file").write_text("x")
        fault = journal.enter(Undo("toxic", {"url": engine, "proxy": "p", "toxic": f"ck-{turn}"}))
        sleeper = subprocess.Popen(
            ["sh", "-c", f"sleep 300 {mark} & setsid sleep 300 {mark} & exec sleep 300 {mark}"],
            stdout=subprocess.DEVNULL, start_new_session=True
        )
        token = journal.guard_process(sleeper.pid, "sleeper")
        if draw.random() < 0.3:
            os.killpg(sleeper.pid, signal.SIGSTOP)
        time.sleep(draw.uniform(0, 0.004))
        if draw.random() < 0.5:
            journal.done(fault)
        if draw.random() < 0.5:
            os.killpg(sleeper.pid, signal.SIGKILL)
            sleeper.wait()
            journal.release(token)
        if draw.random() < 0.5:
            journal.remove_folder(kept, made)
        if turn > 5:
            time.sleep(0.05)
"""


class Engine:
    """Answers like a Toxiproxy whose proxy has no toxics; `asked` says what it was asked. Hung: it never answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hung = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            self.asked.append(connection.recv(65536).split(b" HTTP", 1)[0].decode())
            if self.hung:
                time.sleep(5)
            body = b'{"name": "p", "listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", "enabled": true, "toxics": []}'
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine that answers."""
    it = Engine()
    yield it
    it.close()


def start(folder: Path, engine: str, seed: int, mark: str) -> tuple[subprocess.Popen[str], Path]:
    """A run in small that has claimed its system, and its state folder."""
    folder.mkdir(exist_ok=True)
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, str(seed), str(folder), engine, mark],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CHAOSKIT_STATE": str(folder / "state")},
    )
    assert run.stdout is not None
    return run, Path(run.stdout.readline().strip())


def alive(mark: str) -> list[str]:
    """Command lines of living processes that carry a mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark.encode() in words and b"-c" not in words[:2]:
                found.append(b" ".join(words).decode())
    return found


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return holds()
        time.sleep(0.02)
    return True


@contextmanager
def no_survivors(mark: str) -> Iterator[None]:
    """Whatever the test finds, the machine is clean afterwards."""
    try:
        yield
    finally:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if mark.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                        os.kill(int(entry.name), signal.SIGKILL)
                except OSError:
                    continue


def test_nothing_is_left_after_kills_at_any_instant(tmp_path: Path, engine: Engine) -> None:
    """Protects the user's machine and system: 50 runs killed at random instants, nothing of them left 2 s later."""
    draw = random.Random(4)
    cases = [(number, draw.uniform(0.0, 0.12)) for number in range(KILLS)]

    def one(case: tuple[int, float]) -> list[str]:
        number, instant = case
        folder, mark = tmp_path / str(number), f"0.{os.getpid()}{number:03d}"
        with no_survivors(mark):
            run, state = start(folder, engine.url, number, mark)
            time.sleep(instant)
            run.kill()
            run.communicate()

            def clean() -> bool:
                return not alive(mark) and not list(folder.glob("made-*")) and not open_entries(str(state))

            if within(GONE_WITHIN_S, clean):
                return []
            left = alive(mark) + [str(path) for path in folder.glob("made-*")]
            return [f"kill {number} at {instant:.3f} s: {left} {open_entries(str(state))}"]

    with ThreadPoolExecutor(4) as pool:
        leftovers = [line for lines in pool.map(one, cases) for line in lines]
    assert leftovers == []
    assert any("toxics/ck-" in asked for asked in engine.asked)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_watchdog_outlives_signals(tmp_path: Path, engine: Engine, number: signal.Signals) -> None:
    """Protects the protector: a signal to the whole group, or to the watchdog itself, does not end it."""
    mark = f"0.{os.getpid()}{number:03d}"
    with no_survivors(mark):
        run, state = start(tmp_path / "run", engine.url, 1, mark)
        guard = int(
            subprocess.run(["pgrep", "-P", str(run.pid), "-f", script.__file__], capture_output=True, text=True).stdout
        )
        assert within(2.0, lambda: bool(alive(mark)))
        os.kill(guard, number)
        run.kill()
        run.communicate()
        assert within(GONE_WITHIN_S, lambda: not alive(mark) and not open_entries(str(state)))
        log = state / script.LOG
        assert within(GONE_WITHIN_S, lambda: log.exists() and "undone" in log.read_text())


def test_an_engine_that_hangs_keeps_its_entry_and_delays_nothing_else(tmp_path: Path, engine: Engine) -> None:
    """Protects against a green `heal` over a toxic that is still there; processes are ended all the same."""
    mark = f"0.{os.getpid()}777"
    engine.hung = True
    with no_survivors(mark):
        run, state = start(tmp_path / "run", engine.url, 1, mark)
        assert within(2.0, lambda: bool(alive(mark)))
        run.kill()
        run.communicate()
        assert within(1.0, lambda: not alive(mark))
        tokens = {entry["kind"] for entry in open_entries(str(state))}
        assert "toxic" in tokens


def test_the_newest_is_undone_first(tmp_path: Path) -> None:
    """Protects the order: what was built on something else is taken away before it; done entries are left alone."""
    folders = [tmp_path / name for name in ("a", "b", "c")]
    rows: list[dict[str, object]] = []
    for number, folder in enumerate(folders):
        folder.mkdir()
        rows.append({"op": "enter", "token": str(number), "kind": "folder", "args": {"path": str(folder)}})
    rows.append({"op": "done", "token": "1"})
    (tmp_path / JOURNAL).write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"op": "enter", "tok')
    done = subprocess.run(
        [sys.executable, "-I", "-S", script.__file__, str(tmp_path)], stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0
    assert [folder.exists() for folder in folders] == [False, True, False]
    undone = [line.rpartition("/")[2] for line in (tmp_path / script.LOG).read_text().splitlines()]
    assert undone == ["c removed", "a removed"]


def test_a_folder_that_is_not_ours_stays(tmp_path: Path) -> None:
    """Protects the user's files: without our marker nothing is removed, and the entry stays open."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("42")
    row = {"op": "enter", "token": "1", "kind": "folder", "args": {"path": str(tmp_path / "theirs")}}
    (tmp_path / JOURNAL).write_text(json.dumps(row) + "\n")
    done = subprocess.run(
        [sys.executable, "-I", "-S", script.__file__, str(tmp_path)], stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 1
    assert (tmp_path / "theirs" / "thesis.txt").read_text() == "42"
    assert len(open_entries(str(tmp_path))) == 1


def test_a_recycled_pid_is_never_killed(tmp_path: Path) -> None:
    """Protects strangers: a process with the number of a dead one of ours, but another start, is left alone."""
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        args = {"pid": stranger.pid, "start": 1, "name": "ours, long dead"}
        row = {"op": "enter", "token": "1", "kind": "process", "args": args}
        (tmp_path / JOURNAL).write_text(json.dumps(row) + "\n")
        subprocess.run([sys.executable, "-I", "-S", script.__file__, str(tmp_path)], stdin=subprocess.DEVNULL)
        assert stranger.poll() is None
        assert open_entries(str(tmp_path)) == []
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_of_two_runs_starts_nothing_that_the_second_takes_for_a_leftover(tmp_path: Path) -> None:
    """Protects pytest sessions: what a test starts between two runs of one process survives the second's healing."""
    program = f"""
import subprocess, sys
from pathlib import Path
from chaoskit.run.safety import Safety
def run():
    with Safety("small", Path({str(tmp_path)!r}) / "chaoskit.yaml", "x").claimed() as healed:
        assert healed == [], healed
run()
between = subprocess.Popen(["sleep", "60"])
run()
print(between.poll())
between.kill()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "CHAOSKIT_STATE": str(tmp_path)},
        check=False,
    )
    assert done.stdout.strip() == "None", done.stderr
