"""The panels: what is counted where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from chaoskit.model import event as ev
from chaoskit.model.record import ScenarioRecord
from chaoskit.model.story import ScenarioStory
from chaoskit.report.page.panel import Panel
from chaoskit.report.page.panels import answers, breaker, calls, generator, latency, queues
from chaoskit.report.page.scene import Scene, scene_of
from chaoskit.report.page.sections.timeline import panels_of

from tests.unit.report.example_run import example_run, example_system


def _scene(events: Sequence[ev.Event], story: ScenarioStory | None = None, length: float = 10.0) -> Scene:
    record = ScenarioRecord(0, "x", "x.chaos.yaml", 1, (), (), 0.0, length, "decided")
    frame = [ev.PhaseStarted(t=0.0, phase="baseline"), *events, ev.ScenarioEnded(t=length, reason="decided")]
    return scene_of(record, frame, story or ScenarioStory(), system=example_system())


def _sample(due: float, latency_ms: float, **more: object) -> ev.Sample:
    values = {"t": due, "name": "r", "due": due, "latency_ms": latency_ms, "service_ms": 1.0, "status": 200}
    return ev.Sample(**(values | more))  # type: ignore[arg-type]


def _series(panel: Panel) -> dict[str, tuple[float | None, ...]]:
    return {series.name: series.values for series in panel.series}


def test_latency_is_filed_under_the_intended_start() -> None:
    """A request that was due at 1 s but sent at 5 s tells of 1 s, or an outage hides itself."""
    panel = latency.panels(_scene([_sample(1.0, 4100.0, t=5.0)]))[0]
    values = _series(panel)["p99"]
    assert [i for i, v in enumerate(values) if v is not None] == [10]
    assert values[10] == 4100.0


@pytest.mark.parametrize("count", [1, 2, 19, 20, 100, 101, 999])
def test_percentiles_are_exact_ranks(count: int) -> None:
    """The same numbers as numpy's nearest rank, at every size."""
    values = sorted(np.random.default_rng(count).lognormal(size=count).tolist())
    for share in (0.5, 0.95, 0.99):
        expected = np.percentile(values, share * 100, method="inverted_cdf")
        assert latency.percentile(values, share) == pytest.approx(expected)
    assert latency.percentile([], 0.5) is None


def test_only_unusual_requests_get_dots_and_each_leads_to_its_row() -> None:
    """Dots mark what is worth a look: far above the median."""
    events = [_sample(i / 10, 10.0 + i % 3) for i in range(90)] + [_sample(5.05, 900.0, ok=False, status=503)]
    scene = _scene(events)
    dots = latency.panels(scene)[0].dots
    assert [(dot.value, dot.tone, dot.href) for dot in dots] == [(900.0, "error", "#s0-request91")]
    assert 91 in [index for index, _ in latency.slowest(scene)]


def test_answers_count_by_outcome_and_add_up() -> None:
    """Every answer is shown once, at the moment that it came, as ok, fallback or error."""
    events = [_sample(1.0, 500.0), _sample(1.0, 550.0, body='{"_fallback": true}'), _sample(1.0, 560.0, ok=False)]
    scene = _scene([*events, _sample(2.0, 1.0, error="timeout", status=0)])
    panel = answers.panels(scene)[0]
    width = scene.axis.width_s
    sums = {name: sum(v or 0 for v in values) * width for name, values in _series(panel).items()}
    assert sums == pytest.approx({"ok": 1, "fallback": 1, "error": 2})
    assert _series(panel)["ok"][15] == pytest.approx(1 / width)


def test_story_decides_what_a_fallback_is() -> None:
    """Where a check looked, its word counts and not the convention."""
    scene = _scene(
        [_sample(1.0, 5.0, body='{"_fallback": true}'), _sample(1.0, 5.0)], ScenarioStory(fallbacks=frozenset({2}))
    )
    assert [answers.outcome_of(scene, i, scene.events[i]) for i in (1, 2)] == ["ok", "fallback"]  # type: ignore[arg-type]


def test_calls_by_link_and_outcome() -> None:
    """An answered 503 is not an answered call; each link has its panel."""

    def call(link: str, status: int, outcome: str) -> ev.Call:
        return ev.Call(
            t=1.0, link=link, call=1, connection=1, method="GET", path="/", end=1.1, status=status, outcome=outcome
        )

    events = [
        call("a -> b", 200, "answered"),
        call("a -> b", 503, "answered"),
        call("a -> b", 0, "cut"),
        call("a -> c", 0, "refused"),
    ]
    found = {panel.subject: _series(panel) for panel in calls.panels(_scene(events))}
    assert set(found) == {"a -> b", "a -> c"}
    assert list(found["a -> b"]) == ["answered", "5xx", "cut"]
    assert list(found["a -> c"]) == ["refused"]


def test_breaker_band_covers_the_axis_without_holes() -> None:
    """Closed until told otherwise, then each state up to the next, to the end."""
    story = ScenarioStory(
        breakers={"a -> b": ((0.2, "closed"), (3.0, "open"), (5.0, "half-open"), (5.1, "closed")), "c -> d": ()}
    )
    (panel,) = breaker.panels(_scene([], story))
    spans = [(s.start, s.end, s.state) for s in panel.stretches]
    assert spans == [(0.0, 3.0, "closed"), (3.0, 5.0, "open"), (5.0, 5.1, "half-open"), (5.1, 10.0, "closed")]


def test_queue_keeps_its_last_value_and_its_dead_letters() -> None:
    """Depth is a level: it holds until the next look. The dead letter queue is drawn with its queue."""
    queue = "inventory.order-placed"
    events = [
        ev.QueueSeen(t=1.0, queue=queue, ready=5, unacked=2, consumers=1),
        ev.QueueSeen(t=6.0, queue=queue, ready=0, unacked=0, consumers=1),
        ev.QueueSeen(t=2.0, queue=queue + ".dlq", ready=3, unacked=-1, consumers=0),
        ev.QueueSeen(t=2.0, queue="idle", ready=0, unacked=0, consumers=0),
    ]
    (panel,) = queues.panels(_scene(events))
    series = _series(panel)
    assert panel.subject == "inventory"
    assert series["ready"][5] is None
    assert (series["ready"][10], series["ready"][55], series["ready"][-1]) == (5.0, 5.0, 0.0)
    assert (series["unacked"][30], series["dead letters"][-1]) == (2.0, 3.0)


def test_generator_lag_lies_in_the_second_it_tells_of() -> None:
    """The event at 4 s speaks of 3 to 4 s; drops get a panel of their own."""
    second = ev.LoadSecond(t=4.0, due=50, started=47, dropped=3, lag_ms_max=340.0)
    lag, dropped = generator.panels(_scene([second]))
    shown = [i for i, v in enumerate(_series(lag)["lag"]) if v]
    assert (shown[0], shown[-1]) == (30, 39)
    assert max(v or 0 for v in _series(dropped)["dropped"]) == 3
    assert generator.panels(_scene([])) == []


def test_no_data_no_panel_and_breakers_follow_their_calls() -> None:
    """Empty panels are left out; a breaker stands under the calls that show it."""
    assert panels_of(_scene([])) == []
    run = example_run()
    record = run.record.scenarios[1]
    keys = [p.key for p in panels_of(scene_of(record, run.events[1], run.stories[1], system=run.system))]
    assert keys == ["latency", "answers", "calls-order -> customer", "breaker-order -> customer", "generator"]
