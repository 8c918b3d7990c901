"""The shop's nine scenarios: green on the sound shop, red on every variant that breaks it, by the right check."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from chaoskit.shop.broken import BROKEN

from tests.fixtures.rabbitmq import Rabbit

pytestmark = [pytest.mark.service, pytest.mark.alone, pytest.mark.timeout(400)]

TRIES_MAX = 3
"""An inconclusive run (a busy machine) is repeated; a wrong verdict never is."""


def demo(folder: Path, broker: Mapping[str, str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """(exit code, run.json, all it said) of `chaoskit demo`."""
    env = {**os.environ, "CHAOSKIT_STATE": str(folder / "state"), **broker}
    command = [sys.executable, "-m", "chaoskit", "demo", "-o", "json", "--out", str(folder / "reports"), *arguments]
    for attempt in range(1, TRIES_MAX + 1):
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 3 or attempt == TRIES_MAX:
            break
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any], str]:
    """One run of all nine, on a private broker of its own, as a user's first `chaoskit demo`."""
    return demo(tmp_path_factory.mktemp("sound"), {})


def test_the_sound_shop_is_green(sound: tuple[int, dict[str, Any], str]) -> None:
    """No false alarm: nine scenarios, every check passes, exit 0."""
    code, record, said = sound
    assert code == 0, said
    assert len(record["scenarios"]) == 9
    assert {check["verdict"] for scenario in record["scenarios"] for check in scenario["checks"]} == {"pass"}


def test_each_scenario_ends_when_it_is_decided(sound: tuple[int, dict[str, Any], str]) -> None:
    """No scenario waits for its deadline."""
    _, record, said = sound
    assert [scenario["reason"] for scenario in record["scenarios"]] == ["decided"] * 9, said


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_shop_is_red(name: str, vhost: Rabbit, tmp_path: Path) -> None:
    """No false green: exit 1, and the check that fails is the one that this defect concerns."""
    broker = {"CHAOSKIT_AMQP_URL": vhost.url, "CHAOSKIT_MANAGEMENT_URL": vhost.management_url}
    code, record, said = demo(tmp_path, broker, "--broken", name)
    assert code == 1, said
    red = {
        (Path(scenario["file"]).name, check["check"])
        for scenario in record["scenarios"]
        for check in scenario["checks"]
        if check["verdict"] == "fail"
    }
    assert set(BROKEN[name].turns_red) <= red, said
