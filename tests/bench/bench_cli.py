"""CPU of `chaoskit --version` and of a minimal scenario, against Chaos Toolkit doing the same.

The minimal scenario, both ways: a link through a Toxiproxy that runs, 20 ms of latency, an HTTP probe before, during
and after, and the fault reverted. Ours includes journal, watchdog, lock, read-back, verdicts and four report files.
"""

from __future__ import annotations

import http.server
import json
import os
import sys
import tempfile
import threading
from pathlib import Path

from chaoskit.toxiproxy.client import EngineClient
from chaoskit.toxiproxy.server import ToxiproxyServer

from tests.bench.cpu import cpu_s, pairs, report
from tests.fakes.ports import FreeWard

ROUNDS = 15
HERE = Path(sys.executable).parent
PEER = Path(__file__).resolve().parents[2] / ".tools" / "peers" / "bin" / "chaos"


def main() -> None:
    """Print two figures."""
    version()
    minimal()


def version() -> None:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(cpu_s([str(HERE / "chaoskit"), "--version"]))
        theirs.append(cpu_s([str(PEER), "--version"]))
    a, b, ratio = pairs(ours, theirs)
    measured = f"{ratio:.2f} × ({a * 1000:.0f} ms : {b * 1000:.0f} ms)"
    report("`chaoskit --version` CPU", "≤ 0.3 × `chaos --version`", measured, ratio <= 0.3)


def minimal() -> None:
    import asyncio

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        engine = ToxiproxyServer(ward=FreeWard(), log_folder=folder)

        async def with_engine() -> None:
            await engine.start()
            try:
                await asyncio.to_thread(_compare, folder, engine.url, server.server_address[1])
            finally:
                await engine.stop()

        asyncio.run(with_engine())
        server.shutdown()


def _compare(folder: Path, url: str, port: int) -> None:
    client = EngineClient(url)
    listen = client.create_proxy("web", upstream=f"127.0.0.1:{port}", listen="127.0.0.1:0").listen
    _write_ours(folder, url, listen)
    _write_theirs(folder, url, listen)
    env = {"CHAOSKIT_STATE": str(folder / "state")}
    ours, theirs = [], []
    for _ in range(ROUNDS):
        command = [str(HERE / "chaoskit"), "run", "one.chaos.yaml", "--out", str(folder / "reports")]
        ours.append(cpu_s(command, env=env, cwd=folder))
        theirs.append(cpu_s([str(PEER), "run", "one.json"], cwd=folder))
    a, b, ratio = pairs(ours, theirs)
    measured = f"{ratio:.2f} × ({a * 1000:.0f} ms : {b * 1000:.0f} ms)"
    report("minimal scenario CPU", "≤ 1.3 × `chaos run` of the same", measured, ratio <= 1.3)


def _write_ours(folder: Path, url: str, listen: str) -> None:
    (folder / "chaoskit.yaml").write_text(
        f"system: minimal\nlinks:\n  me -> web:\n    toxiproxy: {{url: {url}, proxy: web}}\n"
    )
    (folder / "one.chaos.yaml").write_text(
        "scenario: 20 ms more\nfaults: [{at: 1ms, link: me -> web, latency: 20ms}]\n"
        f"expect: [{{probe: GET http://{listen}/, within: 500ms}}]\n"
    )


def _write_theirs(folder: Path, url: str, listen: str) -> None:
    """The experiment as the peer's own documentation writes it: probe, toxic, rollback."""
    host, port = url.removeprefix("http://").split(":")
    toxic = {"for_proxy": "web", "toxic_name": "slow", "toxic_type": "latency", "attributes": {"latency": 20}}

    def call(name: str, module: str, function: str, arguments: dict[str, object]) -> dict[str, object]:
        provider = {"type": "python", "module": module, "func": function, "arguments": arguments}
        return {"type": "action", "name": name, "provider": provider}

    probe = {
        "type": "probe",
        "name": "web answers",
        "tolerance": 200,
        "provider": {"type": "http", "url": f"http://{listen}/", "timeout": 1},
    }
    experiment = {
        "version": "1.0.0",
        "title": "20 ms more",
        "description": "20 ms more",
        "configuration": {"toxiproxy_host": host, "toxiproxy_port": int(port)},
        "steady-state-hypothesis": {"title": "answers", "probes": [probe]},
        "method": [call("slow", "chaostoxi.toxic.actions", "create_toxic", toxic)],
        "rollbacks": [
            call("off", "chaostoxi.toxic.actions", "delete_toxic", {"for_proxy": "web", "toxic_name": "slow"})
        ],
    }
    (folder / "one.json").write_text(json.dumps(experiment))


class _Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        return


if __name__ == "__main__":
    os.environ.setdefault("LOG_LEVEL", "error")
    main()
