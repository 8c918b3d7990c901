"""The tiny system, started as somebody else would: two processes that know nothing of a run."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.fixtures.shop import free_port
from tests.service.tiny.project import SERVICE


class RunningTiny:
    """`front` and `back` on ports of their own; `front` looks for back at `back_url`."""

    def __init__(self) -> None:
        self.front, self.back = free_port(), free_port()
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, port: int, **env: str) -> None:
        command = [sys.executable, str(SERVICE), name, str(port)]
        self._processes.append(subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 15
        while True:
            try:
                get(port, "/health")
                return
            except OSError:
                assert time.monotonic() < deadline, f"{name} does not answer"
                time.sleep(0.02)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def get(port: int, path: str = "/") -> Any:
    """The JSON answer to a GET on 127.0.0.1."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


@contextmanager
def running_tiny(back_url: Callable[[RunningTiny], str]) -> Iterator[RunningTiny]:
    """Both services, until the block ends; `back_url` says where front looks for back."""
    tiny = RunningTiny()
    try:
        tiny.start("back", tiny.back)
        tiny.start("front", tiny.front, BACK_URL=back_url(tiny))
        yield tiny
    finally:
        tiny.stop()


def system_file(tiny: RunningTiny, link: str) -> str:
    """`chaoskit.yaml` for it: services that run already, and one link, in YAML."""
    return f"""\
system: tiny
services:
  back: {{url: "http://127.0.0.1:{tiny.back}"}}
  front: {{url: "http://127.0.0.1:{tiny.front}"}}
links:
  front -> back: {link}
journeys:
  look: [{{http: "GET {{front}}/", name: GET /}}]
"""
