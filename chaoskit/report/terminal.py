"""The run on the terminal: a live view of 24 lines, or without a terminal one plain line per notable event.

Both take the same two calls, `on_event` and `on_verdicts`, and end with `finish` (all well) or `close` (whatever came).
rich is loaded only by the live view.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TextIO

from chaoskit.model.event import Event
from chaoskit.model.plan import ScenarioPlan
from chaoskit.model.record import RunRecord
from chaoskit.model.verdict import Outcome, Verdict
from chaoskit.report.notable import notable
from chaoskit.report.progress import Progress, printable

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

LINES = 24
REFRESH_PER_S = 5
_MARKS = {Outcome.PASS: "✓", Outcome.FAIL: "✕", Outcome.INCONCLUSIVE: "?"}
_STYLES = {Outcome.PASS: "green", Outcome.FAIL: "bold red", Outcome.INCONCLUSIVE: "yellow"}
_ORDER = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)
_ASCII = str.maketrans({"✓": "+", "✕": "x", "→": ">", "≤": "<=", "≥": ">=", "−": "-", "·": "-", "…": "~", "█": "#"})


class View(Protocol):
    """What the pipeline feeds, and the end of it."""

    def on_event(self, event: Event) -> None: ...

    def on_verdicts(self, scenario_index: int, verdicts: tuple[Verdict, ...]) -> None: ...

    def finish(self, record: RunRecord, report: str = "") -> None:
        """Take the live view down and print the summary; `report` is where the report lies."""
        ...

    def close(self) -> None:
        """Take the live view down, however often asked."""
        ...


def open_view(stream: TextIO, plans: Iterable[ScenarioPlan] = (), live: bool | None = None) -> View:
    """The view that suits `stream`: live on a terminal (unless `live` is False), else plain lines."""
    by_index = {plan.index: plan for plan in plans}
    on_terminal = stream.isatty() if live is None else live and stream.isatty()
    return LiveView(stream, by_index) if on_terminal else PlainView(stream)


class PlainView:
    """One line per notable event and per check as it decides; no escape codes, whatever the names contain."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: dict[tuple[int, str], Outcome] = {}
        self._now = 0.0

    def on_event(self, event: Event) -> None:
        """Print it if it is notable."""
        self._now = max(self._now, event.t)
        text = notable(event)
        if text is not None:
            self._line(event.t, text)

    def on_verdicts(self, scenario_index: int, verdicts: tuple[Verdict, ...]) -> None:
        """Print each check once it is final."""
        for verdict in verdicts:
            key = (scenario_index, verdict.id)
            if verdict.final and self._told.get(key) is not verdict.outcome:
                self._told[key] = verdict.outcome
                self._line(self._now, f"{_MARKS[verdict.outcome]} {verdict.outcome} {verdict.id}: {verdict.sentence}")

    def finish(self, record: RunRecord, report: str = "") -> None:
        """Print the summary."""
        for line in summary_lines(record, report):
            _write(self._stream, line)

    def close(self) -> None:
        """Nothing to take down."""

    def _line(self, t: float, text: str) -> None:
        _write(self._stream, f"{t:9.3f} s  {printable(text)}")


