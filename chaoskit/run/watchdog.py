"""The watchdog: a process in its own session that undoes everything when the run is gone, kill -9 included.

Started as `python -I -S watchdog.py FOLDER` with the read end of a pipe as standard input, so that it costs little and
depends on nothing. It reads until the end of the pipe: with a farewell before it all is well, without one the run died
and the open journal entries are undone. It holds the run's lock (an inherited descriptor) until it ends.
"""

import os
import signal
import sys
import time

FAREWELL = b"bye"
LOG = "watchdog.log"
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
"""Blocked from its first instant on (the run starts it so), ignored as soon as it can."""


def main(folder: str) -> int:
    """0 after a farewell or a complete undo, 1 when something could not be undone."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED)
    said = b""
    while chunk := os.read(0, 64):
        said += chunk
    if said.endswith(FAREWELL):
        return 0
    return _undo(folder)


def _undo(folder: str) -> int:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import undo  # type: ignore[import-not-found]  # the module beside this file, without the package around it

    journal = os.open(os.path.join(folder, undo.JOURNAL), os.O_WRONLY | os.O_APPEND)
    begun = time.monotonic()
    outcomes = undo.undo_open(
        folder, lambda token: os.write(journal, b'{"op": "done", "token": "%s"}\n' % token.encode())
    )
    with open(os.path.join(folder, LOG), "a") as log:
        for what, undone in outcomes:
            mark = "undone" if undone else "NOT UNDONE"
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} +{time.monotonic() - begun:.3f}s {mark}: {what}\n")
    return 0 if all(undone for _, undone in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
