"""Single requests that the run itself sends, for systems without load."""

from __future__ import annotations

from typing import Protocol


class ProbeSender(Protocol):
    """Sends one request and records it as a `sample` under its own text as name."""

    async def send(self, request: str) -> None: ...
