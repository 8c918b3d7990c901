"""One event in words, for the evidence tables: what kind of thing it was, and what it said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaoskit.model import event as ev
from chaoskit.report.page import wording

BODY_BYTES_MAX = 400


def describe(event: ev.Event) -> tuple[str, str]:
    """(what it was, what it said), plain text: `("call order → customer", "GET /c/7 · abandoned after 600 ms")`."""
    special = _SPECIAL.get(type(event))
    return special(event) if special else (event.kind, _fields(event))


def body_of(event: ev.Event) -> str:
    """The answer's first bytes, where the event carries any."""
    if not isinstance(event, ev.Sample) or event.body is None:
        return ""
    return event.body if len(event.body) <= BODY_BYTES_MAX else event.body[:BODY_BYTES_MAX] + " …"


def _sample(event: ev.Sample) -> tuple[str, str]:
    answer = event.error or f"status {event.status}"
    return (
        f"request {event.name}",
        f"{answer} after {wording.with_unit(event.latency_ms, 'ms')} from its intended start",
    )


def _call(event: ev.Call) -> tuple[str, str]:
    took = wording.with_unit((event.end - event.t) * 1000, "ms")
    status = f" {event.status}" if event.status else ""
    parts = [f"{event.method} {event.path}", f"{event.outcome}{status} after {took}", f"call {event.call}"]
    parts += [f"tap: {event.injected}"] if event.injected else []
    parts += [f"trace {event.trace}"] if event.trace else []
    return f"call {wording.name(event.link)}", " · ".join(parts)


def _confirmed(event: ev.FaultConfirmed) -> tuple[str, str]:
    return f"fault {event.fault} in force", f"{event.name} on {wording.name(event.target)}; {event.detail}".rstrip("; ")


def _reverted(event: ev.FaultReverted) -> tuple[str, str]:
    return f"fault {event.fault} gone", event.detail or "read back"


def _fields(event: ev.Event) -> str:
    values = ((name, getattr(event, name)) for name in event.__struct_fields__ if name not in ("t", "scenario"))
    return " · ".join(f"{name} {wording.name(str(value))}" for name, value in values if value not in ("", None))


_SPECIAL: dict[type[ev.Event], Callable[[Any], tuple[str, str]]] = {
    ev.Sample: _sample,
    ev.Call: _call,
    ev.FaultConfirmed: _confirmed,
    ev.FaultReverted: _reverted,
}
