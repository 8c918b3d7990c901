"""A verdict as a chip: a word, a shape and a colour, so that none of them must be seen to read it."""

from __future__ import annotations

from chaoskit.model.verdict import Outcome
from chaoskit.report.page.markup import Html, tag
from chaoskit.report.page.wording import MARKS


def chip(outcome: Outcome) -> Html:
    """`✕ fail`, in a box."""
    return tag(
        "span",
        tag("span", MARKS[outcome], class_="mark", aria_hidden="true"),
        outcome.value,
        class_=f"chip {outcome.value}",
    )


def sign(outcome: Outcome) -> Html:
    """The mark alone, with its word for those who listen; for dense tables."""
    word = tag("span", outcome.value, class_="spoken")
    return tag("span", tag("span", MARKS[outcome], aria_hidden="true"), word, class_=f"sign {outcome.value}")
