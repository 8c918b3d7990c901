"""`junit.xml`: one testsuite per scenario, one testcase per check, as CI servers read it.

A failed check is a `failure`; an inconclusive one is an `error`, so that no server shows it green.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

from chaoskit.model.record import RunRecord, ScenarioRecord
from chaoskit.model.verdict import Outcome, Verdict
from chaoskit.report.atomic_file import write_atomically

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_junit(path: Path, record: RunRecord) -> None:
    """Write the file atomically. Raises UsageProblem when the place is not writable."""
    write_atomically(path, '<?xml version="1.0" encoding="utf-8"?>\n' + render_junit(record) + "\n")


def render_junit(record: RunRecord) -> str:
    """The XML of the whole run, without its declaration."""
    root = ET.Element("testsuites", name=_xml(record.system), time=f"{record.duration_s:.3f}")
    suites = [_suite(record, scenario) for scenario in record.scenarios]
    if record.broken or record.aborted or not suites:
        suites.append(_broken_suite(record))
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.extend(suites)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def _suite(record: RunRecord, scenario: ScenarioRecord) -> ET.Element:
    outcomes = [verdict.outcome for verdict in scenario.verdicts]
    suite = ET.Element("testsuite", name=_xml(scenario.name), tests=str(max(1, len(outcomes))), skipped="0")
    suite.set("failures", str(outcomes.count(Outcome.FAIL)))
    suite.set("errors", str(outcomes.count(Outcome.INCONCLUSIVE) + (not outcomes)))
    suite.set("time", f"{scenario.ended - scenario.started:.3f}")
    suite.set("timestamp", datetime.fromtimestamp(record.wall + scenario.started, UTC).isoformat(timespec="seconds"))
    _properties(
        suite,
        {"system": record.system, "seed": str(record.seed), "rules": " ".join(map(str, scenario.rules))}
        | {"engine": record.engine, "version": record.version, "reason": scenario.reason}
        | {f"note.{i}": note for i, note in enumerate(scenario.notes, 1)},
    )
    suite.extend(_case(scenario, verdict) for verdict in scenario.verdicts)
    if not outcomes:
        suite.append(_not_judged(scenario.name, scenario.file, "no check was judged", scenario.reason))
    return suite


def _case(scenario: ScenarioRecord, verdict: Verdict) -> ET.Element:
    case = ET.Element("testcase", name=_xml(verdict.id), classname=_xml(scenario.name), file=_xml(scenario.file))
    case.set("line", str(scenario.line))
    case.set("time", f"{scenario.ended - scenario.started:.3f}")
    _properties(case, {"rule": str(verdict.rule or ""), "subject": verdict.subject, "verdict": verdict.outcome.value})
    if verdict.outcome is not Outcome.PASS:
        name = "failure" if verdict.outcome is Outcome.FAIL else "error"
        problem = ET.SubElement(case, name, type=verdict.outcome.value, message=_xml(verdict.sentence))
        problem.text = _xml(_explain(scenario, verdict))
    return case


def _explain(scenario: ScenarioRecord, verdict: Verdict) -> str:
    lines = [f"{scenario.file}:{scenario.line}: {verdict.sentence}"]
    lines += [
        f"{f.outcome.value:>12}  {f.name}: expected {f.expected}, observed {f.observed}" for f in verdict.findings
    ]
    lines += [f"not accepted: {reason}" for reason in verdict.voided_by]
    return "\n".join(lines)


def _broken_suite(record: RunRecord) -> ET.Element:
    what = record.broken or record.aborted or "no scenario was run"
    suite = ET.Element("testsuite", name="the run itself", tests="1", failures="0", errors="1", skipped="0", time="0")
    suite.append(_not_judged("the run itself", record.system_file, what, what))
    return suite


def _not_judged(classname: str, file: str, message: str, detail: str) -> ET.Element:
    case = ET.Element("testcase", name="run", classname=_xml(classname), file=_xml(file), time="0")
    ET.SubElement(case, "error", type="inconclusive", message=_xml(message)).text = _xml(detail)
    return case


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    box = ET.SubElement(parent, "properties")
    for name, value in values.items():
        if value:
            ET.SubElement(box, "property", name=name, value=_xml(value))


def _xml(text: str) -> str:
    """XML 1.0 has no way to write most control characters, not even escaped."""
    return _NOT_XML.sub("\ufffd", text)
