"""Messages: each consumer's ledger as a bar that adds up, the fates of poison, the keys that were done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from chaoskit.model.story import LEDGER_PARTS, Fate
from chaoskit.report.page import wording
from chaoskit.report.page.drawing import draw_key
from chaoskit.report.page.markup import Html, join, tag
from chaoskit.report.page.scene import Scene

KEYS_MAX = 10
_TONES = {"effects": "ok", "dead_lettered": "degraded", "ready": "faint", "unacked": "faint", "lost": "error"}
_GOOD = {"dead-lettered"}


def render(scene: Scene) -> Html | None:
    """The section, or None in a scenario without messages."""
    story = scene.story
    parts: list[Html] = [_ledger(consumer, ledger) for consumer, ledger in story.ledgers.items()]
    for consumer, keys in story.twice.items():
        if keys:
            shown = ", ".join(wording.clipped(key, 60) for key in keys[:KEYS_MAX])
            more = f" and {len(keys) - KEYS_MAX} more" if len(keys) > KEYS_MAX else ""
            parts.append(tag("p", tag("b", f"Done twice by {consumer}: "), shown + more, class_="trouble"))
    if story.fates:
        parts.append(_fates(story.fates))
    return tag("section", tag("h3", "Messages"), *parts, class_="messages") if parts else None


def _ledger(consumer: str, ledger: Mapping[str, int]) -> Html:
    known = [(part, ledger.get(part, 0)) for part in LEDGER_PARTS if ledger.get(part, 0) > 0]
    total = sum(count for _, count in known)
    accepted = ledger.get("accepted", total)
    missing = accepted - total
    pieces = [*known, ("not accounted for", missing)] if missing > 0 else known
    whole = max(accepted, total, 1)
    bars, x = [], 0.0
    for part, count in pieces:
        width = count / whole * 100
        tone = _TONES.get(part, "error")
        title = f"{part.replace('_', ' ')}: {count}"
        shape = {"x": f"{x:.2f}%", "width": f"{width:.2f}%", "y": 0, "height": 18}
        bars.append(tag("rect", tag("title", title), class_=f"bar tone-{tone}", **shape))
        x += width
    words = [f"{count} {part.replace('_', ' ')}" for part, count in pieces]
    keys = [draw_key(_TONES.get(part, "error"), "bars") for part, _ in pieces]
    terms = [tag("span", key, word, class_="entry") for key, word in zip(keys, words, strict=True)]
    excess = f"; {-missing} more than were accepted" if missing < 0 else ""
    twice = f"; {ledger['twice']} done twice" if ledger.get("twice") else ""
    spoken = f"{accepted} accepted = {' + '.join(words) or 'nothing'}{excess}{twice}"
    parts = join([term if i == 0 else join([" + ", term]) for i, term in enumerate(terms)])
    caption = tag("figcaption", tag("b", consumer), tag("span", f"{accepted} accepted = ", parts, excess, twice))
    picture = tag("svg", *bars, class_="ledger", height=18, role="img", aria_label=spoken)
    return tag("figure", caption, picture)


def _fates(fates: tuple[Fate, ...]) -> Html:
    counts = Counter((f.consumer, f.mutant, f.certain, f.fate, f.detail) for f in fates)
    head = tag("tr", *(tag("th", text, scope="col") for text in ("Consumer", "Mutant", "Kind", "Fate", "Messages")))
    rows = []
    for (consumer, mutant, certain, fate, detail), count in counts.items():
        tone = "pass" if fate in _GOOD else "inconclusive" if not certain else "fail"
        rows.append(
            tag(
                "tr",
                tag("td", consumer),
                tag("td", mutant),
                tag("td", "certainly poison" if certain else "suspicious"),
                tag("td", tag("span", fate, class_=f"word {tone}"), f" {detail}" if detail else ""),
                tag("td", count, class_="number"),
            )
        )
    table = tag("table", tag("caption", "What became of the poison"), tag("thead", head), tag("tbody", *rows))
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label="Fates of poison")
