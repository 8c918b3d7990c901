"""The private node: loopback only, and nothing left of it whichever way it ends; and brokers of somebody else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from chaoskit.broker.foreign import ForeignBroker
from chaoskit.broker.node import BrokerNode
from chaoskit.errors import BrokerFailed, UsageProblem

from tests.fakes.ports import FreeWard, RealClock
from tests.fixtures.rabbitmq import ROOT, Rabbit
from tests.service.message_consumer import Relay

pytestmark = pytest.mark.service


def processes_of(pgid: int) -> list[psutil.Process]:
    """All processes of the node: its group, and what those have started in groups of their own."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == pgid:
                found += [process, *process.children(recursive=True)]
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return list(dict.fromkeys(found))


def listening(processes: list[psutil.Process]) -> set[tuple[str, int]]:
    """(address, port) of all listeners."""
    return {
        (connection.laddr.ip, connection.laddr.port)
        for process in processes
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def wait_gone(processes: list[psutil.Process], within_s: float) -> list[psutil.Process]:
    """Those that still run after all; the dead that nobody reaped do not run."""
    deadline = time.monotonic() + within_s
    left = processes
    while left and time.monotonic() < deadline:
        left = [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        time.sleep(0.02)
    return left


async def stopped_after(node: BrokerNode, play: Callable[[], Awaitable[None]]) -> None:
    """A test that fails must not leave its node behind."""
    try:
        await play()
    finally:
        await node.stop()


def test_a_node_listens_on_loopback_only_and_stop_leaves_nothing(tmp_path: Path) -> None:
    """AMQP, management, distribution and epmd on loopback; after `stop` no process, no port, no folder, no ward entry.

    The second half ends the group with the one signal that the journal's undo has: nothing else may be needed.
    """
    ward = FreeWard()
    node = BrokerNode(ward=ward, log_folder=tmp_path)

    async def play() -> None:
        assert "RabbitMQ" in await node.start()
        processes = processes_of(node.pgid)
        names = {process.name() for process in processes}
        assert {"beam.smp", "epmd", "erl_child_setup"} <= names
        assert "inet_gethost" not in names
        listeners = listening(processes)
        assert {address for address, _ in listeners} <= {"127.0.0.1", "::1"}
        assert len({port for _, port in listeners}) == 4
        folder = next(path for path in map(Path, ward.guarded.values()) if path.is_absolute())
        assert f"p{node.pgid}" in ward.guarded
        assert folder.is_dir()
        assert not node.dead()
        os.killpg(node.pgid, signal.SIGKILL)
        assert not wait_gone(processes, 2)
        assert "ended with code" in node.dead()
        await node.stop()
        assert not folder.exists()
        assert not ward.guarded
        await node.stop()
        assert not node.dead()

    asyncio.run(stopped_after(node, play))


def test_stop_ends_every_process(tmp_path: Path) -> None:
    """A node that is stopped right after its start is as gone as one that was killed."""
    ward = FreeWard()
    node = BrokerNode(ward=ward, log_folder=tmp_path)

    async def play() -> None:
        starting = asyncio.create_task(node.start())
        assert await RealClock().until(lambda: len(processes_of(node.pgid)) > 2 if node.pgid else False, 20)
        processes = processes_of(node.pgid)
        folder = next(path for path in map(Path, ward.guarded.values()) if path.is_absolute())
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert processes
        assert not wait_gone(processes, 2)
        assert not folder.exists()
        assert not ward.guarded

    asyncio.run(stopped_after(node, play))


def test_the_session_node_goes_when_pytest_is_killed(tmp_path: Path) -> None:
    """The keeper watches the process that asked for the node, and ends it when that is gone without a word."""
    pytest_like = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    state = tmp_path / "node.json"
    command = [sys.executable, "-m", "tests.fixtures.rabbitmq_keeper", str(pytest_like.pid), str(state)]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as keeper:
        children = psutil.Process(keeper.pid).children
        assert asyncio.run(RealClock().until(lambda: bool(children()), 20))
        node = children(recursive=True)
        pytest_like.kill()
        pytest_like.wait()
        assert keeper.wait(60) == 0
    assert not wait_gone(node, 2)
    assert not state.exists()
    assert pytest_like.stdin
    pytest_like.stdin.close()


def refusal(url: str, management_url: str) -> str:
    with pytest.raises(BrokerFailed) as raised:
        asyncio.run(ForeignBroker(url, management_url).start())
    return str(raised.value)


def test_a_foreign_broker_says_what_is_wrong_with_it(vhost: Rabbit) -> None:
    """Address, login, virtual host, rights and management API are told apart, and no message shows the password."""
    address = vhost.address
    with vhost.api() as api:
        for user in ("nobody", "reader"):
            api.put(f"/users/{user}", json={"password": "pw-1", "tags": ""}).raise_for_status()
        rights = {"configure": "^$", "write": "^$", "read": ".*"}
        api.put(f"/permissions/{address.vhost}/reader", json=rights).raise_for_status()
    closed = refusal(replace(address, port=1).url, vhost.management_url)
    assert "can't be reached" in closed
    wrong = refusal(replace(address, password="pw-wrong").url, vhost.management_url)
    assert "password is wrong" in wrong
    missing = refusal(replace(address, vhost="none").url, vhost.management_url)
    assert "there is no virtual host 'none'" in missing
    no_entry = refusal(replace(address, user="nobody", password="pw-1").url, vhost.management_url)
    assert "may not use the virtual host" in no_entry
    no_rights = refusal(replace(address, user="reader", password="pw-1").url, vhost.management_url)
    assert "may not make queues" in no_rights
    no_api = refusal(address.url, "http://127.0.0.1:1")
    assert "management API does not answer" in no_api
    assert not any("pw-" in text for text in (closed, wrong, missing, no_entry, no_rights, no_api))
    with vhost.api() as api:
        for user in ("nobody", "reader"):
            api.delete(f"/users/{user}")


def test_a_sound_foreign_broker_is_accepted_and_left_alone(vhost: Rabbit) -> None:
    """Start, stop and `through` on a broker of somebody else."""
    broker = ForeignBroker(vhost.url, vhost.management_url)

    async def play() -> None:
        assert "run by somebody else" in await broker.start()
        await broker.stop()
        await broker.stop()
        assert not broker.dead()

    asyncio.run(play())
    assert broker.through("127.0.0.1:7777") == replace(vhost.address, port=7777).url
    with pytest.raises(UsageProblem, match="not a broker's URL"):
        ForeignBroker("http://127.0.0.1:15672")


def test_a_foreign_broker_is_dead_once_no_connection_can_be_had(vhost: Rabbit) -> None:
    """A cut connection is no death, for somebody's fault may have cut it; a broker that refuses a new one is gone."""
    relay = Relay(vhost)

    async def play() -> None:
        reached = await relay.open()
        broker = ForeignBroker(reached.url, vhost.management_url)
        await broker.start()
        relay.cut()
        assert not await RealClock().until(lambda: bool(broker.dead()), 0.3)
        relay.close()
        assert await RealClock().until(lambda: "can't be reached" in broker.dead(), 5)
        await broker.stop()

    asyncio.run(play())
