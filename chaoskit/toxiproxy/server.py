"""The Toxiproxy process of a run, or one that somebody else runs for us."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from chaoskit.errors import EngineFailed
from chaoskit.ports.part import Ward
from chaoskit.toxiproxy.binary import URL_VARIABLE, find_binary, foreign_url

READY_WITHIN_S = 10.0
_STOP_GRACE_S = 1.0
_CHECK_EVERY_S = 0.5
_CHECK_TIMEOUT_S = 3.0
"""Generous, for a machine under load: a single call that goes unanswered fails its fault long before this."""
_PORT_TRIES = 3


class ToxiproxyServer:
    """A `Part`. With CHAOSKIT_TOXIPROXY_URL no process is started, and none is ended.

    The process leads a session of its own, listens on loopback only and is registered with the ward.
    """

    name = "toxiproxy"
    role = "engine"

    def __init__(self, *, ward: Ward, log_folder: Path, log_level: str = "error") -> None:
        self.url = ""
        self._ward = ward
        self._log = log_folder / "toxiproxy.log"
        self._log_level = log_level
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""
        self._watch: asyncio.Task[None] | None = None
        self._hung = ""

    @property
    def pid(self) -> int | None:
        """The process, where it is ours and started."""
        return self._process.pid if self._process else None

    async def start(self) -> str:
        """Returns `Toxiproxy 2.12.0 at http://…`. Raises EngineFailed."""
        self.url = foreign_url()
        if self.url:
            version = await self._foreign_version()
        else:
            version = await self._spawn_somewhere(find_binary())
        self._watch = asyncio.create_task(self._check_for_ever(), name="toxiproxy-check")
        return f"Toxiproxy {version} at {self.url}"

    async def stop(self) -> None:
        """End our own process for sure; a foreign server is left running."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
            self._watch = None
        await self._end_process()

    def dead(self) -> str:
        """Why it is not alive, or ""; knows within four seconds of a control plane that hangs."""
        if self._process is not None and (code := self._process.poll()) is not None:
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            return f"Toxiproxy (pid {self._process.pid}) {how}; its log: {self._log}"
        return self._hung

    async def _foreign_version(self) -> str:
        try:
            return await asyncio.to_thread(_version_of, self.url)
        except EngineFailed as error:
            raise EngineFailed(
                error.what,
                where=self.url,
                remedy=f"start it, correct {URL_VARIABLE}, or unset that to have one started",
            ) from error

    async def _spawn_somewhere(self, binary: Path) -> str:
        """A free port can be taken between our look and the server's: try a few."""
        for _ in range(_PORT_TRIES):
            port = _free_port()
            self._spawn(binary, port)
            version = await self._until_ready()
            if version:
                return version
            await self._end_process()
        tail = self._log.read_text(errors="replace")[-500:].strip() if self._log.exists() else ""
        raise EngineFailed(
            f"Toxiproxy ended at once or did not answer within {READY_WITHIN_S:g} s" + (f": {tail}" if tail else ""),
            where=str(binary),
            remedy=f"try `{binary} --version`; its log: {self._log}",
        )

    def _spawn(self, binary: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    [str(binary), "-host", "127.0.0.1", "-port", str(port)],
                    env={**os.environ, "LOG_LEVEL": self._log_level},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            except OSError as error:
                raise EngineFailed(
                    f"Toxiproxy cannot be run: {error.strerror}", where=str(binary), remedy="build it for this machine"
                ) from error
        self._token = self._ward.guard_process(self._process.pid, self.name)

    async def _until_ready(self) -> str:
        """The version of the server once it answers; "" if it ended or the deadline passed."""
        assert self._process is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(EngineFailed):
                version = await asyncio.to_thread(_version_of, self.url)
                if self._process.poll() is None:  # else somebody else's server answered on that port
                    return version
            await asyncio.sleep(0.01)
        return ""

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, _STOP_GRACE_S)
                break
        await asyncio.to_thread(process.wait)
        self._ward.release(self._token)

    async def _check_for_ever(self) -> None:
        """What deadlocks under load is the list of proxies, not /version: ask for that."""
        from chaoskit.toxiproxy.control import Control

        control = Control(self.url, timeout_s=_CHECK_TIMEOUT_S)
        try:
            while True:
                try:
                    await asyncio.to_thread(control.exchange, "GET", "/proxies")
                    self._hung = ""
                except EngineFailed as error:
                    self._hung = error.what
                await asyncio.sleep(_CHECK_EVERY_S)
        finally:
            control.close()


def _version_of(url: str) -> str:
    from chaoskit.toxiproxy.client import EngineClient

    client = EngineClient(url)
    try:
        return client.version()
    finally:
        client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
