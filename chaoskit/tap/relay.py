"""One connection: the caller's leg, the callee's leg, and how the end of one becomes the end of the other.

FIN is passed on as FIN (half-close works), RST as RST, and reading stops while the other leg can't write.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from chaoskit.tap.dissector import Dissector

if TYPE_CHECKING:
    from chaoskit.tap.link import Link

WAITING_BYTES_MAX = 256 * 1024
"""How much the caller may send before the callee's leg is connected; then its reading stops until it is."""
FLUSH_S_MAX = 1.0
"""How long bytes that are already on their way may delay a reset."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def _discard(data: bytes) -> None:
    """Where bytes go whose receiver is gone."""


class Leg(asyncio.Protocol):
    """One TCP connection; `data_received` is the dissector's own method, so that nothing stands between them."""

    __slots__ = ("_pauses", "_relay", "broken", "data_received", "fin_seen", "fin_sent", "gone", "other", "transport")

    def __init__(self, relay: Relay, received: Callable[[bytes], None]) -> None:
        self._relay = relay
        self.data_received = received  # type: ignore[assignment, method-assign] # uvloop looks it up per object
        self.transport: asyncio.Transport | None = None
        self.other: Leg | None = None
        self.fin_seen = self.fin_sent = self.gone = self.broken = False
        self._pauses: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's has the methods, not the base class
        self.transport = transport
        if self._pauses:
            transport.pause_reading()
        self._relay.made(self)

    def eof_received(self) -> bool:
        self.fin_seen = True
        self._relay.ended(self, reset=False)
        return True  # the other direction may still have much to say

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self.broken = exc is not None
        self._relay.lost(self, reset=exc is not None)

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.pause("other leg")

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.resume("other leg")

    def pause(self, why: str) -> None:
        """Read no more, until each reason is resumed."""
        if not self._pauses and self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()
        self._pauses.add(why)

    def resume(self, why: str) -> None:
        self._pauses.discard(why)
        if not self._pauses and self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def finish(self) -> None:
        """Send FIN behind what is still to be written; close where both directions have ended."""
        if self.transport is None or self.gone:
            return
        if self.fin_seen:
            self.transport.close()
        elif not self.fin_sent:
            self.fin_sent = True
            self.transport.write_eof()

    def close(self) -> None:
        if self.transport is not None and not self.gone:
            self.transport.close()

    def reset(self, patience_s: float = FLUSH_S_MAX) -> None:
        """Send RST as soon as what is already written has left, at the latest after `patience_s`."""
        if self.transport is None or self.gone:
            return
        if self.transport.get_write_buffer_size() and patience_s > 0:
            asyncio.get_running_loop().call_later(0.001, self.reset, patience_s - 0.001)
            return
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()

    def peer_is_gone(self) -> bool:
        """Whether the peer answered what we wrote after its FIN with RST: it had closed, not half-closed."""
        if self.transport is None or self.gone:
            return self.broken
        tcp_close = 7
        sock = self.transport.get_extra_info("socket")
        state: bytes = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        return state[0] == tcp_close


class Relay:
    """The pair of legs. `to_callee` and `to_caller` are the transports' own `write` while they can be written to."""

    __slots__ = (
        "_task",
        "_waiting",
        "_waiting_bytes",
        "began",
        "callee",
        "caller",
        "dissector",
        "link",
        "number",
        "outcome",
        "to_callee",
        "to_caller",
    )

    def __init__(self, link: Link, number: int, dissector: Callable[[Any], Dissector]) -> None:
        self.link = link
        self.number = number
        self.began = time.monotonic()
        self.outcome = ""
        self.dissector = dissector(self)
        self.to_caller: Callable[[bytes], None] = _discard
        self.to_callee: Callable[[bytes], None] = self._wait_for_callee
        self.caller = Leg(self, self.dissector.from_caller)
        self.callee = Leg(self, self.dissector.from_callee)
        self.caller.other, self.callee.other = self.callee, self.caller
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._task: asyncio.Task[None] | None = None

    def made(self, leg: Leg) -> None:
        """A leg is connected: the caller's first, then the callee's."""
        assert leg.transport is not None
        if leg is self.caller:
            self.to_caller = leg.transport.write
            self._task = asyncio.get_running_loop().create_task(self._connect())
            return
        if self.caller.gone or leg.gone:  # nobody wants it any more
            leg.transport.abort()
            return
        self.to_callee = leg.transport.write
        if self._waiting:
            leg.transport.writelines(self._waiting)
            self._waiting.clear()
        self.caller.resume("callee not connected")
        if self.caller.fin_seen:
            self._pass_on(self.callee, reset=False)

    def _wait_for_callee(self, data: bytes) -> None:
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes > WAITING_BYTES_MAX:
            self.caller.pause("callee not connected")

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self.callee, self.link.host, self.link.port)
        except OSError:
            self.callee.gone = True
            self.outcome = "refused"
            self.to_callee = _discard
            self._waiting.clear()
            self.caller.resume("callee not connected")
            if self.caller.gone:
                self._settle()
            else:
                self.dissector.callee_refused()

    def ended(self, leg: Leg, *, reset: bool) -> None:
        """A leg's peer will send no more."""
        now = time.monotonic()
        tell = self.dissector.caller_ended if leg is self.caller else self.dissector.callee_ended
        if not tell(now, reset=reset):
            other = self.callee if leg is self.caller else self.caller
            self._pass_on(other, reset=reset)
            if leg.fin_sent or other.gone:
                leg.close()

    def lost(self, leg: Leg, *, reset: bool) -> None:
        """A leg is closed for good."""
        if leg is self.caller:
            self.to_caller = _discard
        else:
            self.to_callee = _discard
        if reset and not self.outcome:
            self.outcome = "reset"
        if reset or not leg.fin_seen:
            leg.fin_seen = True
            self.ended(leg, reset=reset)
        self._settle()

    def _pass_on(self, leg: Leg, *, reset: bool) -> None:
        if leg is self.callee:
            if leg.transport is None and not reset:
                return  # said once it is connected
            self.to_callee = _discard
        else:
            self.to_caller = _discard
        if reset:
            leg.reset()
        else:
            leg.finish()

    def finish_caller(self) -> None:
        """Close the caller's leg behind what was written to it, and the callee's with it."""
        self.outcome = self.outcome or "closed"
        self.to_caller = _discard
        self.caller.fin_seen = True  # whatever it says now, the end was ours
        self.caller.close()
        self.finish_callee()

    def finish_callee(self) -> None:
        """Close the callee's leg: the caller is gone and nothing more is wanted from it."""
        self.to_callee = _discard
        self.callee.fin_seen = True
        if self.callee.transport is not None:
            self.callee.close()
        elif not self.callee.gone:
            self.callee.gone = True
            self._settle()

    def reset_caller(self) -> None:
        """Reset the caller's leg behind what was written to it, and close the callee's."""
        self.outcome = self.outcome or "reset"
        self.to_caller = _discard
        self.caller.fin_seen = True
        self.caller.reset()
        self.finish_callee()

    def _settle(self) -> None:
        if self.caller.gone and self.callee.gone and self.link.forget(self):
            self.dissector.closed(time.monotonic(), self.outcome or "closed")

    def stop(self, t: float) -> None:
        """The tap stops: report what is in flight as open, and close at once."""
        if self.link.forget(self):
            self.dissector.closed(t, "open")
        for leg in (self.caller, self.callee):
            if leg.transport is not None and not leg.gone:
                leg.transport.abort()
