"""The terminal: plain lines without escape codes, a live view that fits 24 lines, a summary that says it all."""

from __future__ import annotations

import io
import subprocess
import sys

from chaoskit.model import event as ev
from chaoskit.model.verdict import Finding, Outcome, Verdict
from chaoskit.report.progress import Progress
from chaoskit.report.terminal import LINES, LiveView, PlainView, draw, open_view, summary_lines
from msgspec.structs import replace

from tests.unit.report.example_run import LINK, example_run

HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\nfake line \u202e"


def _events() -> list[ev.Event]:
    run = example_run()
    return sorted([*run.events[-1], *run.events[0]], key=lambda e: e.t)


def test_plain_view_tells_what_is_notable_in_one_line_each() -> None:
    """A CI log shows phases, faults and verdicts, and not fifty thousand samples."""
    stream = io.StringIO()
    view = open_view(stream)
    for event in _events():
        view.on_event(event)
    lines = stream.getvalue().splitlines()
    assert "    7.000 s  fault f1 in force: hang on order → customer" in lines
    assert "   13.000 s  fault f1 reverted" in lines
    assert len(lines) < 20


def test_plain_view_tells_each_final_verdict_once() -> None:
    """Verdicts come every quarter second; a reader wants each once, when it is decided."""
    stream = io.StringIO()
    view = PlainView(stream)
    open_one = Verdict.of("breaker", 3, LINK, [Finding("opens", Outcome.INCONCLUSIVE, "6s", "not yet")])
    decided = Verdict.of("breaker", 3, LINK, [Finding("opens", Outcome.PASS, "6s", "1s", final=True)], "It opened.")
    for verdict in (open_one, decided, decided):
        view.on_verdicts(0, (verdict,))
    assert stream.getvalue().splitlines() == ["    0.000 s  ✓ pass breaker[order → customer]: It opened."]


def test_names_cannot_steer_the_terminal() -> None:
    """Escape sequences and line breaks in a name are defused everywhere."""
    stream = io.StringIO()
    view = PlainView(stream)
    view.on_event(ev.ScenarioStarted(t=0, scenario=0, name=HOSTILE, file="x"))
    verdict = Verdict(HOSTILE, 3, HOSTILE, Outcome.FAIL, HOSTILE, (Finding("x", Outcome.FAIL, "", "", final=True),))
    view.on_verdicts(0, (verdict,))
    record = example_run().record
    scenario = replace(record.scenarios[0], name=HOSTILE, verdicts=(verdict,), notes=(HOSTILE,))
    view.finish(replace(record, scenarios=(scenario,), broken=HOSTILE))
    progress = Progress()
    progress.on_event(ev.ScenarioStarted(t=0, scenario=0, name=HOSTILE, file="x"))
    progress.on_event(ev.FaultConfirmed(t=0, fault="f1", name=HOSTILE, target=HOSTILE))
    progress.on_verdicts(0, (verdict,))
    text = stream.getvalue() + "\n".join(line for line, _ in draw(progress))
    assert not set("\x1b\x07\r\u202e") & set(text)
    assert not any(line.startswith("fake") for line in text.splitlines())


def test_stream_without_unicode_gets_ascii() -> None:
    """LANG=C in a container must not end a run with an encoding error."""
    raw = io.BytesIO()
    view = PlainView(io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    view.on_event(ev.FaultConfirmed(t=1, fault="f1", name="hang", target="ä -> b"))
    assert raw.getvalue() == b"    1.000 s  fault f1 in force: hang on ? > b\n"


def test_live_view_fits_and_shows_what_matters() -> None:
    """24 lines: the scenario, its phases, faults in force with their hits, checks as they decide, however many."""
    progress = Progress(scenarios_total=3)
    for event in _events():
        known_at = event.due + event.latency_ms / 1000 if isinstance(event, ev.Sample) else event.t
        if known_at <= 9:
            progress.on_event(event)
    progress.on_event(ev.FaultHit(t=9, scenario=0, fault="f1", count=105))
    many = tuple(
        Verdict.of("errors", None, f"j{i}", [Finding("x", Outcome.PASS, "", "", final=True)]) for i in range(40)
    )
    progress.on_verdicts(0, (*many, *example_run().record.scenarios[0].verdicts))
    lines = [line for line, _ in draw(progress)]
    assert len(lines) == LINES
    assert lines[0].startswith("chaoskit · shop · scenario 1/3 · 9")
    assert lines[1] == "Without a breaker a hanging customer takes order down"
    assert any(line.startswith("  f1 hang on order → customer for 2.") and line.endswith("hit 105") for line in lines)
    checks = [line for line in lines if line.startswith(("  ✕", "  ✓", "  and"))]
    assert checks[0].startswith("  ✕ breaker[order → customer]")
    assert checks[-1] == "  and 31 more checks"
    assert len(draw(progress, 80, 10)) == 10


def test_fault_leaves_the_live_view_when_reverted() -> None:
    """Only what is in force is shown as in force."""
    progress = Progress()
    for event in _events():
        progress.on_event(event)
    assert progress.faults == {}
    assert any("no fault in force" in line for line, _ in draw(progress))
    assert {name: round(s) for name, s, _ in progress.phase_lengths()} == {
        "baseline": 3,
        "fault": 6,
        "recovery": 4,
        "settle": 0,
    }


def test_last_second_counts_answers_by_their_own_time() -> None:
    """The figures are of the newest second, not of the whole run."""
    progress = Progress()
    for i in range(30):
        progress.on_event(
            ev.Sample(t=i / 10, name="r", due=i / 10, latency_ms=10 + i, service_ms=1, status=200, ok=i != 29)
        )
    answers, errors, p95 = progress.last_second()
    assert (answers, errors, p95) == (10, 1, 39)


def test_live_view_draws_and_gives_the_terminal_back() -> None:
    """After finish the cursor is shown again and the summary stays; closing twice is harmless."""
    stream = io.StringIO()
    view = LiveView(stream)
    for event in _events():
        view.on_event(event)
    view.on_verdicts(0, example_run().record.scenarios[0].verdicts)
    assert len(view.render().plain.splitlines()) <= LINES
    view.finish(example_run().record, "reports/latest/report.html")
    view.close()
    text = stream.getvalue()
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert text.endswith("FAIL: 2 fail, 1 inconclusive, 5 pass\nreport: reports/latest/report.html\n")


def test_summary_names_every_check_that_did_not_pass() -> None:
    """Who reads only the end of a log learns what failed, what is inconclusive and why."""
    text = "\n".join(summary_lines(example_run().record))
    assert "✕ errors[browse]" in text
    assert "not accepted: the load generator lagged" in text
    assert "timeout[" not in text
    broken = summary_lines(replace(example_run().record, scenarios=(), broken="no engine"))
    assert broken[-3:] == ["broken: no engine", "", "INCONCLUSIVE: nothing was judged"]


def test_rich_is_loaded_only_for_the_live_view() -> None:
    """A CI run and `--version` must not pay for it."""
    code = (
        "import sys, io; from chaoskit.report.terminal import open_view; open_view(io.StringIO()); "
        "print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
