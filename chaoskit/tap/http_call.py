"""One HTTP call as the tap follows it."""

from __future__ import annotations

from chaoskit.tap.channel import ENDED
from chaoskit.tap.rule import Rule


class HttpCall:
    """A request that arrived, and what came of it so far. Instants are time.monotonic()."""

    # Defaults live in the class and cost nothing per call.
    status = 0
    injected = ""
    down = 0
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

    def __init__(self, number: int, method: str, up: int, closes: bool) -> None:
        self.number = number
        self.method = method
        self.up = up
        self.closes = closes  # the connection ends with its answer

    def strike(self, rule: Rule) -> None:
        """A rule takes this call; whether it takes effect shows later, except where it is played here."""
        self.rule = rule
        if rule.action == "cut_body":
            self.cut_left = int(rule.params.get("bytes", 0))
        elif rule.action == "change_body":
            self.kept = bytearray()

    def hit(self) -> None:
        """The rule took effect."""
        assert self.rule is not None
        self.rule.hits += 1
        self.injected = self.rule.action

    def row(self, outcome: str, end: float) -> tuple[int, int, float, int, str, str, int, int]:
        """The ENDED row of the outbox."""
        return (ENDED, self.number, end, self.status, outcome, self.injected, self.up, self.down)
