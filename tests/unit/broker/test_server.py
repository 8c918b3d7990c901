"""How a private node is started: which server, with which settings."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from chaoskit.broker.server import NodeSettings, Server, command, environment, find_server, write_settings
from chaoskit.errors import BrokerFailed


def install(root: Path) -> Server:
    """The files of Debian's packages that the search looks at."""
    erlexec = root / "usr/lib/erlang/erts-13.1/bin/erlexec"
    plugins = root / "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/plugins/rabbit-3.10.8"
    erlexec.parent.mkdir(parents=True)
    erlexec.touch()
    plugins.mkdir(parents=True)
    return Server(root / "usr/lib/erlang", plugins.parent.parent)


def settings(folder: Path) -> NodeSettings:
    return NodeSettings(folder, "u", "secret-pw", "c" * 40, "v", 1001, 1002, 1003, 1004)


def test_the_unpacked_server_is_found_where_set_up_puts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's files below `<tools>/rabbitmq` do as well as an installed package."""
    server = install(tmp_path / "rabbitmq")
    monkeypatch.setenv("CHAOSKIT_TOOLS", str(tmp_path))
    monkeypatch.setattr("chaoskit.broker.server.shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("chaoskit.broker.server._INSTALLED", tmp_path / "nothing")
    assert find_server() == server
    assert server.version == "3.10.8"


def test_no_server_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to do is said: set-up, the package, or a broker that runs."""
    monkeypatch.setattr("chaoskit.broker.server.find_installed", lambda _: None)
    monkeypatch.setattr("chaoskit.broker.server.shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("chaoskit.broker.server._INSTALLED", tmp_path / "nothing")
    with pytest.raises(BrokerFailed, match="no RabbitMQ server") as raised:
        find_server()
    assert "CHAOSKIT_AMQP_URL" in raised.value.remedy


def test_nothing_but_loopback_is_listened_on(tmp_path: Path) -> None:
    """All four ports are bound to loopback by what we write."""
    node, server = settings(tmp_path), install(tmp_path / "root")
    write_settings(node)
    written = (tmp_path / "rabbitmq.conf").read_text()
    assert "listeners.tcp.1 = 127.0.0.1:1001" in written
    assert "management.tcp.ip = 127.0.0.1" in written
    line = " ".join(command(server, node))
    assert "inet_dist_use_interface {127,0,0,1}" in line
    assert "-address 127.0.0.1" in line
    assert environment(server, node)["ERL_EPMD_ADDRESS"] == "127.0.0.1"


def test_secrets_are_for_the_owner_alone_and_on_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Password and cookie stand in files of mode 0600 or less; no RABBITMQ_… of the user leaks in, marks of ours do."""
    monkeypatch.setenv("RABBITMQ_NODENAME", "theirs@host")
    monkeypatch.setenv("CHAOSKIT_SOME_MARK", "mark-1")
    node, server = settings(tmp_path), install(tmp_path / "root")
    write_settings(node)
    for name in ("rabbitmq.conf", ".erlang.cookie", "enabled_plugins"):
        assert not stat.S_IMODE((tmp_path / name).stat().st_mode) & 0o077
    told = " ".join([*command(server, node), *environment(server, node).values()])
    assert node.password not in told
    assert node.cookie not in told
    assert "theirs@host" not in told
    assert "mark-1" in told
