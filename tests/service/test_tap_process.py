"""The tap as a process: how it starts, ends, dies, and says so."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from chaoskit.errors import EngineFailed, UsageProblem
from chaoskit.model.event import Call, Stall
from chaoskit.model.instruction import TapRule
from chaoskit.tap.client import Tap

from tests.fakes.ports import FreeWard, ListRecorder, RealClock
from tests.fixtures.tap import LINK, answering, silent, tap_world

pytestmark = pytest.mark.service

GET = b"GET / HTTP/1.1\r\nHost: c\r\n\r\n"
PARENT = """
import asyncio, sys
from pathlib import Path
from chaoskit.tap.client import Tap
from tests.fakes.ports import FreeWard, ListRecorder, RealClock

async def main():
    tap = Tap(clock=RealClock(), recorder=ListRecorder(), ward=FreeWard(), log_folder=Path(sys.argv[1]))
    await tap.start()
    print(tap.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_killed_parent_takes_the_tap_with_it(tmp_path: Path) -> None:
    """Protects the machine: after kill -9 of the run no relay stays behind."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the tap outlived its parent"
        time.sleep(0.02)


def test_dead_tap_says_so_and_refuses(tmp_path: Path) -> None:
    """Protects the verdict: a tap that died is an engine that failed, and its open calls are open, not lost."""

    async def scenario() -> None:
        async with tap_world(tmp_path, silent, clean=False) as world:
            _, writer = await world.connect()
            writer.write(GET)
            await world.until(lambda: world.tap.calls_seen(LINK) == 1)
            assert world.tap.dead() == ""
            os.kill(world.tap.pid, signal.SIGKILL)
            (call,) = await world.calls(1)
            assert call.outcome == "open"
            assert "ended by itself" in world.tap.dead()
            with pytest.raises(EngineFailed):
                await world.tap.inject("f1", TapRule(LINK, "hang"))
            writer.close()

    asyncio.run(scenario())


def test_stopping_reports_what_is_in_flight(tmp_path: Path) -> None:
    """Protects the last calls of a run, and that stopping is repeatable and leaves no process."""

    async def scenario() -> None:
        async with tap_world(tmp_path, silent) as world:
            _, writer = await world.connect()
            writer.write(GET)
            await world.until(lambda: world.tap.calls_seen(LINK) == 1)
            pid = world.tap.pid
            await world.tap.stop()
            await world.tap.stop()
            assert [call.outcome for call in world.of(Call) if isinstance(call, Call)] == ["open"]
            assert not psutil.pid_exists(pid)
            writer.close()

    asyncio.run(scenario())


def test_taken_port_and_bad_address_are_explained(tmp_path: Path) -> None:
    """Protects whoever wrote `listen:`: what is wrong, on which link, what to do."""

    async def scenario() -> None:
        async with tap_world(tmp_path, answering()) as world:
            with socket.create_server(("127.0.0.1", 0)) as taken:
                listen = f"127.0.0.1:{taken.getsockname()[1]}"
                with pytest.raises(EngineFailed, match=r"cannot listen[^→]*→ free that address"):
                    await world.tap.open_link("a -> b", listen=listen, upstream="127.0.0.1:1", protocol="http")
            with pytest.raises(UsageProblem, match="no address"):
                await world.tap.open_link("a -> b", listen="127.0.0.1", upstream="127.0.0.1:1", protocol="http")

    asyncio.run(scenario())


def test_closed_link_takes_no_more_connections(tmp_path: Path) -> None:
    """Protects re-wiring: after `close_link` the address is free again."""

    async def scenario() -> None:
        async with tap_world(tmp_path, answering()) as world:
            await world.tap.close_link(LINK)
            with pytest.raises(ConnectionRefusedError):
                await world.connect()
            address = f"{world.host}:{world.port}"
            await world.tap.open_link(LINK, listen=address, upstream="127.0.0.1:1", protocol="http")

    asyncio.run(scenario())


def test_stopped_tap_reports_its_stall(tmp_path: Path) -> None:
    """Protects timing: what the tap measured while it was not scheduled is known to be worthless."""

    async def scenario() -> None:
        async with tap_world(tmp_path, answering()) as world:
            os.kill(world.tap.pid, signal.SIGSTOP)
            await asyncio.sleep(0.15)
            os.kill(world.tap.pid, signal.SIGCONT)
            await world.until(lambda: any(getattr(e, "stall_ms", 0) > 90 for e in world.of(Stall)))
            assert all(getattr(e, "process", "") == "tap" for e in world.of(Stall))

    asyncio.run(scenario())


def test_ward_knows_the_process_as_long_as_it_lives(tmp_path: Path) -> None:
    """Protects the undo of last resort: the journal can end the tap when nobody else does."""

    async def scenario() -> None:
        ward = FreeWard()
        tap = Tap(clock=RealClock(), recorder=ListRecorder(), ward=ward, log_folder=tmp_path)
        await tap.start()
        assert ward.guarded == {f"p{tap.pid}": "tap"}
        await tap.stop()
        assert ward.guarded == {}

    asyncio.run(scenario())
