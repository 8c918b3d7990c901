"""The command line: `main` here, the commands one file each, loaded when they are called."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from chaoskit import __version__

ABORTED = 130  # errors.ExitCode.ABORTED, which would have to be imported first


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `chaoskit`; returns the exit code (docs/reference/exit-codes.md)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in (["--version"], ["-V"]):  # before click, which would take most of the time
        print(f"chaoskit {__version__}")
        return 0
    gc.set_threshold(50_000, 20, 50)  # start-up makes a hundred thousand objects and no garbage: don't look for it
    try:
        from chaoskit.cli.entry import enter
    except KeyboardInterrupt:  # within the first tenth of a second; from here on `enter` sees to it
        return ABORTED

    return enter(given)
