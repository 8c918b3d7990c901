"""Which pieces of work the system took on, by business key. Pure."""

from __future__ import annotations

import json
from typing import Any

from chaoskit.model.event import MessagePublished
from chaoskit.model.evidence import Evidence
from chaoskit.model.json_path import read_path
from chaoskit.model.system import AcceptedBy, Consumer


def accepted_answers(evidence: Evidence, accepted_by: AcceptedBy) -> dict[str, Any]:
    """Business key → the parsed answer that accepted it, in order; answers whose body is no JSON are left out."""
    found: dict[str, Any] = {}
    for sample in evidence.samples(name=accepted_by.request):
        if sample.status == accepted_by.status and sample.body is not None:
            try:
                answer = json.loads(sample.body)
                found.setdefault(str(read_path(accepted_by.key, answer)), answer)
            except (ValueError, LookupError):
                continue
    return found


def keys_to_probe(evidence: Evidence, name: str, consumer: Consumer) -> list[str]:
    """Keys whose effect at a consumer matters: accepted by the load, or carried by good messages of ours."""
    keys: dict[str, None] = {}
    if consumer.accepted_by is not None:
        keys.update(dict.fromkeys(accepted_answers(evidence, consumer.accepted_by)))
    for message in evidence.of(MessagePublished):
        if message.consumer == name and message.key and message.purpose != "poison":
            keys.setdefault(message.key)
    return list(keys)
