"""The run's side of the tap: starts the process, opens links on it, arms rules, and records what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import structs

from chaoskit.errors import EngineFailed, FaultFailed, UsageProblem
from chaoskit.model.event import Call, CallStarted, Connection, Event, Stall
from chaoskit.model.instruction import Confirmation, Instruction, TapRule, Undo
from chaoskit.ports.clock import Clock
from chaoskit.ports.part import Ward
from chaoskit.ports.recorder import Recorder
from chaoskit.tap import channel

START_S_MAX = 15.0
ANSWER_S_MAX = 5.0
STOP_S_MAX = 3.0
BATCH_BYTES = 1 << 20
"""What the tap sends at once in its busiest moments; up to twice that is taken in before it has to wait."""


class Tap:
    """The tap as a part of the run, and the actuator of `TapRule`. Its child dies with this process."""

    name = "tap"
    role = "engine"

    def __init__(self, *, clock: Clock, recorder: Recorder, ward: Ward, log_folder: Path) -> None:
        self._clock = clock
        self._recorder = recorder
        self._ward = ward
        self._log = log_folder / "tap.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._handles = itertools.count(1)
        self._in_flight: dict[int, tuple[Any, ...]] = {}
        self._calls: Counter[str] = Counter()
        self._connections: Counter[str] = Counter()
        self._ward_token = ""
        self._death = ""
        self._lost = 0
        self._origin = 0.0

    # --- a part of the run ---------------------------------------------------------------------------------------

    async def start(self) -> str:
        """Start the process and wait until it answers. Raises EngineFailed."""
        ours, theirs = socket.socketpair()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "chaoskit.tap.process", str(theirs.fileno())]
        with theirs, self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - our own module; a spawn takes a few ms
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._ward_token = self._ward.guard_process(self._process.pid, "tap")
        reader, self._writer = await asyncio.open_connection(sock=ours, limit=BATCH_BYTES)
        ready = self._answers[0] = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(reader))
        await self._answer(ready, "start", START_S_MAX)
        return f"process {self._process.pid}"

    async def stop(self) -> None:
        """Report what is in flight as open, end the process and wait for it."""
        process, self._process = self._process, None
        if process is None:
            return
        if not self._death:
            with contextlib.suppress(EngineFailed):
                await self._ask("stop", timeout_s=STOP_S_MAX)
        self._death = self._death or "stopped"
        if self._writer is not None:
            self._writer.close()
        if self._reading is not None:
            self._reading.cancel()
        try:
            await asyncio.to_thread(process.wait, STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)
        self._ward.release(self._ward_token)

    def dead(self) -> str:
        """Why it ended although nobody asked, or that it lost events; "" while all is well."""
        if self._process is None:
            return ""
        if self._lost:
            return f"the tap dropped {self._lost} events because the run did not read them in time"
        if self._death:
            return self._death
        code = self._process.poll()
        return "" if code is None else f"the tap process ended with code {code}; see {self._log}"

    @property
    def pid(self) -> int:
        """The process; 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    # --- links ---------------------------------------------------------------------------------------------------

    async def open_link(self, link: str, *, listen: str, upstream: str, protocol: Literal["http", "tcp"]) -> str:
        """Relay `listen` (host:port, port 0 for any) to `upstream` (host:port or a URL); returns host:port.

        Raises UsageProblem for an address that is none, EngineFailed where it can't listen there.
        """
        ways = _address(listen, link), _address(upstream, link)
        try:
            address: str = await self._ask("open", link, *ways, protocol)
        except FaultFailed as error:
            raise EngineFailed(
                f"the tap cannot listen on {listen}: {error.what}",
                where=link,
                remedy="free that address, or leave `listen` out to take any free port",
            ) from error
        return address

    async def close_link(self, link: str) -> None:
        """Accept no more on a link and end its connections; no error if it is not open."""
        await self._ask("close", link)

    def calls_seen(self, link: str) -> int:
        """How many calls have arrived on a link so far."""
        return self._calls[link]

    def connections_seen(self, link: str) -> int:
        """How many connections over a link have ended so far, or have carried a call."""
        return self._connections[link]

    async def traffic(self, link: str) -> int:
        """How many connections were opened over a link and how many calls arrived on it so far, added up.

        The answer comes after all events that the process had by then, so asking also brings the evidence up to date.
        """
        opened: int = await self._ask("traffic", link)
        return opened + self._calls[link]

    # --- the actuator of TapRule ---------------------------------------------------------------------------------

    def prepare(self, fault: str, instruction: Instruction) -> tuple[str, tuple[Undo, ...]]:
        """A new handle; nothing to undo from the journal, because a rule ends with the process, and it with us."""
        return f"{fault}-{next(self._handles)}", ()

    async def inject(self, handle: str, instruction: Instruction) -> Confirmation:
        """Arm the rule; the process confirms that it is in force."""
        rule = _rule(instruction)
        spec = {name: value for name, value in structs.asdict(rule).items() if name != "link"}
        spec["params"] = dict(rule.params)
        if await self._ask("arm", rule.link, handle, spec) is None:
            raise FaultFailed(f"the tap did not arm {rule.action}", where=rule.link, remedy=f"see {self._log}")
        return Confirmation(f"tap rule {rule.action} armed on {rule.link}", {"handle": handle})

    async def hold(self, handle: str, instruction: Instruction) -> tuple[int | None, str]:
        """The calls it took effect on so far."""
        rule = _rule(instruction)
        hits: int | None = await self._ask("hits", rule.link, handle)
        return hits, "" if hits is not None else "the tap no longer has the rule"

    async def revert(self, handle: str, instruction: Instruction) -> Confirmation:
        """Disarm the rule, which closes the calls that it holds, and read back that it is gone."""
        rule = _rule(instruction)
        hits, gone = await self._ask("disarm", rule.link, handle)
        if not gone:
            raise FaultFailed(f"the tap still has {rule.action}", where=rule.link, remedy=f"see {self._log}")
        found = "was not armed" if hits is None else f"disarmed after {hits} hits"
        return Confirmation(f"tap rule {rule.action} {found}", {"hits": hits or 0})

    # --- the channel ---------------------------------------------------------------------------------------------

    async def _ask(self, verb: str, *arguments: Any, timeout_s: float = ANSWER_S_MAX) -> Any:
        if self._writer is None or self._death:
            raise EngineFailed(self._death or "the tap is not started", where="tap", remedy=f"see {self._log}")
        number = next(self._numbers)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        self._writer.write(channel.frame((verb, number, *arguments)))
        return await self._answer(future, verb, timeout_s, number)

    async def _answer(self, future: asyncio.Future[Any], verb: str, timeout_s: float, number: int = 0) -> Any:
        try:
            async with asyncio.timeout(timeout_s):  # wait_for would swallow a signal that comes with the answer
                return await future
        except TimeoutError:
            raise EngineFailed(
                f"the tap did not answer {verb!r} within {timeout_s:g} s", where="tap", remedy=f"see {self._log}"
            ) from None
        finally:
            self._answers.pop(number, None)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                size = channel.frame_length(await reader.readexactly(channel.HEADER_BYTES))
                message = channel.message_of(await reader.readexactly(size))
                if message[0] == channel.REPLY:
                    self._settle(*message[1:])
                else:
                    self._take(*message[1:])
        except (asyncio.IncompleteReadError, ConnectionError):
            self._die(f"the tap process ended by itself; see {self._log}")

    def _settle(self, number: int, problem: str, value: Any) -> None:
        future = self._answers.get(number)
        if future is None or future.done():
            return
        if problem:
            future.set_exception(FaultFailed(problem, where="tap", remedy="see the links of the system file"))
        else:
            future.set_result(value)

    def _die(self, reason: str) -> None:
        if self._process is not None:
            self._death = reason
        now = self._clock.now() - self._origin
        for number in list(self._in_flight):
            self._recorder.record(
                self._call(self._in_flight.pop(number), (channel.ENDED, number, now, 0, "open", "", 0, 0))
            )
        for future in self._answers.values():
            if not future.done():
                future.set_exception(EngineFailed(reason, where="tap"))

    # --- rows to events ------------------------------------------------------------------------------------------

    def _take(self, rows: list[tuple[Any, ...]], lost: int) -> None:
        self._lost = lost
        self._origin = self._clock.from_monotonic(0.0)  # once a batch: it is asked three times for every call
        record = self._recorder.record
        for row in rows:
            kind = row[0]
            if kind == channel.CALL:
                started = row[1]
                record(self._started(started))
                record(self._call(started, row))
            elif kind == channel.STARTED:
                self._in_flight[row[2]] = row
                record(self._started(row))
            elif kind == channel.ENDED:
                started = self._in_flight.pop(row[1], None)
                if started is not None:  # else its beginning is among the lost ones
                    record(self._call(started, row))
            else:
                record(self._connection(row) if kind == channel.CONNECTION else self._stall(row))

    def _started(self, row: tuple[Any, ...]) -> Event:
        _, link, call, connection, t, method, path, trace = row
        self._calls[link] += 1
        return CallStarted(
            t=t + self._origin,
            link=link,
            call=call,
            connection=connection,
            method=method,
            path=path,
            trace=trace,
        )

    def _call(self, started: tuple[Any, ...], row: tuple[Any, ...]) -> Call:
        """`row` is an ENDED or a CALL row."""
        _, _, end, status, outcome, injected, up, down = row
        _, link, call, connection, t, method, path, trace = started
        origin = self._origin
        return Call(
            t=t + origin,
            link=link,
            call=call,
            connection=connection,
            method=method,
            path=path,
            end=end + origin,
            status=status,
            outcome=outcome,
            injected=injected,
            bytes_up=up,
            bytes_down=down,
            trace=trace,
        )

    def _connection(self, row: tuple[Any, ...]) -> Event:
        _, link, connection, t, end, up, down, outcome = row
        self._connections[link] += 1
        return Connection(
            t=t + self._origin,
            link=link,
            connection=connection,
            end=end + self._origin,
            bytes_up=up,
            bytes_down=down,
            outcome=outcome,
        )

    def _stall(self, row: tuple[Any, ...]) -> Event:
        return Stall(t=row[1] + self._origin, process="tap", stall_ms=row[2] * 1000)


def _rule(instruction: Instruction) -> TapRule:
    if not isinstance(instruction, TapRule):
        raise FaultFailed(f"the tap cannot do {type(instruction).__name__}", where="tap", remedy="a bug of chaoskit")
    return instruction


def _address(text: str, link: str) -> tuple[str, int]:
    """host:port, or a URL with a port (or http's 80). Raises UsageProblem."""
    parts = urlsplit(text if "//" in text else f"//{text}")
    try:
        port = parts.port if parts.port is not None else {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        port = -1
    if not parts.hostname or port < 0:
        raise UsageProblem(f"{text!r} is no address", where=link, remedy="write host:port, such as 127.0.0.1:8080")
    return parts.hostname, port
