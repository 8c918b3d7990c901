"""The tutorial and the guide to wiring: what they show works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from chaoskit.model.system import System

from tests.fixtures.shop import free_port

pytestmark = pytest.mark.service

DOCS = Path(__file__).parents[2] / "docs"
FILE = re.compile(r"^`([\w.-]+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
INSTALLED = "## 2."
"""What comes before is set-up, which has tests of its own."""


def test_the_tutorial_works_as_written(tmp_path: Path) -> None:
    """All files as shown, all commands in one shell, and each line of output that is shown is what they print."""
    text = (DOCS / "tutorial.md").read_text()
    for fixed in ("8101", "8102"):
        text = text.replace(fixed, str(free_port()))
    for name, content in FILE.findall(text):
        (tmp_path / name).write_text(content)
    lines = "".join(CONSOLE.findall(text[text.index(INSTALLED) :])).splitlines()
    script = "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
    folders = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": folders, "CHAOSKIT_STATE": str(tmp_path / "state"), "no_proxy": "*"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=150, check=False
    )
    shown = [line for line in lines if not line.startswith("$ ")]
    printed = [line for line in done.stdout.splitlines() if line.startswith("exit ")]
    assert len(shown) >= 4
    assert printed == shown, done.stdout + done.stderr


def test_the_guide_shows_valid_system_files() -> None:
    """Every YAML block of the guide to wiring is a system, or a part of one, that the loader's model accepts."""
    blocks = re.findall(
        r"^```yaml\n(.*?)^```", (DOCS / "guides" / "your-own-system.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) >= 4
    for block in blocks:
        System.model_validate({"system": "shown", **yaml.safe_load(block)})
