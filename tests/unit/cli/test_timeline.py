"""What `chaoskit plan` shows."""

from __future__ import annotations

import json
from typing import Literal

from chaoskit.cli.timeline import plan_as_json, plan_as_text
from chaoskit.model.instruction import Toxic
from chaoskit.model.plan import Plan, PlannedFault, ScenarioPlan
from chaoskit.model.scenario import CheckSpec, FaultSpec, Load, Needs, Scenario, Steady
from chaoskit.model.system import System


class Hang(FaultSpec):
    keyword = "hang"
    hang: Literal[True]


class BreakerCheck(CheckSpec):
    keyword = "breaker"
    breaker: str

    @property
    def subject(self) -> str:
        return self.breaker


def plan(for_s: float | None = 15.0) -> Plan:
    """One scenario with one fault."""
    spec = Hang(link="order -> customer", hang=True)
    scenario = Scenario(
        scenario="A hang",
        rule=3,
        load=Load(journey="browse", rate="50/s"),
        steady=Steady(p95="100ms", errors="0%"),
        faults=(spec,),
        expect=(BreakerCheck(breaker="order -> customer"),),
        file="a.chaos.yaml",
        line=1,
    )
    toxic = Toxic("order -> customer", "timeout", {"timeout": 0})
    fault = PlannedFault("f1", "hang", "order -> customer", 3.0, for_s, for_s or 60.0, (toxic,), spec)
    needs = Needs(after_inject_s=6, after_revert_s=15, links=("order -> customer",))
    one = ScenarioPlan(0, scenario, (fault,), needs, 3.0, 180.0)
    links = {"order -> customer": "tap"}
    return Plan(System(system="shop"), "chaoskit.yaml", (one,), ("order",), links, False, True, True)


def test_the_timeline_tells_when_what_happens() -> None:
    """A reader sees each instant, what is asked of which engine, how links are seen, and when it ends at the latest."""
    text = plan_as_text(plan())
    assert [line.strip() for line in text.splitlines()] == [
        "system shop  (chaoskit.yaml)",
        "services  order",
        "engines   Toxiproxy, tap",
        "link      order -> customer  (seen by: tap)",
        "",
        "1. A hang  (a.chaos.yaml:1)  rule 3",
        "load      browse at 50/s",
        "steady    p95 ≤ 100ms, errors ≤ 0% over 1s, within 15s",
        "0s  baseline: the steady state must hold",
        "3s  inject f1: hang on order -> customer  [Toxic type=timeout attributes={'timeout': 0}]",
        "18s  revert f1",
        "then  recovery, and what the checks wait for: "
        "≤ 6s after injection, ≤ 15s after revert, calls on order -> customer",
        "check     breaker[order -> customer]",
        "ends      once all checks are decided, after 3m at the latest",
    ]


def test_an_open_end_is_told() -> None:
    """A fault without `for` is shown with its latest end."""
    assert "1m3s  revert f1 at the latest; earlier once its checks are decided" in plan_as_text(plan(None))


def test_the_json_holds_the_same() -> None:
    """Programs get the times in seconds and the instructions as they are."""
    told = json.loads(json.dumps(plan_as_json(plan())))
    fault = told["scenarios"][0]["faults"][0]
    assert (fault["at_s"], fault["for_s"]) == (3.0, 15.0)
    instruction = fault["instructions"][0]
    assert (instruction["instruction"], instruction["type"]) == ("Toxic", "timeout")
    assert told["scenarios"][0]["checks"] == [{"id": "breaker[order -> customer]", "rule": None}]
