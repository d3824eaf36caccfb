"""A flow as DOT text, for Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.architect.drawing.links import arrows_of
from flowlaunch.architect.drawing.measure import shorten
from flowlaunch.architect.drawing.words import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowlaunch.architect.drawing.links import Arrow
    from flowlaunch.architect.drawing.overlay import Overlay
    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.lint.paths import Paths, Point

__all__ = ["dot_of"]

_SHAPES: Final[Mapping[str, str]] = {
    "branch": "diamond",
    "loop": "hexagon",
    "end": "oval",
    "call": "component",
    "jump": "cds",
}
_MAX_CHARS: Final = 48


def dot_of(flow: Flow, overlay: Overlay | None = None) -> str:
    """Write a flow as a digraph: a cluster a state or task, a node an action."""
    ways, arrows = arrows_of(flow)
    lines = [
        f"digraph {_quote(flow.name)} {{",
        f"  label={_quote(flow.name)}; labelloc=t; rankdir=TB; compound=true;",
        '  node [shape=box, style=rounded, fontname="sans-serif", fontsize=11];',
        '  edge [fontname="sans-serif", fontsize=10];',
    ]
    for entry in ways.entries.values():
        lines += _cluster(flow, ways, ways.points[entry], overlay)
    lines += [_arrow(arrow, overlay, ways) for arrow in arrows if arrow.end >= 0]
    return "\n".join([*lines, "}"]) + "\n"


def _quote(text: str) -> str:
    """Quote a text; a line break in it becomes DOT's own."""
    clean = "".join(char if char.isprintable() or char == "\n" else " " for char in text)
    escaped = clean.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _cluster(flow: Flow, ways: Paths, entry: Point, overlay: Overlay | None) -> Iterator[str]:
    sequence = entry.sequence
    kind = "task" if sequence.kind == "module" else sequence.kind
    yield f"  subgraph cluster_{entry.number} {{"
    yield f"    label={_quote(f'{kind} {sequence.name}')}; style=rounded;"
    yield f'    n{entry.number} [label="start", shape=circle];'
    for point in ways.points:
        if point.sequence is not sequence:
            continue
        if point.action is not None:
            yield f"    n{point.number} [{_node(flow, point, overlay)}];"
        elif point.kind == "end" and any(edge.to == point.number for one in ways.points for edge in one.edges):
            yield f'    n{point.number} [label="end", shape=doublecircle];'
    yield "  }"


def _node(flow: Flow, point: Point, overlay: Overlay | None) -> str:
    if point.action is None:
        return ""
    words = words_of(point.action, flow)
    parts = [f"{words.kind}: {words.name}", *words.lines[:2]]
    extra = ""
    number = point.action.ref.number
    if overlay is not None:
        count = overlay.ran(number)
        parts += [f"{count} times" if count else "never ran", *overlay.values.get(number, ())[:3]]
        extra = (
            ", color=red" if number in overlay.failed else ", color=green4, penwidth=2" if count else ", style=dashed"
        )
    label = "\n".join(shorten(part, _MAX_CHARS) for part in parts)
    return f"label={_quote(label)}, tooltip={_quote(words.full)}, shape={_SHAPES.get(words.category, 'box')}{extra}"


def _arrow(arrow: Arrow, overlay: Overlay | None, ways: Paths) -> str:
    label = arrow.label
    action = ways.points[arrow.start].action
    if overlay is not None and action is not None and any(arrow.paths):
        label = f"{label} ({sum(overlay.took(action, path) for path in arrow.paths)})"
    marks = [f"label={_quote(shorten(label, _MAX_CHARS))}"] if label else []
    marks += ["style=dashed"] if arrow.is_call else []
    return f"  n{arrow.start} -> n{arrow.end}" + (f" [{', '.join(marks)}]" if marks else "") + ";"
