"""What a service is told by its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from chaoskit.shop.broken import BROKEN


@dataclass(frozen=True, slots=True)
class Settings:
    """One service's settings.

    `time_scale` multiplies every time constant: 1 gives the documented seconds, 0.2 a fifth of them.
    `broken` holds names of `chaoskit.shop.broken.BROKEN`.
    """

    service: str
    host: str
    port: int
    database: str
    amqp_url: str
    urls: Mapping[str, str]
    time_scale: float
    broken: frozenset[str]

    @classmethod
    def from_environment(cls, service: str, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read them. Raises SystemExit, naming the variable, when one is missing or makes no sense."""
        try:
            broken = frozenset(name for name in environment.get("SHOP_BROKEN", "").replace(" ", "").split(",") if name)
            if unknown := broken - BROKEN.keys():
                raise ValueError(f"SHOP_BROKEN: unknown {sorted(unknown)}; there are {', '.join(BROKEN)}")
            return cls(
                service=service,
                host=environment.get("HOST", "127.0.0.1"),
                port=int(environment["PORT"]),
                database=environment.get("DATABASE", f"{service}.sqlite"),
                amqp_url=environment.get("AMQP_URL", ""),
                urls={name: value.rstrip("/") for name, value in environment.items() if name.endswith("_URL")},
                time_scale=float(environment.get("SHOP_TIME_SCALE", "1")),
                broken=broken,
            )
        except KeyError as error:
            raise SystemExit(f"{service}: the environment variable {error.args[0]} is missing") from error
        except ValueError as error:
            raise SystemExit(f"{service}: {error}") from error

    def is_broken(self, name: str) -> bool:
        """Whether this fault of its own was switched on. Raises KeyError for a name that is not registered."""
        return BROKEN[name].name in self.broken

    def scaled(self, seconds: float) -> float:
        """A documented time constant on this service's own scale, in seconds."""
        return seconds * self.time_scale
