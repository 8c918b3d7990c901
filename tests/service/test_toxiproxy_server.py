"""The server as a part of a run: started, watched, ended; killed and hung in between."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from chaoskit.errors import EngineFailed
from chaoskit.model.instruction import ProxyDown, Toxic
from chaoskit.toxiproxy import server as server_module
from chaoskit.toxiproxy.actuator import ToxiproxyActuator
from chaoskit.toxiproxy.client import EngineClient
from chaoskit.toxiproxy.server import ToxiproxyServer

from tests.fakes.ports import FreeWard
from tests.fixtures.toxiproxy import RunningToxiproxy

pytestmark = pytest.mark.service
LINK = "a -> b"


@pytest.fixture
def ward() -> FreeWard:
    """Notes what it guards."""
    return FreeWard()


@pytest.fixture
async def server(ward: FreeWard, log_folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ToxiproxyServer]:
    """A server of our own, started, with a quick look at whether it hangs."""
    monkeypatch.delenv("CHAOSKIT_TOXIPROXY_URL", raising=False)
    monkeypatch.setattr(server_module, "_CHECK_EVERY_S", 0.05)
    monkeypatch.setattr(server_module, "_CHECK_TIMEOUT_S", 0.5)
    part = ToxiproxyServer(ward=ward, log_folder=log_folder)
    await part.start()
    yield part
    await part.stop()


async def until(holds: Callable[[], object], within_s: float = 10.0) -> float:
    """Seconds until `holds()`; fails at the deadline."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < within_s, "it never happened"
        await asyncio.sleep(0.01)
    return time.monotonic() - start


def listening(port: int) -> list[str]:
    """The addresses on which somebody listens at `port`, as the kernel writes them."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    places = [row[1].split(":") for row in rows if row[3] == "0A"]
    return [address for address, at in places if int(at, 16) == port]


def pid_of(server: ToxiproxyServer) -> int:
    """Its process."""
    assert server.pid is not None
    return server.pid


async def test_started_guarded_and_gone(ward: FreeWard, server: ToxiproxyServer) -> None:
    """It is registered with the ward while it lives, leads a session of its own, and nothing is left of it."""
    pid = pid_of(server)
    assert list(ward.guarded.values()) == ["toxiproxy"]
    assert os.getsid(pid) == pid
    assert server.dead() == ""
    await server.stop()
    await server.stop()
    assert ward.guarded == {}
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_listens_on_loopback_only(server: ToxiproxyServer) -> None:
    """Its control plane has no password: it must not be reachable from elsewhere."""
    port = int(server.url.rpartition(":")[2])
    assert listening(port) == ["0100007F"]


async def test_killed_is_noticed(server: ToxiproxyServer) -> None:
    """An engine that died is told with the signal, and every call on it is EngineFailed."""
    actuator = ToxiproxyActuator(server.url)
    await actuator.add_link(LINK, upstream="127.0.0.1:9")
    toxic = Toxic(LINK, "latency", {"latency": 5})
    handle, _ = actuator.prepare("f1", toxic)
    await actuator.inject(handle, toxic)
    os.kill(pid_of(server), signal.SIGKILL)
    await until(server.dead)
    assert "SIGKILL" in server.dead()
    with pytest.raises(EngineFailed, match="gone"):
        await actuator.hold(handle, toxic)
    with pytest.raises(EngineFailed, match="gone"):
        await actuator.revert(handle, toxic)
    assert await actuator.close() == []


async def test_hung_is_noticed_and_recovers(server: ToxiproxyServer) -> None:
    """A stopped process accepts connections for ever: only deadlines tell. It is alive again once it answers."""
    actuator = ToxiproxyActuator(server.url)
    await actuator.add_link(LINK, upstream="127.0.0.1:9")
    down = ProxyDown(LINK)
    handle, _ = actuator.prepare("f1", down)
    os.kill(pid_of(server), signal.SIGSTOP)
    try:
        before = time.monotonic()
        with pytest.raises(EngineFailed, match="did not answer"):
            await actuator.inject(handle, down)
        assert time.monotonic() - before < 3.5
        await until(server.dead)
        assert "did not answer" in server.dead()
    finally:
        os.kill(pid_of(server), signal.SIGCONT)
    await until(lambda: not server.dead())


async def test_stop_ends_a_hung_server(ward: FreeWard, server: ToxiproxyServer) -> None:
    """A run must be able to end whatever state its engine is in."""
    pid = pid_of(server)
    os.kill(pid, signal.SIGSTOP)
    await server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert ward.guarded == {}


async def test_a_program_that_is_no_server(
    ward: FreeWard, log_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it printed and where its log is are told; nothing stays guarded."""
    fake = tmp_path / "fake"
    fake.write_text("#!/bin/sh\necho no licence >&2; exit 7\n")
    fake.chmod(0o755)
    monkeypatch.delenv("CHAOSKIT_TOXIPROXY_URL", raising=False)
    monkeypatch.setenv("CHAOSKIT_TOXIPROXY_BIN", str(fake))
    part = ToxiproxyServer(ward=ward, log_folder=log_folder)
    with pytest.raises(EngineFailed, match="no licence"):
        await part.start()
    assert ward.guarded == {}


async def test_a_foreign_server_is_left_running(
    ward: FreeWard,
    log_folder: Path,
    toxiproxy: RunningToxiproxy,
    engine: EngineClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CHAOSKIT_TOXIPROXY_URL: nothing is started or ended, others' proxies stay, ours go."""
    monkeypatch.setenv("CHAOSKIT_TOXIPROXY_URL", toxiproxy.url)
    engine.create_proxy("theirs", upstream="127.0.0.1:9")
    part = ToxiproxyServer(ward=ward, log_folder=log_folder)
    said = await part.start()
    assert "2.12.0" in said
    assert part.pid is None
    actuator = ToxiproxyActuator(part.url)
    await actuator.add_link(LINK, upstream="127.0.0.1:9")
    await actuator.close()
    await part.stop()
    assert list(engine.snapshots()) == ["theirs"]
    assert ward.guarded == {}


async def test_a_foreign_server_that_is_not_there(
    ward: FreeWard, log_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong URL is told with the variable's name, and no server of our own is started instead."""
    monkeypatch.setenv("CHAOSKIT_TOXIPROXY_URL", "http://127.0.0.1:9")
    with pytest.raises(EngineFailed) as failed:
        await ToxiproxyServer(ward=ward, log_folder=log_folder).start()
    assert "CHAOSKIT_TOXIPROXY_URL" in str(failed.value)
