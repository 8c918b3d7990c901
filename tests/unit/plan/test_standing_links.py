"""Links whose callers point at us already: whatever is planned, something of ours must stand there."""

from __future__ import annotations

from typing import Any

from chaoskit.model.plan import Plan
from chaoskit.model.scenario import Scenario
from chaoskit.model.system import System
from chaoskit.plan.timeline import links_with_toxics, make_plan

from tests.fakes.specs import FakeCheck


def planned(link: dict[str, Any], name: str = "a -> b", **system: Any) -> Plan:
    """The plan of a scenario without any fault, for a system with one link."""
    described = System.model_validate({"system": "s", "links": {name: link}, **system})
    return make_plan(described, "chaoskit.yaml", [Scenario(scenario="calm", expect=(FakeCheck(),))])


def test_a_listener_without_tap_gets_toxiproxy() -> None:
    """`sight: load` with `listen` is relayed by Toxiproxy, also where no fault is meant for it."""
    plan = planned({"upstream": "127.0.0.1:1", "listen": "127.0.0.2:1", "sight": "load"})
    assert plan.needs_toxiproxy
    assert links_with_toxics(plan) == {"a -> b"}
    assert not planned({"upstream": "127.0.0.1:1", "sight": "load"}).needs_toxiproxy


def test_a_listener_in_front_of_the_broker_gets_the_tap() -> None:
    """A declared link to the broker needs no `upstream`, and is relayed, also where no fault is meant for it."""
    plan = planned({"protocol": "amqp", "listen": "127.0.0.1:1"}, "a -> broker", broker={"url": "amqp://127.0.0.1/"})
    assert plan.needs_broker
    assert plan.needs_tap
    assert plan.links == {"a -> broker": "broker"}


def test_a_foreign_toxiproxy_needs_none_of_ours() -> None:
    """Nothing is started for a link that has a proxy of its own."""
    plan = planned({"toxiproxy": {"url": "http://127.0.0.1:8474", "proxy": "b"}})
    assert not plan.needs_toxiproxy
    assert not plan.needs_tap
