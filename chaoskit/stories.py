"""What a report tells beyond the verdicts, read out of the evidence by the checks' own pure functions.

They are imported where they are needed: a run without breakers or messages does not pay for theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chaoskit.model.event import Call, Event, PartDied
from chaoskit.model.evidence import Evidence, evidence_of
from chaoskit.model.plan import ScenarioPlan
from chaoskit.model.story import Fate, ScenarioStory
from chaoskit.model.system import System

LOG_TAIL_LINES = 30


def story_of(plan: ScenarioPlan, system: System, events: Sequence[Event], folder: Path) -> ScenarioStory:
    """One scenario's story; `folder` is the run's, for the logs of parts that died."""
    evidence = evidence_of(plan, events)
    ledgers, twice = _ledgers(evidence, system)
    return ScenarioStory(
        breakers=_breakers(evidence, system),
        ledgers=ledgers,
        twice=twice,
        fates=_fates(evidence, system),
        log_tails=_log_tails(evidence, folder),
    )


def _ledgers(evidence: Evidence, system: System) -> tuple[dict[str, dict[str, int]], dict[str, tuple[str, ...]]]:
    """Books whose keys were counted (before the last sweep everything would look lost), and the keys done twice."""
    if not evidence.plan.needs.effects:
        return {}, {}
    from chaoskit.checks.ledger import ledger

    books = {name: ledger(evidence, system, name) for name in evidence.plan.needs.effects}
    closed = {name: book for name, book in books.items() if book.uncounted < book.accepted}
    twice = {name: book.twice_keys for name, book in closed.items() if book.twice_keys}
    return {name: book.parts for name, book in closed.items()}, twice


def _breakers(evidence: Evidence, system: System) -> dict[str, tuple[tuple[float, str], ...]]:
    """The band of every link that has a breaker (declared, or the subject of a check) and carried calls."""
    called = {call.link for call in evidence.of(Call)}
    wanted = {name for name, link in system.links.items() if link.breaker is not None}
    wanted |= {check.subject for check in evidence.plan.scenario.expect if check.keyword == "breaker"}
    if not wanted & called:
        return {}
    from chaoskit.checks.breaker_timeline import timeline

    bands = {}
    for link in sorted(wanted & called):
        described = system.links.get(link)
        bands[link] = timeline(
            evidence,
            link,
            timeout_s=described.timeout if described else None,
            reset_s=described.breaker.reset if described and described.breaker else None,
        ).states
    return bands


def _fates(evidence: Evidence, system: System) -> tuple[Fate, ...]:
    consumers = dict.fromkeys((*evidence.plan.needs.dead_letters, *evidence.plan.needs.effects))
    if not consumers:
        return ()
    from chaoskit.checks.poison_fates import poison_fates

    return tuple(
        Fate(consumer, found.message, found.mutant, found.fate, found.certain)
        for consumer in consumers
        for found in poison_fates(evidence, system, consumer)
    )


def _log_tails(evidence: Evidence, folder: Path) -> dict[str, str]:
    tails = {}
    for event in evidence.of(PartDied):
        log = folder / "logs" / f"{event.part}.log"
        if log.is_file():
            tails[event.part] = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
    return tails
