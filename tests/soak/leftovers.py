"""What a run that is gone may not leave: processes, toxics, queues, folders, open journal entries, a held lock."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import http.client
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
from aio_pika.exceptions import AMQPError
from chaoskit.run.undo import open_entries

from tests.fixtures.rabbitmq import Rabbit

MARK = "CHAOSKIT_SOAK"
"""A variable that a run and all that it starts inherit. (The run's own tag might be what is broken.)"""
TAG = "CHAOSKIT_RUN"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a run could leave something. `toxiproxy` and `vhost` are foreign to it, or absent."""

    state: Path
    temporary: Path
    toxiproxy: str = ""
    vhost: Rabbit | None = None
    usual: frozenset[str] = frozenset()
    """What was on the broker before the first run."""

    def leftovers(self, mark: str, pid: int, start: str) -> list[str]:
        """In words, all that is left of the run with this mark, process and start time in ticks.

        The process itself does not count once nothing else is left: it is writing its report.
        """
        left = [*_processes(mark, pid, start, self.state), *self._state()]
        left += [f"temporary {path.name}" for path in self.temporary.iterdir()]
        if self.toxiproxy:
            left += proxies(self.toxiproxy)
        if self.vhost is not None:
            left += sorted(on_broker(self.vhost) - self.usual)
        return left if any(not what.startswith(f"process {pid}:") for what in left) else []

    def _state(self) -> Iterator[str]:
        for folder in self.state.glob("*/"):
            for path in folder.glob("scratch-*"):
                yield f"folder {path.name}"
            for entry in open_entries(str(folder)):
                yield f"journal: {entry['kind']} {entry['args']}"
            if (folder / "lock").exists() and not _is_free(folder / "lock"):
                yield "lock held"


def _is_free(lock: Path) -> bool:
    with lock.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _processes(mark: str, pid: int, start: str, state: Path) -> Iterator[str]:
    """By our mark, by the run's own tag, and the watchdog, which has neither, by the folder that it was given."""
    tag, watched = f"{TAG}={pid}-{start}-".encode(), f"{state}/".encode()
    for name in filter(str.isdigit, os.listdir("/proc")):
        folder = Path("/proc", name)
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes()
            is_zombie = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
        except OSError:
            continue
        is_ours = f"{MARK}={mark}".encode() in variables or any(v.startswith(tag) for v in variables)
        if (is_ours or (b"watchdog.py" in command and watched in command)) and not is_zombie:
            words = command.replace(b"\0", b" ").decode(errors="replace")
            yield f"process {name}: {words[:100].strip()}"


def proxies(url: str) -> list[str]:
    """All proxies of a Toxiproxy, with their toxics: it had none before."""
    rows = json.loads(_asked(url, "GET", "/proxies"))
    return [f"proxy {name} with {[toxic['name'] for toxic in row['toxics']]}" for name, row in rows.items()]


def remove_proxies(url: str) -> None:
    """So that what one round left is not counted again in all that follow."""
    for name in json.loads(_asked(url, "GET", "/proxies")):
        _asked(url, "DELETE", f"/proxies/{name}")


def _asked(url: str, method: str, path: str) -> bytes:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=5)
    try:
        connection.request(method, path)
        return connection.getresponse().read()
    finally:
        connection.close()


def on_broker(vhost: Rabbit) -> frozenset[str]:
    """Queues, exchanges and bindings in a virtual host, and how many consumers each queue has."""
    name = vhost.address.vhost
    with vhost.api() as api:
        queues = api.get(f"/queues/{name}?disable_stats=true").raise_for_status().json()
        exchanges = api.get(f"/exchanges/{name}?disable_stats=true").raise_for_status().json()
        bindings = api.get(f"/bindings/{name}").raise_for_status().json()
    found = [f"queue {row['name']}" for row in queues]
    found += [f"exchange {row['name']}" for row in exchanges]
    found += [f"binding {row['source']} → {row['destination']} ({row['routing_key']})" for row in bindings]
    counts = asyncio.run(_consumers(vhost, [row["name"] for row in queues]))
    found += [f"{count} consumers of {queue}" for queue, count in counts.items()]
    return frozenset(found)


async def _consumers(vhost: Rabbit, queues: list[str]) -> dict[str, int]:
    """Asked over AMQP: the management API knows of consumers only seconds later."""
    found = {}
    async with await aio_pika.connect(vhost.url) as connection:
        for queue in queues:
            channel = await connection.channel()  # a queue that is exclusive to somebody else, or gone, closes it
            with contextlib.suppress(AMQPError):
                declared = await channel.declare_queue(queue, passive=True)
                found[queue] = int(declared.declaration_result.consumer_count or 0)
    return found
