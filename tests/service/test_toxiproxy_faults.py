"""Each fault of connections, measured on real connections through a real Toxiproxy: there, and gone again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio.to_thread
import pytest
from chaoskit.model.system import System
from chaoskit.registry import vocabulary
from chaoskit.toxiproxy.actuator import ToxiproxyActuator
from chaoskit.toxiproxy.client import EngineClient

from tests.service.tcp_callee import call, read_all, tcp_callee

pytestmark = pytest.mark.service
LINK = "a -> b"


@pytest.fixture
def callee() -> Iterator[str]:
    """A callee that does what it is told."""
    with tcp_callee() as host_port:
        yield host_port


async def under(engine: EngineClient, callee: str, options: dict[str, Any], look: Callable[[str], Any]) -> Any:
    """What `look` (given the link's address) sees under the fault, then without it."""
    actuator = ToxiproxyActuator(engine.url)
    address = await actuator.add_link(LINK, upstream=callee)
    spec = vocabulary().faults[next(iter(options))].model_validate({"link": LINK, **options})
    made = []
    for instruction in spec.instructions(System(system="s"), 1):
        handle, _ = actuator.prepare("f1", instruction)
        await actuator.inject(handle, instruction)
        made.append((handle, instruction))
    during = await anyio.to_thread.run_sync(look, address)
    for handle, instruction in reversed(made):
        await actuator.revert(handle, instruction)
    after = await anyio.to_thread.run_sync(look, address)
    await actuator.close()
    return during, after


def echo_s(address: str) -> float:
    """The median seconds of five round trips of one connection."""
    with call(address) as connection:
        connection.sendall(b"echo\n")
        times = []
        for _ in range(5):
            start = time.perf_counter()
            connection.sendall(b"x\n")
            assert connection.recv(10) == b"x\n"
            times.append(time.perf_counter() - start)
    return sorted(times)[2]


def fetch(address: str, size: int, timeout_s: float = 5.0) -> tuple[int, float, list[int], str]:
    """(bytes received, seconds, sizes of the pieces, how it ended) of a download of `size` bytes."""
    start, sizes, end = time.perf_counter(), [], "closed"
    try:
        with call(address, timeout_s) as connection:
            connection.sendall(f"send {size}\n".encode())
            sizes = [len(chunk) for chunk in read_all(connection)]
    except TimeoutError:
        end = "hung"
    except ConnectionRefusedError:
        end = "refused"
    except ConnectionResetError:
        end = "reset"
    return sum(sizes), time.perf_counter() - start, sizes, end


@pytest.mark.parametrize(("direction", "least_s"), [("downstream", 0.1), ("upstream", 0.1), ("both", 0.2)])
async def test_latency(engine: EngineClient, callee: str, direction: str, least_s: float) -> None:
    """100 ms asked are at least 100 ms seen, and twice that in both directions; none afterwards."""
    during, after = await under(engine, callee, {"latency": "100ms", "direction": direction}, echo_s)
    assert least_s - 0.002 <= during < least_s + 0.09
    assert after < during / 2


async def test_bandwidth(engine: EngineClient, callee: str) -> None:
    """40 KB at 100 KB/s take 0.4 s."""
    during, after = await under(engine, callee, {"bandwidth": "100KB/s"}, lambda a: fetch(a, 40_000))
    assert (during[0], after[0]) == (40_000, 40_000)
    assert 0.3 < during[1] < 0.9
    assert after[1] < during[1] / 3


async def test_slow_close(engine: EngineClient, callee: str) -> None:
    """All data at once, the end 200 ms later."""
    during, after = await under(engine, callee, {"slow_close": "200ms"}, lambda a: fetch(a, 100))
    assert during[0] == 100
    assert 0.19 < during[1] < 0.6
    assert after[1] < during[1] / 3


@pytest.mark.parametrize("direction", ["upstream", "downstream", "both"])
async def test_blackhole(engine: EngineClient, callee: str, direction: str) -> None:
    """Connections are accepted, nothing comes back, the caller hangs until its own timeout (where we promise that)."""
    options = {"blackhole": True, "direction": direction}
    during, after = await under(engine, callee, options, lambda a: fetch(a, 100, 0.3))
    assert during[0] == 0
    if direction != "downstream":  # there the callee's close ends it
        assert during[3] == "hung"
    assert (after[0], after[3]) == (100, "closed")


async def test_reset(engine: EngineClient, callee: str) -> None:
    """A new connection is reset as soon as data passes."""
    during, after = await under(engine, callee, {"reset": True}, lambda a: fetch(a, 100))
    assert (during[0], during[3]) == (0, "reset")
    assert (after[0], after[3]) == (100, "closed")


async def test_limit_data(engine: EngineClient, callee: str) -> None:
    """The answer ends after exactly so many bytes."""
    during, after = await under(engine, callee, {"limit_data": "1KB"}, lambda a: fetch(a, 5000))
    assert (during[0], after[0]) == (1000, 5000)


async def test_slicer(engine: EngineClient, callee: str) -> None:
    """Small pieces, apart from one another."""
    options = {"slicer": "100B", "delay": "20ms"}
    during, after = await under(engine, callee, options, lambda a: fetch(a, 1000))
    assert (during[0], after[0]) == (1000, 1000)
    assert len(during[2]) >= 5
    assert during[1] > 0.15


async def test_down(engine: EngineClient, callee: str) -> None:
    """New connections are refused."""
    during, after = await under(engine, callee, {"down": True}, lambda a: fetch(a, 100))
    assert (during[0], during[3]) == (0, "refused")
    assert after[0] == 100


async def test_down_ends_open_connections(engine: EngineClient, callee: str) -> None:
    """A keep-alive connection doesn't survive a callee that is down."""
    actuator = ToxiproxyActuator(engine.url)
    address = await actuator.add_link(LINK, upstream=callee)
    with call(address) as connection:
        connection.sendall(b"echo\nx\n")
        assert connection.recv(10) == b"x\n"
        spec = vocabulary().faults["down"].model_validate({"link": LINK, "down": True})
        (instruction,) = spec.instructions(System(system="s"), 1)
        handle, _ = actuator.prepare("f1", instruction)
        await actuator.inject(handle, instruction)
        assert connection.recv(10) == b""
        await actuator.revert(handle, instruction)
    await actuator.close()


async def test_a_share_of_connections(engine: EngineClient, callee: str) -> None:
    """`connections: 50%` hits some connections and spares others, each as a whole."""

    def hit(address: str) -> int:
        return sum(fetch(address, 100)[0] == 10 for _ in range(40))

    during, after = await under(engine, callee, {"limit_data": "10B", "connections": "50%"}, hit)
    assert 5 <= during <= 35
    assert after == 0
