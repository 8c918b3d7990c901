"""The callee answers with an error of its own."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic import Field, field_validator

from chaoskit.faults.call_fault import CallFault
from chaoskit.model.instruction import Instruction
from chaoskit.model.system import System


class Status(CallFault):
    """Answers at once with a status, in the callee's place; the callee does not see the call."""

    keyword: ClassVar[str] = "status"

    status: int = Field(ge=200, le=599)
    body: str | dict[str, Any] | list[Any] = ""
    """The answer's body: text, or anything else as JSON."""
    headers: dict[str, str] = Field(default_factory=dict)
    """More headers; Content-Length is set right by itself."""

    @field_validator("headers")
    @classmethod
    def _one_line_each(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not name or any(character in name + value for character in "\r\n") or ":" in name or " " in name:
                raise ValueError(f"not a header: {name!r}: {value!r}")
            if name.lower() in ("content-length", "transfer-encoding", "connection"):
                raise ValueError(f"{name} follows from the answer and cannot be set")
        return headers

    def instructions(self, system: System, seed: int) -> tuple[Instruction, ...]:
        """One rule of the tap."""
        params: dict[str, str | int | float] = {
            "status": self.status,
            "body": self.body if isinstance(self.body, str) else json.dumps(self.body),
            "headers": "\n".join(f"{name}: {value}" for name, value in self.headers.items()),
        }
        return (self.rule(system, seed, "answer", params),)
