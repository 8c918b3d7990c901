"""Why a verdict is not accepted."""

from __future__ import annotations

from msgspec import Struct


class Reason(Struct, frozen=True):
    """One reason. A pass is voided by every reason; a fail only where `voids_fail`, from `since` on (run seconds).

    `findings`: only these are concerned (None: all). `lasting`: more evidence cannot take the reason away.
    """

    text: str
    voids_fail: bool = False
    since: float = float("-inf")
    findings: frozenset[str] | None = None
    voids_pass: bool = True
    lasting: bool = True
