"""One HTTP call as the tap follows it."""

from __future__ import annotations

from typing import Any

from chaoskit.tap.rule import Rule


class HttpCall:
    """A request that arrived, and what came of it so far. Instants are time.monotonic()."""

    # Defaults live in the class and cost nothing per call.
    status = 0
    injected = ""
    down = 0
    usual = True
    """Nothing about it asks for a closer look at its answer: no rule, no HEAD or CONNECT, its caller is still there."""
    rule: Rule | None = None
    reported = False
    gave_up: float | None = None
    """When the caller went away, if it did."""
    head_bytes = 0
    """Of its answer."""
    length = 0
    """Of its answer's body, or the framing."""
    cut_left = 0
    """`cut_body`: how many more bytes of the body may pass."""
    kept: bytearray | None = None
    """`change_body`: the answer so far, held until it is whole."""

    def __init__(self, started: tuple[Any, ...], up: int, closes: bool) -> None:
        self.started = started  # its STARTED row
        self.up = up
        self.closes = closes  # the connection ends with its answer

    @property
    def number(self) -> int:
        number: int = self.started[2]
        return number

    @property
    def method(self) -> str:
        method: str = self.started[5]
        return method

    def strike(self, rule: Rule) -> None:
        """A rule takes this call; whether it takes effect shows later, except where it is played here."""
        self.rule = rule
        self.usual = False
        if rule.action == "cut_body":
            self.cut_left = int(rule.params.get("bytes", 0))
        elif rule.action == "change_body":
            self.kept = bytearray()

    def hit(self) -> None:
        """The rule took effect."""
        assert self.rule is not None
        self.rule.hits += 1
        self.injected = self.rule.action
