"""A system that has its own Toxiproxy: we come and go, and nothing of theirs changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chaoskit.toxiproxy.client import EngineClient

from tests.fixtures.shop import free_port
from tests.fixtures.toxiproxy import RunningToxiproxy
from tests.service.tiny.project import Project, eventually
from tests.service.tiny.running import RunningTiny, get, running_tiny, system_file

pytestmark = pytest.mark.service

SLOW_AND_DOWN = """\
scenario: A slow back, then none
load: {journey: look, rate: 80/s}
steady: {p95: 250ms, errors: 0%}
faults:
  - {at: 500ms, for: 700ms, link: front -> back, latency: 50ms}
  - {at: 1500ms, for: 700ms, link: front -> back, down: true}
expect:
  - errors: {at_most: 0%}
  - latency: {p95: 280ms, phase: baseline}
"""

PROBED = """\
scenario: A probe is enough
faults: [{at: 100ms, for: 200ms, link: front -> back, latency: 50ms}]
expect: [{probe: "GET {front}/"}]
"""


@pytest.fixture
def proxied(toxiproxy: RunningToxiproxy, engine: EngineClient) -> Iterator[RunningTiny]:
    """The tiny system behind a proxy and a toxic of its own, beside another proxy that is none of our business."""
    listen = f"127.0.0.1:{free_port()}"
    with running_tiny(lambda tiny: f"http://{listen}") as tiny:
        engine.create_proxy("back", upstream=f"127.0.0.1:{tiny.back}", listen=listen)
        engine.add_toxic("back", "theirs", type="latency", attributes={"latency": 3, "jitter": 1}, stream="upstream")
        engine.create_proxy("other", upstream=f"127.0.0.1:{tiny.back}", listen="127.0.0.1:0")
        engine.add_toxic("other", "slow", type="bandwidth", attributes={"rate": 100})
        yield tiny


def project(
    folder: Path, tiny: RunningTiny, url: str, *, scenario: str = SLOW_AND_DOWN, proxy: str = "back"
) -> Project:
    return Project(folder, scenario, system_file(tiny, f"{{toxiproxy: {{url: {url}, proxy: {proxy}}}}}"))


def all_of(engine: EngineClient) -> dict[str, Any]:
    return engine.snapshots()


def test_only_our_toxics_come_and_go(
    proxied: RunningTiny, toxiproxy: RunningToxiproxy, engine: EngineClient, tmp_path: Path
) -> None:
    """Latency and down through the system's own proxy are green, proven by a nudge, and leave all as it was."""
    before = all_of(engine)
    tiny = project(tmp_path, proxied, toxiproxy.url)
    code, output = tiny.run()
    assert code == 0, output
    (proof,) = tiny.events("link.proof")
    assert (proof["passed"], proof["sight"]) == (True, "load")
    assert "instead of" in proof["detail"]
    assert [event["name"] for event in tiny.events("fault.confirmed")] == ["latency", "down"]
    assert all_of(engine) == before
    assert get(proxied.front) == {"back": {"ok": True}}


def test_a_caller_that_bypasses_the_proxy(toxiproxy: RunningToxiproxy, engine: EngineClient, tmp_path: Path) -> None:
    """A nudge that no answer follows means no fault, exit 3, and a message that says what is probably wrong."""
    with running_tiny(lambda tiny: f"http://127.0.0.1:{tiny.back}") as tiny:
        engine.create_proxy("back", upstream=f"127.0.0.1:{tiny.back}", listen="127.0.0.1:0")
        ours = project(tmp_path, tiny, toxiproxy.url)
        before = all_of(engine)
        code, output = ours.run()
        assert code == 3, output
        assert "bypass" in output
        assert ours.events("fault.asked") == []
        assert all_of(engine) == before


