"""Get RabbitMQ: `python -m chaoskit.broker.install`.

Debian's packages are unpacked below the folder for programs: no root, no system service, nothing outside of that
folder is touched. Standard library only: set-up runs this before anything else is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from chaoskit.errors import BrokerFailed, PartFailed
from chaoskit.installed import find_installed
from chaoskit.installing import ask, install_folder, place, run_installer, run_step, say, staging

_PART = "rabbitmq"
_DEBIAN_BIN = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_PACKAGES_MAX = 60
_REMEDY = """install it yourself, or set CHAOSKIT_AMQP_URL to a broker for tests:
    Debian, Ubuntu   sudo apt-get install rabbitmq-server
    Fedora           sudo dnf install rabbitmq-server
    Arch             sudo pacman -S rabbitmq
    macOS            brew install rabbitmq"""


def install() -> str:
    """See that there is a broker to start; says which. Raises PartFailed when it can't be had."""
    if there := present():
        return there
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise BrokerFailed("RabbitMQ is not installed, and this is no Debian to take it from", remedy=_REMEDY)
    tools = install_folder()
    with staging(tools, _PART) as stage:
        if there := present():  # another set-up was faster
            return there
        try:
            place(_unpack(stage), tools / "rabbitmq")
        except PartFailed as error:
            return _install_as_root(error)
    return f"unpacked at {tools / 'rabbitmq'}"


def present() -> str:
    """Which broker there is already, or ""."""
    if os.environ.get("CHAOSKIT_AMQP_URL"):
        return "the one that CHAOSKIT_AMQP_URL names"
    if on_path := shutil.which("rabbitmq-server"):
        return f"{on_path} (PATH)"
    if _DEBIAN_BIN.exists():
        return str(_DEBIAN_BIN)
    installed = find_installed("rabbitmq")
    return f"unpacked at {installed}" if installed and _server_of(installed) else ""


def _server_of(root: Path) -> Path | None:
    return next(root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"), None)


def _unpack(stage: Path) -> Path:
    """Packages downloaded and unpacked below `stage`; the folder's root."""
    apt = _apt_options(stage)
    packages = _closure(apt)
    say(_PART, f"downloading {len(packages)} Debian packages (about 35 MB)")
    debs = stage / "debs"
    debs.mkdir()
    run_step(_PART, ["apt-get", *apt, "-q", "download", *packages], cwd=debs)
    root = stage / "root"
    root.mkdir()
    say(_PART, "unpacking")
    for deb in sorted(debs.glob("*.deb")):
        run_step(_PART, ["dpkg", "-x", str(deb), str(root)])
    if _server_of(root) is None:
        raise BrokerFailed("the packages hold no rabbitmq-server", where=str(debs))
    _make_movable(root)
    return root


def _apt_options(stage: Path) -> list[str]:
    """Options for apt with usable lists: the system's, refreshed as root where empty, else private ones."""
    sandbox = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []  # `_apt` may not enter our folder
    if _knows_rabbitmq(sandbox):
        return sandbox
    say(_PART, "apt knows no packages yet: fetching its lists")
    if os.geteuid() == 0:
        run_step(_PART, ["apt-get", "-q", "update"])
        return sandbox
    lists, cache = stage / "apt" / "lists", stage / "apt" / "cache"
    (lists / "partial").mkdir(parents=True)
    (cache / "archives" / "partial").mkdir(parents=True)
    private = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache}"]
    run_step(_PART, ["apt-get", *private, "-q", "update"])
    return private


def _knows_rabbitmq(apt: list[str]) -> bool:
    return "Version:" in (ask(["apt-cache", *apt, "show", "rabbitmq-server"]) or "")


def _closure(apt: list[str]) -> list[str]:
    """rabbitmq-server, the Erlang packages that it needs, and their shared libraries that this machine lacks.

    The rest that they depend on (adduser, logrotate, init scripts) serves a system service, which we don't make.
    """
    packages: list[str] = []
    level = ["rabbitmq-server"]
    while level and len(packages) < _PACKAGES_MAX:
        packages += level
        level = [
            name
            for name in dict.fromkeys(_depends(level, apt))  # one call a level: apt-cache takes a second to start
            if name not in packages
            and (name.startswith("erlang-") or (name.startswith("lib") and not _library_there(name)))
        ]
    if "erlang-base" not in packages:
        raise BrokerFailed("apt does not know what rabbitmq-server needs", where="apt-cache depends rabbitmq-server")
    return packages


def _depends(names: list[str], apt: list[str]) -> list[str]:
    """Direct dependencies of packages; of alternatives (all but the last are marked `|`) the first."""
    shown = ask(["apt-cache", *apt, "depends", "--important", *names]) or ""
    found: list[str] = []
    chosen = False
    for mark, other in re.findall(r"^ ([ |])(?:Pre)?Depends: (\S+)", shown, re.MULTILINE):
        if not chosen and not other.startswith("<"):
            found.append(other.partition(":")[0])
        chosen = mark == "|"
    return found


def _library_there(name: str) -> bool:
    return "ok installed" in (ask(["dpkg-query", "-W", "-f", "${Status}", name]) or "")


def _make_movable(root: Path) -> None:
    """Debian's `erl` and `start` name the folder they were packaged for; let them find their own instead."""
    own = 'ROOTDIR="$(dirname "$(dirname "$(readlink -f "$0")")")"'
    for name in ("erl", "start"):
        script = root / "usr/lib/erlang/bin" / name
        text = script.read_text()
        moved = re.sub(r"^( *)ROOTDIR=/usr/lib/erlang$", lambda line: line[1] + own, text, flags=re.MULTILINE)
        script.write_text(moved)


def _install_as_root(unpacking: PartFailed) -> str:
    if os.geteuid() != 0:
        raise BrokerFailed(f"RabbitMQ could not be unpacked: {unpacking.what}", remedy=_REMEDY) from unpacking
    say(_PART, f"unpacking failed ({unpacking.what.splitlines()[0]}); installing with apt")
    try:
        # Installed, but not started: a policy that denies it is what Debian's init helpers ask.
        run_step(
            _PART,
            ["apt-get", "-q", "-y", "--no-install-recommends", "install", "rabbitmq-server"],
            env={"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},
        )
    except PartFailed as error:
        raise BrokerFailed(f"RabbitMQ could not be installed: {error.what}", remedy=_REMEDY) from error
    return str(_DEBIAN_BIN)


if __name__ == "__main__":
    sys.exit(run_installer(_PART, install))
