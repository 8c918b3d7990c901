"""The callee's side of an HTTP connection: which call its bytes answer, and where an answer ends.

Also the two faults on real answers: `cut_body` and `change_body`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from chaoskit.tap.http_answers import BODY_BYTES_MAX, changed
from chaoskit.tap.http_call import HttpCall
from chaoskit.tap.http_framing import HEAD_BYTES_MAX, UNTIL_CLOSE, BodyReader, read_response, read_usual_response

if TYPE_CHECKING:
    from chaoskit.tap.relay import Relay

LATE_RESET_S = 0.02
"""How soon a caller that closed completely has answered our bytes with a reset; one that half-closed has not."""


class AnswerSide:
    """`queue` holds the calls that were sent on, in order; `drained` is called when it has become empty."""

    __slots__ = ("_body", "_drained", "_ended", "_head", "_relay", "doubts", "down", "queue", "unparsed", "upgraded")

    def __init__(self, relay: Relay, drained: Callable[[], None]) -> None:
        self.queue: deque[HttpCall] = deque()
        self.down = 0
        self.doubts = 0  # answers to callers of which we do not know yet whether they still listen
        self.unparsed = False
        self.upgraded = False
        self._relay = relay
        self._ended = relay.link.outbox.end
        self._drained = drained
        self._body = BodyReader()
        self._head = b""  # an incomplete head, passed on already

    def feed(self, data: bytes) -> None:
        """Bytes from the callee."""
        size = len(data)
        self.down += size
        queue = self.queue
        if not queue:
            self._relay.to_caller(data)  # after an upgrade, or unasked for: not ours to judge
            return
        call = queue[0]
        if call.usual and not self._head and not self._body.reading and len(queue) == 1:
            end = data.find(b"\r\n\r\n") + 4
            answer = read_usual_response(data[:end])
            if answer is not None and end + answer[1] == size:  # all of an answer, and nothing but that
                queue.popleft()
                self._relay.to_caller(data)
                self._ended(call.started[2], monotonic(), answer[0], "answered", "", call.up, call.down + size)
                self._drained()
                return
        self._follow(data, size)

    def _follow(self, data: bytes, size: int) -> None:
        """Any part of any number of answers."""
        queue = self.queue
        sent = pos = 0
        while pos < size and queue:
            call, start = queue[0], pos
            in_body = self._body.reading
            pos, done = self._read_body(data, pos) if in_body else self._read_head(call, data, pos)
            call.down += pos - start
            if call.kept is not None:
                sent = self._keep(call, data, sent, start, pos, done)
            elif in_body and call.rule is not None and call.rule.action == "cut_body":
                keep = min(call.cut_left, pos - start - done)
                call.cut_left -= keep
                if keep < pos - start:
                    self._relay.to_caller(data[sent : start + keep])
                    self.cut(call)
                    return
            if done:
                self.finish(call, "answered")
        if sent < size:
            self._relay.to_caller(data[sent:] if sent else data)
        if not queue:
            self._drained()

    def _read_head(self, call: HttpCall, data: bytes, pos: int) -> tuple[int, bool]:
        known = len(self._head)
        whole = self._head + data[pos:] if known else (data[pos:] if pos else data)
        end = whole.find(b"\r\n\r\n") + 4
        if end < 4 and whole[:7] == b"HTTP/1."[: len(whole)] and len(whole) < HEAD_BYTES_MAX:
            self._head = whole
            return len(data), False
        self._head = b""
        head = read_response(whole[:end], call.method == "HEAD")
        if head is None:
            self._lose_track()
            return len(data), False
        call.status, length = head
        pos += end - known
        if call.status == 101 or (call.method == "CONNECT" and 200 <= call.status < 300):
            self.upgraded = True
            return pos, True
        if call.status < 200:
            return pos, False
        call.head_bytes, call.length = end, length
        if length:
            self._body.begin(length)
        return pos, not length

    def _read_body(self, data: bytes, pos: int) -> tuple[int, bool]:
        try:
            return self._body.feed(data, pos)
        except ValueError:
            self._lose_track()
            return len(data), False

    def _lose_track(self) -> None:
        self.unparsed = True
        self._body.begin(UNTIL_CLOSE)

    # --- faults on the answer ------------------------------------------------------------------------------------

    def _keep(self, call: HttpCall, data: bytes, sent: int, start: int, pos: int, done: bool) -> int:
        """Hold a part of an answer that is to be changed; returns up to where `data` is dealt with."""
        assert call.kept is not None
        if start > sent:
            self._relay.to_caller(data[sent:start])
        call.kept += data[start:pos]
        if done or len(call.kept) > BODY_BYTES_MAX or self.unparsed:
            self._release_kept(call, whole=done)
        return pos

    def cut(self, call: HttpCall) -> None:
        """End the caller's connection in the middle of this call's answer."""
        call.hit()
        self.finish(call, "cut")
        self._relay.reset_caller()

    def _release_kept(self, call: HttpCall, *, whole: bool) -> None:
        assert call.kept is not None
        assert call.rule is not None
        message, call.kept = bytes(call.kept), None
        head_start = len(message) if not call.head_bytes else self._head_start(message, call)
        early, message = message[:head_start], message[head_start:]
        new = changed(message, call.head_bytes, call.length, call.rule.params) if whole and message else None
        if new is not None:
            call.hit()
        self._relay.to_caller(early + (message if new is None else new))

    @staticmethod
    def _head_start(message: bytes, call: HttpCall) -> int:
        """Where the final head begins, behind any 1xx heads."""
        start = 0
        while message[start + 9 : start + 10] == b"1":
            start = message.index(b"\r\n\r\n", start) + 4
        return start

    # --- the ends ------------------------------------------------------------------------------------------------

    def finish(self, call: HttpCall, outcome: str) -> None:
        """A call is over, the first in the queue."""
        self.queue.popleft()
        if call.gave_up is not None and outcome == "answered":
            self.doubts += 1
            asyncio.get_running_loop().call_later(LATE_RESET_S, self._report_late, call, monotonic())
        else:
            self.report(call, outcome, monotonic())

    def _report_late(self, call: HttpCall, end: float) -> None:
        gone = self._relay.caller.peer_is_gone()
        assert call.gave_up is not None
        self.report(call, "abandoned" if gone else "answered", call.gave_up if gone else end)
        self.doubts -= 1
        if not self.doubts and self._relay.callee.fin_seen:
            self._relay.finish_caller()

    def report(self, call: HttpCall, outcome: str, end: float) -> None:
        """Tell of a call's end, once."""
        if not call.reported:
            call.reported = True
            self._ended(call.number, end, call.status, outcome, call.injected, call.up, call.down)

    def give_up(self, t: float) -> None:
        """The caller is gone since `t`; what still comes for it is only counted off."""
        for call in self.queue:
            self.report(call, "abandoned", t)

    def callee_ended(self, t: float, *, reset: bool) -> None:
        """The callee's bytes are over: an answer until close is complete, everything else is cut."""
        queue = self.queue
        if queue and self._body.until_close and not reset and queue[0].status:
            call = queue[0]
            if call.kept is not None:
                self._release_kept(call, whole=True)
            if call.rule is not None and call.rule.action == "cut_body":
                self.cut(call)  # it was shorter than what may pass, but must not look complete
            else:
                self.finish(call, "answered")
        elif queue and queue[0].kept:
            self._release_kept(queue[0], whole=False)
        self.drop(t, "cut")

    def drop(self, t: float, outcome: str) -> None:
        """All calls in flight end with `outcome`, except those that the caller left before."""
        for call in self.queue:
            if call.gave_up is not None and outcome != "open":
                self.report(call, "abandoned", call.gave_up)
            else:
                self.report(call, outcome, t)
        self.queue.clear()
