"""`report.html`: one self-contained page; nothing is loaded from anywhere, and no name from outside can run.

The content security policy allows exactly the style and the script of ours, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from chaoskit.model.event import Event
from chaoskit.model.plan import ScenarioPlan
from chaoskit.model.record import RunRecord
from chaoskit.model.story import ScenarioStory
from chaoskit.model.system import System
from chaoskit.report.atomic_file import write_atomically
from chaoskit.report.page.drawing import DEFINITIONS
from chaoskit.report.page.markup import Html, tag
from chaoskit.report.page.scene import Scene, scene_of
from chaoskit.report.page.sections import appendix, header, scenario, scorecard, system_map

_ASSETS = Path(__file__).parent / "page"
_OUTSIDE = -1
"""The index of events that belong to no scenario, as in model/event.py."""


def write_html(
    path: Path,
    record: RunRecord,
    stories: Mapping[int, ScenarioStory],
    events_by_scenario: Mapping[int, Sequence[Event]],
    plans: Iterable[ScenarioPlan] = (),
    system: System | None = None,
) -> None:
    """Write the page atomically. Raises UsageProblem when the place is not writable.

    All are keyed by the scenario's index; events keep their recorded order (findings count in it), those outside of
    any scenario are under -1. What is missing is left out of the page.
    """
    write_atomically(path, render_html(record, stories, events_by_scenario, plans, system))


def render_html(
    record: RunRecord,
    stories: Mapping[int, ScenarioStory],
    events_by_scenario: Mapping[int, Sequence[Event]],
    plans: Iterable[ScenarioPlan] = (),
    system: System | None = None,
) -> str:
    """The whole page as text; see `write_html`."""
    by_index = {plan.index: plan for plan in plans}
    scenes = [
        scene_of(
            found,
            events_by_scenario.get(found.index, ()),
            stories.get(found.index, ScenarioStory()),
            by_index.get(found.index),
            system,
            record.seed,
        )
        for found in record.scenarios
    ]
    return "<!doctype html>\n" + _page(record, scenes, events_by_scenario.get(_OUTSIDE, ()), system) + "\n"


def _page(record: RunRecord, scenes: Sequence[Scene], outside: Sequence[Event], system: System | None) -> Html:
    many = len(scenes) > 1
    body = [
        DEFINITIONS,
        header.render(record),
        scorecard.render(scenes) if many else None,
        system_map.render(scenes, record.sight, system) if many else None,
        *(scenario.render(scene, alone=not many) for scene in scorecard.ranked(scenes)),
        system_map.render(scenes, record.sight, system) if not many else None,
        appendix.render(record, scenes, outside),
    ]
    script = Html(f"<script>{_asset('report.js')}</script>")
    return tag("html", _head(record), tag("body", tag("main", *body), script), lang="en")


def _head(record: RunRecord) -> Html:
    policy = (
        f"default-src 'none'; style-src '{_hash('report.css')}'; script-src '{_hash('report.js')}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{record.outcome.value}: {record.system} · chaoskit"),
        Html(f"<style>{_asset('report.css')}</style>"),
    )


@cache
def _asset(name: str) -> str:
    # Not importlib.resources: it imports zipfile and tempfile, and we are never run from an archive.
    return (_ASSETS / name).read_text(encoding="utf-8")


@cache
def _hash(name: str) -> str:
    digest = hashlib.sha256(_asset(name).encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
