"""How RabbitMQ's packages are chosen and made movable; downloading them is what `make setup` does."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaoskit.broker import install
from chaoskit.errors import BrokerFailed, PartFailed

DEPENDS = {
    "rabbitmq-server": "  Depends: adduser\n |Depends: erlang-base\n  Depends: <erlang-base-hipe>\n"
    "  Depends: erlang-ssl\n  Depends: <python3:any>\n    python3\n",
    "erlang-base": "  Depends: procps\n  PreDepends: libthere\n  Depends: libmissing\n",
    "erlang-ssl": "  Depends: erlang-base\n  Depends: erlang-asn1\n",
    "erlang-asn1": "  Depends: erlang-ssl\n",
    "libmissing": "  Depends: libc6:any\n",
}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set, on PATH or installed."""
    monkeypatch.delenv("CHAOSKIT_AMQP_URL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("CHAOSKIT_TOOLS", str(tmp_path / "tools"))
    monkeypatch.setattr(install, "find_installed", lambda relative: None)
    monkeypatch.setattr(install, "_DEBIAN_BIN", tmp_path / "none")


def test_packages_are_followed_through_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Erlang whole, libraries that are missing, the first of alternatives; no adduser, no Python, no library twice."""
    monkeypatch.setattr(install, "ask", lambda command, **_: "".join(DEPENDS.get(name, "") for name in command))
    monkeypatch.setattr(install, "_library_there", lambda name: name != "libmissing")
    assert install._closure([]) == ["rabbitmq-server", "erlang-base", "erlang-ssl", "libmissing", "erlang-asn1"]


def test_apt_that_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty lists must not end in an unpacked broker without Erlang."""
    monkeypatch.setattr(install, "ask", lambda command, **_: None)
    with pytest.raises(BrokerFailed, match="does not know"):
        install._closure([])


def test_erlang_finds_itself_wherever_it_lies(tmp_path: Path) -> None:
    """Debian's scripts name /usr/lib/erlang whatever the environment says."""
    bin_folder = tmp_path / "usr/lib/erlang/bin"
    bin_folder.mkdir(parents=True)
    for name in ("erl", "start"):
        (bin_folder / name).write_text("#!/bin/sh\nif true; then\n    ROOTDIR=/usr/lib/erlang\nfi\necho $ROOTDIR\n")
        (bin_folder / name).chmod(0o755)
    install._make_movable(tmp_path)
    moved = tmp_path.rename(tmp_path.with_name(tmp_path.name + "-moved"))
    program = str(moved / "usr/lib/erlang/bin/erl")
    shown = install.ask([program], env={"PATH": "/usr/bin:/bin"})
    assert shown is not None
    assert Path(shown.strip()) == moved / "usr/lib/erlang"


def test_no_debian_says_how_to_get_it() -> None:
    """Elsewhere the command for the platform is told."""
    with pytest.raises(BrokerFailed) as failed:
        install.install()
    assert "brew install rabbitmq" in failed.value.remedy


def test_without_root_a_failure_ends_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where unpacking fails, only root goes on to apt; others are told the command."""
    monkeypatch.setattr(install.os, "geteuid", lambda: 1000)
    with pytest.raises(BrokerFailed, match="disk full") as failed:
        install._install_as_root(PartFailed("disk full"))
    assert "apt-get install rabbitmq-server" in failed.value.remedy


def test_a_broker_that_was_named_needs_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is downloaded where CHAOSKIT_AMQP_URL is set."""
    monkeypatch.setenv("CHAOSKIT_AMQP_URL", "amqp://x")
    assert "CHAOSKIT_AMQP_URL" in install.install()
