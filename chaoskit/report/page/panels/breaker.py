"""Each link's breaker as a band: closed, open, half-open, as seen from outside."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from chaoskit.report.page import wording
from chaoskit.report.page.panel import Panel, Stretch, Tone
from chaoskit.report.page.scene import Scene

_TONES: dict[str, Tone] = {"closed": "closed", "open": "open", "half-open": "half-open"}


def panels(scene: Scene) -> list[Panel]:
    """One band a link that the story tells something of."""
    found = []
    for link, states in scene.story.breakers.items():
        if states:
            known = _changes([(scene.axis.start, "closed"), *states])
            ends = [*known, (scene.axis.end, "")]
            stretches = tuple(
                Stretch(start, end, state, _TONES.get(state, "closed"))
                for (start, state), (end, _) in pairwise(ends)
                if end > start
            )
            title = f"Breaker {wording.name(link)}"
            note = "as seen from outside: calls stop while requests go on"
            found.append(Panel(f"breaker-{link}", title, "", "band", stretches=stretches, note=note, subject=link))
    return found


def _changes(states: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Only the instants at which the state became another one."""
    return [now for before, now in pairwise([(0.0, ""), *states]) if now[1] != before[1]]