class LiveView:
    """At most 24 lines that stay in place: the sentence, the phases, the faults in force, the checks as they decide.

    A thread draws: a terminal that is held (Ctrl-S) must stop the picture, never the run. The lock is held for
    taking an event in and for reading the state, not while writing.
    """

    def __init__(self, stream: TextIO, plans: Mapping[int, ScenarioPlan] | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self.progress = Progress(plans or {}, scenarios_total=len(plans or {}))
        self._lock = Lock()
        self._stream = stream
        self._console = Console(file=stream, force_terminal=True, highlight=False)
        self._live: Live | None = Live(
            get_renderable=self.render, console=self._console, refresh_per_second=REFRESH_PER_S, transient=True
        )
        self._live.start()

    def on_event(self, event: Event) -> None:
        """Take it in; the screen is redrawn a few times a second, not per event."""
        with self._lock:
            self.progress.on_event(event)

    def on_verdicts(self, scenario_index: int, verdicts: tuple[Verdict, ...]) -> None:
        """Take them in."""
        with self._lock:
            self.progress.on_verdicts(scenario_index, verdicts)

    def finish(self, record: RunRecord, report: str = "") -> None:
        """Take the view down and leave the summary."""
        self.close()
        for line in summary_lines(record, report):
            _write(self._stream, line)

    def close(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def render(self) -> Text:
        """The screen as it should be now."""
        from rich.text import Text

        width = self._console.width
        height = min(LINES, self._console.height)
        screen = Text(no_wrap=True, overflow="ellipsis")
        with self._lock:
            lines = draw(self.progress, width, height)
        for position, (line, style) in enumerate(lines):
            shown = line if len(line) <= width else line[: width - 1] + "…"
            screen.append(shown + ("\n" if position < len(lines) - 1 else ""), style=style)
        return screen


def draw(progress: Progress, width: int = 80, height: int = LINES) -> list[tuple[str, str]]:
    """The live view as (line, rich style), at most `height` of them."""
    of_all = f"/{progress.scenarios_total}" if progress.scenarios_total else ""
    at = f"scenario {progress.scenario + 1}{of_all}" if progress.scenario >= 0 else "starting"
    lines = [(f"chaoskit · {printable(progress.system)} · {at} · {progress.now:.1f} s", "bold")]
    if progress.scenario < 0:
        lines += [(f"  {printable(part)} is up", "") for part in progress.parts[-(height - 3) :]]
    else:
        lines += [(printable(progress.scenario_name), ""), ("", ""), *_phase_lines(progress, width), ("", "")]
        lines += [_load_line(progress), *_fault_lines(progress), ("", "")]
    lines += [(printable(reason), "bold red") for reason in progress.died[-2:]]
    room = max(0, height - len(lines))
    return [*lines, *_check_lines(progress.verdicts.get(progress.scenario, ()), room)][:height]


def summary_lines(record: RunRecord, report: str = "") -> list[str]:
    """The end of a run in plain text: each scenario, what did not pass and why, the tally, where the report lies."""
    lines = [""]
    for scenario in record.scenarios:
        took = f"{scenario.ended - scenario.started:.1f} s"
        lines.append(f"{_MARKS[scenario.outcome]} {scenario.outcome:<12} {printable(scenario.name)}  ({took})")
        for verdict in scenario.verdicts:
            if verdict.outcome is not Outcome.PASS:
                lines.append(f"    {_MARKS[verdict.outcome]} {printable(verdict.id)}: {printable(verdict.sentence)}")
                lines += [f"        not accepted: {printable(reason)}" for reason in verdict.voided_by]
        lines += [f"    note: {printable(note)}" for note in scenario.notes]
    for word, why in (("broken", record.broken), ("aborted", record.aborted)):
        lines += [f"{word}: {printable(why)}"] if why else []
    verdicts = [verdict.outcome for scenario in record.scenarios for verdict in scenario.verdicts]
    tally = ", ".join(f"{verdicts.count(outcome)} {outcome}" for outcome in _ORDER if verdicts.count(outcome))
    lines += ["", f"{record.outcome.upper()}: {tally or 'nothing was judged'}"]
    return [*lines, f"report: {report}"] if report else lines


def _phase_lines(progress: Progress, width: int) -> list[tuple[str, str]]:
    room = max(10, min(40, width - 36))
    current = progress.phases[-1][0] if progress.phases else ""
    lines = []
    for name, length, planned in progress.phase_lengths():
        whole = planned if planned else max(length, 1.0)
        filled = round(room * min(1.0, length / whole))
        text = f"  {name:<9} {'█' * filled}{'·' * (room - filled)} {length:6.1f} s"
        text += f" of at most {planned:.1f} s" if planned else ""
        lines.append((text, "cyan" if name == current else "dim"))
    return lines


def _load_line(progress: Progress) -> tuple[str, str]:
    answers, errors, p95 = progress.last_second()
    latency = f" · p95 {p95:.0f} ms" if p95 is not None else ""
    return f"  load      {answers}/s · {errors} errors/s{latency}", "red" if errors else ""


def _fault_lines(progress: Progress, most: int = 3) -> list[tuple[str, str]]:
    lines = [
        (
            f"  {id} {printable(f.name)} on {printable(f.target)} for {progress.now - f.since:.1f} s, hit {f.hits}",
            "magenta",
        )
        for id, f in progress.faults.items()
    ]
    more = [(f"  and {len(lines) - most} more faults", "magenta")] if len(lines) > most else []
    return [*lines[:most], *more] or [("  no fault in force", "dim")]


def _check_lines(verdicts: tuple[Verdict, ...], room: int) -> list[tuple[str, str]]:
    decided = sorted(verdicts, key=lambda verdict: (not verdict.final, _ORDER.index(verdict.outcome)))
    lines = []
    for verdict in decided:
        mark, style = (_MARKS[verdict.outcome], _STYLES[verdict.outcome]) if verdict.final else ("…", "dim")
        lines.append((f"  {mark} {printable(verdict.id)}  {printable(verdict.sentence)}", style))
    if len(lines) > room:
        lines = [*lines[: max(0, room - 1)], (f"  and {len(lines) - room + 1} more checks", "dim")]
    return lines


def _write(stream: TextIO, line: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        line = line.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    stream.write(line + "\n")
    stream.flush()
