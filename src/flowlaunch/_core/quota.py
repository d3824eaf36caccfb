"""A retry quota: single failures are retried, an outage is not hammered."""

from __future__ import annotations

from typing import Final

CAPACITY: Final = 500
RETRY_COST: Final = 14
"""Spent by a repeat after a 5xx or a lost connection: some 35 repeats, then failures end at once."""
REFUND: Final = 1
"""Given back by an answered request."""


class Quota:
    """How much retrying a client may still do; refilled by requests that succeed."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._left = capacity

    @property
    def is_full(self) -> bool:
        """Whether nothing is spent."""
        return self._left >= self._capacity

    def withdraw(self, cost: int) -> bool:
        """Take `cost` if it is there; say whether it was."""
        if self._left < cost:
            return False
        self._left -= cost
        return True

    def refund(self, amount: int = REFUND) -> None:
        """Give `amount` back."""
        self._left = min(self._capacity, self._left + amount)
