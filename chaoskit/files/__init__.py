"""YAML → model: what users write, with every mistake at its file:line:column."""

from __future__ import annotations

from chaoskit.files.scenario_file import load_scenarios, scenario_files
from chaoskit.files.schema import schema
from chaoskit.files.system_file import find_system_file, load_system

__all__ = ["find_system_file", "load_scenarios", "load_system", "scenario_files", "schema"]
