"""A flow as Mermaid text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.architect.drawing.links import arrows_of
from flowlaunch.architect.drawing.measure import shorten
from flowlaunch.architect.drawing.words import Words, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowlaunch.architect.drawing.links import Arrow
    from flowlaunch.architect.drawing.overlay import Overlay
    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.lint.paths import Paths, Point

__all__ = ["mermaid_of"]

_ESCAPES: Final[Mapping[int, str]] = str.maketrans(
    {'"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "#": "#35;", "`": "#96;", "|": "#124;", "\\": "#92;"}
)
_SHAPES: Final[Mapping[str, tuple[str, str]]] = {
    "branch": ("{", "}"),
    "loop": ("{{", "}}"),
    "end": ("([", "])"),
    "call": ("[[", "]]"),
    "jump": ("[/", "/]"),
    "wait": ("(", ")"),
}
_MAX_CHARS: Final = 48


def mermaid_of(flow: Flow, overlay: Overlay | None = None) -> str:
    """Write a flow as a Mermaid flowchart: a subgraph a state or task, a node an action."""
    ways, arrows = arrows_of(flow)
    lines = ["---", f"title: {_title(flow)}", "---", "flowchart TD"]
    for entry in ways.entries.values():
        lines += _subgraph(flow, ways, ways.points[entry], overlay)
    lines += [_arrow(arrow, overlay, ways) for arrow in arrows if arrow.end >= 0]
    return "\n".join([*lines, *_styles(overlay)]) + "\n"


def _title(flow: Flow) -> str:
    """Quote the title as YAML does."""
    name = " ".join("".join(char if char.isprintable() else " " for char in flow.name).split())
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\u003c").replace(">", "\\u003e")
    return f'"{escaped}"'


def _escape(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text).translate(_ESCAPES)


def _subgraph(flow: Flow, ways: Paths, entry: Point, overlay: Overlay | None) -> Iterator[str]:
    sequence = entry.sequence
    kind = "task" if sequence.kind == "module" else sequence.kind
    yield f'  subgraph g{entry.number}["{kind} {_escape(shorten(sequence.name, _MAX_CHARS))}"]'
    yield f"    n{entry.number}((start))"
    for point in ways.points:
        if point.sequence is not sequence:
            continue
        if point.action is not None:
            words = words_of(point.action, flow)
            before, after = _SHAPES.get(words.category, ("[", "]"))
            marked = _class(point, overlay)
            yield f'    n{point.number}{before}"{_label(words, point, overlay)}"{after}{marked}'
        elif point.kind == "end" and any(edge.to == point.number for one in ways.points for edge in one.edges):
            yield f"    n{point.number}(((end)))"
    yield "  end"


def _label(words: Words, point: Point, overlay: Overlay | None) -> str:
    parts = [f"{words.kind}: {words.name}", *words.lines[:2]]
    if overlay is not None and point.action is not None:
        parts += [_count(overlay, point.action.ref.number), *overlay.values.get(point.action.ref.number, ())[:3]]
    return "<br/>".join(_escape(shorten(part, _MAX_CHARS)) for part in parts if part)


def _count(overlay: Overlay, number: int) -> str:
    count = overlay.ran(number)
    if overlay.kind == "run":
        return f"step {', '.join(map(str, overlay.order.get(number, ())[:4]))}" if count else ""
    return f"{count} times" if count else "never ran"


def _class(point: Point, overlay: Overlay | None) -> str:
    if overlay is None or point.action is None:
        return ""
    if point.action.ref.number in overlay.failed:
        return ":::failed"
    return ":::ran" if overlay.ran(point.action.ref.number) else ":::missed"


def _arrow(arrow: Arrow, overlay: Overlay | None, ways: Paths) -> str:
    label = arrow.label
    action = ways.points[arrow.start].action
    if overlay is not None and action is not None and any(arrow.paths):
        label = f"{label} ({sum(overlay.took(action, path) for path in arrow.paths)})"
    line = "-.->" if arrow.is_call else "-->"
    text = f'|"{_escape(shorten(label, _MAX_CHARS))}"|' if label else ""
    return f"  n{arrow.start} {line}{text} n{arrow.end}"


def _styles(overlay: Overlay | None) -> Iterator[str]:
    if overlay is not None:
        yield "  classDef ran stroke:#1a7f37,stroke-width:3px"
        yield "  classDef missed stroke:#cf222e,stroke-dasharray:4 3"
        yield "  classDef failed stroke:#cf222e,stroke-width:4px"
