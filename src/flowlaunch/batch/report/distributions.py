"""Plots without time: how long executions ran, rows by state, rows by cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.batch.report.frame import WIDTH, Frame
from flowlaunch.batch.report.markup import Markup, joined, tag
from flowlaunch.batch.report.scales import count_text, duration_edges_s, duration_text, nice_top, ticks
from flowlaunch.batch.states import RowState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowlaunch.batch.report.material import Material
    from flowlaunch.batch.results.series import Durations
    from flowlaunch.batch.results.tally import Cause

__all__ = ["STATE_WORDS", "causes_plot", "durations_plot", "states_bar"]

STATE_WORDS: Final[Mapping[RowState, str]] = {
    RowState.COMPLETED: "completed",
    RowState.FAILED: "failed",
    RowState.LAUNCHED: "launched, end not known",
    RowState.LAUNCHING: "being sent",
    RowState.IN_DOUBT: "in doubt",
    RowState.REFUSED: "refused",
    RowState.REJECTED: "rejected",
    RowState.HELD: "held",
    RowState.SKIPPED: "skipped",
    RowState.CANCELLED: "cancelled",
    RowState.PENDING: "not sent yet",
}
"""Every state in the words of the report, in its order."""

_MARKS: Final = (("median", 0.5), ("95 %", 0.95))
_MOST_CAUSES: Final = 12
_BAR_LEFT: Final = 300
_BAR_STEP: Final = 30


def colour_of(state: RowState) -> str:
    """Tell the class that colours a state."""
    return f"is-{state.value.replace('_', '-')}"


def durations_plot(material: Material) -> Markup | None:
    """Draw how long executions ran; None when no end is known."""
    durations = material.tally.durations
    if not durations.total:
        return None
    shortest, median, longest = durations.quantiles_s((0.0, 0.5, 1.0))
    edges, grows = duration_edges_s(shortest, median, longest)
    counts = durations.histogram(edges)
    frame = Frame(0, len(counts), nice_top(max(counts) * 1.08), height=240)
    bars = [
        tag("rect", x=frame.x(index) + 1, y=frame.y(count), width=frame.x(1) - frame.x(0) - 2,
            height=frame.floor - frame.y(count), class_="is-duration")
        for index, count in enumerate(counts) if count
    ]  # fmt: skip
    marks = _axis_marks(edges, grows=grows)
    about = (
        f"{count_text(durations.total)} executions: half of them ran at most {duration_text(median)}, "
        f"the longest {duration_text(longest)}." + (" Each bar is wider than the one before." if grows else "")
    )
    return frame.drawing(
        "durations",
        "How long executions ran",
        about,
        frame.grid("executions"),
        *bars,
        _marks(frame, durations, edges),
        frame.time_axis(marks),
    )


def _axis_marks(edges: Sequence[float], *, grows: bool) -> list[tuple[float, str]]:
    """Label round durations where bars are alike, else the edge of every few bars."""
    if not grows:
        return [(seconds / edges[1], duration_text(seconds)) for seconds in ticks(edges[-1], 8)]
    every = max((len(edges) - 1) // 7, 1)
    return [(float(index), duration_text(edges[index])) for index in range(0, len(edges), every)]


def _marks(frame: Frame, durations: Durations, edges: Sequence[float]) -> Markup:
    """Draw the median and the 95 % mark over the bars, labels one above the other."""
    drawn = []
    for row, (name, share) in enumerate(_MARKS):
        [seconds] = durations.quantiles_s([share])
        x = frame.x(_place(seconds, edges))
        label = f"{name} {duration_text(seconds)}"
        is_left = x > WIDTH - 150
        drawn.append(tag("line", x1=x, x2=x, y1=frame.top - 12 + 15 * row, y2=frame.floor, class_="mark"))
        drawn.append(
            tag("text", label, x=x + (-6 if is_left else 6), y=frame.top - 3 + 15 * row,
                class_="mark-label end" if is_left else "mark-label")
        )  # fmt: skip
    return joined(*drawn)


def _place(seconds: float, edges: Sequence[float]) -> float:
    """Tell where a duration lies among the bars, within its bar too."""
    last = len(edges) - 2
    index = min(max(sum(edge <= seconds for edge in edges) - 1, 0), last)
    low, high = edges[index], edges[index + 1]
    return index + min(max((seconds - low) / (high - low), 0.0), 1.0)


def states_bar(states: Mapping[str, int]) -> Markup:
    """Draw all rows as one bar, parted by state."""
    rows = sum(states.values()) or 1
    height, left, drawn, said = 30, 0.0, [], []
    for state, words in STATE_WORDS.items():
        count = states.get(state.value, 0)
        if not count:
            continue
        width = max(WIDTH * count / rows, 1.5)
        drawn.append(tag("rect", tag("title", f"{words}: {count_text(count)}"), x=left, y=0, width=width,
                         height=height, class_=colour_of(state)))  # fmt: skip
        left += width
        said.append(f"{count_text(count)} {words}")
    return tag(
        "svg",
        tag("title", "Rows by state", id="states-title"),
        tag("desc", ", ".join(said) + ".", id="states-about"),
        *drawn,
        viewBox=f"0 0 {max(left, 1):.1f} {height}",
        preserveAspectRatio="none",
        role="img",
        aria_labelledby="states-title states-about",
        class_="plot states",
    )


def causes_plot(causes: Sequence[Cause]) -> Markup | None:
    """Draw a bar for each of the most frequent causes; None when nothing went wrong."""
    if not causes:
        return None
    shown = causes[:_MOST_CAUSES]
    most, height = max(cause.rows for cause in shown), len(shown) * _BAR_STEP + 6
    room = WIDTH - _BAR_LEFT - 70
    drawn = []
    for index, cause in enumerate(shown):
        y = index * _BAR_STEP + 4
        width = max(room * cause.rows / most, 2)
        code = cause.code if len(cause.code) <= 40 else f"{cause.code[:39]}\u2026"
        drawn += [
            tag("text", code, x=_BAR_LEFT - 10, y=y + 15, class_="bar-label end"),
            tag("rect", x=_BAR_LEFT, y=y, width=width, height=22, rx=2, class_=colour_of(cause.state)),
            tag("text", count_text(cause.rows), x=_BAR_LEFT + width + 8, y=y + 15, class_="bar-count"),
        ]
    about = "; ".join(f"{cause.code}: {count_text(cause.rows)} rows" for cause in shown)
    return tag(
        "svg",
        tag("title", "Rows that failed, were refused or are in doubt, by cause", id="causes-title"),
        tag("desc", about, id="causes-about"),
        *drawn,
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_labelledby="causes-title causes-about",
        class_="plot",
    )
