"""The parent's side of the load child: starts it, commands it, turns what it says into events."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaoskit.errors import EngineFailed
from chaoskit.load import wire
from chaoskit.load.wire import Kind
from chaoskit.model.event import LoadEnded, LoadIteration, LoadSecond, LoadStarted, Sample
from chaoskit.model.scenario import Load
from chaoskit.model.system import LocustJourney, System
from chaoskit.ports.clock import Clock
from chaoskit.ports.part import Ward
from chaoskit.ports.recorder import Recorder

READY_S_MAX = 60.0
ANSWER_S_MAX = 30.0
STOP_S_MAX = 3.0
_LOG_TAIL_BYTES = 1500


class LoadChild:
    """Implements ports.part.Part and ports.load_driver.LoadDriver: one child process for all loads of a run.

    `urls` maps each service to its base URL. `spawn()` begins the start (a second of CPU that other starts can
    overlap), `start()` waits until the child says that it is ready.
    """

    name = "load"
    role = "engine"

    def __init__(
        self, *, system: System, urls: Mapping[str, str], clock: Clock, recorder: Recorder, ward: Ward, log_folder: Path
    ) -> None:
        self._system = system
        self._urls = dict(urls)
        self._clock = clock
        self._recorder = recorder
        self._ward = ward
        self._log = log_folder / "load.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._token = ""
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._texts: dict[int, str] = {}
        self._answers: list[dict[str, Any]] = []
        self._broken = ""
        self._ready: dict[str, Any] = {}
        self._loading = False
        self._stopped = False

    def spawn(self) -> None:
        """Start the process without waiting for it; again is harmless."""
        if self._process is not None:
            return
        self._log.parent.mkdir(parents=True, exist_ok=True)
        ours, theirs = socket.socketpair()
        follow_thread = threading.current_thread() is threading.main_thread()
        command = [sys.executable, "-m", "chaoskit.load.child", str(theirs.fileno()), str(os.getpid())]
        with theirs, self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "1" if follow_thread else "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
        self._socket = ours
        self._token = self._ward.guard_process(self._process.pid, self.name)

    async def start(self) -> str:
        """Spawn it if need be and wait for its *ready*. Raises EngineFailed."""
        self.spawn()
        reader, self._writer = await asyncio.open_connection(sock=self._socket)
        self._reading = asyncio.create_task(self._read(reader), name="load child")
        await self._until(lambda: bool(self._ready), READY_S_MAX, "become ready")
        return f"Locust {self._ready['locust']}, process {self._ready['pid']}"

    async def begin(self, load: Load, *, bodies: bool, seed: int) -> None:
        """Start the schedule now; returns once the child has begun. Raises EngineFailed."""
        if self._loading:
            await self.end(0.0)
        self._broken = ""
        answer = await self._ask(
            Kind.BEGIN,
            ANSWER_S_MAX,
            **self._journey(load.journey),
            urls=self._urls,
            journey=load.journey,
            rate_per_s=load.rate,
            users_max=load.users_max,
            timeout_s=load.timeout,
            bodies=bodies,
            seed=seed,
        )
        self._loading = True
        began = self._clock.from_monotonic(answer["t0"])
        self._recorder.record(LoadStarted(t=began, journey=load.journey, rate_per_s=load.rate))

    async def end(self, drain_s: float = 5.0) -> None:
        """Start nothing more, wait for what is in flight, record `load.ended`. A dead child is told by `dead()`."""
        if not self._loading or self._gone():
            return
        self._loading = False
        try:
            await self._ask(Kind.END, drain_s + ANSWER_S_MAX, drain_s=drain_s)
        except EngineFailed:
            if not self._gone():
                raise

    async def stop(self) -> None:
        """End the process and whatever it started; again is harmless."""
        self._stopped = True
        process = self._process
        if process is None:
            return
        if self._writer is not None:
            self._writer.close()
        elif self._socket is not None:
            self._socket.close()
        if not self._ready and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # busy with imports: it would not see for seconds that we left
        if not await self._clock.until(lambda: process.poll() is not None, self._clock.now() + STOP_S_MAX):
            os.killpg(process.pid, signal.SIGKILL)
            await self._clock.until(lambda: process.poll() is not None, self._clock.now() + STOP_S_MAX)
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._ward.release(self._token)
        self._process = self._writer = self._socket = self._reading = None

    def dead(self) -> str:
        """Why it is gone, or why the user's load code can't work; "" while all is well."""
        if self._stopped or self._process is None:
            return ""
        if self._gone():
            return f"the load child {self._exit()}{self._tail()}"
        return f"the load code failed: {self._broken}" if self._broken else ""

    # --- commands ------------------------------------------------------------------------------------------------

    def _journey(self, name: str) -> dict[str, Any]:
        journey = self._system.journeys.get(name)
        if journey is None:
            known = ", ".join(sorted(self._system.journeys)) or "none"
            raise EngineFailed(f"there is no journey {name!r}", remedy=f"the system file has: {known}")
        if isinstance(journey, LocustJourney):
            return {"locust": journey.locust}
        requests = [request.model_dump(mode="json", by_alias=True) for request in journey]
        return {"requests": requests, "seeded": {key: list(values) for key, values in self._system.seeded.items()}}

    async def _ask(self, kind: Kind, longest_s: float, **values: Any) -> dict[str, Any]:
        """Send a command and wait for its answer. Raises EngineFailed, with the child's own reason if it gave one."""
        if self._writer is None or self._gone():
            raise self._failed("the child is not running")
        self._answers.clear()
        self._writer.write(wire.message(kind, **values))
        begins = kind is Kind.BEGIN
        done = (lambda: bool(self._answers or self._broken)) if begins else (lambda: bool(self._answers))
        await self._until(done, longest_s, "begin the load" if begins else "end the load")
        if not self._answers:
            raise self._failed(self._broken)
        return self._answers[0]

    async def _until(self, holds: Any, longest_s: float, what: str) -> None:
        deadline = self._clock.now() + longest_s
        await self._clock.until(lambda: holds() or self._gone(), deadline, every_s=0.005)
        if holds():
            return
        if self._gone():
            raise self._failed(f"the child could not {what}: it {self._exit()}")
        raise self._failed(f"the child did not {what} within {longest_s:g} s")

    def _gone(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _exit(self) -> str:
        code = self._process.poll() if self._process is not None else None
        if code is not None and code < 0:
            return f"was ended by signal {-code}"
        return f"ended with exit code {code}"

    def _failed(self, what: str) -> EngineFailed:
        return EngineFailed(f"load: {what}{self._tail()}", where=str(self._log), remedy="see its log")

    def _tail(self) -> str:
        try:
            text = self._log.read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace").strip()
        except OSError:
            return ""
        return "\n  | " + "\n  | ".join(text.splitlines()[-12:]) if text else ""

    # --- what the child says -------------------------------------------------------------------------------------

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                length, kind = wire.HEADER.unpack(await reader.readexactly(wire.HEADER.size))
                self._take(Kind(kind), await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # it has ended; `dead()` says so

    def _take(self, kind: Kind, payload: bytes) -> None:
        if kind is Kind.SAMPLES:
            self._samples(payload)
            return
        values = json.loads(payload)
        if kind is Kind.TEXT:
            self._texts[values["id"]] = values["text"]
        elif kind is Kind.SECOND:
            self._second(values)
        elif kind is Kind.FAILED:
            self._broken = self._broken or values["reason"]
        elif kind is Kind.READY:
            self._ready = values
        else:
            if kind is Kind.ENDED:
                self._ended(values)
            self._answers.append(values)

    def _samples(self, payload: bytes) -> None:
        """2 to 7 µs a sample: this runs between all other things that the run does."""
        texts, record, run_s = self._texts, self._recorder.record, self._clock.from_monotonic
        texts.setdefault(0, "")
        for row, body in wire.unpack_samples(payload):
            if row.flags & wire.FLAG_ITERATION:
                self._iteration(row)
                continue
            record(
                Sample(
                    t=run_s(row.start),
                    name=texts[row.name],
                    due=run_s(row.due),
                    latency_ms=(row.start - row.due) * 1000 + row.service_us / 1000,
                    service_ms=row.service_us / 1000,
                    status=row.status,
                    error=texts[row.error],
                    ok=bool(row.flags & wire.FLAG_OK),
                    body=body,
                )
            )

    def _iteration(self, row: wire.Record) -> None:
        self._recorder.record(
            LoadIteration(
                t=self._clock.from_monotonic(row.start),
                journey=self._texts[row.name],
                due=self._clock.from_monotonic(row.due),
                latency_ms=(row.start - row.due) * 1000 + row.service_us / 1000,
                requests=row.status,
                ok=bool(row.flags & wire.FLAG_OK),
            )
        )

    def _second(self, values: dict[str, Any]) -> None:
        self._recorder.record(
            LoadSecond(
                t=self._clock.from_monotonic(values["t"]),
                due=values["due"],
                started=values["started"],
                dropped=values["dropped"],
                lag_ms_max=values["lag_ms_max"],
            )
        )

    def _ended(self, values: dict[str, Any]) -> None:
        self._recorder.record(
            LoadEnded(
                t=self._clock.from_monotonic(values["t"]),
                due=values["due"],
                started=values["started"],
                completed=values["completed"],
                dropped=values["dropped"],
                lag_ms_p99=values["lag_ms_p99"],
            )
        )
