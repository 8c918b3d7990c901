"""`run.json`: what a run found, for programs (schema `chaoskit/run/1`); written and read back without loss."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaoskit.errors import FileProblem, Problem
from chaoskit.model.record import RUN_SCHEMA, RunRecord, ScenarioRecord
from chaoskit.model.verdict import Finding, Outcome, Verdict
from chaoskit.report.atomic_file import write_atomically


def write_run_json(path: Path, record: RunRecord) -> None:
    """Write the record atomically. Raises UsageProblem when the place is not writable."""
    write_atomically(path, json.dumps(encode_run(record), indent=2, ensure_ascii=False) + "\n")


def read_run_json(path: Path) -> RunRecord:
    """The record that `path` holds. Raises FileProblem for a missing, broken or foreign file."""
    try:
        return decode_run(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except json.JSONDecodeError as error:
        raise _unreadable(path, f"not JSON: {error.msg}", error.lineno, error.colno) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "not UTF-8 text") from error
    except KeyError as error:
        raise _unreadable(path, f"{error} is missing") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise _unreadable(path, str(error)) from error


def encode_run(record: RunRecord) -> dict[str, Any]:
    """The record as JSON values; a check's `expected`, `observed`, `evidence` are its deciding finding's."""
    return {
        "schema": RUN_SCHEMA,
        "verdict": record.outcome.value,
        "run": record.run,
        "system": record.system,
        "system_file": record.system_file,
        "version": record.version,
        "wall": record.wall,
        "duration_s": record.duration_s,
        "engine": record.engine,
        "sight": dict(record.sight),
        "seed": record.seed,
        "command": record.command,
        "broken": record.broken,
        "aborted": record.aborted,
        "scenarios": [_encode_scenario(scenario) for scenario in record.scenarios],
    }


def decode_run(row: Mapping[str, Any]) -> RunRecord:
    """The inverse of `encode_run`. Raises KeyError, TypeError or ValueError for anything else."""
    if row.get("schema") != RUN_SCHEMA:
        raise ValueError(f"its schema is {row.get('schema')!r}, this chaoskit reads {RUN_SCHEMA!r}")
    return RunRecord(
        run=row["run"],
        system=row["system"],
        system_file=row["system_file"],
        version=row["version"],
        wall=row["wall"],
        duration_s=row["duration_s"],
        engine=row["engine"],
        sight=dict(row["sight"]),
        seed=row["seed"],
        command=row["command"],
        broken=row["broken"],
        aborted=row["aborted"],
        scenarios=tuple(_decode_scenario(scenario) for scenario in row["scenarios"]),
    )


def run_schema() -> dict[str, Any]:
    """JSON Schema of `run.json`."""
    text, number, count = {"type": "string"}, {"type": "number"}, {"type": "integer"}
    verdict = {"enum": [outcome.value for outcome in Outcome]}
    texts, counts = {"type": "array", "items": text}, {"type": "array", "items": count}
    finding = _object(
        name=text,
        verdict=verdict,
        expected=text,
        observed=text,
        evidence=counts,
        at={"type": ["number", "null"]},
        final={"type": "boolean"},
    )
    check = _object(
        id=text,
        check=text,
        rule={"type": ["integer", "null"]},
        subject=text,
        verdict=verdict,
        sentence=text,
        expected=text,
        observed=text,
        evidence=counts,
        findings={"type": "array", "items": finding},
        voided_by=texts,
    )
    scenario = _object(
        index=count,
        name=text,
        file=text,
        line=count,
        rules=counts,
        verdict=verdict,
        started=number,
        ended=number,
        reason=text,
        notes=texts,
        checks={"type": "array", "items": check},
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What a run found",
        **_object(
            schema={"const": RUN_SCHEMA},
            verdict=verdict,
            run=text,
            system=text,
            system_file=text,
            version=text,
            wall=number,
            duration_s=number,
            engine=text,
            sight={"type": "object", "additionalProperties": text},
            seed=count,
            command=text,
            broken=text,
            aborted=text,
            scenarios={"type": "array", "items": scenario},
        ),
    }


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _encode_scenario(scenario: ScenarioRecord) -> dict[str, Any]:
    return {
        "index": scenario.index,
        "name": scenario.name,
        "file": scenario.file,
        "line": scenario.line,
        "rules": list(scenario.rules),
        "verdict": scenario.outcome.value,
        "started": scenario.started,
        "ended": scenario.ended,
        "reason": scenario.reason,
        "notes": list(scenario.notes),
        "checks": [_encode_check(verdict) for verdict in scenario.verdicts],
    }


def _decode_scenario(row: Mapping[str, Any]) -> ScenarioRecord:
    return ScenarioRecord(
        index=row["index"],
        name=row["name"],
        file=row["file"],
        line=row["line"],
        rules=tuple(row["rules"]),
        verdicts=tuple(_decode_check(check) for check in row["checks"]),
        started=row["started"],
        ended=row["ended"],
        reason=row["reason"],
        notes=tuple(row["notes"]),
    )


def _encode_check(verdict: Verdict) -> dict[str, Any]:
    decided = deciding_finding(verdict)
    return {
        "id": verdict.id,
        "check": verdict.check,
        "rule": verdict.rule,
        "subject": verdict.subject,
        "verdict": verdict.outcome.value,
        "sentence": verdict.sentence,
        "expected": decided.expected if decided else "",
        "observed": decided.observed if decided else "",
        "evidence": list(decided.evidence) if decided else [],
        "findings": [_encode_finding(finding) for finding in verdict.findings],
        "voided_by": list(verdict.voided_by),
    }


def deciding_finding(verdict: Verdict) -> Finding | None:
    """The first finding that has the check's own outcome, else the first of all, None where there is none."""
    same = (finding for finding in verdict.findings if finding.outcome is verdict.outcome)
    return next(same, verdict.findings[0] if verdict.findings else None)


def _decode_check(row: Mapping[str, Any]) -> Verdict:
    return Verdict(
        check=row["check"],
        rule=row["rule"],
        subject=row["subject"],
        outcome=Outcome(row["verdict"]),
        sentence=row["sentence"],
        findings=tuple(_decode_finding(finding) for finding in row["findings"]),
        voided_by=tuple(row["voided_by"]),
    )


def _encode_finding(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "verdict": finding.outcome.value,
        "expected": finding.expected,
        "observed": finding.observed,
        "evidence": list(finding.evidence),
        "at": finding.at,
        "final": finding.final,
    }


def _decode_finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        name=row["name"],
        outcome=Outcome(row["verdict"]),
        expected=row["expected"],
        observed=row["observed"],
        evidence=tuple(row["evidence"]),
        at=row["at"],
        final=row["final"],
    )


def _unreadable(path: Path, message: str, line: int = 0, column: int = 0) -> FileProblem:
    remedy = "name the folder of a finished run, for example reports/latest"
    return FileProblem([Problem(str(path), line, column, f"cannot read this run: {message}", remedy)])
