"""Plots over time: requests against the budget, and what became of the launches."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.report.frame import Frame, legend, path_of
from flowlaunch.batch.report.markup import Markup, joined, tag
from flowlaunch.batch.report.scales import bar_width_s, count_text, nice_top, span_text, time_ticks
from flowlaunch.batch.states import RowState

if TYPE_CHECKING:
    from flowlaunch.batch.report.material import Material

__all__ = ["failures_plot", "outcomes_plot", "throughput_plot"]

_MARGIN: Final = 1.08
_DAY_US: Final = 86_400_000_000


def _span_us(material: Material) -> tuple[int, int] | None:
    """Tell the time from the first request to the last thing that is known of."""
    tally = material.tally
    spans = [one.span_us for one in (tally.sent, tally.accepted, *tally.ended.values())]
    sent = tally.sent.span_us or tally.accepted.span_us
    if sent is None:
        return None
    # The platform's clock and ours differ a little; a time that is off by a day is no time of this batch.
    known = [span for span in spans if span is not None and abs(span[0] - sent[0]) < _DAY_US]
    return min(start for start, _ in known), max(end for _, end in known)


def throughput_plot(material: Material) -> Markup | None:
    """Draw launch requests a minute against the budget; None when nothing was sent."""
    span, sent = _span_us(material), material.tally.sent
    if span is None:
        return None
    start_us, end_us = span[0], (sent.span_us or span)[1]
    width_s = bar_width_s(end_us - start_us, sent.width_s)
    rates = [count * 60 / width_s for count in sent.buckets(width_s, start_us, end_us)]
    budgets = [rate for _, rate in material.budgets if rate is not None]
    # A budget far above what was ever sent would flatten the bars; it is told in words then.
    shown = [rate for rate in budgets if rate <= 4 * max(rates)]
    width_us = width_s * 1_000_000
    first_us = start_us // width_us * width_us
    frame = Frame(first_us, first_us + len(rates) * width_us, nice_top(max([*rates, *shown]) * _MARGIN))
    about = (
        f"Bars of {span_text(width_s)} each: at most {count_text(round(max(rates)))} and on average "
        f"{count_text(round(sum(rates) / len(rates)))} launch requests a minute"
        + (f", with a budget of {count_text(budgets[-1])} a minute." if budgets else ", without a budget.")
    )
    bars = _bars(frame, rates, first_us, width_us, "is-launched")
    marks = time_ticks(first_us, round(frame.x_high), material.zone)
    drawing = frame.drawing(
        "throughput",
        "Launch requests a minute over time, against the budget",
        about,
        _pause_bands(frame, material),
        frame.grid("requests a minute"),
        bars,
        _budget_line(frame, material) if shown else Markup(""),
        frame.time_axis(marks),
    )
    entries = [("is-launched", f"launch requests, bars of {span_text(width_s)}")]
    entries += [("line is-budget", "budget")] if shown else []
    entries += [("is-pause", "paused, outage, or nobody ran it")] if material.pauses else []
    return joined(drawing, legend(entries))


def _bars(frame: Frame, values: list[float], first_us: int, width_us: int, colour: str) -> Markup:
    drawn = []
    for index, value in enumerate(values):
        if value:
            left, right = frame.x(first_us + index * width_us), frame.x(first_us + (index + 1) * width_us)
            gap = min(1.0, (right - left) / 5)
            drawn.append(
                tag("rect", x=left + gap / 2, y=frame.y(value), width=right - left - gap,
                    height=frame.floor - frame.y(value), class_=colour)
            )  # fmt: skip
    return joined(*drawn)


def _pause_bands(frame: Frame, material: Material) -> Markup:
    drawn = []
    for pause in material.pauses:
        left, right = frame.x(pause.start_us), frame.x(pause.end_us)
        if right - left >= 0.5:
            height = frame.floor - frame.top
            drawn.append(tag("rect", x=left, y=frame.top, width=right - left, height=height, class_="is-pause"))
    return joined(*drawn)


def _budget_line(frame: Frame, material: Material) -> Markup:
    """Draw the budget as steps; a time without a budget leaves a gap."""
    drawn = []
    ends = [*(at for at, _ in material.budgets[1:]), round(frame.x_high)]
    for (at_us, rate), until_us in zip(material.budgets, ends, strict=True):
        if rate is not None and until_us > frame.x_low:
            y = frame.y(rate)
            drawn.append(tag("path", d=path_of([(frame.x(at_us), y), (frame.x(until_us), y)]), class_="is-budget"))
    return joined(*drawn)


def outcomes_plot(material: Material) -> Markup | None:
    """Draw how many launches had completed, failed or were still running; None when nothing was accepted."""
    span, tally = _span_us(material), material.tally
    if span is None or not tally.accepted.total:
        return None
    start_us, end_us = span
    series = (tally.ended[RowState.COMPLETED], tally.ended[RowState.FAILED], tally.accepted)
    width_s = bar_width_s(end_us - start_us, max(one.width_s for one in series))
    completed, failed, accepted = (list(accumulate(one.buckets(width_s, start_us, end_us))) for one in series)
    width_us = width_s * 1_000_000
    first_us = start_us // width_us * width_us
    frame = Frame(first_us, first_us + len(accepted) * width_us, nice_top(accepted[-1]))
    ended = [good + bad for good, bad in zip(completed, failed, strict=True)]
    still = [max(all_, end) for all_, end in zip(accepted, ended, strict=True)]
    layers = (("is-completed", completed), ("is-failed", ended), ("is-running", still))
    nothing = [0] * len(completed)
    areas = [
        _area(frame, lower, upper, first_us, width_us, colour)
        for (_, lower), (colour, upper) in pairwise((("", nothing), *layers))
    ]
    running = still[-1] - ended[-1]
    about = (
        f"Of {count_text(accepted[-1])} launches that were accepted, {count_text(completed[-1])} completed, "
        f"{count_text(failed[-1])} failed and {count_text(running)} have no known end."
    )
    drawing = frame.drawing(
        "outcomes",
        "Launches by outcome over time, summed up",
        about,
        frame.grid("launches so far"),
        *areas,
        frame.time_axis(time_ticks(first_us, round(frame.x_high), material.zone)),
    )
    entries = [("is-completed", "completed"), ("is-failed", "failed"), ("is-running", "launched, end not known")]
    return joined(drawing, legend(entries))


def failures_plot(material: Material) -> Markup | None:
    """Draw which share of the executions that ended failed, over time; None when none did."""
    span, tally = _span_us(material), material.tally
    if span is None or not tally.ended[RowState.FAILED].total:
        return None
    start_us, end_us = span
    series = (tally.ended[RowState.COMPLETED], tally.ended[RowState.FAILED])
    width_s = bar_width_s(end_us - start_us, max(one.width_s for one in series))
    completed, failed = (one.buckets(width_s, start_us, end_us) for one in series)
    if not sum(failed):
        return None
    shares = [100 * bad / (good + bad) if bad else 0.0 for good, bad in zip(completed, failed, strict=True)]
    width_us = width_s * 1_000_000
    first_us = start_us // width_us * width_us
    frame = Frame(first_us, first_us + len(shares) * width_us, min(nice_top(max(shares)), 100), height=140)
    overall = 100 * sum(failed) / (sum(completed) + sum(failed))
    about = (
        f"{overall:.1f} % of the executions that ended failed; at worst {max(shares):.1f} % of those that ended "
        f"within {span_text(width_s)}."
    )
    return frame.drawing(
        "failures",
        "Share of failed executions over time",
        about,
        frame.grid("% failed of those that ended"),
        _bars(frame, shares, first_us, width_us, "is-failed"),
        frame.time_axis(time_ticks(first_us, round(frame.x_high), material.zone)),
    )


def _area(frame: Frame, lower: list[int], upper: list[int], first_us: int, width_us: int, colour: str) -> Markup:
    """Fill between two lines; each value holds at the end of its span."""
    places = [frame.x(first_us + index * width_us) for index in range(len(upper) + 1)]
    above = list(zip(places, map(frame.y, [0, *upper]), strict=True))
    below = list(zip(places, map(frame.y, [0, *lower]), strict=True))
    return tag("path", d=path_of([*above, *reversed(below)], closed=True), class_=colour)
