"""Pace is arithmetic: when the next request may leave, so that no sliding window goes over its budget."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """A reserved instant, on the monotonic clock."""

    at_s: float


AT_ONCE = Slot(float("-inf"))
"""The slot of a client without a pace."""


class Pace:
    """A budget of `per_window` requests in any sliding `window_s`, spent evenly after a small burst.

    Two rules decide the next slot. Even spacing: after `burst` requests at once, one every window/budget
    seconds. The window: never closer than `window_s` to the request that was sent a whole budget ago. The
    first keeps the stream smooth, the second makes the bound exact; together they use all of the budget.
    """

    def __init__(self, per_window: float, *, window_s: float = 60.0, burst: int = 5) -> None:
        if per_window < 1:
            raise ValueError("a pace needs a budget of at least one request in its window")
        self._budget = int(per_window)
        self._window_s = window_s
        self._gap_s = window_s / self._budget
        self._slack_s = self._gap_s * (min(burst, self._budget) - 1)
        self._even_s = float("-inf")  # when the next request would leave if there were no burst
        self._silent_until_s = float("-inf")
        self._taken: deque[float] = deque(maxlen=self._budget)

    def reserve(self, now_s: float, deadline_s: float) -> Slot | None:
        """Take the next slot, or nothing when it lies after `deadline_s`."""
        at_s = max(now_s, self._even_s - self._slack_s, self._silent_until_s)
        if len(self._taken) == self._budget:
            at_s = max(at_s, self._taken[0] + self._window_s)
        if self._taken:
            at_s = max(at_s, self._taken[-1])
        if at_s > deadline_s:
            return None
        self._even_s = max(self._even_s, at_s) + self._gap_s
        self._taken.append(at_s)
        return Slot(at_s)

    def push_back(self, now_s: float, seconds: float) -> None:
        """Hold every request until `seconds` from now: the service asked for it."""
        self._silent_until_s = max(self._silent_until_s, now_s + seconds)
