"""How long the ledger's commits take, seen from the outside: the calls that it makes around each of them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.gateway.ops.registry import Histogram

__all__ = ["CommitTimer"]


class CommitTimer:
    """A `boundary` for `open_ledger`: times every commit, by what it is for; it changes nothing."""

    def __init__(self, seconds: Histogram, *, now_s: Callable[[], float] = time.perf_counter) -> None:
        self._seconds, self._now_s = seconds, now_s
        self._begun = threading.local()

    def __call__(self, place: str) -> None:
        """Take in `before:<what>` and `after:<what>`; what fails in between is not counted."""
        when, _, what = place.partition(":")
        if when == "before":
            self._begun.at_s = self._now_s()
        elif (began_s := getattr(self._begun, "at_s", None)) is not None:
            self._begun.at_s = None
            self._seconds.observe(self._now_s() - began_s, what)
