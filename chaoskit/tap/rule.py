"""One armed rule: which calls it strikes, drawn from a seed in the order of the calls, and how often it did."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

PLAYED_HERE = frozenset({"answer", "hang", "headers_only"})
"""Actions that answer (or don't) in the callee's place: it never sees the call."""
PLAYED_ON_THE_ANSWER = frozenset({"cut_body", "change_body"})
"""Actions on what the callee answers."""
ACTIONS = PLAYED_HERE | PLAYED_ON_THE_ANSWER | {"hold"}


class Rule:
    """An armed rule. `strikes` decides; `hits` counts where it really took effect."""

    __slots__ = ("_draws", "_left", "_method", "_path", "_share", "action", "handle", "here", "hits", "params")

    def __init__(self, handle: str, spec: Mapping[str, Any]) -> None:
        """`spec` has the fields of `model.instruction.TapRule`, without its link."""
        self.handle = handle
        self.action: str = spec["action"]
        self.params: Mapping[str, Any] = spec["params"]
        self.here = self.action in PLAYED_HERE
        self.hits = 0
        self._share: float = spec["share"]
        self._left: int | None = spec["first"]
        self._method: str = spec["match_method"].upper()
        self._path: str = spec["match_path"]
        self._draws = random.Random(spec["seed"])

    def strikes(self, method: str, path: str) -> bool:
        """Whether it takes this call. Every call that matches costs one draw, so that the same calls draw the same."""
        if (self._method and self._method != method) or not path.startswith(self._path):
            return False
        drawn = self._share >= 1.0 or self._draws.random() < self._share
        if not drawn or self._left == 0:
            return False
        if self._left is not None:
            self._left -= 1
        return True
