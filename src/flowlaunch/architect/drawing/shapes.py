"""What a layout consists of: boxes, pills and lines with their places, in pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowlaunch.architect.drawing.words import Words

__all__ = ["Box", "Line", "Picture", "Pill", "Text"]


@dataclass(frozen=True, slots=True)
class Text:
    """One line of a card: `role` is `line` or `value`."""

    text: str
    role: str = "line"


@dataclass(frozen=True, slots=True)
class Box:
    """A frame of a state or task, the frame of a loop, a card, or a round mark.

    Attributes:
        kind: `frame`, `loop`, `card`, `start` or `end`.
        parent: index of the box it lies in; -1 for frames.
        tone: `ran`, `missed`, `failed` or "" without an overlay.
        badge: short text in the corner.
        anchor: of a frame, its id; of a card, the id of the frame that it goes to.

    """

    kind: str
    x: float
    y: float
    width: float
    height: float
    parent: int = -1
    title: str = ""
    subtitle: str = ""
    full: str = ""
    words: Words | None = None
    lines: tuple[Text, ...] = ()
    tone: str = ""
    badge: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Pill:
    """The label of a path, centred on its line."""

    x: float
    y: float
    width: float
    height: float
    text: str
    full: str
    parent: int
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line along points, with an arrow at its end if it leads into a box."""

    points: tuple[tuple[float, float], ...]
    has_arrow: bool = False
    tone: str = ""


@dataclass(slots=True)
class Picture:
    """A finished layout."""

    width: float = 0
    height: float = 0
    boxes: list[Box] = field(default_factory=list)
    pills: list[Pill] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
