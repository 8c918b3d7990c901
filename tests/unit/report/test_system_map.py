"""The system's map: any shape of system is drawn, nothing on top of another."""

from __future__ import annotations

import re

import pytest
from chaoskit.report.page.scene import scene_of
from chaoskit.report.page.sections import system_map

from tests.unit.report.example_run import example_run


@pytest.mark.parametrize(
    "links",
    [
        ["a -> b"],
        ["a -> b", "b -> c", "c -> a"],
        ["a -> b", "b -> a"],
        ["a -> a"],
        [f"s{i} -> s{i + 1}" for i in range(9)],
        [f"gate -> s{i}" for i in range(20)] + ["s3 -> broker", "broker -> s4"],
    ],
)
def test_every_node_has_a_place_of_its_own(links: list[str]) -> None:
    """Chains, stars, cycles and self-calls end, and no two boxes overlap."""
    drawn = system_map.render([], dict.fromkeys(links, "tap"), None)
    assert drawn is not None
    boxes = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"', drawn)
    names = {name for link in links for name in link.split(" -> ")}
    assert len(boxes) == len(set(boxes)) == len(names)
    assert drawn.count("<path") == len(links)
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn).groups())  # type: ignore[union-attr]
    assert all(float(x) + 116 <= width and float(y) + 34 <= height for x, y in boxes)


def test_links_carry_their_worst_verdict_and_faults() -> None:
    """Red where a check failed, thick where a fault was put, dashed for messages."""
    run = example_run()
    scenes = [scene_of(r, run.events[r.index], run.stories[r.index], system=run.system) for r in run.record.scenarios]
    drawn = system_map.render(scenes, run.record.sight, run.system)
    assert drawn is not None
    assert '<path d="' in drawn
    assert 'class="edge fail faulted"' in drawn
    assert 'class="edge inconclusive faulted messages"' in drawn
    assert 'class="edge unjudged messages"' in drawn
    assert system_map.render([], {}, None) is None
