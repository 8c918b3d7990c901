"""What a system says of itself must fit together: names that refer to each other, paths, patterns, request lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chaoskit.errors import Problem
from chaoskit.files.document import Document, Steps
from chaoskit.files.references import Names
from chaoskit.files.suggestion import did_you_mean
from chaoskit.files.validation import spelled
from chaoskit.model.json_path import PATH_PATTERN
from chaoskit.model.system import LocustJourney, System

_REQUEST_LINE = re.compile(r"^[A-Z]+ (\{(?P<service>[^{}]*)\}|https?://)\S*$")
_SEEDED = re.compile(r"\{seeded\.([^{}]*)\}")
_PATH_KEYS = ("count", "value", "key")
_PATH_SECTIONS = ("consumers", "sagas")


def system_problems(document: Document, system: System) -> Iterator[Problem]:
    """All that does not fit together in a system that is valid by itself."""
    names = Names.of(system)
    yield from _services(document, system, names)
    for name, consumer in system.consumers.items():
        yield from names.in_model(document, ("consumers", name), consumer)
    for steps, text in document.texts():
        if steps[0] in ("consumers", "sagas", "journeys") and steps[-1] == "http":
            yield from _request_line(document, steps, text, names)
        if steps[0] in _PATH_SECTIONS and steps[-1] in _PATH_KEYS and not re.match(PATH_PATTERN, text):
            yield document.problem(
                steps, f"{spelled(steps)}: not a path: '{text}'", "write for example $.order.id or id"
            )
        if steps[0] == "journeys":
            yield from _seeded(document, steps, text, system)
    for name, journey in system.journeys.items():
        yield from _journey(document, ("journeys", name), journey)


def _services(document: Document, system: System, names: Names) -> Iterator[Problem]:
    for name, service in system.services.items():
        at: Steps = ("services", name)
        for i, other in enumerate(service.depends_on):
            if problem := names.unknown(document, (*at, "depends_on", i), "service", other):
                yield problem
        if service.breaker_log is not None:
            yield from _pattern(document, (*at, "breaker_log"), service.breaker_log)
        if service.command is None and service.url is None:
            what = f"services.{name}: neither command nor url"
            yield document.problem(at, what, "say how to start it, or where it runs already")
    if circle := _start_circle(system):
        steps = ("services", circle[0], "depends_on")
        yield document.problem(steps, f"services wait for each other: {' → '.join(circle)}", "remove one depends_on")


def _start_circle(system: System) -> list[str]:
    """Services that depend on one another in a circle, the first repeated at the end; else nothing."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done or name not in system.services:
            return []
        for other in system.services[name].depends_on:
            if circle := visit(other, [*way, name]):
                return circle
        done.add(name)
        return []

    return next((circle for name in system.services if (circle := visit(name, []))), [])


def _pattern(document: Document, steps: Steps, pattern: str) -> Iterator[Problem]:
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        yield document.problem(steps, f"{spelled(steps)}: not a regular expression: {error}", "Python's re syntax")
        return
    if "state" not in groups:
        yield document.problem(steps, f"{spelled(steps)}: has no group 'state'", r"add (?P<state>\w+)")


def _request_line(document: Document, steps: Steps, text: str, names: Names) -> Iterator[Problem]:
    line = _REQUEST_LINE.match(text)
    if line is None:
        remedy = "write 'METHOD {service}/path', for example 'GET {order}/orders/1'"
        yield document.problem(steps, f"{spelled(steps)}: not a request: '{text}'", remedy)
    elif (service := line["service"]) is not None and (problem := names.unknown(document, steps, "service", service)):
        yield problem


def _seeded(document: Document, steps: Steps, text: str, system: System) -> Iterator[Problem]:
    for name in _SEEDED.findall(text):
        if not system.seeded.get(name):
            what = f"{spelled(steps)}: no seeded values named '{name}'"
            yield document.problem(steps, what, did_you_mean(name, system.seeded, "seeded"))


def _journey(document: Document, at: Steps, journey: Any) -> Iterator[Problem]:
    if isinstance(journey, LocustJourney):
        if not re.match(r"^[^:]+\.py:\w+$", journey.locust):
            steps = (*at, "locust")
            yield document.problem(steps, f"{spelled(steps)}: not a user class", "write 'path/to/file.py:ClassName'")
    elif not journey:
        yield document.problem(at, f"{spelled(at)}: no request", "write at least one {http: 'GET {service}/path'}")
