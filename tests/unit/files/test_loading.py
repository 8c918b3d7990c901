"""What sound files become."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest
from chaoskit.errors import UsageProblem
from chaoskit.files import find_system_file, load_scenarios

from tests.unit.files.vocabulary import SCENARIO, SYSTEM, VOCABULARY, Latency, scenarios_of, system_of


def test_a_scenario_knows_its_places(tmp_path: Path) -> None:
    """Reports point at the line of a scenario and of each of its checks."""
    first, second = scenarios_of(tmp_path, SCENARIO + "---\n" + SCENARIO.replace("A hang", "B"))
    assert (first.line, first.expect_lines) == (1, (7,))
    assert (second.line, second.expect_lines) == (10, (16,))
    assert first.file == str(tmp_path / "a.chaos.yaml")


def test_yaml_1_1_traps_are_off(tmp_path: Path) -> None:
    """`no`, `on`, `1:30`, `010` and dates are text, as they look."""
    env = "env: {A: no, B: on, C: 1:30, D: 010, E: 2024-01-01, F: 0x10, G: 1_000, H: .inf, I: y}"
    system = system_of(tmp_path, SYSTEM.replace('HOME: "$${HOME}"', env[6:-1]))
    values = {key: value for key, value in system.services["order"].env.items() if len(key) == 1}
    assert list(values.values()) == ["no", "on", "1:30", "010", "2024-01-01", "0x10", "1_000", ".inf", "y"]


def test_link_names_are_one_however_spelled(tmp_path: Path) -> None:
    """`a->b` in one file and `a -> b` in another are the same link."""
    scenario = scenarios_of(tmp_path, SCENARIO.replace("link: order -> customer", "link: order->customer"))[0]
    assert scenario.faults[0].link == "order -> customer"


def test_a_keyword_that_is_an_option_of_another_is_no_second_fault(tmp_path: Path) -> None:
    """`latency` with its option `jitter` is one fault, although `jitter` alone is one as well."""
    scenario = scenarios_of(tmp_path, SCENARIO.replace("hang: true", "jitter: 5ms, latency: 1s"))[0]
    assert isinstance(scenario.faults[0], Latency)


def test_every_service_has_a_link_to_the_broker(tmp_path: Path) -> None:
    """`order -> broker` needs no declaration where the system has a broker."""
    scenario = scenarios_of(tmp_path, SCENARIO.replace("link: order -> customer, hang", "link: order -> broker, hang"))[
        0
    ]
    assert scenario.faults[0].target == "order -> broker"


def test_aliases_work(tmp_path: Path) -> None:
    """A value may be named once and used again."""
    text = SCENARIO.replace("for: 15s", "for: &long 15s").replace("opens_within: 6s", "opens_within: *long")
    assert scenarios_of(tmp_path, text)[0].faults[0].for_ == 15


def test_folders_are_read_in_order_of_names(tmp_path: Path) -> None:
    """The order of scenarios does not depend on the file system; files named twice count once."""
    for name in ("b", "c", "a"):
        (tmp_path / f"{name}.chaos.yaml").write_text(SCENARIO.replace("A hang", name))
    (tmp_path / "other.yaml").write_text("not ours")
    loaded = load_scenarios([tmp_path, tmp_path / "b.chaos.yaml"], VOCABULARY, system_of(tmp_path))
    assert [scenario.scenario[0] for scenario in loaded] == ["a", "b", "c"]


def test_the_system_file_is_found_above(tmp_path: Path) -> None:
    """`chaoskit.yaml` lies beside the scenario or in the closest folder above."""
    folder = tmp_path / "deep" / "deeper"
    folder.mkdir(parents=True)
    system_of(tmp_path)
    (folder / "a.chaos.yaml").write_text(SCENARIO)
    assert find_system_file(folder / "a.chaos.yaml") == tmp_path / "chaoskit.yaml"
    system_of(tmp_path / "deep")
    assert find_system_file(folder) == tmp_path / "deep" / "chaoskit.yaml"


def test_no_system_file_is_a_usage_problem(tmp_path: Path) -> None:
    """Without a system file the message names it and the option that takes one."""
    with pytest.raises(UsageProblem, match=r"no chaoskit\.yaml"):
        find_system_file(tmp_path)


def test_a_thousand_scenarios_load_fast(tmp_path: Path) -> None:
    """1000 scenarios load and validate in 250 ms on a machine that counts to a million in 40 ms."""
    text = "---\n".join(SCENARIO.replace("A hang", f"{i} hangs") for i in range(1000))
    (tmp_path / "a.chaos.yaml").write_text(text)
    system = system_of(tmp_path)
    ratios = []
    for _ in range(3):
        counted = _cpu_s(lambda: sum(i for i in range(1_000_000)))
        ratios.append(_cpu_s(lambda: load_scenarios([tmp_path], VOCABULARY, system)) / counted)
    assert statistics.median(ratios) < 250 / 40 * 1.5  # measured 4.5; the rest is for machines that differ


def _cpu_s(work: object) -> float:
    began = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - began
