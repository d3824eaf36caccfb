"""Tell a running batch that there are new rows, so that it need not find them by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowlaunch.batch.ledger import Outcome, Result

__all__ = ["Doorbell", "Watch"]


class Doorbell:
    """Rung by whoever recorded rows, in the runner's own event loop; heard at once."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def ring(self) -> None:
        """Have the runner look for rows and controls now."""
        for hear in tuple(self._listeners):
            hear()

    def on_ring(self, hear: Callable[[], None]) -> Callable[[], None]:
        """Call `hear` at each ring; return how to end that."""
        self._listeners.append(hear)
        return lambda: self._listeners.remove(hear)


class Watch(Protocol):
    """Told what a run has put on the disk, in the runner's event loop; it must not wait."""

    def written(self, results: Sequence[Outcome]) -> None:
        """Take in what came of launches."""
        ...

    def ended(self, results: Sequence[Result]) -> None:
        """Take in how executions ended."""
        ...
