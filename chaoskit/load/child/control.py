"""The child's commands: begin a load, end it; one at a time, any number in a row."""

from __future__ import annotations

import gc
import json
import os
import random
import resource
import socket
import time
from typing import Any

import gevent
import locust
from locust import event as event_hooks
from locust.env import Environment

from chaoskit.load import wire
from chaoskit.load.child.failure import UserCodeBroken
from chaoskit.load.child.generator import Generator, Tally
from chaoskit.load.child.listener import Listener
from chaoskit.load.child.players import Around, ClassPlayer, JourneyPlayer
from chaoskit.load.child.stream import Stream
from chaoskit.load.child.user_class import load_user_class
from chaoskit.load.child.worker import Player
from chaoskit.load.journey import Call, Values, compile_call
from chaoskit.load.schedule import Schedule
from chaoskit.load.wire import Kind

_LEAD_S = 0.01
"""Between the command and the first iteration, so that the first one is not late."""


def serve(fd: int) -> None:
    """Obey until the parent hangs up; then end at once, with whatever is under way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    sock = socket.socket(fileno=fd)
    stream = Stream(sock)
    gevent.spawn(stream.run)
    # What has been imported by now stays; looking at it again and again would cost as much as the requests do.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)
    stream.message(Kind.READY, pid=os.getpid(), locust=locust.__version__)
    control = Control(stream)
    while (header := _exactly(sock, wire.HEADER.size)) is not None:
        length, kind = wire.HEADER.unpack(header)
        payload = _exactly(sock, length)
        if payload is None:
            break
        control.obey(Kind(kind), json.loads(payload))
    os._exit(0)


def _exactly(sock: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        try:
            piece = sock.recv(count - len(data))
        except OSError:
            return None
        if not piece:
            return None
        data += piece
    return data


class Control:
    """Holds the load that is under way."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._generator: Generator | None = None
        self._environment: Any = None
        self._listener: Listener | None = None
        self._loads = 0
        self._seq = 1

    def obey(self, kind: Kind, command: dict[str, Any]) -> None:
        """Carry out one command; whatever goes wrong with it is told to the parent."""
        if kind is Kind.END:
            gevent.spawn(self._end, command["drain_s"])
            return
        try:
            self._begin(command)
        except (UserCodeBroken, ValueError, LookupError) as error:
            self._stream.message(Kind.FAILED, reason=str(error.args[0]))
        except Exception as error:  # noqa: BLE001 — a child that can't begin must say so, whatever the reason
            self._stream.message(Kind.FAILED, reason=f"{type(error).__name__}: {error}")

    def _begin(self, command: dict[str, Any]) -> None:
        self._loads += 1
        random.seed(command["seed"])
        # The user's file hangs its listeners on `locust.events`; a journey from YAML should not meet them.
        events = locust.events if "locust" in command else event_hooks.Events()  # type: ignore[no-untyped-call]
        environment: Any = Environment(events=events)
        listener = Listener(self._stream, command["bodies"])
        environment.events.request.add_listener(listener)
        around = Around(
            environment=environment,
            listener=listener,
            journey=command["journey"],
            # The seed alone would give every load of a run the same business keys.
            seed=f"{command['seed']}/{self._loads}",
            seq_from=self._seq,
            timeout_s=command["timeout_s"],
            broken=lambda reason: self._stream.message(Kind.FAILED, reason=reason),
        )
        self._environment, self._listener = environment, listener
        self._generator = self._make(command, around)
        environment.events.test_start.fire(environment=environment)
        self._generator.start()
        self._stream.message(Kind.BEGUN, t0=self._generator.schedule.start)

    def _make(self, command: dict[str, Any], around: Around) -> Generator:
        new_player = _players(command, around)
        new_player()  # whatever can't work should fail here
        schedule = Schedule(time.monotonic() + _LEAD_S, command["rate_per_s"])
        return Generator(schedule, command["users_max"], new_player, self._each_second)

    def _end(self, drain_s: float) -> None:
        generator, self._generator = self._generator, None
        if generator is None:
            self._stream.message(Kind.ENDED, **_as_values(Tally()), lag_ms_p99=0.0, t=time.monotonic())
            return
        generator.end(drain_s)
        self._environment.events.test_stop.fire(environment=self._environment)
        self._environment.events.request.remove_listener(self._listener)
        self._seq += generator.total.due
        lag_ms = generator.lag_ms(99)
        self._stream.message(Kind.ENDED, **_as_values(generator.total), lag_ms_p99=lag_ms, t=time.monotonic())

    def _each_second(self, at: float, tally: Tally) -> None:
        self._stream.message(Kind.SECOND, **_as_values(tally), t=at)


def _as_values(tally: Tally) -> dict[str, Any]:
    return {name: getattr(tally, name) for name in ("due", "started", "completed", "dropped", "lag_ms_max")}


def _try_out(call: Call, values: Values) -> None:
    """Fill everything in once: a list that does not exist should be told of before the load begins."""
    call.url(values)
    for _, fill in call.headers:
        fill(values)
    if call.body is not None:
        call.body(values)


def _players(command: dict[str, Any], around: Around) -> Any:
    if "requests" in command:
        calls = [compile_call(request, command["urls"]) for request in command["requests"]]
        seeded = command["seeded"]
        for call in calls:
            _try_out(call, Values(around.seed, seeded, 0, 0))

        def of_journey() -> Player:
            return JourneyPlayer(around, calls, seeded)

        return of_journey
    cls, file = load_user_class(command["locust"], command["urls"])

    def of_class() -> Player:
        return ClassPlayer(around, cls, file)

    return of_class
