"""How the run looks at effects in the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class EffectProbe(Protocol):
    """Reads the systems's public surface; each look is recorded as events by itself."""

    async def effects(self, consumer: str, keys: Sequence[str], *, last: bool) -> dict[str, int]:
        """How often the effect of each key shows; records one `effect` event a key, `probe.failed` where it can't."""
        ...

    async def sagas(self, saga: str, accepted: Sequence[tuple[str, Any]], *, last: bool) -> dict[str, str]:
        """The state of each saga by key (`accepted` pairs the key with the accepted answer's JSON); records `saga`."""
        ...
