"""What reads a protocol out of the bytes of one connection: one file each, `raw.py`, `http.py`.

A dissector gets every byte from both sides and passes on what is to be passed on; it calls the relay's `to_callee` and
`to_caller` itself, because only it knows whether something is to be held back or changed. A new protocol is a new file
with a class of this shape, and a line in `link.py: DISSECTORS`.
"""

from __future__ import annotations

from typing import Protocol


class Dissector(Protocol):
    """One connection's reader. Instants are `time.monotonic()`."""

    def from_caller(self, data: bytes) -> None:
        """Bytes from the caller, as they arrive."""
        ...

    def from_callee(self, data: bytes) -> None:
        """Bytes from the callee, as they arrive."""
        ...

    def callee_refused(self) -> None:
        """No connection to the callee could be made; the dissector ends the caller's, at once or after its request."""
        ...

    def caller_ended(self, t: float, *, reset: bool) -> bool:
        """The caller sent FIN, or reset the connection. True: keep the callee's side as it is, tell it nothing."""
        ...

    def callee_ended(self, t: float, *, reset: bool) -> bool:
        """The callee sent FIN, or reset the connection. True: keep the caller's side as it is, tell it nothing."""
        ...

    def closed(self, t: float, outcome: str) -> None:
        """Both sides are gone (closed | refused | reset) or the tap stops (open): report what is still unreported."""
        ...
