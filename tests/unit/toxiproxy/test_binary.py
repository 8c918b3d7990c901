"""Which Toxiproxy is used."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaoskit.errors import EngineFailed
from chaoskit.toxiproxy.binary import find_binary, foreign_url


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set, nothing on PATH, and nothing installed but in `tmp_path/tools`."""
    for name in ("CHAOSKIT_TOXIPROXY_URL", "CHAOSKIT_TOXIPROXY_BIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("CHAOSKIT_TOOLS", str(tmp_path / "tools"))


def program(path: Path) -> Path:
    """An executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_order_of_lookup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The one that was named wins over PATH, PATH over what set-up built."""
    installed = program(tmp_path / "tools/bin/toxiproxy-server")
    assert find_binary() == installed
    on_path = program(tmp_path / "path/toxiproxy-server")
    assert find_binary() == on_path
    named = program(tmp_path / "mine")
    monkeypatch.setenv("CHAOSKIT_TOXIPROXY_BIN", str(named))
    assert find_binary() == named


def test_a_wrong_name_is_not_replaced_by_another_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever names a program and errs is told so; running another one would be a silent lie."""
    program(tmp_path / "path/toxiproxy-server")
    monkeypatch.setenv("CHAOSKIT_TOXIPROXY_BIN", str(tmp_path / "missing"))
    with pytest.raises(EngineFailed, match="names no program"):
        find_binary()


def test_none_at_all_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server the message names the command that installs it."""
    monkeypatch.setattr("chaoskit.toxiproxy.binary.find_installed", lambda _: None)
    with pytest.raises(EngineFailed) as missing:
        find_binary()
    assert "make setup" in str(missing.value)


def test_url_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """`host:port` is accepted as a URL, as the variable's users write it."""
    monkeypatch.setenv("CHAOSKIT_TOXIPROXY_URL", "localhost:8474/")
    assert foreign_url() == "http://localhost:8474"
