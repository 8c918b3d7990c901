"""Which Toxiproxy to use: one that runs, or a program to start."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from chaoskit.errors import EngineFailed
from chaoskit.installed import find_installed

URL_VARIABLE = "CHAOSKIT_TOXIPROXY_URL"
BINARY_VARIABLE = "CHAOSKIT_TOXIPROXY_BIN"
INSTALLED = "bin/toxiproxy-server"


def foreign_url() -> str:
    """`http://host:port` of a server that somebody else runs for us, or ""."""
    url = os.environ.get(URL_VARIABLE, "").rstrip("/")
    return url if not url or "://" in url else f"http://{url}"


def find_binary() -> Path:
    """The server's program: named by CHAOSKIT_TOXIPROXY_BIN, on PATH, or installed. Raises EngineFailed."""
    if named := os.environ.get(BINARY_VARIABLE):
        if not os.access(named, os.X_OK) or os.path.isdir(named):
            raise EngineFailed(
                f"{BINARY_VARIABLE} names no program that can be run",
                where=named,
                remedy=f"correct it, or unset it and run: python -m {__package__}.install",
            )
        return Path(named)
    if on_path := shutil.which("toxiproxy-server"):
        return Path(on_path)
    if installed := find_installed(INSTALLED):
        return installed
    raise EngineFailed(
        "Toxiproxy is not installed",
        where="toxiproxy-server",
        remedy=f"run `make setup` (or: python -m {__package__}.install), or set {URL_VARIABLE} to one that runs",
    )
