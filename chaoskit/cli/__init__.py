"""The command line: `main` here, the commands one file each, loaded when they are called."""

from __future__ import annotations

import atexit
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
    if arguments is None:  # the whole process is ours
        gc.disable()  # start-up makes sixty thousand objects and no garbage; `play` switches it on for the run
        atexit.register(gc.freeze)  # nor need anything be looked through before it is all thrown away
    try:
        from chaoskit.cli.entry import enter
    except KeyboardInterrupt:  # within the first tenth of a second; from here on `enter` sees to it
        return ABORTED

    return enter(given)
