"""The RabbitMQ server's files, wherever they were installed, and how a private node of it is started.

The virtual machine is run directly and not through the server's shell scripts: these read settings from `/etc`, insist
on a user, leave processes behind a second session, and the `erl` of a distribution knows only the folder that it was
packaged for. One command line does for an installed server and for packages that were unpacked somewhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chaoskit.errors import BrokerFailed
from chaoskit.installed import find_installed

_REMEDY = "run `make setup`, install rabbitmq-server, or set CHAOSKIT_AMQP_URL to a RabbitMQ that runs"


_INSTALLED = Path("/")
"""Below which Debian's package lies once it is installed."""


@dataclass(frozen=True, slots=True)
class Server:
    """One installation: Erlang's root (with `erts-*`, `lib`) and RabbitMQ's home (with `plugins`)."""

    erlang: Path
    home: Path

    @property
    def erts(self) -> Path:
        """The newest runtime below Erlang's root."""
        return max(self.erlang.glob("erts-*"))

    @property
    def version(self) -> str:
        """`3.10.8`, from the name of the server's own application; `?` where that is missing."""
        names = [path.name for path in (self.home / "plugins").glob("rabbit-*")]
        return names[0].removeprefix("rabbit-").removesuffix(".ez") if names else "?"


def find_server() -> Server:
    """The server on PATH or in Debian's place, else the one that set-up unpacked. Raises BrokerFailed."""
    for server in _candidates():
        if any(server.erlang.glob("erts-*/bin/erlexec")) and (server.home / "plugins").is_dir():
            return server
    raise BrokerFailed("there is no RabbitMQ server on this machine", remedy=_REMEDY)


def _candidates() -> Iterator[Server]:
    started_by = shutil.which("rabbitmq-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    erl = shutil.which("erl")
    if started_by and erl:  # generic packages: <home>/sbin/rabbitmq-server, <erlang>/bin/erl
        yield Server(Path(erl).resolve().parent.parent, Path(started_by).resolve().parent.parent)
    yield from _debian(_INSTALLED)
    if unpacked := find_installed("rabbitmq"):
        yield from _debian(unpacked)


def _debian(root: Path) -> Iterator[Server]:
    """Debian's layout below `root`: the installed package, or its files unpacked into a folder."""
    for home in sorted((root / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"), reverse=True):
        yield Server(root / "usr/lib/erlang", home)


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """All that is particular to one private node."""

    folder: Path
    user: str
    password: str
    cookie: str
    vhost: str
    amqp_port: int
    management_port: int
    distribution_port: int
    epmd_port: int

    @property
    def name(self) -> str:
        return f"{self.folder.name}@localhost"


def write_settings(node: NodeSettings) -> None:
    """The node's files, in its own folder, readable by its owner alone."""
    lines = {
        "listeners.tcp.1": f"127.0.0.1:{node.amqp_port}",
        "management.tcp.ip": "127.0.0.1",
        "management.tcp.port": node.management_port,
        "default_user": node.user,
        "default_pass": node.password,
        "default_vhost": node.vhost,
        "loopback_users": "none",
        "log.file": "false",
        "log.console": "true",
        "log.console.level": "info",
        "disk_free_limit.absolute": "1MB",  # a full disk would block publishers, and look like a fault
        "collect_statistics_interval": 60_000,  # we ask for live totals; the statistics only cost time
    }
    _write(node.folder / "rabbitmq.conf", "".join(f"{key} = {value}\n" for key, value in lines.items()))
    _write(node.folder / "enabled_plugins", "[rabbitmq_management].\n")
    # Names are looked up in here alone: no resolver process is started, and no name server is asked.
    _write(node.folder / "inetrc", '{lookup, [file]}.\n{host, {127,0,0,1}, ["localhost"]}.\n')
    _write(node.folder / ".erlang.cookie", node.cookie)


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o400 if path.name == ".erlang.cookie" else 0o600)


def environment(server: Server, node: NodeSettings) -> Mapping[str, str]:
    """The node's whole environment. No RABBITMQ_… or ERL_… of the user leaks in; of ours only what begins with
    CHAOSKIT_, for by such a mark whoever cleans up after us knows the processes that we have started.
    """
    folder, home = node.folder, server.home
    libraries = [str(path) for path in home.parents[2].glob("*-linux-gnu")]  # an unpacked libsctp lies there
    return {
        **{name: value for name, value in os.environ.items() if name.startswith("CHAOSKIT_")},
        "PATH": f"{server.erlang / 'bin'}:/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        **({"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {}),
        "ROOTDIR": str(server.erlang),
        "BINDIR": str(server.erts / "bin"),
        "EMU": "beam",
        "PROGNAME": "erl",
        "ERL_LIBS": str(home / "plugins"),
        "ERL_EPMD_PORT": str(node.epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_MAX_ETS_TABLES": "50000",
        "ERL_MAX_PORTS": "65536",
        "ERL_CRASH_DUMP": str(folder / "crash.dump"),
        "ERL_CRASH_DUMP_SECONDS": "0",
        "RABBITMQ_HOME": str(home),
        "RABBITMQ_PLUGINS_DIR": str(home / "plugins"),
        "RABBITMQ_NODENAME": node.name,
        "RABBITMQ_BASE": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(folder / "no-more"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "no-more.config"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / "feature_flags"),
        "RABBITMQ_DIST_PORT": str(node.distribution_port),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "SYS_PREFIX": "",
    }


def command(server: Server, node: NodeSettings) -> list[str]:
    """What to start: a shell that puts epmd beside it and then *becomes* the virtual machine.

    So both share the process group whose leader is the virtual machine, and one signal to the group ends all. epmd
    must be there first, else the virtual machine starts one of its own that leaves the group.
    """
    port = str(node.distribution_port)
    distribution = ["-sname", node.name, "-start_epmd", "false"]
    kernel = ["inet_dist_listen_min", port, "inet_dist_listen_max", port, "inet_dist_use_interface", "{127,0,0,1}"]
    return [
        *("/bin/sh", "-c", '"$1" -port "$2" -address 127.0.0.1 & shift 2; exec "$@"', "chaoskit-broker"),
        *(str(server.erts / "bin/epmd"), str(node.epmd_port)),
        *(str(server.erts / "bin/erlexec"), "-noinput", "-s", "rabbit", "boot", "-boot", "start_sasl"),
        *("+W", "w", "+B", "i", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"),
        *distribution,
        *("-kernel", *kernel, "inetrc", f'"{node.folder / "inetrc"}"', "prevent_overlapping_partitions", "false"),
        *("-syslog", "logger", "[]", "-syslog", "syslog_error_logger", "false"),
    ]
