"""Undoing what stands open in a journal. Standard library only and no import of ours: the watchdog loads it by path.

Kinds of undo and their args:

- `process` {pid, start, name}: kill the process group and session that `pid` leads, unless `pid` is someone else's now
- `family` {tag}: kill every process that carries our tag in its environment; it covers what was spawned in the very
  instant in which we were killed, and what daemonized itself
- `continue` {pid, start, name}: SIGCONT a process that we stopped
- `folder` {path}: remove a folder of ours (only one that carries our marker, or is empty)
- `toxic`, `proxy`, `enable`: see toxiproxy/undo.py
"""

from __future__ import annotations

import json
import os
import signal
import time

TYPE_CHECKING = False  # `typing` costs 5 ms at start-up, and this must be there at once
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

JOURNAL = "journal.ndjson"
MARKER = ".made-by-chaoskit"
TAG_VARIABLE = "CHAOSKIT_RUN"
GONE_WITHIN_S = 3.0


def open_entries(folder: str) -> list[dict[str, Any]]:
    """Entries of `folder`'s journal that are not done, oldest first; a torn last line was never acted on."""
    entries: dict[str, dict[str, Any]] = {}
    try:
        with open(os.path.join(folder, JOURNAL), "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        return []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row.get("op") == "enter":
            entries[row["token"]] = row
        elif row.get("op") == "done":
            entries.pop(row["token"], None)
    return list(entries.values())


def undo_open(folder: str, done: Callable[[str], None]) -> list[tuple[str, bool]]:
    """Undo all open entries, the newest first; calls `done(token)` for each that succeeded. Never raises.

    Processes get their signal before anything else is tried: they are ours, and a dead engine answers faster than a
    hung one. Returns (what was done, whether it succeeded).
    """
    entries = list(reversed(open_entries(folder)))
    killed = {e["token"]: _KILLS[e["kind"]](e["args"]) for e in entries if e["kind"] in _KILLS}
    outcomes = []
    for entry in entries:
        if killed.get(entry["token"]) is False:  # all gone by itself: nothing to undo, nothing to say
            done(entry["token"])
            continue
        try:
            what, undone = _undo(entry["kind"], entry["args"])
        except Exception as error:  # noqa: BLE001  # one undo that fails must not stop the others
            what, undone = f"{entry['kind']} {entry['args']}: {type(error).__name__}: {error}", False
        if undone:
            done(entry["token"])
        outcomes.append((what, undone))
    return outcomes


def end_family(tag: str) -> bool:
    """Kill all processes with this tag; True once none is left."""
    return _undo("family", {"tag": tag})[1]


def _undo(kind: str, args: dict[str, Any]) -> tuple[str, bool]:
    if kind in _KILLS:
        who = f"process {args['name']} (pid {args['pid']})" if kind == "process" else "processes of the run"
        deadline = time.monotonic() + GONE_WITHIN_S
        while _KILLS[kind](args):
            if time.monotonic() > deadline:
                return f"{who} do not die", False
            time.sleep(0.005)
        return f"{who} ended", True
    if kind == "continue":
        if start_of(args["pid"]) == args["start"]:
            os.kill(args["pid"], signal.SIGCONT)
        return f"process {args['name']} (pid {args['pid']}) continued", True
    if kind == "folder":
        return _remove(args["path"])
    return _toxiproxy(kind, args)


def _kill(args: dict[str, Any]) -> bool:
    """Kill what is left of a process and its group and session; True while something of it is still alive."""
    pid, start = args["pid"], start_of(args["pid"])
    if start is not None and start != args["start"]:
        return False  # recycled: a number is not given out again while it still names a group or session of ours
    alive = False
    for member, group, session, state in _processes():
        if pid in (member, group, session) and member != os.getpid():
            if state not in "ZX":
                alive = True
            try:
                os.kill(member, signal.SIGKILL)
            except OSError:
                continue
    return alive


def _kill_family(args: dict[str, Any]) -> bool:
    """Kill all processes with our tag; True while one of them is still alive."""
    wanted = f"{TAG_VARIABLE}={args['tag']}".encode()
    alive = False
    for pid, _, _, state in _processes():
        if pid == os.getpid() or state in "ZX":
            continue
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if wanted not in file.read().split(b"\0"):
                    continue
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
        alive = True
    return alive


_KILLS = {"process": _kill, "family": _kill_family}


def start_of(pid: int) -> int | None:
    """The start time of a process in clock ticks since boot, which tells it from a later one with the same number."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def _processes() -> list[tuple[int, int, int, str]]:
    """(pid, process group, session, state) of all processes."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            found.append((int(name), int(fields[2]), int(fields[3]), fields[0].decode()))
    return found


def _remove(path: str) -> tuple[str, bool]:
    if not os.path.isdir(path):
        return f"folder {path} is gone", True
    if os.listdir(path) and not os.path.exists(os.path.join(path, MARKER)):
        return f"folder {path} is not ours to remove (no {MARKER} in it)", False
    return f"folder {path} removed", remove_tree(path)


def remove_tree(path: str) -> bool:
    """Remove a folder and all in it; True once it is gone. Never raises."""
    try:
        # The marker goes only when nothing else is left: whoever finishes this must still know whose folder it is.
        if os.listdir(path) == [MARKER]:
            os.unlink(os.path.join(path, MARKER))
        os.rmdir(path)
    except OSError:  # there is more in it
        import shutil  # costs start-up, and most folders hold nothing but our marker

        shutil.rmtree(path, ignore_errors=True)
    return not os.path.lexists(path)


def _toxiproxy(kind: str, args: dict[str, Any]) -> tuple[str, bool]:
    import importlib.util  # only where there is such an entry: it costs as much as all the rest

    path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "toxiproxy", "undo.py")
    spec = importlib.util.spec_from_file_location("chaoskit_toxiproxy_undo", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said = str(module.undo(kind, args))
    return f"{kind} {args['proxy']}: {said}", not said.startswith("failed")
