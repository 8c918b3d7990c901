"""Entry of the load child: `python -m chaoskit.load.child FD PARENT_PID FOLLOW_THREAD`.

Takes commands over the socket with that number, several loads one after the other, and is gone when its parent is:
by PR_SET_PDEATHSIG where the parent's main thread spawned it, else at the end of the socket.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _die_with(parent_pid: int, follow_thread: bool) -> None:
    # The signal comes when the *thread* that spawned us ends, so it is asked for only where that is the main one.
    if follow_thread and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(0)


if __name__ == "__main__":
    _die_with(int(sys.argv[2]), sys.argv[3] == "1")
    # Interrupts of the terminal are the parent's to handle; it ends us in good order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    import locust  # noqa: F401 — first of all: it patches the standard library

    from chaoskit.load.child.control import serve

    serve(int(sys.argv[1]))
