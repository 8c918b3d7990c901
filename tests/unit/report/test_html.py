"""report.html: what is on the page, that it is self-contained, and that no name from outside becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path

from chaoskit.model import event as ev
from chaoskit.model.record import RunRecord, ScenarioRecord
from chaoskit.model.story import Fate, ScenarioStory
from chaoskit.model.verdict import Finding, Outcome, Verdict
from chaoskit.report.html import render_html, write_html
from msgspec.structs import replace

from tests.unit.report.example_run import LINK, ExampleRun, example_run

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"' ]]> --> </style> \u202e ünï 漢字 " + "x" * 400


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(str(found["id"]))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == name]


def _html(run: ExampleRun) -> str:
    return render_html(run.record, run.stories, run.events, system=run.system)


def test_page_leads_with_the_failed_checks_sentence() -> None:
    """A person opens it because something failed: the first heading says what."""
    html = _html(example_run())
    heading = re.search("<h1>(.*?)</h1>", html)
    assert heading is not None
    assert heading[1].startswith("order&#39;s breaker on customer never opened: ")
    assert html.index("</h1>") < html.index('class="chip fail"') < html.index("What was checked")


def test_failed_first_then_inconclusive_passed_folded() -> None:
    """Within a scenario and over all of them, what needs a reader comes first."""
    html = _html(example_run())
    order = [html.index(f'class="scenario" id="s{index}"') for index in (0, 2, 1)]
    assert order == sorted(order)
    first = html[order[0] : order[1]]
    assert first.index("check fail") < first.index('class="passed"') < first.index("check pass")


def test_nothing_is_loaded_and_the_policy_fits(tmp_path: Path) -> None:
    """Self-contained: no address anywhere, and the policy's hashes are those of what is inside."""
    run = example_run()
    write_html(tmp_path / "report.html", run.record, run.stories, run.events, system=run.system)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = _Page(html)
    for attributes in (attrs for _, attrs in page.tags):
        assert not {"src", "style", "onclick"} & set(attributes)
        assert str(attributes.get("href", "#")).startswith("#")
    assert "http:" not in html.replace("http-equiv", "")
    assert "@import" not in html
    for kind, content in (
        ("style", re.search("<style>(.*?)</style>", html, re.S)),
        ("script", re.search("<script>(.*?)</script>", html, re.S)),
    ):
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in html
    assert "default-src 'none'" in html
    assert "unsafe" not in html[: html.index("<style>")]


def test_every_link_has_its_target_and_ids_are_unique() -> None:
    """A click on a check, a dot or a cell leads somewhere."""
    page = _Page(_html(example_run()))
    assert len(page.ids) == len(set(page.ids))
    targets = {str(attrs["href"])[1:] for attrs in page.of("a")}
    assert targets <= set(page.ids)
    assert len(targets) > 20


def test_faults_run_through_all_panels_with_their_times() -> None:
    """The bands tell the story only if every panel of a scenario has them, from confirmed to confirmed."""
    html = _html(example_run())
    scenario = html[html.index('id="s0"') : html.index('id="s2"')]
    figures = re.findall('<figure id="s0-panel.*?</figure>|<figure class="panel.*?</figure>', scenario, re.S)
    assert len(figures) == 5
    for figure in figures:
        band = re.search('<rect class="fault" x="([\\d.]+)%" width="([\\d.]+)%"', figure)
        assert band is not None
        assert abs(float(band[1]) - 100 * 3 / 13) < 0.2
        assert abs(float(band[2]) - 100 * 6 / 13) < 0.2


def test_a_table_behind_every_chart() -> None:
    """Who can't see the picture reads the numbers."""
    html = _html(example_run())
    assert html.count('class="twin"') == html.count("<figcaption><b>") - 2  # two ledgers say their sum in words
    assert html.count('class="numbers"') == html.count('class="twin"')


