"""What the faults on single calls have in common: which calls they take. No fault itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from chaoskit.errors import UsageProblem
from chaoskit.model.instruction import TapRule
from chaoskit.model.quantity import Ratio
from chaoskit.model.scenario import FaultSpec
from chaoskit.model.system import System

MATCH_PATTERN = r"^([A-Z][A-Z-]*)?( ?/\S*)?$"


def parse_match(value: Any) -> str:
    """`"GET /customers"`, `"GET"` or `"/customers"`, trimmed. Raises ValueError for anything else."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text or re.match(MATCH_PATTERN, text) is None or re.match(r"^[A-Z-]+/", text):
        raise ValueError(f"not a match: {value!r}; write a method, the start of a path, or both: GET /customers")
    return text


Match = Annotated[str, BeforeValidator(parse_match), WithJsonSchema({"type": "string", "pattern": MATCH_PATTERN})]


class CallFault(FaultSpec):
    """Base of the faults that the tap plays on the calls of a link with `protocol: http`."""

    calls: Ratio = 1.0
    """Which share of the calls is hit, drawn call by call from the scenario's seed."""
    first: int | None = Field(None, ge=1)
    """Only the first so many calls that would be hit."""
    match: Match = ""
    """Only calls with this method, or this start of the path, or both: `GET /customers`."""

    def rule(self, system: System, seed: int, action: str, params: Mapping[str, str | int | float]) -> TapRule:
        """The tap's rule for it. Raises UsageProblem where the link does not speak HTTP."""
        link = system.links.get(self.link or "")
        if link is not None and link.protocol != "http":
            raise UsageProblem(
                f"{self.keyword} needs to see calls, but the link has protocol: {link.protocol}",
                where=self.target,
                remedy="use latency, timeout, reset or down there, or set protocol: http if it speaks HTTP",
            )
        method, _, path = self.match.partition("/")
        return TapRule(
            link=self.link or "",
            action=action,
            params=params,
            share=self.calls,
            first=self.first,
            seed=seed,
            match_method=method.strip(),
            match_path=f"/{path}" if "/" in self.match else "",
        )
