"""The users of the pool: one that plays a journey from YAML, one that plays the tasks of a user's own Locust class."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gevent
from locust import FastHttpUser, HttpUser, TaskSet
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopUser
from locust.user.task import LOCUST_STATE_RUNNING, DefaultTaskSet

from chaoskit.load.child.connection import OneUsersClients
from chaoskit.load.child.failure import place_of
from chaoskit.load.child.listener import Listener
from chaoskit.load.child.worker import Iteration
from chaoskit.load.journey import Call, Values

_END_OF_TASK = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately)


@dataclass(frozen=True, slots=True)
class Around:
    """What all users of one load share."""

    environment: Any
    listener: Listener
    journey: str
    seed: str
    seq_from: int
    timeout_s: float
    broken: Callable[[str], None]
    """Called with what is wrong and where, when the user's own code can't work."""


class JourneyUser(FastHttpUser):
    """Plays the calls of a journey one after the other; one that fails doesn't keep the next from being made."""

    abstract = True
    host = "http://127.0.0.1"  # never used: all URLs are absolute


class JourneyPlayer:
    """One user of a YAML journey."""

    retired = False

    def __init__(self, around: Around, calls: Sequence[Call], seeded: Mapping[str, Sequence[Any]]) -> None:
        self._around = around
        self._calls = calls
        self._seeded = seeded
        self._user: Any = JourneyUser(around.environment)
        _settle_client(self._user, around.timeout_s)

    def play(self, iteration: Iteration) -> None:
        around = self._around
        values = Values(around.seed, self._seeded, iteration.index, around.seq_from + iteration.index)
        for call in self._calls:
            iteration.expect = call.expect_status
            try:
                self._request(call, values)
            except Exception as error:  # noqa: BLE001 — a request that can't even be made is a mistake in the file
                around.broken(f"{call.name}: {type(error).__name__}: {error}")
        if len(self._calls) > 1:
            around.listener.whole(around.journey, iteration)

    def _request(self, call: Call, values: Values) -> None:
        timeout_s = self._around.timeout_s
        try:
            # A limit for the whole answer: the socket's own starts anew with every byte of a trickle.
            with gevent.Timeout(timeout_s):
                self._user.client.request(
                    call.method,
                    call.url(values),
                    name=call.name,
                    data=call.body(values) if call.body else None,
                    headers={name: fill(values) for name, fill in call.headers},
                    allow_redirects=not any(300 <= status < 400 for status in call.expect_status),
                )
        except gevent.Timeout as late:  # at a moment at which Locust does not expect it
            self._around.listener(
                request_type=call.method, name=call.name, response_time=timeout_s * 1000, exception=late
            )


class ClassPlayer:
    """One instance of a user's own class. Its wait_time is not used: the schedule says when a task begins.

    A nested TaskSet plays one of its tasks an iteration, and stays the same until it interrupts itself.
    """

    def __init__(self, around: Around, cls: type[Any], file: str) -> None:
        self.retired = False
        self._around = around
        self._file = file
        self._started = False
        self._nested: dict[type[TaskSet], Any] = {}
        self._user = cls(around.environment)
        self._user._state = LOCUST_STATE_RUNNING
        self._user._taskset_instance = DefaultTaskSet(self._user)
        _settle_client(self._user, around.timeout_s)

    def play(self, iteration: Iteration) -> None:
        try:
            if not self._started:
                self._user.on_start()
                self._started = True
            self._task(self._pick(self._user.tasks, iteration.index))
        except _END_OF_TASK:
            pass
        except StopUser:
            self.retired = True
        except Exception as error:  # noqa: BLE001 — the user's code may raise anything; all of it is told
            self._raised(iteration, error)
        if iteration.requests != 1:
            self._around.listener.whole(self._around.journey, iteration)

    def _pick(self, tasks: Sequence[Any], index: int) -> Any:
        if len(tasks) == 1:
            return tasks[0]
        draw = hashlib.blake2b(f"{self._around.seed}/task/{index}".encode(), digest_size=8).digest()
        return tasks[int.from_bytes(draw, "big") % len(tasks)]

    def _task(self, task: Any) -> None:
        if not (isinstance(task, type) and issubclass(task, TaskSet)):
            task(self._user)
            return
        if task not in self._nested:
            self._nested[task] = task(self._user)
            self._nested[task].on_start()
        nested = self._nested[task]
        try:
            nested.schedule_task(nested.get_next_task())
            nested.execute_next_task()
        except InterruptTaskSet:
            del self._nested[task]
            nested.on_stop()

    def _raised(self, iteration: Iteration, error: Exception) -> None:
        """Under a fault, code that reads an error page as JSON raises: that is the system's doing, and a sample.

        The very first iteration, with all its requests answered well, has no such excuse.
        """
        where = place_of(error, self._file)
        what = f"{type(error).__name__}: {error}"
        if iteration.index == 0 and not iteration.failed:
            self._around.broken(f"{where}: {what}")
        iteration.failed += 1
        self._around.listener.raised(type(self._user).__name__, iteration, f"{what[:150]} at {where}")


def _settle_client(user: Any, timeout_s: float) -> None:
    """Give a user's client the load's time limit and the keep-alive rule, unless its class says otherwise."""
    client: Any = getattr(user, "client", None)
    if isinstance(user, FastHttpUser):
        agent = client.client
        if user.client_pool is None:
            limits = {
                name: min(agent.clientpool.client_args.get(name, timeout_s), timeout_s)
                for name in ("network_timeout", "connection_timeout")
            }
            agent.clientpool = OneUsersClients(**{**agent.clientpool.client_args, **limits})
    elif isinstance(user, HttpUser):
        client.request = partial(_with_timeout, client.request, timeout_s)


def _with_timeout(request: Any, timeout_s: float, *args: Any, **kwargs: Any) -> Any:
    kwargs.setdefault("timeout", timeout_s)
    return request(*args, **kwargs)
