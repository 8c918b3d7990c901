"""Evidence of a consumer, written line by line."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from chaoskit.model.event import (
    Effect,
    Event,
    FaultAsked,
    FaultConfirmed,
    FaultHit,
    FaultReverted,
    MessageDeadLettered,
    MessagePublished,
    QueueSeen,
    SagaSeen,
    Sample,
    ScenarioEnded,
)
from chaoskit.model.evidence import Evidence, evidence_of
from chaoskit.model.plan import ScenarioPlan

CONSUMER = "inventory"


@dataclass(slots=True)
class Messages:
    """Events in the order of the calls; `t` moves on by 10 ms with each unless told."""

    events: list[Event] = field(default_factory=list)
    t: float = 0.0
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def _add(self, event_type: type[Event], t: float | None = None, **fields: Any) -> None:
        self.t = self.t + 0.01 if t is None else t
        self.events.append(event_type(t=self.t, **fields))

    def fault(self, name: str = "duplicate", target: str = CONSUMER, hits: int = 1) -> Messages:
        self._add(FaultAsked, fault="f1", name=name, target=target, params="{}")
        self._add(FaultConfirmed, fault="f1", name=name, target=target)
        if hits:
            self._add(FaultHit, fault="f1", count=hits)
        return self

    def healed(self, t: float | None = None) -> Messages:
        at = self.t + 0.01 if t is None else t
        self._add(FaultReverted, at, fault="f1", asked_t=at)
        return self

    def accepted(self, *keys: str, status: int = 202, name: str = "POST /orders", field_: str = "id") -> Messages:
        for key in keys:
            body = json.dumps({field_: key})
            self._add(
                Sample, name=name, due=self.t, latency_ms=3, service_ms=3, status=status, ok=status < 400, body=body
            )
        return self

    def sent(self, purpose: str, *keys: str, detail: str = "", confirmed: bool = True) -> Messages:
        for key in keys:
            self._add(
                MessagePublished,
                consumer=CONSUMER,
                queue="q",
                message=f"m{next(self.numbers)}",
                key=key,
                purpose=purpose,
                confirmed=confirmed,
                detail=detail,
            )
        return self

    def poison(self, mutant: str, *, dead: bool, message: str = "", confirmed: bool = True) -> Messages:
        message = message or f"p{next(self.numbers)}"
        fields = {"consumer": CONSUMER, "queue": "q", "message": message, "key": ""}
        self._add(MessagePublished, purpose="poison", confirmed=confirmed, detail=mutant, **fields)
        if dead:
            self._add(MessageDeadLettered, reason="rejected", **{**fields, "queue": "q.dlq"})
        return self

    def dead(self, key: str, message: str = "") -> Messages:
        self._add(MessageDeadLettered, consumer=CONSUMER, queue="q.dlq", message=message, key=key, reason="rejected")
        return self

    def queue(self, ready: int, unacked: int = 0, consumers: int = 1, t: float | None = None) -> Messages:
        self._add(QueueSeen, t, queue="q", ready=ready, unacked=unacked, consumers=consumers)
        return self

    def effects(self, counts: dict[str, int], *, last: bool = True) -> Messages:
        for key, count in counts.items():
            self._add(Effect, consumer=CONSUMER, key=key, count=count, last=last)
        return self

    def saga(self, key: str, state: str, t: float | None = None, last: bool = True, **fields: Any) -> Messages:
        success = state == "confirmed"
        values = {
            "books": {"payment": 30.0 if success else 0.0},
            "compensations": {"inventory": 0 if success else 1},
            "expected": {"payment": 30.0 if success else 0.0} if state in ("confirmed", "cancelled") else {},
            **fields,
        }
        self._add(SagaSeen, t, saga="checkout", key=key, state=state, last=last, **values)
        return self

    def ended(self, t: float | None = None) -> Messages:
        self._add(ScenarioEnded, self.t + 5.0 if t is None else t, reason="decided")
        return self

    def evidence(self, plan: ScenarioPlan) -> Evidence:
        return evidence_of(plan, self.events)


def keys(count: int, prefix: str = "k") -> list[str]:
    """k0, k1, …"""
    return [f"{prefix}{n}" for n in range(count)]
