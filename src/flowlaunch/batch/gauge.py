"""How fast a batch goes, and when it will be through."""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["Gauge"]

WINDOW_S: Final = 60.0
STEP_S: Final = 1.0


class Gauge:
    """Launches in the last minute, in steps of a second; flat in memory."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, int]] = deque()
        self._began_s: float | None = None
        self.total = 0

    def add(self, now_s: float, count: int = 1) -> None:
        """Take in `count` launches."""
        if self._began_s is None:
            self._began_s = now_s
        self.total += count
        if self._steps and now_s - self._steps[-1][0] < STEP_S:
            at_s, held = self._steps[-1]
            self._steps[-1] = (at_s, held + count)
        else:
            self._steps.append((now_s, count))

    def per_minute(self, now_s: float) -> float:
        """Return the launches a minute, over the last minute or since the first one."""
        while self._steps and self._steps[0][0] <= now_s - WINDOW_S:
            self._steps.popleft()
        if self._began_s is None:
            return 0.0
        span_s = min(WINDOW_S, max(STEP_S, now_s - self._began_s))
        return sum(count for _at_s, count in self._steps) * 60.0 / span_s

    def eta_s(self, now_s: float, rows_left: int) -> float | None:
        """Return the seconds until `rows_left` more are launched at this speed, or None when nothing moves."""
        speed = self.per_minute(now_s)
        return rows_left * 60.0 / speed if speed > 0 else None
