# ruff: noqa: E501  one mistake a line: a table is read across
"""Bad scenario files: each mistake at its file:line:column, in words that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaoskit.errors import FileProblem, UsageProblem

from tests.unit.files.vocabulary import SCENARIO, scenarios_of


def changed(old: str, new: str) -> str:
    """The sound scenario with one mistake in it."""
    assert old in SCENARIO
    return SCENARIO.replace(old, new, 1)


BAD = {
    # name: (text, line:column, words that the message and its remedy must hold)
    "tab": (changed("  - {at", "\t- {at"), "5:1", "not YAML"),
    "unclosed": (changed("hang: true}", "hang: true"), "6:7", "not YAML"),
    "empty": ("", "0:0", "holds no scenario"),
    "only comments": ("# nothing\n---\n", "0:0", "holds no scenario"),
    "a list": ("- scenario: x\n", "1:1", "a scenario is a mapping"),
    "text": ("just text\n", "1:1", "a scenario is a mapping"),
    "duplicate key": (changed("rule: 3", "rule: 3\nrule: 4"), "3:1", "'rule' stands here twice"),
    "duplicate key in an item": (changed("for: 15s", "for: 15s, for: 9s"), "5:24", "'for' stands here twice"),
    "tag": (changed("rule: 3", "rule: !!python/object:os.system 3"), "2:7", "YAML tags"),
    "merge key": (changed("rule: 3", "<<: {rule: 3}"), "2:1", "merge keys (<<) are not read"),
    "list as key": (changed("rule: 3", "? [a, b]\n: 3"), "2:3", "a key must be a word"),
    "unknown key": (changed("expect:", "expct:"), "6:1", "unknown key 'expct' did you mean 'expect'?"),
    "key from nowhere": (changed("rule: 3", "wibble: 3"), "2:1", "unknown key 'wibble' known keys: "),
    "our own key": (changed("rule: 3", "line: 3"), "2:1", "unknown key 'line'"),
    "rollbacks": (changed("expect:", "rollbacks: []\nexpect:"), "6:1", "faults are reverted by themselves"),
    "rollback in a fault": (changed("hang: true", "hang: true, rollback: x"), "5:61", "reverted by themselves"),
    "rollback as a fault": (changed("  - {at: 3s, for: 15s, link: order -> customer, hang: true}", "  - undo: x"), "5:5", "reverted by"),
    "no name": (changed("scenario: A hang opens the breaker\n", ""), "1:1", "'scenario' is missing"),
    "empty name": (changed("A hang opens the breaker", '""'), "1:11", "scenario: is empty"),
    "name is a number": (changed("A hang opens the breaker", "12"), "1:11", "expected text, found '12' quote it: \"12\""),
    "rule too high": (changed("rule: 3", "rule: 7"), "2:7", "rule: must be at most 6, found '7'"),
    "rule is text": (changed("rule: 3", "rule: three"), "2:7", "rule: expected a whole number, found 'three'"),
    "rules not a list": (changed("rule: 3", "rules: 3"), "2:8", "rules: expected a list"),
    "rate without unit": (changed("50/s", "50"), "3:31", "load.rate: not a rate: 50 write for example 50/s"),
    "rate zero": (changed("50/s", "0/s"), "3:31", "not a rate"),
    "load is a list": (changed("load: {journey: browse, rate: 50/s}", "load: [browse]"), "3:7", "load: expected a mapping"),
    "load without rate": (changed(", rate: 50/s", ""), "3:7", "'rate' is missing in load"),
    "unknown key in load": (changed("rate: 50/s", "rat: 50/s"), "3:25", "unknown key 'rat' in load did you mean 'rate'?"),
    "unknown journey": (changed("journey: browse", "journey: brows"), "3:17", "unknown journey 'brows' did you mean 'browse'?"),
    "no load": (changed("load: {journey: browse, rate: 50/s}\n", ""), "6:5", "expect[0]: needs load, and this scenario has none add load:"),
    "duration without unit": (changed("at: 3s", "at: 3"), "5:10", "faults[0].at: a duration needs a unit write '3ms' or '3s'"),
    "duration of minutes as 1:30": (changed("at: 3s", "at: 1:30"), "5:10", "not a duration: '1:30'"),
    "unknown fault": (changed("hang: true", "hagn: true"), "5:49", "unknown fault 'hagn' did you mean 'hang'?"),
    "no fault at all": (changed(", hang: true", ""), "5:5", "faults[0]: names no fault known faults: duplicate, hang"),
    "fault not a mapping": (changed("{at: 3s, for: 15s, link: order -> customer, hang: true}", "hang"), "5:5", "faults[0]: expected a mapping"),
    "faults not a list": (changed("  - {at: 3s, for: 15s, link: order -> customer, hang: true}", "  hang: true"), "5:3", "faults: expected a list"),
    "two faults in one": (changed("hang: true", "hang: true, latency: 2s"), "5:70", "'hang' and 'latency' in one fault"),
    "misspelt attribute": (changed("hang: true", "latency: 2s, jiter: 5ms"), "5:62", "unknown key 'jiter' in faults[0] did you mean 'jitter'?"),
    "hang is yes": (changed("hang: true", "hang: yes"), "5:55", "faults[0].hang: expected True, found 'yes'"),
    "wrong mutant": (changed("link: order -> customer, hang: true", "consumer: inventory, duplicate: [adjacnt]"), "5:57", "found 'adjacnt' did you mean 'adjacent'?"),
    "fault without target": (changed("link: order -> customer, ", ""), "5:5", "faults[0]: hang needs exactly one target: link"),
    "fault with wrong target": (changed("link: order -> customer", "service: order"), "5:5", "hang needs exactly one target: link"),
    "link that is none": (changed("link: order -> customer", "link: order"), "5:30", "not a link: 'order' write 'caller -> callee'"),
    "unknown link": (changed("link: order -> customer", "link: order -> custmer"), "5:30", "unknown link 'order -> custmer' did you mean 'order -> customer'?"),
    "unknown consumer": (changed("link: order -> customer, hang: true", "consumer: inventry, duplicate: [late]"), "5:34", "unknown consumer 'inventry'"),
    "unknown service at broker": (changed("link: order -> customer, hang: true", "broker: ordr, outage: true"), "5:32", "unknown service 'ordr'"),
    "no checks": (changed("expect:\n  - breaker: order -> customer\n    opens_within: 6s\n", "expect: []\n"), "6:9", "no check"),
    "checks left out": (changed("expect:\n  - breaker: order -> customer\n    opens_within: 6s\n", ""), "1:1", "expect: no check"),
    "unknown check": (changed("- breaker:", "- braker:"), "7:5", "expect[0]: unknown check 'braker' did you mean 'breaker'?"),
    "misspelt expectation": (changed("opens_within", "open_within"), "8:5", "unknown key 'open_within' in expect[0] did you mean 'opens_within'?"),
    "expectation without unit": (changed("6s", "6"), "8:19", "expect[0].opens_within: a duration needs a unit"),
    "check of an unknown link": (changed("- breaker: order -> customer", "- breaker: customer -> order"), "7:14", "expect[0].breaker: unknown link"),
    "check of an unknown consumer": (changed("breaker: order -> customer\n    opens_within: 6s", "idempotent: invent"), "7:17", "unknown consumer 'invent' did you mean 'inventory'?"),
    "check of an unknown saga": (changed("breaker: order -> customer\n    opens_within: 6s", "saga: checkout"), "7:11", "unknown saga 'checkout' there are no sagas"),
    "nested key": (changed("breaker: order -> customer\n    opens_within: 6s", "errors: {at_mots: 1%}"), "7:14", "unknown key 'at_mots' in expect[0].errors did you mean 'at_most'?"),
    "share above one": (changed("breaker: order -> customer\n    opens_within: 6s", "errors: {at_most: 120%}"), "7:23", "not a share"),
    "second scenario of a name": (SCENARIO + "---\n" + SCENARIO, "10:11", "a second scenario named"),
    "broken second document": (SCENARIO + "---\nscenario: B\nexpect: 5\n", "11:9", "expect: expected a list"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_scenario_is_refused_at_its_place(name: str, tmp_path: Path) -> None:
    """A mistake is refused where it stands, and the message says what to do about it."""
    text, place, words = BAD[name]
    with pytest.raises(FileProblem) as caught:
        scenarios_of(tmp_path, text)
    found = [(f"{p.line}:{p.column}", f"{p.message} {p.remedy}") for p in caught.value.problems]
    parts = words.split(" did you mean") if " did you mean" in words else [words]
    at_place = [message for at, message in found if at == place]
    assert at_place, f"nothing at {place}: {found}"
    assert any(all(part in message for part in parts) for message in at_place), found
    assert all("pydantic" not in message and "Input should" not in message for _, message in found)
    assert str(tmp_path / "a.chaos.yaml") in str(caught.value)


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    """One pass shows every mistake of a file, in order, so that nobody has to try again and again."""
    text = changed("rule: 3", "rule: 9").replace("50/s", "50").replace("hang: true", "hagn: true").replace("6s", "6")
    with pytest.raises(FileProblem) as caught:
        scenarios_of(tmp_path, text)
    assert [problem.line for problem in caught.value.problems] == [2, 3, 5, 8]


def test_one_mistake_is_one_problem(tmp_path: Path) -> None:
    """A single wrong value does not drag other complaints along."""
    for name, (text, _, _) in BAD.items():
        with pytest.raises(FileProblem) as caught:
            scenarios_of(tmp_path, text)
        assert len(caught.value.problems) == 1, (name, str(caught.value))


def test_a_billion_laughs_are_refused(tmp_path: Path) -> None:
    """Aliases that multiply to a huge document are refused within bounds of time and memory."""
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    text = "a0: &a0 [lol, lol]\n" + "\n".join(levels) + "\n"
    with pytest.raises(FileProblem, match="values, aliases expanded"):
        scenarios_of(tmp_path, text)


def test_an_alias_to_itself_is_refused(tmp_path: Path) -> None:
    """A value that contains itself must not end in endless recursion."""
    with pytest.raises(FileProblem, match="levels, aliases expanded"):
        scenarios_of(tmp_path, "scenario: &a [*a]\n")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    """A file beyond the bound is not read into memory and parsed."""
    with pytest.raises(FileProblem, match="larger than 4 MiB"):
        scenarios_of(tmp_path, "# " + "x" * (4 * 2**20 + 1))


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    """Deeply nested brackets end in a message, not in a crash of the parser."""
    with pytest.raises(FileProblem):
        scenarios_of(tmp_path, "scenario: " + "[" * 5000 + "]" * 5000)


def test_not_utf8_is_refused_at_its_place(tmp_path: Path) -> None:
    """A file in another encoding is named with the place of the first bad byte."""
    scenarios_of(tmp_path, SCENARIO)
    (tmp_path / "b.chaos.yaml").write_bytes(b"scenario: x\nrule: \xff\n")
    from chaoskit.files import load_scenarios

    from tests.unit.files.vocabulary import VOCABULARY, system_of

    with pytest.raises(FileProblem, match=r"b\.chaos\.yaml:2:7: not UTF-8"):
        load_scenarios([tmp_path / "b.chaos.yaml"], VOCABULARY, system_of(tmp_path))


@pytest.mark.parametrize("missing", ["nowhere.chaos.yaml", "nowhere"])
def test_a_missing_path_is_named(missing: str, tmp_path: Path) -> None:
    """A path that does not exist is a usage problem that names it."""
    from chaoskit.files import scenario_files

    with pytest.raises(UsageProblem, match="no such file or folder"):
        scenario_files([tmp_path / missing])


def test_a_folder_without_scenarios_is_named(tmp_path: Path) -> None:
    """A folder with no scenario must not look like a run in which all is well."""
    from chaoskit.files import scenario_files

    with pytest.raises(UsageProblem, match=r"no \*\.chaos\.yaml"):
        scenario_files([tmp_path])
