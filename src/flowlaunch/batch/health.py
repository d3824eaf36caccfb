"""Whether the service can be reached, and how long to leave it alone when it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flowlaunch.batch.dispatch import Sign

__all__ = ["Health"]

FIRST_S: Final = 0.5
LONGEST_S: Final = 60.0
DOUBTS: Final = 3
"""Launches in doubt in a row that are taken for an outage: going on would only put more rows in doubt."""


@dataclass(slots=True)
class Health:
    """One runner's opinion of the service. Times are monotonic seconds.

    During an outage one row at a time tries, after 0.5, 1, 2 … at most 60 seconds.
    """

    failures: int = 0
    doubts: int = 0
    silent_until_s: float = float("-inf")

    @property
    def is_out(self) -> bool:
        """Whether the service is taken to be unreachable."""
        return self.failures > 0

    def room(self, now_s: float, in_flight: int, concurrency: int) -> int:
        """Return how many more rows may be on their way."""
        if now_s < self.silent_until_s:
            return 0
        return max(0, (1 if self.is_out else concurrency) - in_flight)

    def note(self, sign: Sign, now_s: float) -> str:
        """Take in the sign of one answer; return `outage`, `recovered` or an empty text for what changed."""
        if sign is Sign.WELL:
            was_out, self.failures, self.doubts = self.is_out, 0, 0
            return "recovered" if was_out else ""
        if sign is Sign.AGAIN:
            return ""
        if sign is Sign.DOUBTFUL:
            self.doubts += 1
            if self.doubts < DOUBTS:
                return ""
        return self._fail(now_s)

    def _fail(self, now_s: float) -> str:
        """Back off further, unless the answer belongs to a request sent before the last backing off."""
        if now_s < self.silent_until_s:
            return ""
        pause_s = min(LONGEST_S, FIRST_S * 2.0 ** min(self.failures, 30))
        self.failures += 1
        self.hold(now_s, pause_s)
        return "outage" if self.failures == 1 else ""

    def hold(self, now_s: float, seconds: float) -> None:
        """Send nothing until `seconds` from now."""
        self.silent_until_s = max(self.silent_until_s, now_s + seconds)
