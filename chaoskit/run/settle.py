"""After the load: wait until the work that was accepted has come to rest, then count its effects once and for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chaoskit.model.accepted import accepted_answers, keys_to_probe
from chaoskit.model.event import QueueSeen
from chaoskit.model.evidence import Evidence
from chaoskit.model.plan import ScenarioPlan
from chaoskit.ports.effect_probe import EffectProbe
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
    waiting = _Waiting(plan, cast, evidence, cast.effects)
    while not (await waiting.nothing_is_missing() and _queues_empty(plan, cast, evidence)):
        if cast.clock.now() >= deadline:
            break
        await _pause(cast, SWEEP_EVERY_S, tick)
    await _pause(cast, plan.needs.quiet_s, tick)
    await waiting.sweep_all()


def _limit_s(plan: ScenarioPlan, cast: Cast) -> float:
    system = cast.plan.system
    consumers = [system.consumers[name].settles_within for name in plan.needs.effects]
    return max([*consumers, *(3 * system.sagas[name].within for name in plan.needs.sagas), 1.0])


def _queues_empty(plan: ScenarioPlan, cast: Cast, evidence: Evidence) -> bool:
    latest = {event.queue: event for event in evidence.of(QueueSeen)}
    for name in plan.needs.effects:
        seen = latest.get(cast.plan.system.consumers[name].queue)
        if seen is not None and (seen.ready > 0 or seen.unacked > 0):
            return False
    return True


class _Waiting:
    """What has come to rest is not looked at again before the last sweep."""

    def __init__(self, plan: ScenarioPlan, cast: Cast, evidence: Evidence, probe: EffectProbe) -> None:
        self._probe = probe
        self._system = cast.plan.system
        consumers, sagas = cast.plan.system.consumers, cast.plan.system.sagas
        self._keys = {name: keys_to_probe(evidence, name, consumers[name]) for name in plan.needs.effects}
        self._accepted = {name: accepted_answers(evidence, sagas[name].accepted_by) for name in plan.needs.sagas}
        self._open_keys = {name: list(keys) for name, keys in self._keys.items()}
        self._open_sagas = {name: dict(accepted) for name, accepted in self._accepted.items()}

    async def nothing_is_missing(self) -> bool:
        """Look at what was still missing; True when every effect shows and every saga has ended."""
        for name, keys in self._open_keys.items():
            seen = await self._probe.effects(name, keys, last=False) if keys else {}
            self._open_keys[name] = [key for key in keys if seen.get(key, 0) == 0]
        for name, accepted in self._open_sagas.items():
            saga = self._system.sagas[name]
            states = await self._probe.sagas(name, list(accepted.items()), last=False) if accepted else {}
            ends = {*saga.success, *saga.failure}
            self._open_sagas[name] = {key: value for key, value in accepted.items() if states.get(key) not in ends}
        return not any(self._open_keys.values()) and not any(self._open_sagas.values())

    async def sweep_all(self) -> None:
        """Look at everything once more, marked as the last word."""
        for name, keys in self._keys.items():
            await self._probe.effects(name, keys, last=True)
        for name, accepted in self._accepted.items():
            await self._probe.sagas(name, list(accepted.items()), last=True)


async def _pause(cast: Cast, seconds: float, tick: Tick) -> None:
    until = cast.clock.now() + seconds
    while cast.clock.now() < until:
        await tick()
