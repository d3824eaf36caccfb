"""Quotas: how many launches a key or a route may ask for in a minute or a day.

A process takes a small share of a window at a time from the database and spends it here, so that most requests cost
no write. Windows are those of the clock (a full minute, a UTC day): two neighbouring ones may be spent back to back.
What a process took and did not spend ends with the window; so a quota is never exceeded and may be used slightly less.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.ledger.faults import CONFLICT
from flowlaunch.errors import LedgerError
from flowlaunch.gateway.store import quotas as windows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowlaunch.batch.ledger.store import Store

__all__ = ["Charge", "Limit", "Overdrawn", "Quotas"]

MINUTE_S: Final = 60
DAY_S: Final = 86_400
SECOND_US: Final = 1_000_000
SHARES: Final = 50
"""A share is this part of a quota: small enough that several gateways leave each other some."""
MOST_SUBJECTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """How much one subject (`key:3f9c`, `route:crm`, `route:crm/key:3f9c`) may ask for; None: without end."""

    subject: str
    per_minute: int | None = None
    per_day: int | None = None

    def windows(self) -> Iterable[tuple[int, int]]:
        """Return the window lengths in seconds that are limited, with their limits."""
        lengths = ((MINUTE_S, self.per_minute), (DAY_S, self.per_day))
        return [(length_s, limit) for length_s, limit in lengths if limit is not None]


@dataclass(frozen=True, slots=True)
class Overdrawn:
    """A quota that is spent; it is whole again in `retry_after_s`."""

    subject: str
    limit: int
    length_s: int
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Charge:
    """What was spent for a request at an instant, to be given back when nothing comes of it."""

    limits: tuple[Limit, ...]
    at_us: int


@dataclass(slots=True)
class _Share:
    start_us: int
    left: int


class Quotas:
    """Counts what is asked for against limits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shares: dict[tuple[str, int], _Share] = {}
        self._turn = threading.Lock()

    def spend(self, limits: Iterable[Limit], n: int = 1) -> Overdrawn | None:
        """Spend `n` of every limit, or nothing of any; return the first one that is spent up."""
        wanted = [(limit.subject, length_s, most) for limit in limits for length_s, most in limit.windows()]
        with self._turn:
            now_us = self._store.now_us()
            for subject, length_s, most in wanted:
                if not self._has(subject, length_s, most, n, now_us):
                    left_us = length_s * SECOND_US - now_us % (length_s * SECOND_US)
                    return Overdrawn(subject, most, length_s, left_us / SECOND_US)
            for subject, length_s, _ in wanted:
                self._shares[subject, length_s].left -= n
        return None

    def give_back(self, charge: Charge) -> None:
        """Undo a charge of one, in the windows that it was made in: what has ended since is gone."""
        with self._turn:
            for limit in charge.limits:
                for length_s, _most in limit.windows():
                    share = self._shares.get((limit.subject, length_s))
                    if share is not None and share.start_us <= charge.at_us:
                        share.left += 1

    def _has(self, subject: str, length_s: int, most: int, n: int, now_us: int) -> bool:
        """Tell whether this process holds `n` of the present window, taking a share of it when it does not."""
        start_us = now_us - now_us % (length_s * SECOND_US)
        share = self._shares.get((subject, length_s))
        if share is None or share.start_us != start_us:
            if len(self._shares) >= MOST_SUBJECTS:
                self._shares.clear()
            share = self._shares[subject, length_s] = _Share(start_us, 0)
        if share.left < n:
            wanted = max(n - share.left, most // SHARES)
            share.left += self._take(subject, length_s, most, wanted, now_us)
        return share.left >= n

    def _take(self, subject: str, length_s: int, most: int, wanted: int, now_us: int) -> int:
        """Take a share of a window; when another process began the window at the same moment, take of that."""
        try:
            return self._taken(subject, length_s, most, wanted, now_us)
        except LedgerError as error:
            if error.code != CONFLICT:
                raise
            return self._taken(subject, length_s, most, wanted, now_us)

    def _taken(self, subject: str, length_s: int, most: int, wanted: int, now_us: int) -> int:
        with self._store.write("take of a quota", durable=False) as connection:
            return windows.take(connection, subject, length_s=length_s, limit=most, wanted=wanted, now_us=now_us)