def test_cursor_data_matches_the_axis() -> None:
    """The script reads one value per bucket of the shared axis, and valid JSON."""
    html = _html(example_run())
    blocks = re.findall('<script type="application/json" id="s\\d-data">(.*?)</script>', html)
    assert len(blocks) == 3
    for block in blocks:
        data = json.loads(block)
        for panel in data["panels"]:
            assert all(len(values) == data["count"] for values in panel["series"])
            assert panel["series"] or panel["stretches"]


def test_evidence_shows_ten_events_relative_to_the_injection() -> None:
    """Ten deciding events with their times, the answers' bytes, and how to repeat it."""
    html = _html(example_run())
    proof = html[html.index('id="s0-check0"') : html.index('id="s0-check1"')]
    assert proof.count("<tr>") == 11
    assert "+0.001 s" in proof
    assert "and 4 more; see events.ndjson" in proof
    errors = html[html.index('id="s0-check1"') : html.index('id="s0-check2"')]
    assert "<pre>{&quot;error&quot;: &quot;customer timed out&quot;}</pre>" in errors
    assert errors.count("same body as above") == 9
    command = re.search('class="command">(.*?)</code>', html)
    assert command is not None
    assert command[1].startswith("chaoskit run scenarios/3-no-breaker.chaos.yaml --only &#39;Without a breaker")
    assert command[1].endswith("--seed 7")


def test_voided_and_not_judged_say_why() -> None:
    """An inconclusive check names the gate; what was not judged is listed with its reason."""
    html = _html(example_run())
    assert "Not accepted, because" in html
    assert "the load generator lagged by 340 ms" in html
    assert "isolates_poison[email]: its link was seen by load only" in html
    assert "KeyError: &#39;orderId&#39;" in html


def test_ledger_adds_up() -> None:
    """The bar is as wide as what was accepted; what is missing is shown as not accounted for, never hidden."""
    run = example_run()
    html = _html(run)
    bar = re.search('class="ledger".*?</svg>', html, re.S)
    assert bar is not None
    assert abs(sum(float(w) for w in re.findall('width="([\\d.]+)%"', bar[0])) - 100) < 0.1
    run.stories[2] = ScenarioStory(
        ledgers={"inventory": {"accepted": 10, "effects": 7, "twice": 2}}, twice={"inventory": ("o-1",)}
    )
    html = _html(run)
    assert "3 not accounted for" in html
    assert "Done twice by inventory: " in html
    run.stories[2] = ScenarioStory(ledgers={"inventory": {"accepted": 5, "effects": 7}})
    assert "2 more than were accepted" in _html(run)


def test_scorecard_cells_hold_the_worst() -> None:
    """Rules × subjects: one bad check is not outvoted by good ones."""
    html = _html(example_run())
    card = html[html.index("Rules × subjects") : html.index('id="map"')]
    row = re.search("3 Breaker and timeout</th>(.*?)</tr>", card)
    assert row is not None
    assert 'class="sign fail"' in row[1].split("</td>")[0]


