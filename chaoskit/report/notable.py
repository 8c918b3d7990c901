"""Events that deserve a line of their own where there is no live view: a log of a run that a person can follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaoskit.model import event as ev

Teller = Callable[[Any], str]

_TELLERS: dict[type[ev.Event], Teller] = {
    ev.RunStarted: lambda e: f"run of {e.system} begins (chaoskit {e.version})",
    ev.RunEnded: lambda e: f"run ended: {e.reason}",
    ev.ScenarioStarted: lambda e: f"scenario {e.scenario + 1}: {e.name}",
    ev.ScenarioEnded: lambda e: f"scenario {e.scenario + 1} ended: {e.reason}",
    ev.PhaseStarted: lambda e: f"phase {e.phase}",
    ev.SteadySeen: lambda e: f"steady state {'holds' if e.held else 'does not hold'} in {e.phase}: {e.detail}",
    ev.FaultConfirmed: lambda e: f"fault {e.fault} in force: {e.name} on {e.target}",
    ev.FaultReverted: lambda e: f"fault {e.fault} reverted",
    ev.FaultFailedEvent: lambda e: f"fault {e.fault} failed ({e.step}): {e.reason}",
    ev.LoadStarted: lambda e: f"load: {e.journey} at {e.rate_per_s:g}/s",
    ev.LoadEnded: lambda e: f"load ended: {e.completed} of {e.due} completed, {e.dropped} dropped",
    ev.LinkProof: lambda e: f"link {e.link}: {'proven' if e.passed else 'NOT proven'} by {e.sight}; {e.detail}",
    ev.PartStarted: lambda e: f"{e.part} started {e.detail}",
    ev.PartDied: lambda e: f"{e.part} died: {e.reason}",
    ev.ClockJumped: lambda e: f"the clock jumped by {e.jump_ms:.0f} ms",
    ev.Leftover: lambda e: f"leftover {'healed' if e.healed else 'NOT healed'}: {e.what}",
    ev.GuardTripped: lambda e: f"guard {e.guard} tripped: {e.detail}",
}


def notable(event: ev.Event) -> str | None:
    """The event in a few words, or None when there are too many of its kind to tell."""
    teller = _TELLERS.get(type(event))
    return teller(event) if teller else None
