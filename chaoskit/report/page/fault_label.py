"""A fault in a few words, as its author would say it: `latency 900ms, jitter 50ms`, and not all of its defaults."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from chaoskit.model.event import FaultAsked, FaultConfirmed
from chaoskit.model.plan import PlannedFault, ScenarioPlan
from chaoskit.model.quantity import format_duration, parse_duration, parse_ratio
from chaoskit.report.page import wording

_SAID_ELSEWHERE = frozenset({"at", "for_", "link", "consumer", "broker", "service"})


def fault_label(name: str, planned: PlannedFault | None, params: str = "") -> str:
    """The fault's name with what was set of it; `params` as recorded is used where it is prose and no plan is known."""
    if planned is None:
        return f"{name} {params}".strip() if not params.startswith("{") else name
    said = [name]
    extras = []
    for key, value in _set_values(planned.spec):
        text = _value(planned.spec, key, value)
        if key == planned.spec.keyword:
            said += [text] if text else []
        elif text:
            extras.append(f"{key.rstrip('_').replace('_', ' ')} {text}")
    return ", ".join([" ".join(said), *extras])


def planned_fault(plan: ScenarioPlan | None, event: FaultAsked | FaultConfirmed) -> PlannedFault | None:
    """The plan's entry for an event's fault."""
    return next((fault for fault in plan.faults if fault.id == event.fault), None) if plan else None


def _set_values(spec: BaseModel) -> list[tuple[str, Any]]:
    fields = type(spec).model_fields
    rows = ((key, getattr(spec, key)) for key in fields if key not in _SAID_ELSEWHERE)
    return [(key, value) for key, value in rows if fields[key].is_required() or value != fields[key].default]


def _value(spec: BaseModel, key: str, value: Any) -> str:
    parsers = {getattr(note, "func", None) for note in type(spec).model_fields[key].metadata}
    if value is True or value in ("", None):
        return ""
    if isinstance(value, float) and parse_duration in parsers:
        return format_duration(value)
    if isinstance(value, float) and parse_ratio in parsers:
        return f"{wording.number(value * 100)}%"
    if isinstance(value, (list, tuple)):
        return " ".join(str(part) for part in value)
    return wording.clipped(wording.number(value) if isinstance(value, float) else str(value), 40)
