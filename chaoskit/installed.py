"""Where set-up put the programs of others that chaoskit drives (Toxiproxy, RabbitMQ, a Go toolchain)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def tool_folders() -> Iterator[Path]:
    """Folders to look in, best first: `CHAOSKIT_TOOLS`, the checkout's `.tools`, `.tools` here, the user's cache."""
    if named := os.environ.get("CHAOSKIT_TOOLS"):
        yield Path(named)
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file():
        yield checkout / ".tools"
    yield Path.cwd() / ".tools"
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chaoskit" / "tools"


def find_installed(relative: str) -> Path | None:
    """The first existing `<tools>/<relative>`, or None."""
    return next((folder / relative for folder in tool_folders() if (folder / relative).exists()), None)
