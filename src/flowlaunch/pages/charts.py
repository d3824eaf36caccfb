"""Small SVG charts: bars over time and shares of a whole, with their figures in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Bar", "Part", "bars", "share"]

HEIGHT: Final = 100.0
STEP: Final = 10.0
GAP: Final = 2.0
WHOLE: Final = 1_000.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: stacked amounts as (tone, value), from the bottom up, and what the bar is."""

    label: str
    amounts: tuple[tuple[str, float], ...]

    @property
    def total(self) -> float:
        """Give the height of the whole bar."""
        return sum(value for _, value in self.amounts)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a whole."""

    name: str
    value: float
    tone: str


def bars(columns: Sequence[Bar], title: str, *, limit: float | None = None) -> Markup:
    """Draw bars over time, stretched to whatever width there is; `limit` is drawn as a line across."""
    top = max([column.total for column in columns] + [limit * 1.1 if limit else 0.0, 1.0])
    width = max(len(columns), 1) * STEP
    drawn = Markup("").join(_column(index * STEP, column, top) for index, column in enumerate(columns))
    line = Markup("")
    if limit:
        y = _n(HEIGHT - HEIGHT * limit / top)
        line = Markup('<line class="limit" x1="0" x2="{}" y1="{}" y2="{}"/>').format(_n(width), y, y)
    return Markup(
        '<svg class="bars" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>'
    ).format(_n(width), _n(HEIGHT), title, drawn, line)


def _column(x: float, column: Bar, top: float) -> Markup:
    rects, y = [], HEIGHT
    for tone, value in column.amounts:
        height = HEIGHT * value / top
        y -= height
        if value:
            rects.append(
                Markup('<rect class="tone-{}" x="{}" y="{}" width="{}" height="{}"/>').format(
                    tone, _n(x + GAP / 2), _n(y), _n(STEP - GAP), _n(height)
                )
            )
    whole = Markup('<rect class="sky" x="{}" y="0" width="{}" height="{}"/>').format(_n(x), _n(STEP), _n(HEIGHT))
    return Markup("<g><title>{}</title>{}{}</g>").format(column.label, whole, Markup("").join(rects))


def share(parts: Sequence[Part], title: str) -> Markup:
    """Draw the shares of a whole as one bar; the smallest part is still to be seen."""
    total = sum(part.value for part in parts)
    x, rects = 0.0, []
    for part in parts:
        width = max(WHOLE * part.value / total, 4.0) if part.value else 0.0
        if width:
            rects.append(
                Markup('<rect class="tone-{}" x="{}" y="0" width="{}" height="10"><title>{}</title></rect>').format(
                    part.tone, _n(x), _n(width), f"{part.name}: {part.value:,.0f}"
                )
            )
        x += width
    return Markup(
        '<svg class="share" viewBox="0 0 {} 10" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(_n(max(x, WHOLE)), title, Markup("").join(rects))


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
