"""The appendix: versions, seed, sight of each link, parts that ran, log tails of those that died."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chaoskit.model.event import Event, PartDied, PartStarted
from chaoskit.model.record import RunRecord
from chaoskit.report.page import wording
from chaoskit.report.page.markup import Html, tag
from chaoskit.report.page.scene import Scene
from chaoskit.report.page.sections.header import fact

_SIGHT = {
    "tap": "every call seen",
    "broker": "messages seen at the broker",
    "traces": "spans received",
    "load": "only the load's own requests",
}


def render(record: RunRecord, scenes: Sequence[Scene], events: Iterable[Event]) -> Html:
    """The last section of the page; `events` are those outside of any scenario."""
    everything = [*events, *(event for scene in scenes for cls in (PartStarted, PartDied) for event in scene.of(cls))]
    facts = [
        ("chaoskit", record.version),
        ("Run", record.run),
        ("Seed", str(record.seed) if record.seed else "each scenario's own"),
        ("System file", record.system_file),
        ("Command", record.command),
    ]
    cells = [fact(key, value) for key, value in facts]
    tails = {part: text for scene in scenes for part, text in scene.story.log_tails.items()}
    logs = [
        tag("details", tag("summary", f"Log tail of {part}"), tag("pre", text), open=True)
        for part, text in tails.items()
    ]
    return tag(
        "section",
        tag("h2", "Appendix"),
        tag("dl", *cells, class_="facts"),
        _sight(record),
        _parts(everything),
        *logs,
        id="appendix",
    )


def _sight(record: RunRecord) -> Html | None:
    if not record.sight:
        return None
    rows = [
        tag("tr", tag("th", wording.name(link), scope="row"), tag("td", sight), tag("td", _SIGHT.get(sight, "")))
        for link, sight in record.sight.items()
    ]
    return tag("table", tag("caption", "How well each link was seen"), tag("tbody", *rows))


def _parts(events: Iterable[Event]) -> Html | None:
    rows = []
    for event in sorted(events, key=lambda event: event.t):
        if isinstance(event, PartStarted):
            rows.append((event.part, event.role, f"started; {event.detail}".rstrip("; ")))
        elif isinstance(event, PartDied):
            rows.append((event.part, event.role, f"died at {event.t:.3f} s of the run: {event.reason}"))
    if not rows:
        return None
    body = [tag("tr", tag("th", part, scope="row"), tag("td", role), tag("td", text)) for part, role, text in rows]
    table = tag("table", tag("caption", "Parts"), tag("tbody", *body))
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Parts")
