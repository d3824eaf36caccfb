"""How long a flow takes, learnt from the executions that ended: when the next look is worth a request."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

__all__ = ["Durations"]

RATIO: Final = 1.15
"""Width of a bucket: a duration is known to 15 %."""
ENOUGH: Final = 8
"""Ends after which the learnt durations are believed."""
MEMORY: Final = 4_000
"""Ends after which older ones count half: flows change their pace over a day."""
FIRST_S: Final = 1.0
SHORTEST_S: Final = 0.25
LONGEST_S: Final = 900.0
"""Longest pause between two looks: what a late look costs is a late result."""
GROWTH: Final = 1.6
HIT: Final = 0.85
"""Share of the looks that shall find an end: a later look finds more, an earlier one costs another request."""


class Durations:
    """A sketch of the time from launch to end: a histogram with logarithmic buckets, flat in memory."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.ends = 0

    def learn(self, duration_s: float) -> None:
        """Take in one execution that took `duration_s`."""
        self._buckets[_bucket(duration_s)] += 1
        self.ends += 1
        if self.ends > MEMORY:
            self._buckets = Counter({bucket: (count + 1) // 2 for bucket, count in self._buckets.items()})
            self.ends = self._buckets.total()

    def quantile_s(self, share: float, older_than_s: float = 0.0) -> float | None:
        """Return the age by which `share` of the executions older than `older_than_s` have ended; None: unknown."""
        beyond = _bucket(older_than_s) if older_than_s > 0 else None
        rest = sorted((bucket, count) for bucket, count in self._buckets.items() if beyond is None or bucket > beyond)
        wanted = share * sum(count for _bucket, count in rest)
        seen = 0
        for bucket, count in rest:
            seen += count
            if seen >= wanted:
                return float(RATIO ** (bucket + 1))
        return None

    def next_look_s(self, age_s: float, *, is_urgent: bool = False, is_awaited: bool = False) -> float:
        """Return the age at which to look next at an execution that still ran at `age_s` (0: not looked at yet).

        `is_urgent` looks when half of them have ended: a ramp waits for these. `is_awaited` does so too, and begins
        sooner while nothing is learnt: somebody waits for this one, and each look more finds it with less delay.
        """
        learnt = None
        if self.ends >= ENOUGH:
            learnt = self.quantile_s(0.5 if is_urgent or is_awaited else HIT, age_s)
        if learnt is None:
            first_s = SHORTEST_S if is_awaited else FIRST_S
            learnt = first_s if age_s <= 0 else age_s * GROWTH
            if is_urgent:
                learnt = min(learnt, age_s + 5.0)
        return min(max(learnt, age_s + SHORTEST_S), age_s + LONGEST_S)


def _bucket(duration_s: float) -> int:
    return math.floor(math.log(max(duration_s, 0.001)) / math.log(RATIO))
