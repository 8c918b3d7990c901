"""The systems whose runs are killed: the tiny one, and the same with a consumer on somebody else's broker."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fixtures.rabbitmq import Rabbit
from tests.service.message_consumer import DEAD, EXCHANGE, QUEUE, ROUTING_KEY, SAMPLE
from tests.service.tiny.project import SYSTEM, Project

LINK_FAULTS = """\
scenario: Slow, then down
rule: 3
load: {journey: look, rate: 30/s}
steady: {p95: 250ms, errors: 0%}
faults:
  - {at: 300ms, for: 1200ms, link: front -> back, latency: 50ms}
  - {at: 600ms, for: 600ms, link: front -> back, jitter: 5ms, latency: 10ms}
expect: [{errors: {at_most: 0%}}]
"""

DUPLICATES = f"""\
scenario: Everything twice, on a slow link
rule: 4
load: {{journey: look, rate: 30/s}}
messages: {{publish: {ROUTING_KEY}, exchange: {EXCHANGE}, from: sample.json, count: 40, rate: 30/s}}
faults:
  - {{at: 300ms, for: 1200ms, link: front -> back, latency: 50ms}}
  - {{at: 350ms, for: 900ms, consumer: inventory, duplicate: [adjacent, late], delay: 300ms}}
expect:
  - errors: {{at_most: 0%}}
  - idempotent: inventory
"""

AFTERWARDS = """\
scenario: A run after the killed one
faults: [{at: 1ms, link: front -> back, latency: 20ms}]
expect: [{probe: "GET {front}/", within: 5s}]
"""
"""Short, but with the same services, engines and links."""

SCENARIOS = {"links": LINK_FAULTS, "messages": DUPLICATES}


def write_project(folder: Path, kind: str, *, vhost: Rabbit | None = None, effects: str = "") -> Project:
    """A project of this kind (see SCENARIOS) in a new folder; with a foreign broker where messages are its subject."""
    folder.mkdir(parents=True)
    system = SYSTEM
    if vhost is not None:
        (folder / "sample.json").write_text(json.dumps({**SAMPLE, "orderId": "{key}"}))
        system += _consumer(vhost, effects)
        system = system.replace("services:\n", f"services:\n  world: {{url: {effects}}}\n")
    project = Project(folder, SCENARIOS[kind], system)
    (folder / "two.chaos.yaml").write_text(AFTERWARDS)
    return project


def _consumer(vhost: Rabbit, effects: str) -> str:
    return f"""\
broker: {{kind: rabbitmq, url: "{vhost.url}", management_url: "{vhost.management_url}"}}
consumers:
  inventory:
    queue: {QUEUE}
    dead_letter: {DEAD}
    exchange: {EXCHANGE}
    routing_key: {ROUTING_KEY}
    key: orderId
    message: sample.json
    effect: {{http: "GET {{world}}/effects?orderId={{key}}", count: $.items}}
"""
