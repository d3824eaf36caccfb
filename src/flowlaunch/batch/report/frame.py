"""A plot's frame: the area between the axes, its grid, and its accessible name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.report.markup import Markup, joined, tag
from flowlaunch.batch.report.scales import count_text, ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Frame", "legend", "path_of"]

WIDTH: Final = 820
_LEFT: Final = 56
_RIGHT: Final = 18
_TOP: Final = 26
_BOTTOM: Final = 30


@dataclass(frozen=True, slots=True)
class Frame:
    """A plot area of `WIDTH` by `height`, with values from `x_low` to `x_high` across and 0 to `y_top` up."""

    x_low: float
    x_high: float
    y_top: float
    height: int = 250

    @property
    def right(self) -> float:
        """The right edge of the plot area."""
        return WIDTH - _RIGHT

    @property
    def top(self) -> float:
        """The upper edge of the plot area."""
        return _TOP

    @property
    def floor(self) -> float:
        """The lower edge of the plot area."""
        return self.height - _BOTTOM

    def x(self, value: float) -> float:
        """Tell where a value lies across, held inside the frame."""
        share = (value - self.x_low) / ((self.x_high - self.x_low) or 1)
        return _LEFT + (self.right - _LEFT) * min(max(share, 0.0), 1.0)

    def y(self, value: float) -> float:
        """Tell how high a value lies, held inside the frame."""
        return self.floor - (self.floor - _TOP) * min(max(value / self.y_top, 0.0), 1.0)

    def grid(self, unit: str) -> Markup:
        """Draw the horizontal lines with their values, and the unit above them."""
        lines = [
            joined(
                tag("line", x1=_LEFT, x2=self.right, y1=self.y(value), y2=self.y(value), class_="grid"),
                tag("text", count_text(value), x=_LEFT - 8, y=self.y(value) + 4, class_="tick end"),
            )
            for value in ticks(self.y_top)
        ]
        return joined(*lines, tag("text", unit, x=4, y=14, class_="unit"))

    def time_axis(self, marks: Iterable[tuple[float, str]]) -> Markup:
        """Draw the line below with a label at each mark; labels that would touch the one before are left out."""
        drawn, free_from = [], 0.0
        for value, label in marks:
            x = self.x(value)
            half = len(label) * 3.4
            if x - half < free_from or x + half > WIDTH:
                continue
            free_from = x + half + 6
            drawn.append(tag("line", x1=x, x2=x, y1=self.floor, y2=self.floor + 4, class_="axis"))
            drawn.append(tag("text", label, x=x, y=self.floor + 18, class_="tick middle"))
        return joined(tag("line", x1=_LEFT, x2=self.right, y1=self.floor, y2=self.floor, class_="axis"), *drawn)

    def drawing(self, name: str, title: str, about: str, *parts: Markup) -> Markup:
        """Put the parts together as one image that has a title and a description for those who hear it."""
        return tag(
            "svg",
            tag("title", title, id=f"{name}-title"),
            tag("desc", about, id=f"{name}-about"),
            *parts,
            viewBox=f"0 0 {WIDTH} {self.height}",
            role="img",
            aria_labelledby=f"{name}-title {name}-about",
            class_="plot",
        )


def path_of(points: Sequence[tuple[float, float]], *, closed: bool = False) -> str:
    """Spell a line through points as the `d` of a path."""
    body = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f"M{body}Z" if closed else f"M{body}"


def legend(entries: Iterable[tuple[str, str]]) -> Markup:
    """List colour classes with what they stand for."""
    items = [tag("li", tag("span", class_=f"swatch {colour}", aria_hidden="true"), text) for colour, text in entries]
    return tag("ul", *items, class_="legend")
