"""What a run leaves in `reports/<run>/`, by name, and reading it back."""

from __future__ import annotations

from pathlib import Path

from chaoskit.errors import UsageProblem
from chaoskit.model.event import Event
from chaoskit.model.record import RunRecord
from chaoskit.report.events_ndjson import read_events
from chaoskit.report.run_json import read_run_json

RUN_JSON = "run.json"
EVENTS_NDJSON = "events.ndjson"
REPORT_HTML = "report.html"
JUNIT_XML = "junit.xml"


def read_run(folder: Path) -> tuple[RunRecord, list[Event]]:
    """A saved run: its record and all of its events. Raises UsageProblem (FileProblem with the place inside a file)."""
    if not folder.is_dir():
        raise UsageProblem(
            "there is no run in this folder" if not folder.exists() else "this is not a folder",
            where=str(folder),
            remedy="name the folder of a run, for example reports/latest",
        )
    return read_run_json(folder / RUN_JSON), read_events(folder / EVENTS_NDJSON)
