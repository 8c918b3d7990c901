"""The plan: what will be done, when, with what in the way; without any side effect."""

from __future__ import annotations

import pytest
from chaoskit.errors import UsageProblem
from chaoskit.model.instruction import Toxic
from chaoskit.model.scenario import Needs, Scenario
from chaoskit.model.system import System
from chaoskit.plan.timeline import broker_links, links_with_toxics, make_plan, merge_needs

from tests.fakes.specs import FakeCheck, FakeFault

SYSTEM = System.model_validate(
    {
        "system": "s",
        "services": {"a": {"command": "x", "env": {"AMQP": "${broker:a}"}}, "b": {"url": "http://127.0.0.1:1"}},
        "links": {
            "a -> b": {"upstream": "http://127.0.0.1:1"},
            "a -> own": {"toxiproxy": {"url": "http://127.0.0.1:8474", "proxy": "p"}},
            "a -> blind": {"upstream": "127.0.0.1:2", "protocol": "tcp", "sight": "load"},
        },
        "broker": {"kind": "rabbitmq"},
    }
)


def fault(link: str, at: str) -> FakeFault:
    return FakeFault.model_validate({"link": link, "at": at})


def scenario(*faults: FakeFault, **more: object) -> Scenario:
    return Scenario(scenario="x", faults=faults, expect=(FakeCheck(),), **more)  # type: ignore[arg-type]


def test_faults_are_ordered_and_named_by_time() -> None:
    """f1 is the first to be injected, whatever the order in the file; the baseline lasts until it."""
    plan = make_plan(SYSTEM, "f", [scenario(fault("a -> b", "5s"), fault("a -> own", "2s"))]).scenarios[0]
    assert [(f.id, f.target, f.at_s) for f in plan.faults] == [("f1", "a -> own", 2.0), ("f2", "a -> b", 5.0)]
    assert plan.baseline_s == 2.0


def test_sight_is_known_before_the_run() -> None:
    """Each link says what can be seen on it: tap, load or broker."""
    plan = make_plan(SYSTEM, "f", [scenario()])
    assert plan.links == {"a -> b": "tap", "a -> own": "load", "a -> blind": "load", "a -> broker": "broker"}


def test_engines_are_started_only_where_needed() -> None:
    """Without a toxic on a link of ours there is no Toxiproxy server of ours."""
    assert not make_plan(SYSTEM, "f", [scenario(fault("a -> own", "1s"))]).needs_toxiproxy
    plan = make_plan(SYSTEM, "f", [scenario(fault("a -> b", "1s"))])
    assert plan.needs_toxiproxy
    assert links_with_toxics(plan) == {"a -> b"}


def test_a_fault_on_an_unknown_link_is_refused() -> None:
    """A misspelt link never starts a run."""
    with pytest.raises(UsageProblem, match="no link of the system"):
        make_plan(SYSTEM, "f", [scenario(fault("a -> c", "1s"))])


def test_broker_links_come_from_the_environment() -> None:
    """`${broker:a}` in a service's environment makes the link `a -> broker`."""
    assert broker_links(SYSTEM) == {"a -> broker": "a"}


def test_needs_are_merged() -> None:
    """The longest watch and the union of names."""
    merged = merge_needs(
        [Needs(after_revert_s=3, effects=("x",)), Needs(after_revert_s=1, effects=("y", "x"), bodies=True)]
    )
    assert (merged.after_revert_s, merged.effects, merged.bodies) == (3, ("x", "y"), True)


def test_a_seed_makes_the_same_plan_again() -> None:
    """The same seed gives the same instructions; the plan holds no hidden randomness."""
    one, two = (make_plan(SYSTEM, "f", [scenario(fault("a -> b", "1s"))], seed=7) for _ in range(2))
    assert one == two
    assert isinstance(one.scenarios[0].faults[0].instructions[0], Toxic)
