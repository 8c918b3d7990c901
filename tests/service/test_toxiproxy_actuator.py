"""The hands on a real Toxiproxy: in force, held, taken back, and nothing of others touched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from chaoskit.errors import EngineFailed, FaultFailed, LeftoversFound, UsageProblem
from chaoskit.model.instruction import Instruction, ProxyDown, Toxic
from chaoskit.toxiproxy.actuator import ToxiproxyActuator
from chaoskit.toxiproxy.client import EngineClient
from chaoskit.toxiproxy.undo import undo

from tests.service.stubborn_front import stubborn_front

pytestmark = pytest.mark.service
LINK = "a -> b"
PROXY = "ck-a-b"
NOWHERE = "127.0.0.1:9"
SLOW = Toxic(LINK, "latency", {"latency": 7}, "upstream", 0.5)
DOWN = ProxyDown(LINK)


@pytest.fixture
async def actuator(engine: EngineClient) -> AsyncIterator[ToxiproxyActuator]:
    """Hands on the session's server, with one link."""
    hands = ToxiproxyActuator(engine.url)
    await hands.add_link(LINK, upstream=f"http://{NOWHERE}/")
    yield hands
    await hands.close()


async def injected(actuator: ToxiproxyActuator, instruction: Instruction, fault: str = "f1") -> str:
    """The handle of a change that was made."""
    handle, _ = actuator.prepare(fault, instruction)
    await actuator.inject(handle, instruction)
    return handle


async def test_a_toxic_comes_holds_and_goes(actuator: ToxiproxyActuator, engine: EngineClient) -> None:
    """The whole life of a fault, each step as the server tells it; reverting twice is fine."""
    handle, undos = actuator.prepare("f1", SLOW)
    assert [u.kind for u in undos] == ["toxic"]
    assert not engine.toxics(PROXY), "prepare has no side effect"
    confirmation = await actuator.inject(handle, SLOW)
    assert "latency" in confirmation.detail
    assert engine.toxics(PROXY)[handle].stream == "upstream"
    assert await actuator.hold(handle, SLOW) == (None, "")
    assert "removed" in (await actuator.revert(handle, SLOW)).detail
    assert "was gone" in (await actuator.revert(handle, SLOW)).detail
    assert not engine.toxics(PROXY)


async def test_a_link_that_was_being_made_when_the_run_was_stopped_goes_as_well(engine: EngineClient) -> None:
    """A signal between the request and its answer must not leave the proxy behind."""
    hands = ToxiproxyActuator(engine.url)
    making = asyncio.create_task(hands.add_link("c -> d", upstream=NOWHERE))
    await asyncio.sleep(0)  # it has asked, and waits
    making.cancel()
    await asyncio.wait([making])
    assert making.cancelled()
    await hands.close()
    assert "ck-c-d" not in engine.snapshots()


async def test_two_changes_of_one_fault_have_names_of_their_own(actuator: ToxiproxyActuator) -> None:
    """`direction: both` is two toxics; one name for both would lose the second."""
    first, second = (actuator.prepare("f1", SLOW)[0] for _ in range(2))
    assert first != second
    assert first.startswith("ck-f1-")


async def test_somebody_else_takes_it_away(actuator: ToxiproxyActuator, engine: EngineClient) -> None:
    """A fault that ended early must be noticed, whichever way: removed, changed, disabled, proxy deleted."""
    handle = await injected(actuator, SLOW)
    engine.update_toxic(PROXY, handle, toxicity=0.1)
    assert "changed by somebody else" in (await actuator.hold(handle, SLOW))[1]
    engine.update_toxic(PROXY, handle, toxicity=0.5)
    assert (await actuator.hold(handle, SLOW))[1] == ""
    engine.set_enabled(PROXY, False)
    assert "disabled by somebody else" in (await actuator.hold(handle, SLOW))[1]
    engine.set_enabled(PROXY, True)
    engine.remove_toxic(PROXY, handle)
    assert (await actuator.hold(handle, SLOW))[1] == f"the toxic {handle} is gone from {PROXY}"
    engine.delete_proxy(PROXY)
    assert "is gone" in (await actuator.hold(handle, SLOW))[1]
    await actuator.revert(handle, SLOW)


