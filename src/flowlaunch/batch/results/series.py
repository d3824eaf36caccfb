"""Counts over time and over size in flat memory, however long a batch runs."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["WIDTHS_S", "Durations", "TimeCounts"]

WIDTHS_S: Final = (1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800)
"""Widths of a bucket; each is a multiple of the one before, so counts can be put together exactly."""
_MOST_BUCKETS: Final = 8_192


class TimeCounts:
    """How many things happened in each span of time; spans widen when there get too many of them."""

    def __init__(self, width_s: int = 1) -> None:
        self.width_s = width_s
        self._counts: Counter[int] = Counter()

    def add(self, at_us: int, count: int = 1) -> None:
        """Count something at an instant."""
        self._counts[at_us // (self.width_s * 1_000_000)] += count
        if len(self._counts) > _MOST_BUCKETS:
            self._widen(next(width for width in WIDTHS_S if width > self.width_s))

    def _widen(self, width_s: int) -> None:
        factor = width_s // self.width_s
        wider: Counter[int] = Counter()
        for index, count in self._counts.items():
            wider[index // factor] += count
        self._counts, self.width_s = wider, width_s

    @property
    def span_us(self) -> tuple[int, int] | None:
        """The first and the last instant that may have been counted, or None."""
        if not self._counts:
            return None
        width_us = self.width_s * 1_000_000
        return min(self._counts) * width_us, (max(self._counts) + 1) * width_us

    @property
    def total(self) -> int:
        """How many things were counted."""
        return self._counts.total()

    def buckets(self, width_s: int, start_us: int, end_us: int) -> list[int]:
        """Tell the counts of every span of `width_s` that touches start to end.

        `width_s` must be at least this series' own width, and one of `WIDTHS_S`.
        """
        width_us = width_s * 1_000_000
        first, last = start_us // width_us, max(start_us, end_us - 1) // width_us
        found = [0] * (last - first + 1)
        factor = width_s // self.width_s
        for index, count in self._counts.items():
            place = index // factor - first
            if 0 <= place < len(found):
                found[place] += count
        return found

    def most_within(self, window_s: int) -> int:
        """Tell the most that was counted in any run of buckets of together `window_s` (one bucket when wider)."""
        if self.width_s >= window_s:
            return max(self._counts.values(), default=0)
        size = window_s // self.width_s
        indices = sorted(self._counts)
        most = running = tail = 0
        for index in indices:
            running += self._counts[index]
            while indices[tail] <= index - size:
                running -= self._counts[indices[tail]]
                tail += 1
            most = max(most, running)
        return most


class Durations:
    """A distribution of durations, kept to three significant digits: a few thousand counters at most."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, duration_us: int) -> None:
        """Count one duration."""
        self._counts[_rounded(max(duration_us, 0))] += 1

    @property
    def total(self) -> int:
        """How many durations were counted."""
        return self._counts.total()

    def quantiles_s(self, shares: Iterable[float]) -> list[float]:
        """Tell the durations, in seconds, that these shares of all (0 to 1) do not exceed.

        Raises:
            ValueError: nothing was counted.

        """
        values, upto = self._cumulated()
        if not values:
            raise ValueError("there is no quantile of nothing")
        total = upto[-1]
        return [values[min(bisect_left(upto, share * total), len(values) - 1)] / 1e6 for share in shares]

    def _cumulated(self) -> tuple[list[int], list[int]]:
        values = sorted(self._counts)
        upto, running = [], 0
        for value in values:
            running += self._counts[value]
            upto.append(running)
        return values, upto

    def histogram(self, edges_s: list[float]) -> list[int]:
        """Count the durations from each edge up to the next; what lies beyond goes into the first and last bar."""
        found = [0] * (len(edges_s) - 1)
        for value, count in self._counts.items():
            place = bisect_left(edges_s, value / 1e6) - (0 if value / 1e6 in edges_s else 1)
            found[min(max(place, 0), len(found) - 1)] += count
        return found


def _rounded(value: int) -> int:
    scale = int(10 ** max(len(str(value)) - 3, 0))
    return (value + scale // 2) // scale * scale
