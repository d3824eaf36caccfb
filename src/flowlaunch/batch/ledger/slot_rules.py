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
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "LATE_US", "WINDOW_US", "Claim", "Granted", "Wish", "batch_of", "burst_of", "fair_rate", "gap_us_of", "grant",
]  # fmt: skip

T = TypeVar("T")

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
        wanted_us = max(now_us, even_us - slack_us, silent_until_us)
        at_us = _fit(taken, budget, wanted_us)
        if at_us > latest_us:
            return Granted(tuple(chosen), even_us, at_us)
        insort(taken, at_us)
        chosen.append(at_us)
        even_us = max(even_us, wanted_us) + gap_us  # what other lanes put off is made up for when they leave room
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


# fair shares -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """What a lane would use, in requests a minute, and the weight of its batch."""

    lane: str
    per_minute: float
    weight: float


def batch_of(lane: str) -> int | None:
    """Return the batch that a lane (`launch:7`, `look:7`) serves, or None when it serves none."""
    _, _, number = lane.partition(":")
    return int(number) if number.isdecimal() else None


def fair_rate(lane: str, claims: Sequence[Claim], budget_per_minute: float) -> float:
    """Return the rate at which a lane may go, given the claims of all lanes that serve batches, its own among them.

    Batches share the budget by weight; what one leaves is shared by the others, and so is a batch's share by its lanes.
    """
    batches: dict[int | None, list[Claim]] = {}
    for claim in claims:
        batches.setdefault(batch_of(claim.lane), []).append(claim)
    wants = {
        batch: (sum(one.per_minute for one in mine), max(one.weight for one in mine)) for batch, mine in batches.items()
    }
    of_batch = _shares(budget_per_minute, wants)[batch_of(lane)]
    lanes = {one.lane: (one.per_minute, 1.0) for one in batches[batch_of(lane)]}
    return _shares(of_batch, lanes)[lane]


def _shares(total: float, wants: Mapping[T, tuple[float, float]]) -> dict[T, float]:
    """Share a total by weight; who wants less than its share leaves the rest to the others."""
    shares: dict[T, float] = {}
    left = dict(wants)
    while left:
        unit = total / sum(weight for _, weight in left.values())
        sated = [name for name, (want, weight) in left.items() if want <= unit * weight]
        if not sated:
            return shares | {name: unit * weight for name, (_, weight) in left.items()}
        for name in sated:
            shares[name] = left.pop(name)[0]
            total -= shares[name]
    return shares
