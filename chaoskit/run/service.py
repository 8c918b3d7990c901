"""A service of the system under test: started by us from its command, or running already."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from chaoskit.errors import ServiceFailed
from chaoskit.model.system import Ready, Service
from chaoskit.ports.clock import Clock
from chaoskit.ports.part import Ward

LOG_TAIL_LINES = 15
PROBE_TIMEOUT_S = 1.0
FOREIGN_WITHIN = "5s"
"""How long we wait for a service that runs already and says nothing of when it is ready."""
READY_POLL_S = 0.05


class ServiceProcess:
    """Implements ports.part.Part for a service with a `command`. Its environment is ours plus `env`, expanded."""

    role = "service"

    def __init__(
        self,
        name: str,
        service: Service,
        *,
        command: list[str],
        env: Mapping[str, str],
        url: str,
        cwd: Path,
        clock: Clock,
        ward: Ward,
        log_folder: Path,
    ) -> None:
        self.name = name
        self.url = url
        self.log = log_folder / f"{name}.log"
        self._service = service
        self._command = command
        self._env = dict(env)
        self._cwd = cwd
        self._clock = clock
        self._ward = ward
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""

    @property
    def pid(self) -> int:
        """Its process, which leads its group; 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> str:
        """Start it and wait until it is ready. Raises ServiceFailed with the tail of its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            try:
                # Its own session: a signal to us must not reach it before our stop. Popen and not asyncio's: a service
                # must be waited for also where no loop runs any more.
                self._process = subprocess.Popen(  # noqa: ASYNC220
                    self._command,
                    env={**os.environ, **self._env},
                    cwd=self._cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise ServiceFailed(
                    f"service '{self.name}' could not be started: {error.strerror}: {self._command[0]}",
                    where=shlex.join(self._command),
                    remedy="check `command:` and `cwd:` of the service in the system file",
                ) from error
        self._token = self._ward.guard_process(self._process.pid, self.name)
        await self._until_ready(self._service.ready or Ready(tcp=_host_port(self.url)))
        return f"pid {self._process.pid}, {self.url}"

    async def _until_ready(self, ready: Ready) -> None:
        deadline = self._clock.now() + ready.within
        while not await is_ready(ready, self.url, self.log):
            if died := self.dead():
                raise ServiceFailed(
                    f"service '{self.name}' ended before it was ready: {died}",
                    where=str(self.log),
                    remedy=f"the end of its log:\n{log_tail(self.log)}",
                )
            if self._clock.now() > deadline:
                raise ServiceFailed(
                    f"service '{self.name}' was not ready within {ready.within:g} s",
                    where=str(self.log),
                    remedy=f"check `ready:` of the service; the end of its log:\n{log_tail(self.log)}",
                )
            await asyncio.sleep(READY_POLL_S)

    async def stop(self) -> None:
        """Ask, wait for its grace, then kill the whole process group."""
        process, self._process = self._process, None
        if process is None:
            return
        _signal_group(process.pid, getattr(signal, f"SIG{self._service.stop.signal}"))
        await self._clock.until(lambda: process.poll() is not None, self._clock.now() + self._service.stop.grace)
        _signal_group(process.pid, signal.SIGKILL)  # also what it left behind in its group
        await self._clock.until(lambda: process.poll() is not None, self._clock.now() + 5)
        self._ward.release(self._token)

    def dead(self) -> str:
        if self._process is None or (code := self._process.poll()) is None:
            return ""
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"{how}; see {self.log}"


class ForeignService:
    """Implements ports.part.Part for a service that somebody else runs: we only look whether it is there."""

    role = "service"

    def __init__(self, name: str, service: Service, *, url: str, clock: Clock) -> None:
        self.name = name
        self.url = url
        self._service = service
        self._clock = clock

    async def start(self) -> str:
        """Wait until it answers. Raises ServiceFailed."""
        if not self.url:
            return "no url: only its links are known"
        ready = self._service.ready or Ready.model_validate({"tcp": _host_port(self.url), "within": FOREIGN_WITHIN})
        deadline = self._clock.now() + ready.within
        while not await is_ready(ready, self.url, None):
            if self._clock.now() > deadline:
                raise ServiceFailed(
                    f"service '{self.name}' does not answer at {self.url}",
                    where=self.url,
                    remedy="start it first, or give it a `command:` in the system file so that chaoskit starts it",
                )
            await asyncio.sleep(READY_POLL_S)
        return f"already running, {self.url}"

    async def stop(self) -> None:
        """Not ours to stop."""

    def dead(self) -> str:
        return ""


async def is_ready(ready: Ready, url: str, log: Path | None) -> bool:
    """One look at whether a service is ready."""
    if ready.http is not None:
        target = ready.http if "://" in ready.http else url.rstrip("/") + "/" + ready.http.lstrip("/")
        return await asyncio.to_thread(_http_ok, target)
    if ready.tcp is not None:
        return await asyncio.to_thread(_tcp_ok, ready.tcp)
    if ready.log is not None:
        return log is not None and await asyncio.to_thread(_log_says, ready.log, log)
    process = await asyncio.create_subprocess_exec(
        *shlex.split(ready.exec or "false"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return await process.wait() == 0


def _http_ok(url: str) -> bool:
    import http.client  # slow to import, and not needed where services run already

    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _log_says(pattern: str, log: Path) -> bool:
    return log.exists() and bool(re.search(pattern, log.read_text(errors="replace")))


def _tcp_ok(host_port: str) -> bool:
    host, _, port = host_port.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=PROBE_TIMEOUT_S):
            return True
    except OSError:
        return False


def _host_port(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def log_tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of a log, indented; "(empty)" if there are none."""
    try:
        text = log.read_text(errors="replace").rstrip().splitlines()[-lines:]
    except OSError:
        text = []
    return "\n".join(f"    {line}" for line in text) or "    (empty)"
