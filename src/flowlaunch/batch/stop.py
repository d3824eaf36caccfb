"""Ask a running batch to end: once to finish what is in flight, twice to end at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Stop"]


class Stop:
    """A wish to end, from a signal or a program; each request makes it more urgent.

    Attributes:
        level: 0 go on, 1 finish what is in flight, 2 end at once.
        reason: what the first request gave.

    """

    def __init__(self) -> None:
        self.level = 0
        self.reason = ""
        self._bells: list[Callable[[], None]] = []

    def request(self, reason: str = "") -> None:
        """Ask once more; in another thread than the runner's, use `loop.call_soon_threadsafe`."""
        self.level = min(2, self.level + 1)
        self.reason = self.reason or reason
        for ring in self._bells:
            ring()

    def on_request(self, ring: Callable[[], None]) -> None:
        """Call `ring` at each request."""
        self._bells.append(ring)
