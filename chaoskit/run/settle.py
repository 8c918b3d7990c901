"""After the load: wait until the work that was accepted has come to rest, then count its effects once and for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chaoskit.model.accepted import accepted_answers, keys_to_probe
from chaoskit.model.event import QueueSeen
from chaoskit.model.evidence import Evidence
from chaoskit.model.plan import ScenarioPlan
from chaoskit.run.cast import Cast

SWEEP_EVERY_S = 0.3

Tick = Callable[[], Awaitable[None]]


async def settle(plan: ScenarioPlan, cast: Cast, evidence: Evidence, tick: Tick) -> None:
    """Sweep the effects until nothing is missing or the declared limit, stay quiet, then sweep for the last time.

    The quiet window gives a second effect the time to appear: one that is looked for too early is never found.
    """
    if cast.effects is None:
        return
    deadline = cast.clock.now() + _limit_s(plan, cast)
    while not await _at_rest(plan, cast, evidence) and cast.clock.now() < deadline:
        await _pause(cast, SWEEP_EVERY_S, tick)
    await _pause(cast, plan.needs.quiet_s, tick)
    await _sweep(plan, cast, evidence, last=True)


def _limit_s(plan: ScenarioPlan, cast: Cast) -> float:
    system = cast.plan.system
    consumers = [system.consumers[name].settles_within for name in plan.needs.effects]
    return max([*consumers, *(3 * system.sagas[name].within for name in plan.needs.sagas), 1.0])


async def _at_rest(plan: ScenarioPlan, cast: Cast, evidence: Evidence) -> bool:
    missing = await _sweep(plan, cast, evidence, last=False)
    return not missing and _queues_empty(plan, cast, evidence)


def _queues_empty(plan: ScenarioPlan, cast: Cast, evidence: Evidence) -> bool:
    latest = {event.queue: event for event in evidence.of(QueueSeen)}
    for name in plan.needs.effects:
        seen = latest.get(cast.plan.system.consumers[name].queue)
        if seen is not None and (seen.ready > 0 or seen.unacked > 0):
            return False
    return True


async def _sweep(plan: ScenarioPlan, cast: Cast, evidence: Evidence, *, last: bool) -> int:
    """One look at all effects and sagas; how many are still missing or not terminal."""
    system, probe = cast.plan.system, cast.effects
    missing = 0
    if probe is None:
        return 0
    for name in plan.needs.effects:
        keys = keys_to_probe(evidence, name, system.consumers[name])
        seen = await probe.effects(name, keys, last=last)
        missing += sum(seen.get(key, 0) == 0 for key in keys)
    for name in plan.needs.sagas:
        saga = system.sagas[name]
        accepted = accepted_answers(evidence, saga.accepted_by)
        states = await probe.sagas(name, list(accepted.items()), last=last)
        ends = {*saga.success, *saga.failure}
        missing += sum(states.get(key) not in ends for key in accepted)
    return missing


async def _pause(cast: Cast, seconds: float, tick: Tick) -> None:
    until = cast.clock.now() + seconds
    while cast.clock.now() < until:
        await tick()