async def test_a_door_opens_with_the_last_fault_that_closed_it(
    actuator: ToxiproxyActuator, engine: EngineClient
) -> None:
    """Two overlapping outages: the first one's end must not end the second; a toxic meanwhile still holds."""
    toxic = await injected(actuator, SLOW, "f0")
    one, two = await injected(actuator, DOWN, "f1"), await injected(actuator, DOWN, "f2")
    assert (await actuator.hold(toxic, SLOW))[1] == ""
    await actuator.revert(one, DOWN)
    await actuator.revert(one, DOWN)
    assert not engine.proxy(PROXY).enabled
    assert (await actuator.hold(two, DOWN))[1] == ""
    await actuator.revert(two, DOWN)
    assert engine.proxy(PROXY).enabled
    assert "enabled by somebody else" in (await actuator.hold(two, DOWN))[1]


async def test_a_proxy_that_was_down_before_stays_down(actuator: ToxiproxyActuator, engine: EngineClient) -> None:
    """A door that we did not close proves nothing, and is not ours to open."""
    engine.set_enabled(PROXY, False)
    handle, _ = actuator.prepare("f1", DOWN)
    with pytest.raises(FaultFailed, match="down already"):
        await actuator.inject(handle, DOWN)
    await actuator.revert(handle, DOWN)
    assert not engine.proxy(PROXY).enabled


async def test_what_is_not_known_is_refused_beforehand(actuator: ToxiproxyActuator) -> None:
    """An unknown link or attribute never reaches the server."""
    with pytest.raises(UsageProblem, match="no link"):
        actuator.prepare("f1", ProxyDown("x -> y"))
    with pytest.raises(UsageProblem, match="latncy"):
        actuator.prepare("f1", Toxic(LINK, "latency", {"latncy": 2000}))


async def test_the_systems_own_toxiproxy(engine: EngineClient) -> None:
    """On a foreign proxy only our toxic comes and goes; theirs, and the proxy itself, stay as they were."""
    engine.create_proxy("theirs", upstream=NOWHERE)
    engine.add_toxic("theirs", "their-toxic", type="latency", attributes={"latency": 3})
    before = engine.snapshot("theirs")
    hands = ToxiproxyActuator()
    assert await hands.adopt_link(LINK, engine.url, "theirs") == before["listen"]
    handle = await injected(hands, SLOW)
    assert set(engine.toxics("theirs")) == {"their-toxic", handle}
    await hands.revert(handle, SLOW)
    await hands.close()
    assert engine.snapshot("theirs") == before


async def test_a_proxy_that_the_system_does_not_have(engine: EngineClient) -> None:
    """A misspelt proxy name is told with the names there are."""
    engine.create_proxy("theirs", upstream=NOWHERE)
    with pytest.raises(UsageProblem, match="no proxy 'thiers'") as refused:
        await ToxiproxyActuator().adopt_link(LINK, engine.url, "thiers")
    assert "theirs" in refused.value.remedy


async def test_leftovers_are_refused_and_listed(actuator: ToxiproxyActuator, engine: EngineClient) -> None:
    """A toxic of an earlier run would be taken for this run's fault: never run over it."""
    engine.create_proxy("theirs", upstream=NOWHERE)
    engine.add_toxic("theirs", "ck-f1-0", type="latency", attributes={"latency": 3})
    engine.create_proxy("ck-x-y", upstream=NOWHERE)
    with pytest.raises(LeftoversFound, match="ck-f1-0"):
        await actuator.adopt_link("c -> d", engine.url, "theirs")
    with pytest.raises(LeftoversFound, match="ck-x-y"):
        await actuator.add_link("x -> y", upstream=NOWHERE)
    assert sorted(await actuator.leftovers()) == [f"{engine.url} ck-x-y", f"{engine.url} theirs ck-f1-0"]
    engine.add_toxic(PROXY, actuator.prepare("f7", SLOW)[0].replace("-0", "-1"), type="timeout", attributes={})
    handle, _ = actuator.prepare("f7", SLOW)
    with pytest.raises(FaultFailed, match="another run"):
        await actuator.inject(handle, SLOW)


