"""The client on a real Toxiproxy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from chaoskit.errors import EngineFailed, FaultFailed, UsageProblem
from chaoskit.toxiproxy.client import EngineClient, Missing, Taken
from chaoskit.toxiproxy.control import EngineSilent

from tests.service.stubborn_front import stubborn_front

pytestmark = pytest.mark.service
NOWHERE = "127.0.0.1:9"


@pytest.fixture
def proxy(engine: EngineClient) -> str:
    """A proxy to nowhere."""
    return engine.create_proxy("ck-test", upstream=NOWHERE).name


@pytest.fixture
def stubborn(engine: EngineClient) -> Iterator[EngineClient]:
    """A client of the same server, through a front that never answers the DELETE of a toxic."""
    with stubborn_front(engine.url) as url:
        client = EngineClient(url, timeout_s=0.3)
        yield client
        client.close()


def test_a_toxic_is_stored_as_asked_changed_and_removed(engine: EngineClient, proxy: str) -> None:
    """Add, read, PATCH and remove: each is what the server then says."""
    added = engine.add_toxic(proxy, "ck-t", type="latency", attributes={"latency": 7}, stream="upstream", toxicity=0.5)
    assert (added.stream, added.toxicity, added.attributes) == ("upstream", 0.5, {"latency": 7, "jitter": 0})
    engine.update_toxic(proxy, "ck-t", attributes={"jitter": 3})
    assert engine.toxic(proxy, "ck-t").attributes == {"latency": 7, "jitter": 3}
    assert engine.toxic(proxy, "ck-t").toxicity == 0.5, "what was not given stays"
    assert engine.remove_toxic(proxy, "ck-t") == "removed"
    assert engine.remove_toxic(proxy, "ck-t") == "was gone"
    with pytest.raises(Missing):
        engine.toxic(proxy, "ck-t")


def test_a_change_is_validated_like_a_new_toxic(engine: EngineClient, proxy: str) -> None:
    """A PATCH with a misspelt attribute must not pass as a change that had no effect."""
    engine.add_toxic(proxy, "ck-t", type="latency", attributes={"latency": 7})
    with pytest.raises(UsageProblem, match="jiter"):
        engine.update_toxic(proxy, "ck-t", attributes={"jiter": 3})


def test_a_proxy_with_toxics_opens_only_when_they_are_in_force(engine: EngineClient) -> None:
    """No connection may slip through before the fault: disabled first, enabled last."""
    toxic = {"name": "ck-a", "type": "timeout", "attributes": {"timeout": 0}, "stream": "upstream", "toxicity": 1.0}
    sent: list[tuple[str, object]] = []
    exchange = engine.control.exchange

    def spy(method: str, path: str, body: object = None) -> object:
        sent.append((f"{method} {path}", body))
        return exchange(method, path, body)

    engine.control.exchange = spy  # type: ignore[method-assign, assignment] # watched, not replaced
    made = engine.create_proxy("ck-atomic", upstream=NOWHERE, toxics=[toxic])
    assert made.enabled
    assert [call for call, _ in sent] == ["POST /proxies", "POST /proxies/ck-atomic/toxics", "PATCH /proxies/ck-atomic"]
    assert sent[0][1]["enabled"] is False  # type: ignore[index] # a dict
    assert list(engine.toxics("ck-atomic")) == ["ck-a"]


def test_populate_makes_many_in_one_call(engine: EngineClient) -> None:
    """Many proxies cost one call."""
    rows = [{"name": f"ck-{i}", "upstream": NOWHERE, "listen": "127.0.0.1:0", "enabled": True} for i in range(3)]
    assert [proxy.name for proxy in engine.populate(rows)] == ["ck-0", "ck-1", "ck-2"]
    assert set(engine.snapshots()) == {"ck-0", "ck-1", "ck-2"}


def test_names_that_are_taken_or_missing(engine: EngineClient, proxy: str) -> None:
    """Each refusal of the server is an exception of its own, with the server's words and the place."""
    engine.add_toxic(proxy, "ck-t", type="latency", attributes={"latency": 7})
    with pytest.raises(Taken, match="already exists"):
        engine.create_proxy(proxy, upstream=NOWHERE)
    with pytest.raises(Taken):
        engine.add_toxic(proxy, "ck-t", type="latency", attributes={"latency": 7})
    with pytest.raises(Missing) as missing:
        engine.proxy("ck-none")
    assert engine.url in missing.value.where


