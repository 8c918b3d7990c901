"""What goes wrong with systems that run already: each ends before any fault, with a message that names the culprit."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaoskit.run.listen_address import holder_of

from tests.fixtures.shop import free_port
from tests.service.tiny.project import Project
from tests.service.tiny.running import running_tiny, system_file

pytestmark = pytest.mark.service

LISTENER = (
    "import socket, sys; s = socket.create_server((sys.argv[1], int(sys.argv[2]))); print('up', flush=True); s.accept()"
)

HANG = """\
scenario: A hanging back
faults: [{at: 300ms, for: 300ms, link: front -> back, hang: true}]
expect: [{probe: "GET {front}/"}]
"""


@pytest.fixture
def squatter() -> Iterator[subprocess.Popen[str]]:
    """Somebody else who listens on all addresses of a port (its last argument)."""
    command = [sys.executable, "-c", LISTENER, "0.0.0.0", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
        process.kill()


@pytest.mark.parametrize(("host", "sight"), [("127.0.0.1", "tap"), ("127.0.0.2", "load")])
def test_a_listen_address_that_is_taken(tmp_path: Path, squatter: subprocess.Popen[str], host: str, sight: str) -> None:
    """Exit 4; the message names link, address, and the process that holds it; no engine was started for it."""
    port = squatter.args[-1]
    system = f"""\
system: tiny
services: {{front: {{url: "http://127.0.0.1:9"}}}}
links: {{front -> back: {{upstream: "http://127.0.0.1:9", listen: "{host}:{port}", sight: {sight}}}}}
"""
    project = Project(tmp_path, HANG.replace("hang: true", "latency: 10ms"), system)
    code, output = project.run()
    assert code == 4, output
    assert f"front → back cannot listen on {host}:{port}" in output
    assert f"pid {squatter.pid} ({sys.executable}" in output
    assert project.events("part.started") == []


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    """A `listen:` that is no address of this machine is refused at once, and the message says what would do."""
    system = """\
system: tiny
links: {front -> back: {upstream: "http://127.0.0.1:9", listen: "192.0.2.1:8080"}}
"""
    code, output = Project(tmp_path, HANG.replace("{front}", "http://127.0.0.1:9"), system).run()
    assert code == 4, output
    assert "192.0.2.1:8080" in output
    assert "127.0.0.2" in output


def test_a_service_that_does_not_run(tmp_path: Path) -> None:
    """Exit 4 with its name and address; what we had started is gone."""
    port = free_port()
    system = f"""\
system: tiny
services: {{front: {{url: "http://127.0.0.1:{port}", ready: {{http: /health, within: 300ms}}}}}}
links: {{front -> back: {{upstream: "http://127.0.0.1:9", listen: "127.0.0.1:0"}}}}
"""
    running = Project(tmp_path, HANG, system).start()
    running.until_line("tap started")
    code = running.finish()
    assert code == 4, running.output
    assert f"service 'front' does not answer at http://127.0.0.1:{port}" in running.output
    assert not running.family()


def test_a_link_that_nobody_uses(tmp_path: Path) -> None:
    """A link with a tap that no call passes is not proven: no fault, exit 3, and it says so."""
    listen = f"127.0.0.2:{free_port()}"
    with running_tiny(lambda tiny: f"http://127.0.0.1:{tiny.back}") as tiny:
        link = f'{{upstream: "http://127.0.0.1:{tiny.back}", listen: "{listen}"}}'
        project = Project(tmp_path, HANG.replace("faults:", "deadline: 2s\nfaults:"), system_file(tiny, link))
        code, output = project.run()
        assert code == 3, output
        assert "no traffic passed it before the fault" in output
        assert project.events("fault.asked") == []


def test_the_holder_of_a_free_port_is_nobody() -> None:
    """No guess is made where nothing listens, and our own process is found like any other."""
    assert holder_of(free_port()) == ""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert holder_of(server.getsockname()[1]).startswith(f"pid {os.getpid()} (")