async def test_a_link_whose_port_is_taken(actuator: ToxiproxyActuator, engine: EngineClient) -> None:
    """The address that is in use is named, and it is the engine that can't start, not the fault."""
    listen = engine.proxy(PROXY).listen
    with pytest.raises(EngineFailed, match="address already in use"):
        await actuator.add_link("c -> d", upstream=NOWHERE, listen=listen)


async def test_cancelled_in_the_middle(
    actuator: ToxiproxyActuator, engine: EngineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is stopped while it injects goes on only once that has ended: what it reverts then stays reverted."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    add = EngineClient.add_toxic

    def slow(*args: Any, **options: Any) -> object:
        loop.call_soon_threadsafe(begun.set)
        time.sleep(0.2)
        return add(*args, **options)

    monkeypatch.setattr(EngineClient, "add_toxic", slow)
    handle, _ = actuator.prepare("f1", SLOW)
    task = asyncio.create_task(actuator.inject(handle, SLOW))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert handle in engine.toxics(PROXY)
    await actuator.revert(handle, SLOW)
    assert not engine.toxics(PROXY)


async def test_undo_without_the_adapter(actuator: ToxiproxyActuator, engine: EngineClient) -> None:
    """What the watchdog does after a kill -9, from the journal's entries alone, twice."""
    handle, toxic_undo = actuator.prepare("f1", SLOW)
    await actuator.inject(handle, SLOW)
    down, down_undo = actuator.prepare("f2", DOWN)
    await actuator.inject(down, DOWN)
    said = [undo(u.kind, u.args) for u in (*down_undo, *toxic_undo)]
    assert said == ["proxy set back", "toxic removed"]
    assert engine.proxy(PROXY).enabled
    assert not engine.toxics(PROXY)
    entry = actuator.link_undo(LINK)
    assert [undo(entry.kind, entry.args) for _ in range(2)] == ["proxy deleted", "was gone"]
    assert undo(toxic_undo[0].kind, toxic_undo[0].args) == "was gone"
    assert PROXY not in engine.snapshots()


@pytest.mark.parametrize("silent", [("DELETE toxics",), ("DELETE toxics", "GET proxies")])
def test_undo_recreates_the_proxy_where_removing_hangs(
    engine: EngineClient, silent: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog copes with the deadlock as well, even where the proxy can't be read any more."""
    monkeypatch.setattr("chaoskit.toxiproxy.undo.TIMEOUT_S", 0.3)
    made = engine.create_proxy("ck-stuck", upstream=NOWHERE)
    engine.add_toxic("ck-stuck", "ck-f1-0", type="timeout", attributes={"timeout": 0})
    args = {"proxy": "ck-stuck", "toxic": "ck-f1-0", "listen": made.listen, "upstream": NOWHERE}
    with stubborn_front(engine.url, silent=silent) as url:
        assert "recreated" in undo("toxic", {**args, "url": url})
    after = engine.snapshot("ck-stuck")
    assert (after["listen"], after["enabled"], after["toxics"]) == (made.listen, True, [])


def test_undo_says_when_it_could_not(engine: EngineClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is gone has taken the fault with it; one that is silent has not."""
    monkeypatch.setattr("chaoskit.toxiproxy.undo.TIMEOUT_S", 0.2)
    assert undo("proxy", {"url": "http://127.0.0.1:9", "proxy": "ck-x"}) == "engine gone"
    with stubborn_front(engine.url, silent=("DELETE proxies",)) as url:
        assert undo("proxy", {"url": url, "proxy": "ck-x"}).startswith("failed: ")
    with pytest.raises(ValueError, match="not an undo"):
        undo("folder", {"url": "http://127.0.0.1:9", "proxy": "x"})
