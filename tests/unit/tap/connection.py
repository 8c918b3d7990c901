"""A dissector without sockets: bytes go in, bytes and rows come out."""

from __future__ import annotations

import itertools

from chaoskit.tap.channel import CALL, ENDED
from chaoskit.tap.http import HttpDissector
from chaoskit.tap.outbox import Outbox
from chaoskit.tap.rule import Rule


class FakeLink:
    """What a dissector needs of its link."""

    def __init__(self, rules: list[Rule]) -> None:
        self.name = "a -> b"
        self.rules = rules
        self.outbox = Outbox(None)  # type: ignore[arg-type] # nothing is sent
        self.calls = itertools.count(1)


class FakeConnection:
    """Stands for a relay: collects what the dissector passes on in `up` and `down`, and how it ended."""

    def __init__(self, *rules: Rule) -> None:
        self.link = FakeLink(list(rules))
        self.number = 1
        self.began = 0.0
        self.outcome = ""
        self.up = self.down = b""
        self.ended = ""
        self.gone = False
        self.caller = self
        self.dissector = HttpDissector(self)  # type: ignore[arg-type]

    def to_callee(self, data: bytes) -> None:
        self.up += data

    def to_caller(self, data: bytes) -> None:
        self.down += data

    def pause(self, why: str) -> None:
        self.ended += "p"

    def resume(self, why: str) -> None:
        self.ended += "r"

    def finish_caller(self) -> None:
        self.ended += "FIN"

    def reset_caller(self) -> None:
        self.ended += "RST"

    def rows(self) -> list[tuple]:
        """The rows so far, without their instants; a CALL as the ENDED row that it stands for."""
        rows = [(ENDED, row[1][2], *row[2:]) if row[0] == CALL else row for row in self.link.outbox.rows]
        return [tuple(value for value in row if not isinstance(value, float)) for row in rows]


def rule(action: str, **spec: object) -> Rule:
    """An armed rule with defaults."""
    given = {"action": action, "params": {}, "share": 1.0, "first": None, "seed": 0}
    return Rule("h", given | {"match_method": "", "match_path": ""} | spec)
