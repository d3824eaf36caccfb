"""A layout as one SVG file that needs nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from flowlaunch.architect.drawing.layout import lay_out
from flowlaunch.architect.drawing.measure import fit, sans_width
from flowlaunch.architect.drawing.sizes import LINE_HEIGHT
from flowlaunch.architect.drawing.style import CATEGORY_TITLES, svg_style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.architect.drawing.overlay import Overlay
    from flowlaunch.architect.drawing.shapes import Box, Line, Picture, Pill
    from flowlaunch.architect.flow import Flow

__all__ = ["plain", "svg_of"]

_HEADING: Final = 74.0
_RADIUS: Final = 7.0
_TONES: Final = ("", "idle", "missed", "ran", "failed")
"""What is drawn later lies on top."""
_INVALID: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    """Escape a text for XML, and drop what XML cannot hold."""
    return escape(_INVALID.sub("\ufffd", text), {'"': "&quot;", "'": "&#39;"})


def svg_of(flow: Flow, overlay: Overlay | None = None, *, styled: bool = True) -> str:
    """Draw a flow as SVG: self-contained, without scripts, in light or dark as the reader's system is.

    `styled` False leaves the style out, for a page whose policy allows no inline style: it gets `svg_style` elsewhere.
    """
    picture = lay_out(flow, overlay, _HEADING)
    picture.width = max(picture.width, 760.0)
    count = sum(box.kind == "card" for box in picture.boxes)
    width, height = _n(picture.width), _n(picture.height)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="group" aria-labelledby="flow-title flow-desc">',
        f'<title id="flow-title">{plain(flow.name)}</title>',
        f'<desc id="flow-desc">{plain(_description(flow, count, overlay))}</desc>',
        *([f"<style>{svg_style()}</style>"] if styled else ()),
        f'<rect class="page" width="{width}" height="{height}"/>',
        *_heading(flow, picture, count, overlay),
        *_body(picture),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _summary(flow: Flow, count: int) -> str:
    parts = [_counted(len(flow.states), "state")] if flow.states else []
    parts += [_counted(len(flow.tasks), "task")] if flow.tasks else []
    kind = "Workflow" if flow.type == "workflow" else "Common module"
    return f"{kind}, {', '.join([*parts, _counted(count, 'action')])}"


def _description(flow: Flow, count: int, overlay: Overlay | None) -> str:
    about = f" {flow.description.strip()}" if flow.description.strip() else ""
    return f"{_summary(flow, count)}.{about}{f' {overlay.title}.' if overlay else ''}"


def _heading(flow: Flow, picture: Picture, count: int, overlay: Overlay | None) -> Iterator[str]:
    room = picture.width - 60
    yield f'<text class="title" x="28" y="44">{plain(fit(flow.name, room, 20, bold=True))}</text>'
    summary = _summary(flow, count) + (f" \u00b7 {overlay.title}" if overlay else "")
    yield f'<text class="sub soft" x="28" y="66">{plain(fit(summary, room, 12))}</text>'
    used = {box.words.category for box in picture.boxes if box.words is not None}
    x = 28.0
    for category, title in CATEGORY_TITLES.items():
        if category in used and x + sans_width(title, 11) + 40 < picture.width:
            yield f'<rect class="c-{category}" x="{_n(x)}" y="80" width="9" height="9" rx="2"/>'
            yield f'<text class="fsub soft" x="{_n(x + 14)}" y="88.5">{plain(title)}</text>'
            x += sans_width(title, 11) + 32


def _body(picture: Picture) -> Iterator[str]:
    """Draw frames first, then lines, cards and labels, so that nothing hides a text."""
    for box in picture.boxes:
        if box.kind == "frame":
            yield from _frame(box)
        elif box.kind == "loop":
            yield _rect("loopbox", box, 12, box.full)
    for line in sorted(picture.lines, key=lambda one: _TONES.index(one.tone)):
        yield from _line(line)
    for box in picture.boxes:
        if box.kind == "card":
            yield from _card(box)
        elif box.kind in {"start", "end"}:
            yield from _mark(box)
    for pill in picture.pills:
        yield from _pill(pill)


def _rect(style: str, box: Box, radius: float, title: str = "") -> str:
    place = f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="{_n(radius)}"'
    return f'<rect class="{style}" {place}>{f"<title>{plain(title)}</title>" if title else ""}</rect>'


def _frame(box: Box) -> Iterator[str]:
    yield f'<g id="{box.anchor}">'
    yield _rect("frame", box, 14, box.full)
    tag = sans_width(box.badge, 10) + 18
    right = box.x + box.width - 18
    yield f'<rect class="pill" x="{_n(right - tag)}" y="{_n(box.y + 15)}" width="{_n(tag)}" height="18" rx="9"/>'
    yield f'<text class="tag soft" x="{_n(right - tag / 2)}" y="{_n(box.y + 27.5)}">{plain(box.badge)}</text>'
    yield f'<text class="fname" x="{_n(box.x + 22)}" y="{_n(box.y + 29)}">{plain(box.title)}</text>'
    if box.subtitle:
        yield f'<text class="fsub soft" x="{_n(box.x + 22)}" y="{_n(box.y + 46)}">{plain(box.subtitle)}</text>'
    yield "</g>"


def _card(box: Box) -> Iterator[str]:
    words = box.words
    if words is None:
        return
    is_end = words.category == "end"
    tone = f" {box.tone}" if box.tone else ""
    faded = ' class="faded"' if box.tone == "idle" else ""
    yield f'<a href="#{box.anchor}"{faded}>' if box.anchor else f"<g{faded}>"
    yield _rect(f"card{' endcard' if is_end else ''}{tone}", box, 20 if is_end else 9, box.full)
    left = box.x + (18 if is_end else 16)
    if is_end:
        yield f'<circle class="c-end" cx="{_n(box.x + 17)}" cy="{_n(box.y + 14.5)}" r="4"/>'
        left = box.x + 26
    else:
        yield _bar(box, words.category)
    room = box.x + box.width - left - 12
    badge = sans_width(box.badge, 10) + 8 if box.badge else 0
    kind = fit(words.kind.upper(), room - badge, 9.5)
    yield f'<text class="kind c-{words.category}" x="{_n(left)}" y="{_n(box.y + 17.5)}">{plain(kind)}</text>'
    name = plain(fit(words.name, room, 12.5, bold=True))
    yield f'<text class="name" x="{_n(left)}" y="{_n(box.y + 33)}">{name}</text>'
    for number, line in enumerate(box.lines):
        y = box.y + 49 + number * LINE_HEIGHT
        style = "mono value" if line.role == "value" else "mono soft"
        yield f'<text class="{style}" x="{_n(left)}" y="{_n(y)}">{plain(line.text)}</text>'
    if box.badge:
        place = f'x="{_n(box.x + box.width - 11)}" y="{_n(box.y + 17.5)}"'
        yield f'<text class="badge{tone}" {place}>{plain(box.badge)}</text>'
    yield "</a>" if box.anchor else "</g>"


def _bar(box: Box, category: str) -> str:
    x, y, r, bottom = box.x, box.y, 9.0, box.y + box.height
    path = f"M{_n(x + r)} {_n(y)}a{_n(r)} {_n(r)} 0 0 0 {_n(-r)} {_n(r)}V{_n(bottom - r)}"
    return f'<path class="c-{category}" d="{path}a{_n(r)} {_n(r)} 0 0 0 {_n(r)} {_n(r)}h-3.5V{_n(y)}z"/>'


def _mark(box: Box) -> Iterator[str]:
    x, y, r = box.x + box.width / 2, box.y + box.height / 2, box.width / 2
    if box.kind == "start":
        dot = f'class="mark" cx="{_n(x)}" cy="{_n(y)}" r="{_n(r - 1)}"'
        yield f"<circle {dot}><title>{plain(box.full)}</title></circle>"
        return
    ring = f'class="ring" cx="{_n(x)}" cy="{_n(y)}" r="{_n(r - 1)}" stroke-width="1.6"'
    yield f"<circle {ring}><title>{plain(box.full)}</title></circle>"
    yield f'<circle class="mark" cx="{_n(x)}" cy="{_n(y)}" r="{_n(r - 4.5)}"/>'


def _pill(pill: Pill) -> Iterator[str]:
    tone = f" {pill.tone}" if pill.tone else ""
    place = f'x="{_n(pill.x)}" y="{_n(pill.y)}" width="{_n(pill.width)}" height="{_n(pill.height)}" rx="10"'
    yield f'<rect class="pill{tone}" {place}><title>{plain(pill.full)}</title></rect>'
    yield f'<text class="pt" x="{_n(pill.x + pill.width / 2)}" y="{_n(pill.y + 14)}">{plain(pill.text)}</text>'


def _line(line: Line) -> Iterator[str]:
    tone = f" {line.tone}" if line.tone else ""
    points = [point for number, point in enumerate(line.points) if number == 0 or point != line.points[number - 1]]
    yield f'<path class="line{tone}" d="{_path(points)}"/>'
    if line.has_arrow and len(points) > 1:
        (x0, y0), (x, y) = points[-2:]
        dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
        back = (x - 7 * dx, y - 7 * dy)
        corners = [(x, y), (back[0] - 4 * dy, back[1] + 4 * dx), (back[0] + 4 * dy, back[1] - 4 * dx)]
        shown = " ".join(f"{_n(a)},{_n(b)}" for a, b in corners)
        yield f'<polygon class="arrow{tone}" points="{shown}"/>'


def _path(points: list[tuple[float, float]]) -> str:
    """Give a path along right angles, its corners rounded."""
    found = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_RADIUS, _distance(before, corner) / 2, _distance(corner, after) / 2)
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        found.append(f"L{_n(start[0])} {_n(start[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(end[0])} {_n(end[1])}")
    found.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(found)


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(start: tuple[float, float], end: tuple[float, float], length: float) -> tuple[float, float]:
    distance = _distance(start, end)
    share = length / distance if distance else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
