"""From a system and its scenarios to what will be done, when, and for how long. Pure: `chaoskit plan` prints it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chaoskit.errors import UsageProblem
from chaoskit.model.instruction import (
    DuplicateMessages,
    Instruction,
    PoisonMessages,
    ProxyDown,
    TapRule,
    Toxic,
)
from chaoskit.model.placeholder import names
from chaoskit.model.plan import Plan, PlannedFault, ScenarioPlan
from chaoskit.model.scenario import Needs, Scenario
from chaoskit.model.system import BROKER, System
from chaoskit.plan.targets import check_targets

BASELINE_S_MIN = 1.0
"""Without any traffic before the fault there is nothing to compare with (unless `at: 0s` asks for just that)."""


def make_plan(system: System, system_file: str, scenarios: Sequence[Scenario], seed: int | None = None) -> Plan:
    """The plan of a run. Raises UsageProblem for targets outside the allow-list or faults on links nobody uses."""
    check_targets(system, system_file)
    plans = tuple(_plan_scenario(system, scenario, i, seed) for i, scenario in enumerate(scenarios))
    used = [instruction for plan in plans for fault in plan.faults for instruction in fault.instructions]
    sight = _sight(system)
    _check_links(used, plans, sight, system_file)
    hooks = any(isinstance(i, (DuplicateMessages, PoisonMessages)) for i in used)
    to_broker = {name for name, seen in sight.items() if seen == "broker"}
    return Plan(
        system=system,
        system_file=system_file,
        scenarios=plans,
        services=tuple(system.services),
        links=sight,
        needs_broker=system.broker is not None and (hooks or bool(to_broker) or _watches(plans)),
        needs_toxiproxy=any(isinstance(i, (Toxic, ProxyDown)) and not _foreign(system, i.link) for i in used)
        or bool(_untapped_listeners(system)),
        needs_tap="tap" in sight.values()
        or any(getattr(i, "link", "") in to_broker for i in used)
        or any(name in to_broker and link.listen for name, link in system.links.items()),
    )


def broker_links(system: System) -> dict[str, str]:
    """Link name → service for every service whose environment asks for `${broker:NAME}`."""
    found: dict[str, str] = {}
    for name, service in system.services.items():
        for key in (key for text in service.env.values() for key in names(text)):
            if key.startswith("broker:"):
                found[f"{key.removeprefix('broker:')} -> {BROKER}"] = name
    return found


def links_with_toxics(plan: Plan) -> frozenset[str]:
    """Links on which some scenario needs Toxiproxy in the way, and those that nothing else could relay."""
    return _untapped_listeners(plan.system) | frozenset(
        i.link
        for scenario in plan.scenarios
        for fault in scenario.faults
        for i in fault.instructions
        if isinstance(i, (Toxic, ProxyDown))
    )


def _plan_scenario(system: System, scenario: Scenario, index: int, seed: int | None) -> ScenarioPlan:
    chosen = scenario.seed if seed is None else seed + index
    ordered = sorted(scenario.faults, key=lambda fault: fault.at)
    faults = tuple(
        PlannedFault(
            id=f"f{n}",
            name=spec.keyword,
            target=spec.target,
            at_s=spec.at,
            for_s=spec.for_,
            for_max_s=spec.for_ if spec.for_ is not None else scenario.fault_max,
            instructions=spec.instructions(system, chosen * 1000 + n),
            spec=spec,
        )
        for n, spec in enumerate(ordered, start=1)
    )
    return ScenarioPlan(
        index=index,
        scenario=scenario,
        faults=faults,
        needs=merge_needs(check.needs(system) for check in scenario.expect),
        baseline_s=min((f.at_s for f in faults), default=BASELINE_S_MIN),
        deadline_s=scenario.deadline,
    )


def merge_needs(all_needs: Iterable[Needs]) -> Needs:
    """What all of them together need."""
    each = list(all_needs)
    return Needs(
        after_inject_s=max((n.after_inject_s for n in each), default=0.0),
        after_revert_s=max((n.after_revert_s for n in each), default=0.0),
        bodies=any(n.bodies for n in each),
        load=any(n.load for n in each),
        links=_union(n.links for n in each),
        probes=_union(n.probes for n in each),
        effects=_union(n.effects for n in each),
        sagas=_union(n.sagas for n in each),
        dead_letters=_union(n.dead_letters for n in each),
        quiet_s=max((n.quiet_s for n in each), default=0.0),
    )


def _union(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _sight(system: System) -> dict[str, str]:
    sight = {
        name: "load" if link.toxiproxy else "broker" if link.protocol == "amqp" else link.sight
        for name, link in system.links.items()
    }
    return {**sight, **{name: "broker" for name in broker_links(system) if name not in sight}}


def _check_links(
    used: Sequence[Instruction], plans: Sequence[ScenarioPlan], sight: dict[str, str], system_file: str
) -> None:
    for instruction in used:
        link = getattr(instruction, "link", None)
        if link is None:
            continue
        if link not in sight:
            raise UsageProblem(
                f"a fault is put on '{link}', which is no link of the system",
                where=system_file,
                remedy=f"known links: {', '.join(sorted(sight)) or 'none'}",
            )
        if isinstance(instruction, TapRule) and sight[link] != "tap":
            raise UsageProblem(
                f"'{instruction.action}' on '{link}' needs chaoskit's tap in the way, but its sight is '{sight[link]}'",
                where=system_file,
                remedy="give the link an `upstream:` and let the caller point at `${link:…}` or its `listen:` address",
            )


def _foreign(system: System, link: str) -> bool:
    described = system.links.get(link)
    return described is not None and described.toxiproxy is not None


def _untapped_listeners(system: System) -> frozenset[str]:
    """Links without a tap whose callers point at us already: they need a relay, whether or not a fault is meant."""
    return frozenset(
        name
        for name, link in system.links.items()
        if link.listen and link.sight == "load" and link.protocol != "amqp" and link.toxiproxy is None
    )


def _watches(plans: Sequence[ScenarioPlan]) -> bool:
    return any(p.needs.dead_letters or p.scenario.messages is not None for p in plans)
