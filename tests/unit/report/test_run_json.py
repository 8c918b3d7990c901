"""run.json: written, read back, refused with a place when it is not one."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from chaoskit.errors import FileProblem, UsageProblem
from chaoskit.model.verdict import Outcome, Verdict
from chaoskit.report.events_ndjson import write_events
from chaoskit.report.run_folder import read_run
from chaoskit.report.run_json import encode_run, read_run_json, run_schema, write_run_json
from msgspec.structs import replace

from tests.unit.report.example_run import example_run


def test_round_trip_loses_nothing(tmp_path: Path) -> None:
    """`chaoskit judge` works on what was written; nothing may change on the way."""
    record = replace(example_run().record, broken="toxiproxy died <&> \u202e", aborted="SIGINT")
    write_run_json(tmp_path / "run.json", record)
    assert read_run_json(tmp_path / "run.json") == record


def test_shape_is_the_published_one() -> None:
    """Others read these names: verdict, scenarios[].checks[].{id,rule,subject,verdict,expected,observed,evidence}."""
    row = encode_run(example_run().record)
    jsonschema.validate(row, run_schema())
    assert row["schema"] == "chaoskit/run/1"
    assert row["verdict"] == "fail"
    check = row["scenarios"][0]["checks"][0]
    assert (check["id"], check["rule"], check["subject"]) == ("breaker[order -> customer]", 3, "order -> customer")
    assert (check["verdict"], check["expected"], check["observed"]) == ("fail", "≤ 6s", "never")
    assert check["evidence"] == list(example_run().record.scenarios[0].verdicts[0].findings[0].evidence)


def test_a_check_without_findings_is_written() -> None:
    """A crashed check has no findings; its run must be readable all the same."""
    verdict = Verdict("breaker", 3, "", Outcome.INCONCLUSIVE, "it raised")
    record = example_run().record
    record = replace(record, scenarios=(replace(record.scenarios[0], verdicts=(verdict,)),))
    check = encode_run(record)["scenarios"][0]["checks"][0]
    assert (check["expected"], check["evidence"]) == ("", [])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", ":1:2: cannot read this run: not JSON"),
        ("[]", "cannot read this run"),
        ('{"schema": "chaoskit/run/9"}', "its schema is 'chaoskit/run/9', this chaoskit reads 'chaoskit/run/1'"),
        ('{"schema": "chaoskit/run/1"}', "'run' is missing"),
        ("\udcff", "not UTF-8 text"),
    ],
)
def test_what_is_not_a_run_is_refused(tmp_path: Path, content: str, says: str) -> None:
    """One clear error with place and remedy, never a traceback."""
    path = tmp_path / "run.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(FileProblem) as caught:
        read_run_json(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "reports/latest" in str(caught.value)


def test_wrong_types_inside_are_refused(tmp_path: Path) -> None:
    """A run.json that somebody edited by hand must not crash the reader."""
    row = encode_run(example_run().record)
    for broken in ({"scenarios": 3}, {"scenarios": [7]}, {"sight": 1}):
        (tmp_path / "run.json").write_text(json.dumps(row | broken))
        with pytest.raises(FileProblem):
            read_run_json(tmp_path / "run.json")


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk must not leave half a run.json, nor litter."""
    path = tmp_path / "run.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageProblem, match="No space left"):
        write_run_json(path, example_run().record)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_unwritable_place_is_a_usage_problem(tmp_path: Path) -> None:
    """`--out` below a file is the user's mistake and reads like one."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageProblem, match=r"cannot write run\.json"):
        write_run_json(tmp_path / "file" / "run.json", example_run().record)


def test_read_run_gives_record_and_events(tmp_path: Path) -> None:
    """The folder is all that judging again needs."""
    run = example_run()
    events = [event for rows in run.events.values() for event in rows]
    write_run_json(tmp_path / "run.json", run.record)
    write_events(tmp_path / "events.ndjson", events)
    record, read = read_run(tmp_path)
    assert record == run.record
    assert len(read) == len(events)


def test_read_run_names_what_is_missing(tmp_path: Path) -> None:
    """No folder, a file, a folder without events: three different mistakes, three messages."""
    with pytest.raises(UsageProblem, match="there is no run in this folder"):
        read_run(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageProblem, match="this is not a folder"):
        read_run(tmp_path / "file")
    write_run_json(tmp_path / "run.json", example_run().record)
    with pytest.raises(FileProblem, match="cannot read events: No such file"):
        read_run(tmp_path)
