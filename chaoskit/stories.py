"""What a report tells beyond the verdicts, read out of the evidence by the checks' own pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chaoskit.checks.breaker_timeline import timeline
from chaoskit.checks.ledger import Ledger, ledger
from chaoskit.checks.poison_fates import poison_fates
from chaoskit.model.event import Call, Event, PartDied
from chaoskit.model.evidence import Evidence, evidence_of
from chaoskit.model.plan import ScenarioPlan
from chaoskit.model.story import Fate, ScenarioStory
from chaoskit.model.system import System

LOG_TAIL_LINES = 30


def story_of(plan: ScenarioPlan, system: System, events: Sequence[Event], folder: Path) -> ScenarioStory:
    """One scenario's story; `folder` is the run's, for the logs of parts that died."""
    evidence = evidence_of(plan, events)
    books = {name: ledger(evidence, system, name) for name in plan.needs.effects}
    return ScenarioStory(
        breakers=_breakers(evidence, system),
        ledgers={name: book.parts for name, book in books.items() if _is_closed(book)},
        twice={name: book.twice_keys for name, book in books.items() if book.twice_keys},
        fates=_fates(evidence, system),
        log_tails=_log_tails(evidence, folder),
    )


def _is_closed(book: Ledger) -> bool:
    """A ledger is drawn once its keys were counted: before the last sweep everything would look lost."""
    return book.accepted > 0 and book.uncounted < book.accepted


def _breakers(evidence: Evidence, system: System) -> dict[str, tuple[tuple[float, str], ...]]:
    """The band of every link that has a breaker (declared, or the subject of a check) and carried calls."""
    called = {call.link for call in evidence.of(Call)}
    wanted = {name for name, link in system.links.items() if link.breaker is not None}
    wanted |= {check.subject for check in evidence.plan.scenario.expect if check.keyword == "breaker"}
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
