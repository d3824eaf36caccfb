"""Where values go on paper: round ticks, spans of time, widths of bars."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, tzinfo
from typing import Final

from flowlaunch.batch.results.series import WIDTHS_S

__all__ = [
    "bar_width_s",
    "count_text",
    "duration_edges_s",
    "duration_text",
    "nice_top",
    "span_text",
    "ticks",
    "time_ticks",
]

_MOST_BARS: Final = 96
_STEPS_S: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800),
    *(604_800, 1_209_600, 2_419_200),
)
_DAY_S: Final = 86_400
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


def nice_top(value: float) -> float:
    """Tell the smallest of 1, 2, 2.5, 5 times a power of ten that is at least `value`."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        factor * power for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if factor * power >= value * (1 - 1e-9)
    )


def ticks(top: float, most: int = 5) -> list[float]:
    """Tell round values from 0 up to `top`."""
    power = 10.0 ** math.floor(math.log10(top / most))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power * most >= top * (1 - 1e-9))
    return [step * index for index in range(math.floor(top / step + 1e-9) + 1)]


def bar_width_s(span_us: int, narrowest_s: int) -> int:
    """Tell the width of a bar with which a span takes at most some ninety bars."""
    wanted_s = span_us / 1e6 / _MOST_BARS
    return next((width for width in WIDTHS_S if width >= max(wanted_s, narrowest_s)), WIDTHS_S[-1])


def time_ticks(start_us: int, end_us: int, zone: tzinfo, most: int = 9) -> list[tuple[int, str]]:
    """Tell round instants of the reader's clock between start and end, each with its label."""
    span_s = max((end_us - start_us) / 1e6, 1.0)
    step_s = next((step for step in _STEPS_S if span_s / step <= most), _STEPS_S[-1])
    at = _round_up(datetime.fromtimestamp(start_us / 1e6, zone), step_s)
    found: list[tuple[int, str]] = []
    while (at_us := round(at.timestamp() * 1e6)) <= end_us:
        found.append((at_us, _clock(at, step_s, is_first=not found)))
        at += timedelta(seconds=step_s)
    return found


def _round_up(at: datetime, step_s: int) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    since_s = (at.replace(tzinfo=None) - midnight.replace(tzinfo=None)).total_seconds()
    return midnight + timedelta(seconds=math.ceil(since_s / step_s) * step_s)


def _clock(at: datetime, step_s: int, *, is_first: bool) -> str:
    if step_s >= _DAY_S or (not is_first and (at.hour, at.minute, at.second) == (0, 0, 0)):
        return f"{at:%d %b}"
    return f"{at:%H:%M:%S}" if step_s < 60 else f"{at:%H:%M}"


def duration_edges_s(shortest_s: float, typical_s: float, longest_s: float, bars: int = 28) -> tuple[list[float], bool]:
    """Tell the edges of a histogram's bars, and whether they grow by a factor rather than by a step."""
    if longest_s > 20 * max(typical_s, 1e-3):
        low = math.log10(max(shortest_s, 1e-3) * 0.999)
        high = math.log10(longest_s * 1.001)
        return [10 ** (low + (high - low) * index / bars) for index in range(bars + 1)], True
    power = 10.0 ** math.floor(math.log10(max(longest_s, 1e-3) / bars))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power * bars >= max(longest_s, 1e-3))
    return [step * index for index in range(math.ceil(longest_s / step + 1e-9) + 1)], False


def duration_text(seconds: float) -> str:
    """Spell a duration: 340 ms, 2.4 s, 3 min 20 s, 5 h 2 min."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    return span_text(seconds)


def span_text(seconds: float) -> str:
    """Spell a length of time in at most two units."""
    left = round(seconds)
    if left < 60:
        return f"{left} s"
    parts = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        parts.append((count, unit))
    parts.append((left, "s"))
    first = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def count_text(value: float) -> str:
    """Spell a number with thousands apart."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
