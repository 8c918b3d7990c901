"""Names in a scenario or a system file that must stand elsewhere in the system: links, services, consumers, …"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, get_args

from msgspec import Struct, field
from pydantic import BaseModel, BeforeValidator

from chaoskit.errors import Problem
from chaoskit.files.document import Document, Steps
from chaoskit.files.suggestion import did_you_mean
from chaoskit.files.validation import spelled
from chaoskit.model.system import BROKER, System, parse_link_name

_KINDS = ("link", "service", "consumer", "journey", "saga")


class Names(Struct, frozen=True):
    """What a system declares, by kind: link, service, consumer, journey, saga."""

    by_kind: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, system: System) -> Names:
        """The links include every service's way to the broker, which needs no declaration."""
        links = list(system.links)
        if system.broker is not None:
            links += [name for service in system.services if (name := f"{service} -> {BROKER}") not in system.links]
        return cls(
            {
                "link": links,
                "service": list(system.services),
                "consumer": list(system.consumers),
                "journey": list(system.journeys),
                "saga": list(system.sagas),
            }
        )

    def unknown(self, document: Document, steps: Steps, kind: str, name: str) -> Problem | None:
        """The problem of a name that no `kind` of the system has, or None."""
        known = self.by_kind[kind]
        if name in known:
            return None
        remedy = did_you_mean(name, known, f"{kind}s")
        return document.problem(steps, f"{spelled(steps)}: unknown {kind} '{name}'", remedy)

    def in_model(self, document: Document, at: Steps, model: BaseModel) -> Iterator[Problem]:
        """Unknown names in the fields of a model that are links, or called service, consumer, journey or saga."""
        for name, kind in _referring(type(model)):
            value = getattr(model, name)
            for i, one in enumerate(value if isinstance(value, tuple) else (value,)):
                if isinstance(one, str):
                    steps = (*at, name, i) if isinstance(value, tuple) else (*at, name)
                    if problem := self.unknown(document, steps, kind, one):
                        yield problem


@lru_cache(maxsize=256)
def _referring(cls: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """(field, kind of name) of all fields that name something of the system."""
    found = []
    for name, info in cls.model_fields.items():
        if _is_link(info.annotation) or any(map(_parses_links, info.metadata)):
            found.append((name, "link"))
        elif name in _KINDS:
            found.append((name, name))
    return tuple(found)


def _is_link(annotation: Any) -> bool:
    return any(map(_parses_links, getattr(annotation, "__metadata__", ()))) or any(map(_is_link, get_args(annotation)))


def _parses_links(metadata: Any) -> bool:
    return isinstance(metadata, BeforeValidator) and metadata.func is parse_link_name
