"""Whether we can listen where the callers of a link already point, who is there if not, and who is connected."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from chaoskit.errors import EngineFailed

_LISTEN, _ESTABLISHED = "0A", "01"
_COMMAND_CHARS_MAX = 100


def check_listen(link: str, address: str) -> None:
    """Raises EngineFailed, naming whoever holds it, where `address` (host:port) cannot be listened on."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the engines do: TIME_WAIT is no obstacle
        try:
            probe.bind((host, int(port)))
            probe.listen(1)
        except (OSError, ValueError, OverflowError) as error:
            taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            holder = holder_of(int(port)) if taken else ""
            why = (holder or "another process") + " listens there already" if taken else str(error)
            raise EngineFailed(
                f"the link {link} cannot listen on {address}: {why}",
                where=address,
                remedy="end it, or let it listen on 127.0.0.1 only and the link on 127.0.0.2 with the same port"
                if taken
                else "`listen:` takes HOST:PORT, with an address of this machine such as 127.0.0.2",
            ) from error


def holder_of(port: int) -> str:
    """`pid 12 (its command line)` of a process that listens on a TCP port; "" where it can't be found out."""
    inodes = {f"socket:[{inode}]" for inode in _sockets(port, _LISTEN)}
    for folder in Path("/proc").glob("[0-9]*") if inodes else ():
        try:
            held = any(os.readlink(fd) in inodes for fd in (folder / "fd").iterdir())
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue  # another user's, or gone meanwhile
        if held:
            return f"pid {folder.name} ({words[:_COMMAND_CHARS_MAX]})"
    return ""


def connections_to(address: str) -> int:
    """How many connections are open to what listens at host:port on this machine; 0 where it can't be found out."""
    return len(_sockets(int(address.rpartition(":")[2]), _ESTABLISHED))


def _sockets(port: int, state: str) -> list[str]:
    """Inodes of the sockets that have this port at their own end."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            columns = row.split()
            if columns[3] == state and int(columns[1].rpartition(":")[2], 16) == port:
                found.append(columns[9])
    return found
