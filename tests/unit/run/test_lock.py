"""One run at a time per system."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaoskit.errors import UsageProblem
from chaoskit.run.lock import SystemLock, system_folder


def test_a_second_run_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    """Two runs never play on one system; the message names the other one."""
    with SystemLock(tmp_path, "chaoskit run one"), pytest.raises(UsageProblem, match="chaoskit run one"):
        SystemLock(tmp_path, "chaoskit run two").__enter__()


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    """A run that has ended leaves no lock behind."""
    with SystemLock(tmp_path, "one"):
        pass
    with SystemLock(tmp_path, "two"):
        pass


def test_systems_of_the_same_name_have_their_own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two checkouts of the same project do not block each other."""
    monkeypatch.setenv("CHAOSKIT_STATE", str(tmp_path))
    assert system_folder("shop", tmp_path / "a.yaml") != system_folder("shop", tmp_path / "b.yaml")
