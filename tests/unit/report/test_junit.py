"""junit.xml: what CI servers make of a run."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from chaoskit.model.verdict import Outcome, Verdict
from chaoskit.report.junit import render_junit, write_junit
from msgspec.structs import replace

from tests.unit.report.example_run import example_run


def test_one_testcase_per_check_and_nothing_red_is_green(tmp_path: Path) -> None:
    """Failed is a failure, inconclusive an error, passed has neither; the sums agree."""
    record = example_run().record
    write_junit(tmp_path / "junit.xml", record)
    root = ET.parse(tmp_path / "junit.xml").getroot()
    assert root.attrib | {"time": ""} == {"name": "shop", "time": "", "tests": "8", "failures": "2", "errors": "1"}
    cases = {
        (suite.get("name"), case.get("name")): case
        for suite in root.iter("testsuite")
        for case in suite.iter("testcase")
    }
    assert len(cases) == 8
    for scenario in record.scenarios:
        for verdict in scenario.verdicts:
            case = cases[scenario.name, verdict.id]
            assert (case.find("failure") is not None) == (verdict.outcome is Outcome.FAIL)
            assert (case.find("error") is not None) == (verdict.outcome is Outcome.INCONCLUSIVE)
    failure = cases["Without a breaker a hanging customer takes order down", "breaker[order -> customer]"].find(
        "failure"
    )
    assert failure is not None
    assert "expected ≤ 6s, observed never" in (failure.text or "")
    assert failure.get("message", "").startswith("order's breaker on customer never opened")


def test_properties_say_seed_rules_and_notes() -> None:
    """A CI server shows under what conditions it was."""
    root = ET.fromstring(render_junit(example_run().record))
    suite = root.findall("testsuite")[2]
    found = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    assert found["seed"] == "7"
    assert found["rules"] == "4 5"
    assert "isolates_poison" in (found["note.1"] or "")


def test_broken_run_and_empty_scenario_are_errors() -> None:
    """Zero checks, zero scenarios or a broken engine never read as zero failures."""
    record = example_run().record
    empty = replace(record, scenarios=(replace(record.scenarios[0], verdicts=()),))
    assert ET.fromstring(render_junit(empty)).get("errors") == "1"
    assert ET.fromstring(render_junit(replace(record, scenarios=()))).get("errors") == "1"
    assert ET.fromstring(render_junit(replace(record, broken="toxiproxy died"))).get("errors") == "2"


def test_hostile_names_stay_xml() -> None:
    """Control characters, `]]>` and tags in a name keep the file well-formed."""
    record = example_run().record
    verdict = Verdict("x]]>", 3, "\x00\x1b<a>&\ud800", Outcome.FAIL, "]]> <b> \x0b \u202e")
    root = ET.fromstring(render_junit(replace(record, scenarios=(replace(record.scenarios[0], verdicts=(verdict,)),))))
    case = root.find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == "x]]>[\ufffd\ufffd<a>&\ufffd]"
