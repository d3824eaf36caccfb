"""The arithmetic of pace slots: when requests may leave, so that no sliding minute goes over its budget. Pure.

Two rules, as in `_core/pace.py`. The window: of any budget+1 slots that follow each other, the first and the
last lie WINDOW_US apart. It binds every slot of the OAuth client, whoever reserved it. Even spacing: each lane
spreads its slots at its own rate after a small burst.

A slot may be used up to LATE_US late. WINDOW_US is the minute, plus that, plus a tenth of a second for requests
that travel at unlike speeds: that is why at most 60/60.5 = 99.2 % of the budget is used.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from typing import Final

__all__ = ["LATE_US", "WINDOW_US", "Granted", "Wish", "burst_of", "gap_us_of", "grant"]

LATE_US: Final = 400_000
WINDOW_US: Final = 60_000_000 + LATE_US + 100_000
SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """Up to `n` slots for a lane of an OAuth client, none later than `horizon_s` from now."""

    client_key: str
    lane: str
    n: int
    budget_per_minute: float
    rate_per_minute: float
    horizon_s: float


@dataclass(frozen=True, slots=True)
class Granted:
    """The slots, the lane's even spacing after them, and when the first one that was not granted would be."""

    at_us: tuple[int, ...]
    even_us: int
    next_us: int | None


def gap_us_of(wish: Wish) -> int:
    """Return the even distance between the slots of a lane, rounded up."""
    rate = min(wish.rate_per_minute, wish.budget_per_minute)
    return -int(-WINDOW_US // rate)


def burst_of(wish: Wish) -> int:
    """Return how many slots a lane that was idle may have at once: 5, or a hundredth of its rate; never all of it."""
    rate = int(min(wish.rate_per_minute, wish.budget_per_minute))
    return max(1, min(rate, max(5, rate // 100)))


def grant(wish: Wish, taken: list[int], *, even_us: int, silent_until_us: int, now_us: int) -> Granted:
    """Choose slots beside those `taken` (sorted; all of the last WINDOW_US and those to come).

    `taken` gets the new slots too.
    """
    budget = int(wish.budget_per_minute)
    gap_us = gap_us_of(wish)
    slack_us = gap_us * (burst_of(wish) - 1)
    latest_us = now_us + round(wish.horizon_s * SECOND_US)
    chosen: list[int] = []
    for _ in range(wish.n):
        at_us = _fit(taken, budget, max(now_us, even_us - slack_us, silent_until_us))
        if at_us > latest_us:
            return Granted(tuple(chosen), even_us, at_us)
        insort(taken, at_us)
        chosen.append(at_us)
        even_us = max(even_us, at_us) + gap_us
    return Granted(tuple(chosen), even_us, None)


def _fit(taken: list[int], budget: int, wanted_us: int) -> int:
    """Return the wanted instant if the window lets it be, or the first one after all others that it does."""
    place = bisect_right(taken, wanted_us)
    if _fits(taken, budget, place, wanted_us):
        return wanted_us
    at_us = max(wanted_us, taken[-1])
    if len(taken) >= budget:
        at_us = max(at_us, taken[-budget] + WINDOW_US)
    return at_us


def _fits(taken: list[int], budget: int, place: int, at_us: int) -> bool:
    """Whether a slot put in at `place` leaves every budget+1 that follow each other WINDOW_US apart."""
    for last in range(place, len(taken) + 1):
        first = last - budget
        if first < 0:
            continue
        end_us = at_us if last == place else taken[last - 1]
        start_us = at_us if first == place else taken[first if first < place else first - 1]
        if end_us - start_us < WINDOW_US:
            return False
    return True
