"""A plan for people, and for programs (schema `chaoskit/plan/1`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from msgspec import structs

from chaoskit.model.plan import Plan, PlannedFault, ScenarioPlan
from chaoskit.model.quantity import format_duration as duration
from chaoskit.model.scenario import CheckSpec, Needs


def plan_as_text(plan: Plan) -> str:
    """The timeline of every scenario, readable."""
    return "\n".join(_lines(plan))


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """The same as JSON values; times in seconds from the start of a scenario's load."""
    return {
        "schema": "chaoskit/plan/1",
        "system": plan.system.system,
        "system_file": plan.system_file,
        "services": list(plan.services),
        "links": dict(plan.links),
        "needs": {"broker": plan.needs_broker, "toxiproxy": plan.needs_toxiproxy, "tap": plan.needs_tap},
        "scenarios": [_scenario_as_json(scenario) for scenario in plan.scenarios],
    }


def _lines(plan: Plan) -> Iterator[str]:
    parts = [("Toxiproxy", plan.needs_toxiproxy), ("tap", plan.needs_tap), ("broker", plan.needs_broker)]
    yield f"system {plan.system.system}  ({os.path.relpath(plan.system_file)})"
    yield f"  services  {', '.join(plan.services) or 'none'}"
    yield f"  engines   {', '.join(name for name, needed in parts if needed) or 'none'}"
    for link, sight in plan.links.items():
        nudged = "; a little latency is put on it before the baseline, as proof" if sight == "load" else ""
        yield f"  link      {link}  (seen by: {sight}{nudged})"
    for scenario in plan.scenarios:
        yield ""
        yield from _scenario(scenario)


def _scenario(plan: ScenarioPlan) -> Iterator[str]:
    scenario = plan.scenario
    rules = f"  rule {', '.join(map(str, scenario.about))}" if scenario.about else ""
    yield f"{plan.index + 1}. {plan.name}  ({scenario.file}:{scenario.line}){rules}"
    if scenario.load:
        yield f"   load      {scenario.load.journey} at {scenario.load.rate:g}/s"
    if scenario.messages:
        yield f"   messages  {scenario.messages.count} {scenario.messages.publish} at {scenario.messages.rate:g}/s"
    if scenario.steady:
        yield f"   steady    {_steady(plan)}"
    for at_s, what in sorted(_instants(plan), key=lambda instant: instant[0]):
        yield f"   {duration(at_s):>8}  {what}"
    yield f"   {'then':>8}  recovery, and what the checks wait for: {_needs(plan.needs)}"
    for check in scenario.expect:
        yield f"   check     {_id(check)}"
    yield f"   ends      once all checks are decided, after {duration(plan.deadline_s)} at the latest"


def _instants(plan: ScenarioPlan) -> Iterator[tuple[float, str]]:
    yield 0.0, "baseline: the steady state must hold" if plan.scenario.steady else "baseline"
    for fault in plan.faults:
        yield fault.at_s, f"inject {fault.id}: {fault.name} on {fault.target}  [{_instructions(fault)}]"
        if fault.for_s is not None:
            yield fault.at_s + fault.for_s, f"revert {fault.id}"
        else:
            yield fault.at_s + fault.for_max_s, f"revert {fault.id} at the latest; earlier once its checks are decided"


def _instructions(fault: PlannedFault) -> str:
    return "; ".join(
        " ".join([type(one).__name__, *(f"{key}={value}" for key, value in _fields(one).items() if key != "link")])
        for one in fault.instructions
    )


def _fields(instruction: Any) -> dict[str, Any]:
    """The fields that say something: those that differ from their default."""
    return {
        field.name: dict(value) if isinstance(value := getattr(instruction, field.name), dict) else value
        for field in structs.fields(instruction)
        if getattr(instruction, field.name) not in (field.default, {}, ())
    }


def _id(check: CheckSpec) -> str:
    """As its verdict will be called."""
    return f"{check.keyword}[{check.subject}]" if check.subject else check.keyword


def _steady(plan: ScenarioPlan) -> str:
    steady = plan.scenario.steady
    assert steady is not None
    limits = []
    if steady.p95 is not None:
        limits.append(f"p95 ≤ {duration(steady.p95)}")
    if steady.errors is not None:
        limits.append(f"errors ≤ {steady.errors * 100:.3g}%")
    return f"{', '.join(limits) or 'any'} over {duration(steady.window)}, within {duration(steady.within)}"


def _needs(needs: Needs) -> str:
    words = [
        f"≤ {duration(needs.after_inject_s)} after injection" if needs.after_inject_s else "",
        f"≤ {duration(needs.after_revert_s)} after revert" if needs.after_revert_s else "",
        f"{duration(needs.quiet_s)} of quiet" if needs.quiet_s else "",
        "answers with bodies" if needs.bodies else "",
        _named("calls on", needs.links),
        _named("effects of", needs.effects),
        _named("sagas", needs.sagas),
        _named("dead letters of", needs.dead_letters),
    ]
    return ", ".join(word for word in words if word) or "nothing more"


def _named(what: str, names: tuple[str, ...]) -> str:
    return f"{what} {', '.join(names)}" if names else ""


def _scenario_as_json(plan: ScenarioPlan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "file": plan.scenario.file,
        "line": plan.scenario.line,
        "rules": list(plan.scenario.about),
        "baseline_s": plan.baseline_s,
        "deadline_s": plan.deadline_s,
        "faults": [_fault_as_json(fault) for fault in plan.faults],
        "checks": [{"id": _id(check), "rule": check.rule} for check in plan.scenario.expect],
        "needs": structs.asdict(plan.needs),
    }


def _fault_as_json(fault: PlannedFault) -> dict[str, Any]:
    keys = ("id", "name", "target", "at_s", "for_s", "for_max_s")
    instructions = [{"instruction": type(one).__name__, **_fields(one)} for one in fault.instructions]
    return {**{key: getattr(fault, key) for key in keys}, "instructions": instructions}
