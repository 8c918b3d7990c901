"""Each link's breaker as a band: closed, open, half-open, as seen from outside."""

from __future__ import annotations

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
            known = [(scene.axis.start, "closed"), *states] if states[0][0] > scene.axis.start else list(states)
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
