"""A private RabbitMQ node that lives as long as the run, and of which nothing is left afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from chaoskit.broker.address import BrokerAddress
from chaoskit.broker.server import NodeSettings, Server, command, environment, find_server, write_settings
from chaoskit.errors import BrokerFailed
from chaoskit.ports.part import Ward

START_S_MAX = 60.0
"""It takes 4–6 s on an idle machine; a loaded one may need ten times that."""
STOP_S_MAX = 10.0
ATTEMPTS = 3
"""A free port can be taken by somebody else before the node gets to it."""


class BrokerNode:
    """A throw-away node: own user, folder, cookie and name; AMQP, management, distribution and epmd on loopback.

    Everything runs in one process group that is registered with the ward, and writes into one temporary folder that
    is registered too: whoever ends the group and removes the folder has ended the node.
    """

    name = "broker"
    role = "broker"
    private = True

    def __init__(self, *, ward: Ward, log_folder: Path) -> None:
        self._ward = ward
        self._log = log_folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._settings: NodeSettings | None = None
        self._tokens: list[str] = []

    @property
    def address(self) -> BrokerAddress:
        """Raises BrokerFailed before the node was started."""
        node = self._started()
        return BrokerAddress("amqp", "127.0.0.1", node.amqp_port, node.user, node.password, node.vhost)

    @property
    def url(self) -> str:
        return self.address.url

    @property
    def host_port(self) -> str:
        return self.address.host_port

    def through(self, host_port: str) -> str:
        """The URL with a proxy's address in place of the node's."""
        return self.address.through(host_port).url

    @property
    def management_url(self) -> str:
        return f"http://127.0.0.1:{self._started().management_port}"

    @property
    def pgid(self) -> int:
        """The process group that holds all of the node's processes; 0 while there is none."""
        return self._process.pid if self._process else 0

    async def start(self) -> str:
        """Start it and wait until it takes messages. Raises BrokerFailed with the end of its log."""
        if self._process:
            return f"RabbitMQ {find_server().version}, private node on {self.host_port}"
        server = find_server()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._spawn(server)
                await self._ready()
                break
            except BrokerFailed as error:
                await self.stop()
                if attempt == ATTEMPTS or "eaddrinuse" not in f"{error}":
                    raise
            except BaseException:
                await self.stop()
                raise
        return f"RabbitMQ {server.version}, private node on {self.host_port}"

    async def stop(self) -> None:
        """End every process of the node and remove its folder."""
        process, settings = self._process, self._settings
        if process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await _gone(process)
        if settings:
            shutil.rmtree(settings.folder, ignore_errors=True)
        for token in self._tokens:
            self._ward.release(token)
        self._tokens.clear()
        self._process = self._settings = None

    def dead(self) -> str:
        """Why it ended unasked, or ""."""
        if self._process and self._process.poll() is not None:
            return f"RabbitMQ ended with code {self._process.returncode}; see {self._log}"
        return ""

    def _started(self) -> NodeSettings:
        if not self._settings:
            raise BrokerFailed("the broker has not been started yet")
        return self._settings

    def _spawn(self, server: Server) -> None:
        folder = Path(tempfile.mkdtemp(prefix="chaoskit-broker-"))
        self._tokens.append(self._ward.guard_folder(str(folder)))
        amqp, management, distribution, epmd = _free_ports(4)
        self._settings = NodeSettings(
            folder,
            user=f"ck-{secrets.token_hex(4)}",
            password=secrets.token_urlsafe(18),
            cookie=secrets.token_hex(20),
            vhost="chaoskit",
            amqp_port=amqp,
            management_port=management,
            distribution_port=distribution,
            epmd_port=epmd,
        )
        write_settings(self._settings)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command(server, self._settings),
                env=environment(server, self._settings),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._tokens.append(self._ward.guard_process(self._process.pid, "rabbitmq"))

    async def _ready(self) -> None:
        """Until management answers and AMQP is accepted: the listeners come up last of all."""
        node = self._started()
        deadline = time.monotonic() + START_S_MAX
        async with httpx.AsyncClient(auth=(node.user, node.password), timeout=2.0, trust_env=False) as client:
            while time.monotonic() < deadline:
                if self.dead():
                    raise BrokerFailed("RabbitMQ ended while it started", where=str(self._log), remedy=self._tail())
                if await _accepts(node.amqp_port) and await _answers(client, f"{self.management_url}/api/vhosts"):
                    return
                await asyncio.sleep(0.05)
        raise BrokerFailed(
            f"RabbitMQ took no messages within {START_S_MAX:.0f} s",
            where=str(self._log),
            remedy=f"is the machine overloaded? The log ends: {self._tail()}",
        )

    def _tail(self) -> str:
        text = self._log.read_text(encoding="utf-8", errors="replace")
        named = [line for line in text.splitlines() if "eaddrinuse" in line or "[error]" in line]
        return " | ".join((named or text.splitlines())[-4:])[-800:]


def _free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on; all open at once, so that they differ."""
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            ports.append(int(listener.getsockname()[1]))
        return ports


async def _gone(process: subprocess.Popen[bytes]) -> None:
    """Until the killed group has no process left, for at most `STOP_S_MAX`."""
    deadline = time.monotonic() + STOP_S_MAX
    for _ in iter(lambda: time.monotonic() < deadline, False):
        if process.poll() is not None and not _group_lives(process.pid):
            return
        await asyncio.sleep(0.01)


def _group_lives(pgid: int) -> bool:
    """Whether any process of the group still runs; a dead one that nobody has reaped does not."""
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == pgid and process.status() != psutil.STATUS_ZOMBIE:
                return True
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return False


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False