def test_a_link_without_tap_is_proven_too(tmp_path: Path) -> None:
    """`sight: load` with `listen:`, our own Toxiproxy: the nudge proves or disproves it, also for a fault at 0s."""
    from_the_start = SLOW_AND_DOWN.replace("at: 500ms", "at: 0s").replace(
        "  - latency: {p95: 280ms, phase: baseline}\n", ""
    )
    listen = f"127.0.0.2:{free_port()}"
    with running_tiny(lambda tiny: f"http://{listen}") as tiny:
        link = f'{{upstream: "http://127.0.0.1:{tiny.back}", listen: "{listen}", sight: load}}'
        used = Project(tmp_path, from_the_start, system_file(tiny, link))
        code, output = used.run()
        assert code == 0, output
        assert [event["passed"] for event in used.events("link.proof")] == [True]
        probed = PROBED.replace("at: 100ms", "at: 0s")
        unused = Project(tmp_path, probed, system_file(tiny, link.replace(listen, f"127.0.0.2:{free_port()}")))
        code, output = unused.run()
        assert code == 3, output
        assert unused.events("fault.asked") == []


def test_a_probe_proves_the_link_as_well(
    proxied: RunningTiny, toxiproxy: RunningToxiproxy, engine: EngineClient, tmp_path: Path
) -> None:
    """Without load, a few requests of our own show the nudge, and a bypass is seen by the same."""
    ours = project(tmp_path, proxied, toxiproxy.url, scenario=PROBED)
    code, output = ours.run()
    assert code == 0, output
    assert [event["passed"] for event in ours.events("link.proof")] == [True]
    code, output = project(tmp_path, proxied, toxiproxy.url, scenario=PROBED, proxy="other").run()
    assert code == 3, output
    assert "bypass" in output


def test_a_proxy_that_does_not_exist(
    proxied: RunningTiny, toxiproxy: RunningToxiproxy, engine: EngineClient, tmp_path: Path
) -> None:
    """A misspelt proxy ends the run before any fault, and the message has the names that there are."""
    before = all_of(engine)
    ours = project(tmp_path, proxied, toxiproxy.url, scenario=PROBED, proxy="bakc")
    code, output = ours.run()
    assert code == 2, output
    assert "bakc" in output
    assert "back, other" in output
    assert ours.events("fault.asked") == []
    assert all_of(engine) == before


def test_leftovers_of_another_run_are_refused(
    proxied: RunningTiny, toxiproxy: RunningToxiproxy, engine: EngineClient, tmp_path: Path
) -> None:
    """A `ck-…` toxic that nobody's journal knows is named and left alone: somebody else's run may be going on."""
    engine.add_toxic("back", "ck-f1-0-0", type="latency", attributes={"latency": 7, "jitter": 0})
    before = all_of(engine)
    code, output = project(tmp_path, proxied, toxiproxy.url, scenario=PROBED).run()
    assert code == 4, output
    assert "ck-f1-0-0" in output
    assert all_of(engine) == before


def test_a_killed_run_is_taken_back(
    proxied: RunningTiny, toxiproxy: RunningToxiproxy, engine: EngineClient, tmp_path: Path
) -> None:
    """kill -9 under the fault: the watchdog takes our toxic off the foreign server, and theirs stay."""
    before = all_of(engine)
    running = project(tmp_path, proxied, toxiproxy.url, scenario=PROBED.replace("for: 200ms, ", "")).start()
    running.until_line("in force")
    assert all_of(engine) != before
    running.kill()
    running.finish()
    assert eventually(lambda: all_of(engine) == before, 5)


def test_no_toxiproxy_there(tmp_path: Path) -> None:
    """A Toxiproxy that does not answer ends the run with exit 4 and its address."""
    with running_tiny(lambda tiny: f"http://127.0.0.1:{tiny.back}") as tiny:
        code, output = project(tmp_path, tiny, "http://127.0.0.1:9", scenario=PROBED).run()
        assert code == 4, output
        assert "127.0.0.1:9" in output
