"""HTTP/1.x: an event per call, and the faults that take the place of a call's answer.

Bytes are passed on as they come, untouched, and read on the side. Only while a rule is armed a request's head is held
until it is complete, because it decides whether the call goes through. What is not HTTP/1.x passes and is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from chaoskit.tap import http_answers
from chaoskit.tap.channel import CONNECTION, STARTED
from chaoskit.tap.http_answer_side import AnswerSide
from chaoskit.tap.http_call import HttpCall
from chaoskit.tap.http_framing import (
    WHOLE_BYTES_MAX,
    BodyReader,
    RequestHead,
    may_become_request,
    read_request,
    read_whole_request,
)
from chaoskit.tap.rule import Rule

if TYPE_CHECKING:
    from chaoskit.tap.relay import Relay

BACKLOG_BYTES_MAX = 64 * 1024
"""How much a caller may pipeline behind a call that holds it up; then it is not read until that call has ended."""
GIVEN_UP_AFTER_S = 0.5
"""A caller that sent FIN and got not one byte of answer within this has given up, rather than half-closed."""
REFUSED_WAIT_S = 1.0
"""How long a connection whose callee refuses is kept for the request that is surely coming."""


class HttpDissector:
    """One connection's calls, in order; see dissector.py for who calls what."""

    __slots__ = (
        "_answers",
        "_at_head",  # whatever the caller sends next begins a request, and nothing is in its way
        "_backlog",  # what the caller sent behind a call that holds it up; None while nothing does
        "_begun",
        "_body",
        "_callee_gone",
        "_held",  # an incomplete request head that was not sent on
        "_here",  # the call that is played by us; only ever while none is at the callee
        "_link",
        "_number",
        "_queue",
        "_raw",  # bytes of the caller are no longer read
        "_refused",
        "_relay",
        "_rows",
        "_seen",  # an incomplete request head that was sent on
        "_sending",  # the call whose body is coming in
        "_unparsed",
        "_up",
        "from_callee",
    )

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._link = relay.link
        self._rows = relay.link.outbox.rows
        self._begun = relay.link.outbox.begun
        self._number = relay.number
        self._answers = AnswerSide(relay, self._drained)
        self.from_callee: Callable[[bytes], None] = self._answers.feed
        self._queue = self._answers.queue
        self._body = BodyReader()
        self._here: HttpCall | None = None
        self._sending: HttpCall | None = None
        self._backlog: bytearray | None = None
        self._held = self._seen = b""
        self._up = 0
        self._at_head = True
        self._raw = self._unparsed = self._refused = self._callee_gone = False

    # --- what the caller sends ---------------------------------------------------------------------------------

    def from_caller(self, data: bytes) -> None:
        size = len(data)
        self._up += size
        if self._at_head and size <= WHOLE_BYTES_MAX and not self._link.rules and not self._answers.upgraded:
            request = read_whole_request(data)
            if request is not None:  # the usual case, cut short
                self._queue.append(self._arrived(request, size))
                self._relay.to_callee(data)
                return
        if self._backlog is None:
            self._take(self._held + data if self._held else data)
            return
        self._backlog += data
        if len(self._backlog) > BACKLOG_BYTES_MAX:
            self._relay.caller.pause("backlog")

    def _take(self, data: bytes) -> None:
        self._held = b""
        passed = pos = 0
        size = len(data)
        while pos < size and not (self._raw or self._answers.upgraded):
            if self._sending is not None:
                swallow = self._sending is self._here
                pos = self._take_body(self._sending, data, pos)
                passed = pos if swallow else passed
            else:
                head = self._take_head(data, pos)
                if head is None:  # incomplete, or it has to wait
                    size = pos if self._held or self._backlog is not None else size
                    break
                start, pos = pos, pos + len(head) - len(self._seen)
                new = self._begin(head)
                if new is not None:
                    self._pass(data, passed, start)
                    self._pass(new, 0, len(new))
                    passed = pos
            if self._backlog is not None:  # a call that is played here holds up what is behind it
                self._backlog += data[pos:]
                size = passed
        self._pass(data, passed, size)
        halfway = self._sending is not None or self._seen or self._held or self._backlog is not None
        self._at_head = not (halfway or self._raw or self._refused)
        if self._unparsed and self._refused:
            self._relay.reset_caller()

    def _pass(self, data: bytes, start: int, end: int) -> None:
        if start < end:
            self._relay.to_callee(data if end - start == len(data) else data[start:end])

    def _take_body(self, call: HttpCall, data: bytes, start: int) -> int:
        try:
            pos, done = self._body.feed(data, start)
        except ValueError:
            self._unparsed = self._raw = True
            return start
        call.up += pos - start
        if done:
            self._sending = None
            if call is self._here:
                self._play(call)
        return pos

    def _take_head(self, data: bytes, pos: int) -> bytes | None:
        """The head that begins (or goes on) at `pos`; None while it is incomplete or has to wait for its turn."""
        seen = self._seen
        whole = seen + data[pos:] if seen else (data[pos:] if pos else data)
        end = whole.find(b"\r\n\r\n") + 4
        rules = self._link.rules
        if end < 4:
            start = whole.lstrip(b"\r\n")
            if start and not may_become_request(start):
                self._unparsed = self._raw = True
            elif rules and not seen:
                self._held = whole
            else:
                self._seen = whole
            return None
        if rules and self._queue and not seen and any(rule.here for rule in rules):
            self._backlog = bytearray(whole)
            return None
        return whole[:end]

    def _begin(self, head: bytes) -> bytes | None:
        """A request arrived. Returns what is to be sent on in place of its head; None for the head as it came."""
        seen, self._seen = self._seen, b""
        request = read_request(head) or read_request(head.lstrip(b"\r\n"))
        if request is None:
            self._unparsed = self._raw = bool(head.strip(b"\r\n"))
            return None
        method, path, length, _, expects, _ = request
        link, call = self._link, self._arrived(request, len(head))
        if length:
            self._sending = call
            self._body.begin(length)
        rule = None
        if link.rules and not seen:
            rule = next((rule for rule in link.rules if rule.strikes(method, path)), None)
        if rule is not None:
            call.strike(rule)
            if rule.here:
                self._begin_here(call, wait=length != 0 and not expects)
                return b""
        if self._refused:
            self._refuse(call)
        else:
            self._queue.append(call)
        return http_answers.ask_for_plain_body(head) if call.kept is not None else None

    def _arrived(self, request: RequestHead, size: int) -> HttpCall:
        method, path, _, trace, expects, closes = request
        link = self._link
        number = next(link.calls)
        row = self._begun[number] = (STARTED, link.name, number, self._number, monotonic(), method, path, trace)
        call = HttpCall(row, size, closes or expects)
        if method == "HEAD" or method == "CONNECT":
            call.usual = False
        return call

    # --- calls that are played here ----------------------------------------------------------------------------

    def _begin_here(self, call: HttpCall, *, wait: bool) -> None:
        self._here = call
        if not wait:  # for no body, or a body that will not be sent because the answer comes first
            self._sending = None
            self._play(call)

    def _play(self, call: HttpCall) -> None:
        call.hit()
        assert call.rule is not None
        rule = call.rule
        if rule.action != "answer":
            if rule.action == "headers_only":
                self._say(call, http_answers.headers_only())
            self._backlog = bytearray()
            return
        close = call.closes or self._callee_gone or self._refused
        self._say(call, http_answers.answer(rule.params, call.method, close=close))
        self._here = None
        self._answers.report(call, "answered", monotonic())
        if close:
            self._raw = True
            self._relay.finish_caller()

    def _say(self, call: HttpCall, answer: bytes) -> None:
        call.status = int(answer[9:12])
        call.down += len(answer)
        self._answers.down += len(answer)
        self._relay.to_caller(answer)

    def _drained(self) -> None:
        """No call is at the callee any more."""
        if self._relay.caller.gone:
            self._relay.finish_callee()
        elif self._backlog is not None and self._here is None:
            backlog, self._backlog = bytes(self._backlog), None
            self._relay.caller.resume("backlog")
            self._take(backlog)

    def release(self, rule: Rule) -> None:
        """A rule was disarmed: close what it holds; what it has not bent yet goes through."""
        here = self._here
        if here is not None and here.rule is rule:
            self._here = None
            self._answers.report(here, "cut", monotonic())
            self._relay.finish_caller()
        for call in self._queue:
            if call.rule is rule and not call.kept:
                call.rule = call.kept = None
                if self._relay.caller.gone:
                    self._relay.finish_callee()

    # --- the ends ------------------------------------------------------------------------------------------------

    def _refuse(self, call: HttpCall) -> None:
        self._answers.report(call, "refused", monotonic())
        self._raw = True
        self._relay.reset_caller()

    def callee_refused(self) -> None:
        self._refused = True
        self._at_head = False
        if self._queue:
            self._answers.drop(monotonic(), "refused")
            self._relay.reset_caller()
        elif self._unparsed:
            self._relay.reset_caller()
        elif self._here is None:
            asyncio.get_running_loop().call_later(REFUSED_WAIT_S, self._stop_waiting)

    def _stop_waiting(self) -> None:
        if self._unparsed or not self._up:
            self._relay.reset_caller()

    def caller_ended(self, t: float, *, reset: bool) -> bool:
        here = self._here
        if here is not None:
            self._here = None
            self._answers.report(here, "abandoned", t)
            self._relay.finish_caller()
            return True
        if self._held:
            self._relay.to_callee(self._held)
        for call in self._queue:
            call.usual = False
            call.gave_up = t if call.gave_up is None else call.gave_up
        holding = [call for call in self._queue if call.rule is not None and call.rule.action == "hold"]
        if holding:
            for call in holding:
                call.hit()
            self._answers.give_up(t)
            self._relay.caller.close()
            return True
        if reset or self._sending is not None:
            self._answers.give_up(t)
        elif self._queue:
            asyncio.get_running_loop().call_later(GIVEN_UP_AFTER_S, self._give_up, t)
        return False

    def _give_up(self, t: float) -> None:
        if not any(call.down for call in self._queue):
            self._answers.give_up(t)

    def callee_ended(self, t: float, *, reset: bool) -> bool:
        self._callee_gone = True
        self._answers.callee_ended(t, reset=reset)
        return self._here is not None or self._answers.doubts > 0

    def closed(self, t: float, outcome: str) -> None:
        if self._here is not None:
            self._answers.report(self._here, "open" if outcome == "open" else "cut", t)
        self._answers.drop(t, "open" if outcome == "open" else "cut")
        relay, down = self._relay, self._answers.down
        if self._unparsed or self._answers.unparsed:
            outcome = "unparsed"
        elif outcome == "open":
            outcome = "closed"
        self._rows.append((CONNECTION, self._link.name, relay.number, relay.began, t, self._up, down, outcome))
