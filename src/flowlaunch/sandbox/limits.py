"""Rate limits: so many requests a minute for one token, and what lists of flows may deliver.

Official: 300 requests a minute for one token; 429 with code `too.many.requests.retry.after`, `Retry-After` in
whole seconds. Guess: where the minute starts (`rate_window`).
"""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import Any

from flowlaunch.sandbox.answers import Refusal

__all__ = ["MINUTE_S", "Budget", "too_many_requests"]

MINUTE_S = 60.0


class Budget:
    """At most `per_minute` units in a minute that starts with the first of them, or in any 60 seconds."""

    __slots__ = ("_spent", "_started_at", "_times", "per_minute", "slides")

    def __init__(self, per_minute: int, *, slides: bool = False) -> None:
        self.per_minute = per_minute
        self.slides = slides
        self._started_at = float("-inf")
        self._spent = 0
        self._times: deque[tuple[float, int]] = deque()

    def spend(self, now: float, units: int = 1) -> int:
        """Take units; give 0, or the whole seconds after which there are units again. A refusal costs nothing."""
        if self.slides:
            return self._spend_sliding(now, units)
        if now - self._started_at >= MINUTE_S:
            self._started_at = now
            self._spent = 0
        if self._spent + units > self.per_minute and self._spent:
            return max(1, ceil(self._started_at + MINUTE_S - now))
        self._spent += units
        return 0

    def _spend_sliding(self, now: float, units: int) -> int:
        while self._times and now - self._times[0][0] >= MINUTE_S:
            self._spent -= self._times.popleft()[1]
        if self._spent + units > self.per_minute and self._spent:
            return max(1, ceil(self._times[0][0] + MINUTE_S - now))
        self._times.append((now, units))
        self._spent += units
        return 0

    @property
    def spent(self) -> int:
        """Give the units of the present minute."""
        return self._spent

    def resets_in_s(self, now: float) -> int:
        """Give the whole seconds until the present minute ends."""
        start = self._times[0][0] if self.slides and self._times else self._started_at
        return max(0, ceil(start + MINUTE_S - now)) if self._spent else 0


def too_many_requests(retry_after_s: int, key: str, value: int) -> Refusal:
    """Refuse as the platform does since 2021-11-10."""
    limit: dict[str, Any] = {"key": key, "namespace": "platform.api", "value": value}
    return Refusal(
        429,
        "too.many.requests.retry.after",
        f"Rate limit exceeded the maximum. Retry the request in [{retry_after_s}] seconds",
        limit=limit,
        headers=((b"retry-after", str(retry_after_s).encode("ascii")),),
    )
