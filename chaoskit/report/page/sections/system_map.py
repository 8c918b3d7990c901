"""The system's map: services as nodes, links coloured by the worst verdict on them, thick where a fault was put."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from chaoskit.model.event import Call, Connection
from chaoskit.model.system import BROKER, System
from chaoskit.model.verdict import Outcome, worst
from chaoskit.report.page import wording
from chaoskit.report.page.markup import Html, tag
from chaoskit.report.page.scene import Scene

_NODE_W, _NODE_H, _COLUMN_W, _ROW_H = 116, 34, 190, 62


class _Edge(Struct, frozen=True):
    caller: str
    callee: str
    subject: str
    protocol: str


def render(scenes: Sequence[Scene], sight: Mapping[str, str], system: System | None) -> Html | None:
    """The map with its legend, or None when no link is known."""
    edges = _edges(scenes, sight, system)
    if not edges:
        return None
    places = _places(edges)
    width = (max(x for x, _ in places.values()) + 1) * _COLUMN_W - _COLUMN_W + _NODE_W + 20
    height = (max(y for _, y in places.values()) + 1) * _ROW_H + 10
    verdicts = _verdicts(scenes)
    faulted = {band.target for scene in scenes for band in scene.bands if band.confirmed}
    drawn = [_draw_edge(edge, places, verdicts.get(edge.subject), edge.subject in faulted) for edge in edges]
    nodes = [_draw_node(name, *place) for name, place in places.items()]
    spoken = "; ".join(f"{e.caller} to {e.callee}: {verdicts.get(e.subject, 'not judged')}" for e in edges)
    svg = tag(
        "svg",
        *drawn,
        *nodes,
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=spoken,
    )
    note = tag(
        "p", "Colour: the worst verdict on a link. Thick: a fault was put on it. Dashed: messages.", class_="muted"
    )
    box = tag("div", svg, class_="scroll", tabindex=0, role="region", aria_label="Map, scrolls sideways")
    return tag("section", tag("h2", "The system"), box, note, id="map")


def _edges(scenes: Sequence[Scene], sight: Mapping[str, str], system: System | None) -> list[_Edge]:
    names = dict.fromkeys([*(system.links if system else ()), *sight])
    for scene in scenes:
        names |= dict.fromkeys(call.link for call in scene.of(Call))
        names |= dict.fromkeys(connection.link for connection in scene.of(Connection))
    protocols = {name: link.protocol for name, link in system.links.items()} if system else {}
    edges = []
    for name in names:
        caller, _, callee = name.partition(" -> ")
        if callee:
            edges.append(_Edge(caller, callee, name, "amqp" if callee == BROKER else protocols.get(name, "http")))
    for name, consumer in (system.consumers if system else {}).items():
        service = consumer.service or name
        edges = [e for e in edges if not (e.callee == BROKER and e.caller == service)]
        edges.append(_Edge(BROKER, service, name, "amqp"))
    return edges


def _places(edges: Sequence[_Edge]) -> dict[str, tuple[int, int]]:
    """Columns by distance from those that nobody calls; a cycle ends the walk."""
    column = {name: 0 for edge in edges for name in (edge.caller, edge.callee)}
    for _ in column:
        for edge in edges:
            if edge.caller != edge.callee and column[edge.callee] <= column[edge.caller] < len(column) - 1:
                back = any(e.caller == edge.callee and e.callee == edge.caller for e in edges)
                if not back or column[edge.callee] == column[edge.caller] == 0:
                    column[edge.callee] = column[edge.caller] + 1
    ranks = {c: i for i, c in enumerate(sorted(set(column.values())))}
    filled: dict[int, int] = {}
    places = {}
    for name in column:
        x = ranks[column[name]]
        places[name] = (x, filled.get(x, 0))
        filled[x] = filled.get(x, 0) + 1
    tallest = max(filled.values())
    offset = {x: (tallest - n) / 2 for x, n in filled.items()}
    return {name: (x, y + offset[x]) for name, (x, y) in places.items()}  # type: ignore[misc]


def _verdicts(scenes: Sequence[Scene]) -> dict[str, Outcome]:
    found: dict[str, list[Outcome]] = {}
    for scene in scenes:
        for verdict in scene.record.verdicts:
            found.setdefault(verdict.subject, []).append(verdict.outcome)
    return {subject: worst(outcomes) for subject, outcomes in found.items()}


def _draw_edge(edge: _Edge, places: Mapping[str, tuple[float, float]], verdict: Outcome | None, faulted: bool) -> Html:
    (x1, y1), (x2, y2) = places[edge.caller], places[edge.callee]
    forward = x2 > x1
    start_x = x1 * _COLUMN_W + 10 + (_NODE_W if forward or x1 == x2 else 0)
    end_x = x2 * _COLUMN_W + 10 + (0 if forward else _NODE_W)
    start_y, end_y = (y * _ROW_H + 5 + _NODE_H / 2 for y in (y1, y2))
    bend = (end_x - start_x) / 2 if x1 != x2 else 40
    turn = end_x - bend if x1 != x2 else end_x + bend
    curve = f"M{start_x:g} {start_y:g}C{start_x + bend:g} {start_y:g} {turn:g} {end_y:g} {end_x:g} {end_y:g}"
    words = [f"edge {verdict.value if verdict else 'unjudged'}"]
    words += ["faulted"] if faulted else []
    words += ["messages"] if edge.protocol == "amqp" else []
    title = f"{wording.name(edge.subject)} ({edge.protocol}): {verdict.value if verdict else 'not judged'}"
    return tag("path", tag("title", title), d=curve, class_=" ".join(words))


def _draw_node(name: str, column: float, row: float) -> Html:
    x, y = column * _COLUMN_W + 10, row * _ROW_H + 5
    box = tag("rect", x=f"{x:g}", y=f"{y:g}", width=_NODE_W, height=_NODE_H, rx=6)
    text = tag("text", wording.clipped(name, 15), x=f"{x + _NODE_W / 2:g}", y=f"{y + 21:g}", text_anchor="middle")
    return tag("g", tag("title", name), box, text, class_="node broker" if name == BROKER else "node")
