"""`${…}` in the system file: well-formed, of a known kind, of a known name, and in no circle.

Works on the plain document, so that placeholders are checked even where other things are still wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chaoskit.errors import Problem
from chaoskit.files.document import Document, Steps
from chaoskit.files.suggestion import closest, did_you_mean
from chaoskit.files.validation import spelled
from chaoskit.model.placeholder import BARE_KINDS, NAMED_KINDS, Placeholder, placeholders
from chaoskit.model.system import BROKER, parse_link_name

_KINDS = (*NAMED_KINDS, *BARE_KINDS)


def placeholder_problems(document: Document) -> Iterator[Problem]:
    """All that is wrong with placeholders in a system document."""
    services = _mapping(document, "services")
    links = _link_names(document, services)
    uses: dict[str, dict[str, Steps]] = {}
    for steps, text in document.texts():
        try:
            found = list(placeholders(text))
        except ValueError as error:
            yield document.problem(steps, f"{spelled(steps)}: {error}", _kind_remedy(str(error)))
            continue
        for one in found:
            if problem := _unknown_name(document, steps, one, services, links):
                yield problem
            if holder := _holder(steps):
                uses.setdefault(holder, {})[one.key] = steps
    yield from _circles(document, uses)


def _unknown_name(
    document: Document, steps: Steps, one: Placeholder, services: Mapping[str, Any], links: list[str]
) -> Problem | None:
    message, remedy = "", ""
    if one.kind == "link" and one.name not in links:
        if (match := closest(one.name, links)) and _normal(match) is None:
            return None  # its name is what is wrong, and is reported
        message, remedy = f"unknown link '{one.name}'", did_you_mean(one.name, links, "links")
    elif one.kind in ("port", "service", "broker") and one.name not in services:
        message, remedy = f"unknown service '{one.name}'", did_you_mean(one.name, services, "services")
    elif one.kind == "service" and not _url_of(services, one.name):
        message, remedy = f"service '{one.name}' has no url", f"add services.{one.name}.url"
    elif one.kind == "broker" and not _mapping_given(document, "broker") and f"{one.name} -> {BROKER}" not in links:
        message, remedy = "the system has no broker", "add 'broker: {kind: rabbitmq}'"
    return document.problem(steps, f"{spelled(steps)}: {message} in ${{{one.key}}}", remedy) if message else None


def _holder(steps: Steps) -> str | None:
    """Whose address a text is: `services.a.url` belongs to `service:a`, `links.x.upstream` to `link:x`."""
    if len(steps) == 3 and steps[0] == "services" and steps[2] == "url":
        return f"service:{steps[1]}"
    if len(steps) == 3 and steps[0] == "links" and steps[2] == "upstream":
        return f"link:{_normal(str(steps[1])) or steps[1]}"
    return None


def _circles(document: Document, uses: Mapping[str, Mapping[str, Steps]]) -> Iterator[Problem]:
    """Each circle of addresses once, at its first member."""
    done: set[str] = set()
    for start in uses:
        way = [start]
        while way[-1] in uses and way[-1] not in done:
            following = next((key for key in uses[way[-1]] if key in uses), None)
            if following is None:
                break
            if following in way:
                circle = [*way[way.index(following) :], following]
                at = uses[circle[0]][circle[1]]
                shown = " → ".join(f"${{{key}}}" for key in circle)
                yield document.problem(
                    at, f"{spelled(at)}: placeholders in a circle: {shown}", "give one of them an address"
                )
                break
            way.append(following)
        done.update(way)


def _kind_remedy(error: str) -> str:
    """For a ValueError of the grammar: the kind that was meant, or all kinds."""
    if not error.startswith("unknown placeholder"):
        return "$${ stands for a literal ${"
    inside = error.partition("${")[2]
    kind = inside.partition(":")[0].rstrip("}'").strip()
    if match := closest(kind, _KINDS):
        return f"did you mean '{match}'?"
    return f"kinds: {', '.join(_KINDS)}; $${{ stands for a literal ${{"


def _link_names(document: Document, services: Mapping[str, Any]) -> list[str]:
    links = [_normal(name) or name for name in _mapping(document, "links")]
    implied = [f"{service} -> {BROKER}" for service in services] if _mapping_given(document, "broker") else []
    return links + [name for name in implied if name not in links]


def _normal(name: str) -> str | None:
    """The link's name in its one spelling; None if it is none."""
    try:
        return parse_link_name(name)
    except ValueError:
        return None


def _mapping(document: Document, key: str) -> Mapping[str, Any]:
    value = document.value.get(key)
    return value if isinstance(value, dict) else {}


def _mapping_given(document: Document, key: str) -> bool:
    return document.value.get(key) is not None


def _url_of(services: Mapping[str, Any], name: str) -> bool:
    service = services[name]
    return isinstance(service, dict) and service.get("url") is not None
