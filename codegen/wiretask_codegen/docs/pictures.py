"""State pictures as SVG: states in layers by their distance from the initial one, transitions as labelled curves.

Drawn by ourselves, so that the same spec gives the same octets everywhere. Colours follow the reader's light or dark
setting.
"""

from __future__ import annotations

from collections import defaultdict
from html import escape

from wiretask_codegen.model import Machine

_WIDTH, _HEIGHT = 132, 34
_GAP_X, _GAP_Y = 120, 64
_MARGIN = 28
_LETTER = 6.1
_STYLE = """
  text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; }
  .label { font-size: 10px; fill: #57606a; }
  rect { fill: #f6f8fa; stroke: #57606a; stroke-width: 1.2; }
  .initial { stroke-width: 2.4; }
  .final { fill: #eaeef2; stroke-dasharray: 4 2; }
  path { fill: none; stroke: #8c959f; stroke-width: 1.1; }
  .head { fill: #8c959f; stroke: none; }
  .back { fill: #ffffff; stroke: none; opacity: 0.85; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .label { fill: #9198a1; }
    rect { fill: #161b22; stroke: #9198a1; } .final { fill: #0d1117; }
    path { stroke: #6e7681; } .head { fill: #6e7681; } .back { fill: #0d1117; }
  }
"""


def picture(machine: Machine) -> str:
    """A machine as an SVG."""
    places = _places(machine)
    edges = _edges(machine)
    width = max(x for x, _ in places.values()) + _WIDTH + _MARGIN
    height = max(y for _, y in places.values()) + _HEIGHT + _MARGIN + 30
    # Curves first, then their labels, then the states: what is read lies on top.
    curves = [_curve(places[source], places[target], labels) for (source, target), labels in edges.items()]
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' role="img" aria-label="{escape(machine.about)}">'
        ),
        f"<style>{_STYLE}</style>",
        (
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
            ' orient="auto-start-reverse"><path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>'
        ),
    ]
    parts += [curve for curve, _ in curves]
    parts += [label for _, label in curves]
    for state in machine.states:
        x, y = places[state.name]
        kind = "initial" if state.name == machine.initial else "final" if state.final else "state"
        parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>')
        parts.append(f'<text x="{x + _WIDTH / 2:g}" y="{y + 21}" text-anchor="middle">{escape(state.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _edges(machine: Machine) -> dict[tuple[str, str], list[str]]:
    """The transitions that lead elsewhere, by source and target; the events that close are many and left out."""
    edges: dict[tuple[str, str], list[str]] = defaultdict(list)
    for state in machine.states:
        for event, target in machine.table[state.name].items():
            if target is not None and target != state.name and event != "close":
                edges[state.name, target].append(event)
    return edges


def _places(machine: Machine) -> dict[str, tuple[int, int]]:
    """Where each state lies: one column for each step that it is away from the initial state."""
    distance = {machine.initial: 0}
    waiting = [machine.initial]
    while waiting:
        source = waiting.pop(0)
        for event, target in machine.table[source].items():
            if target is not None and target not in distance and event != "close":
                distance[target] = distance[source] + 1
                waiting.append(target)
    last = max(distance.values())
    columns: dict[int, list[str]] = defaultdict(list)
    for state in machine.states:
        columns[distance.get(state.name, last + 1)].append(state.name)
    tallest = max(len(column) for column in columns.values())
    places: dict[str, tuple[int, int]] = {}
    for column, names in columns.items():
        top = _MARGIN + (tallest - len(names)) * (_HEIGHT + _GAP_Y) // 2
        for row, name in enumerate(names):
            places[name] = (_MARGIN + column * (_WIDTH + _GAP_X), top + row * (_HEIGHT + _GAP_Y))
    return places


def _curve(source: tuple[int, int], target: tuple[int, int], labels: list[str]) -> tuple[str, str]:
    sx, sy, tx, ty = float(source[0]), float(source[1]), float(target[0]), float(target[1])
    middle = _HEIGHT / 2
    if tx > sx:
        start, end = (sx + _WIDTH, sy + middle), (tx - 2.0, ty + middle)
        bend = max(40.0, (end[0] - start[0]) / 2)
        controls = ((start[0] + bend, start[1]), (end[0] - bend, end[1]))
    elif tx == sx:
        down = ty > sy
        start = (sx + _WIDTH * 0.62, sy + (float(_HEIGHT) if down else 0.0))
        end = (tx + _WIDTH * 0.62, ty - 2.0 if down else ty + _HEIGHT + 2.0)
        controls = ((start[0] + 30, (start[1] + end[1]) / 2), (end[0] + 30, (start[1] + end[1]) / 2))
    else:
        start, end = (sx + _WIDTH * 0.35, sy + _HEIGHT), (tx + _WIDTH * 0.65, ty + _HEIGHT + 2.0)
        low = max(sy, ty) + _HEIGHT + 52.0
        controls = ((start[0], low), (end[0], low))
    path = (
        f"M{start[0]:g} {start[1]:g} C{controls[0][0]:g} {controls[0][1]:g}"
        f" {controls[1][0]:g} {controls[1][1]:g} {end[0]:g} {end[1]:g}"
    )
    x = (start[0] + 3 * controls[0][0] + 3 * controls[1][0] + end[0]) / 8
    y = (start[1] + 3 * controls[0][1] + 3 * controls[1][1] + end[1]) / 8
    return f'<path d="{path}" marker-end="url(#arrow)"/>', _label(labels, x, y)


def _label(labels: list[str], x: float, y: float) -> str:
    shown = labels if len(labels) <= 3 else [*labels[:2], f"… {len(labels) - 2} more"]
    parts: list[str] = []
    for index, text in enumerate(shown):
        line = y + (index - (len(shown) - 1) / 2) * 12
        width = len(text) * _LETTER * 0.92 + 4
        parts.append(
            f'<rect class="back" x="{x - width / 2:g}" y="{line - 8:g}" width="{width:g}" height="12"/>'
            f'<text class="label" x="{x:g}" y="{line + 2:g}" text-anchor="middle">{escape(text)}</text>'
        )
    return "".join(parts)
