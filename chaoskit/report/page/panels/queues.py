"""Each queue's depth (ready and unacknowledged messages) and what its dead letter queue holds."""

from __future__ import annotations

from collections.abc import Sequence

from chaoskit.model.event import QueueSeen
from chaoskit.report.page.panel import Panel, Series
from chaoskit.report.page.scene import Scene


def panels(scene: Scene) -> list[Panel]:
    """One panel a consumer's queue that ever held something; its dead letter queue is drawn with it."""
    queues: dict[str, list[QueueSeen]] = {}
    for event in scene.of(QueueSeen):
        queues.setdefault(event.queue, []).append(event)
    partners = _dead_letter_queues(scene, list(queues))
    found = []
    for queue, rows in queues.items():
        if queue in partners.values():
            continue
        dead = queues.get(partners.get(queue, ""), [])
        if any(e.ready or e.unacked > 0 for e in [*rows, *dead]):
            found.append(_panel(scene, queue, rows, dead))
    return found


def _panel(scene: Scene, queue: str, rows: list[QueueSeen], dead: list[QueueSeen]) -> Panel:
    series = [Series("ready", "strong", _last_known(scene, [(e.t, e.ready) for e in rows]))]
    if any(e.unacked >= 0 for e in rows):
        series.append(Series("unacked", "faint", _last_known(scene, [(e.t, max(0, e.unacked)) for e in rows])))
    if dead:
        series.append(Series("dead letters", "degraded", _last_known(scene, [(e.t, e.ready) for e in dead])))
    subject = _consumer_of(scene, queue)
    return Panel(f"queue-{queue}", f"Queue {queue}", "messages", "lines", tuple(series), subject=subject)


def _last_known(scene: Scene, seen: Sequence[tuple[float, int]]) -> tuple[float | None, ...]:
    """The last value seen in or before each bucket; None before the first look."""
    values: list[float | None] = []
    position, value = 0, None
    for bucket in range(scene.axis.count):
        end = scene.axis.bucket_start(bucket + 1)
        while position < len(seen) and seen[position][0] < end:
            value = float(seen[position][1])
            position += 1
        values.append(value)
    return tuple(values)


def _dead_letter_queues(scene: Scene, names: list[str]) -> dict[str, str]:
    """Queue → its dead letter queue: as the system file says, else by the usual suffix."""
    declared = {c.queue: c.dead_letter for c in (scene.system.consumers if scene.system else {}).values()}
    found = {queue: dead for queue, dead in declared.items() if dead}
    for queue in names:
        for suffix in (".dlq", "-dlq", "_dlq", ".dead", ".dead-letter"):
            if queue + suffix in names:
                found.setdefault(queue, queue + suffix)
    return found


def _consumer_of(scene: Scene, queue: str) -> str:
    consumers = scene.system.consumers if scene.system else {}
    named = (name for name, consumer in consumers.items() if consumer.queue == queue)
    return next(named, queue.split(".")[0])