def hostile_run() -> ExampleRun:
    link = f"{HOSTILE} -> {HOSTILE}2"
    finding = Finding(HOSTILE, Outcome.FAIL, HOSTILE, HOSTILE, (0, 1, 2, 99999, -5), 1.0)
    verdict = Verdict(HOSTILE, 3, link, Outcome.FAIL, HOSTILE, (finding,), (HOSTILE,))
    record = ScenarioRecord(0, HOSTILE, HOSTILE, 1, (3,), (verdict,), 0, 2, HOSTILE, (HOSTILE,))
    sample = ev.Sample(
        t=0.5, name=HOSTILE, due=0.5, latency_ms=5, service_ms=5, status=0, error=HOSTILE, ok=False, body=HOSTILE
    )
    call = ev.Call(
        t=0.5,
        link=link,
        call=1,
        connection=1,
        method=HOSTILE,
        path=HOSTILE,
        end=0.6,
        status=0,
        outcome=HOSTILE,
        trace=HOSTILE,
    )
    fault = ev.FaultConfirmed(t=0.4, fault=HOSTILE, name=HOSTILE, target=link, detail=HOSTILE)
    died = ev.PartDied(t=0.9, part=HOSTILE, role="service", reason=HOSTILE)
    queue = ev.QueueSeen(t=0.5, queue=HOSTILE, ready=3, unacked=-1, consumers=0)
    phase = ev.PhaseStarted(t=0.0, phase=HOSTILE)
    story = ScenarioStory(
        breakers={link: ((0.5, HOSTILE),)},
        ledgers={HOSTILE: {"effects": 1}},
        twice={HOSTILE: (HOSTILE,)},
        fates=(Fate(HOSTILE, HOSTILE, HOSTILE, HOSTILE, True, HOSTILE),),
        log_tails={HOSTILE: HOSTILE},
    )
    run = RunRecord(
        HOSTILE,
        HOSTILE,
        HOSTILE,
        HOSTILE,
        0.0,
        2.0,
        HOSTILE,
        {link: HOSTILE},
        1,
        HOSTILE,
        (record, replace(record, index=1)),
        HOSTILE,
        HOSTILE,
    )
    events: list[ev.Event] = [sample, call, fault, died, queue, phase]
    return ExampleRun(run, {0: story}, {0: events})


def test_hostile_names_everywhere_stay_text() -> None:
    """Names come from the system under test: every place that shows one must escape it."""
    html = _html(hostile_run())
    page = _Page(html)
    scripts = page.of("script")
    assert [s.get("type") for s in scripts] == ["application/json", None]
    assert not page.of("img")
    assert all(not name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert page.text.count("alert(2)") > 20
    assert "\u202e" not in html


def test_page_of_a_run_without_anything() -> None:
    """A run that broke before its first scenario still says what happened."""
    record = replace(example_run().record, scenarios=(), broken="toxiproxy could not be started: port 8474 is taken")
    html = render_html(record, {}, {})
    assert "<h1>toxiproxy could not be started: port 8474 is taken</h1>" in html
    assert 'class="chip inconclusive"' in html
    assert "Nothing was judged." in render_html(replace(record, broken=""), {}, {})


def test_scenario_without_events_or_checks_has_no_empty_panels() -> None:
    """What was never played shows its reason instead of empty axes."""
    record = example_run().record
    never = replace(record.scenarios[0], verdicts=(), started=5.0, ended=5.0, reason="not played: broker died")
    html = render_html(replace(record, scenarios=(never,)), {}, {})
    assert "not played: broker died" in html
    assert "<figure" not in html
    assert "Timeline</h3>" not in html


def test_fault_that_was_never_confirmed_is_shown_as_such() -> None:
    """Asked for is not in force; the picture must not pretend."""
    run = example_run()
    run.events[0] = [e for e in run.events[0] if not isinstance(e, (ev.FaultConfirmed, ev.FaultReverted))]
    html = _html(run)
    assert "never confirmed" in html
    assert "Times count from the start." in html
    assert 'class="fault unconfirmed"' in html


def test_all_passed_says_so() -> None:
    """Good news is a sentence as well."""
    run = example_run()
    one = replace(run.record, scenarios=run.record.scenarios[1:2])
    assert "breaker: 3 checks passed.</h1>" in render_html(one, run.stories, run.events)
    two = replace(run.record, scenarios=(run.record.scenarios[1], replace(run.record.scenarios[1], index=7)))
    assert "<h1>shop kept its rules: 6 checks in 2 scenarios passed under fault.</h1>" in render_html(two, {}, {})


def test_fifty_thousand_samples_stay_small_and_quick() -> None:
    """A long load test must not make a page that no browser opens."""
    run = example_run(rate_per_s=1950)
    assert sum(isinstance(e, ev.Sample) for rows in run.events.values() for e in rows) >= 50_000
    began = time.process_time()
    html = _html(run)
    assert time.process_time() - began < 2
    assert len(html.encode()) < 3_000_000
    assert LINK.replace(" -> ", " → ") in html