def test_a_port_that_is_taken(engine: EngineClient) -> None:
    """The server's 500 is told, not a KeyError."""
    first = engine.create_proxy("ck-first", upstream=NOWHERE)
    with pytest.raises(FaultFailed, match="address already in use"):
        engine.create_proxy("ck-second", upstream=NOWHERE, listen=first.listen)


def test_another_value_read_back_is_a_failure(engine: EngineClient, proxy: str) -> None:
    """A server that stores something else than was asked (another version of it) does not pass unnoticed."""
    exchange = engine.control.exchange

    def forgetful(method: str, path: str, body: Any = None) -> object:
        return exchange(method, path, body and {**body, "attributes": {"latency": 1}, "enabled": True})

    engine.add_toxic(proxy, "ck-old", type="latency", attributes={"latency": 7})
    engine.control.exchange = forgetful  # type: ignore[method-assign, assignment] # stands for another version
    with pytest.raises(FaultFailed, match="another attributes"):
        engine.add_toxic(proxy, "ck-t", type="latency", attributes={"latency": 7})
    with pytest.raises(FaultFailed, match="another attributes"):
        engine.update_toxic(proxy, "ck-old", attributes={"latency": 8})
    with pytest.raises(FaultFailed, match="another enabled"):
        engine.set_enabled(proxy, False)


def test_a_toxic_that_cannot_be_removed_goes_with_its_proxy(stubborn: EngineClient, engine: EngineClient) -> None:
    """Toxiproxy's deadlock: the proxy is deleted and put back, same address, other toxics kept, within two timeouts."""
    made = stubborn.create_proxy("ck-stuck", upstream=NOWHERE)
    stubborn.add_toxic("ck-stuck", "ck-keep", type="latency", attributes={"latency": 7})
    stubborn.add_toxic("ck-stuck", "ck-go", type="timeout", attributes={"timeout": 0})
    before = time.monotonic()
    assert stubborn.remove_toxic("ck-stuck", "ck-go") == "its proxy was recreated"
    assert time.monotonic() - before < 3
    after = engine.snapshot("ck-stuck")
    assert (after["listen"], after["enabled"], [t["name"] for t in after["toxics"]]) == (made.listen, True, ["ck-keep"])


def test_a_server_that_is_all_silent(engine: EngineClient) -> None:
    """Where deleting the proxy hangs as well, it is the engine that failed."""
    with stubborn_front(engine.url, silent=("DELETE proxies",)) as url:
        client = EngineClient(url, timeout_s=0.2)
        client.create_proxy("ck-stuck", upstream=NOWHERE)
        client.add_toxic("ck-stuck", "ck-go", type="timeout", attributes={"timeout": 0})
        with pytest.raises(EngineSilent, match="did not answer DELETE"):
            client.remove_toxic("ck-stuck", "ck-go")


def test_something_else_at_the_address(toxiproxy: object, engine: EngineClient, proxy: str) -> None:
    """A URL that leads to another server is told as such."""
    listen = engine.proxy(proxy).listen
    with pytest.raises(EngineFailed, match=r"gone|no Toxiproxy"):
        EngineClient(f"http://{listen}").version()
    with pytest.raises(UsageProblem, match="not the URL"):
        EngineClient("127.0.0.1:8474")


def test_a_kept_connection_that_the_server_closed_is_replaced(engine: EngineClient, proxy: str) -> None:
    """An idle connection that ended meanwhile must not fail the next call, and no call is sent twice."""
    connection = engine.control._socket
    assert connection is not None
    connection.shutdown(2)
    assert engine.version() == "2.12.0"
    assert engine.control._socket is not connection
