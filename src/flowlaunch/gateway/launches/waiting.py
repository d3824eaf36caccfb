"""Wait for the end of a launch: told by the engine of this process, or found in the ledger when another one works."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.ledger import RowFilter, place_of
from flowlaunch.batch.states import FINAL_STATES, Event, RowState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from flowlaunch.batch.doorbell import Watch
    from flowlaunch.batch.ledger import Ledger, Outcome, Result, RowRecord

__all__ = ["RESTING_STATES", "Endings", "Waiters", "preferred_wait_s"]

RESTING_STATES: Final = FINAL_STATES | {RowState.IN_DOUBT, RowState.HELD}
"""States in which nothing more happens to a row unless somebody acts."""
RESTING_EVENTS: Final = frozenset({Event.REFUSED, Event.LOST, Event.HELD, Event.SKIPPED})
LOOK_S: Final = 2.0
"""How often the ledger is asked about a launch that another process may be working on."""


class Endings:
    """What the runs of the engine tell, passed on to whoever wants to know; implements the batch code's `Watch`.

    Attributes:
        watches: told everything that this is told.

    """

    def __init__(self) -> None:
        self.watches: list[Watch] = []
        self._listeners: list[Callable[[Sequence[int]], None]] = []

    def listen(self, hear: Callable[[Sequence[int]], None]) -> None:
        """Call `hear` with the ids of rows that came to rest; it must not wait."""
        self._listeners.append(hear)

    def written(self, results: Sequence[Outcome]) -> None:
        """Take in what came of launches."""
        self.tell([one.row_id for one in results if one.event in RESTING_EVENTS])
        for watch in self.watches:
            watch.written(results)

    def ended(self, results: Sequence[Result]) -> None:
        """Take in how executions ended."""
        self.tell([one.row_id for one in results])
        for watch in self.watches:
            watch.ended(results)

    def tell(self, row_ids: Sequence[int]) -> None:
        """Pass on that rows came to rest."""
        if row_ids:
            for hear in self._listeners:
                hear(row_ids)


class Waiters:
    """Requests that wait for launches to end, a bounded number of them."""

    def __init__(self, ledger: Ledger, endings: Endings, *, most: int) -> None:
        self._ledger, self._most = ledger, most
        self._events: dict[int, set[asyncio.Event]] = {}
        self._waiting = 0
        self._closed = False
        endings.listen(self._ended)

    async def wait(self, row_id: int, wait_s: float) -> RowRecord | None:
        """Return the row once it has come to rest; None when it has not in time, or too many wait already."""
        if self._waiting >= self._most or self._closed:
            return None
        event = asyncio.Event()
        self._events.setdefault(row_id, set()).add(event)
        self._waiting += 1
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_s
        try:
            while True:
                row = await asyncio.to_thread(self._row, row_id)
                if row is not None and row.state in RESTING_STATES:
                    return row
                left_s = until_s - loop.time()
                if left_s <= 0 or self._closed:
                    return None
                event.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), min(left_s, LOOK_S))
        finally:
            self._waiting -= 1
            self._events[row_id].discard(event)
            if not self._events[row_id]:
                del self._events[row_id]

    def is_awaited(self, row_id: int) -> bool:
        """Tell whether a request waits for this launch."""
        return row_id in self._events

    def close(self) -> None:
        """Let every waiting request be answered now: the gateway stops."""
        self._closed = True
        self._ended(list(self._events))

    def _ended(self, row_ids: Iterable[int]) -> None:
        for row_id in row_ids:
            for event in self._events.get(row_id, ()):
                event.set()

    def _row(self, row_id: int) -> RowRecord | None:
        batch_id, number = place_of(row_id)
        return next(iter(self._ledger.rows(batch_id, RowFilter(numbers=(number,)))), None)


def preferred_wait_s(prefer: str, longest_s: float) -> float | None:
    """Return how long `Prefer: wait=N` asks to wait, at most `longest_s`; None when it does not ask.

    Source: RFC 7240, section 4.3; a preference that is not understood is passed over.
    """
    for preference in prefer.split(","):
        name, _, value = preference.split(";")[0].partition("=")
        if name.strip().lower() == "wait" and value.strip().strip('"').isdecimal():
            return min(float(value.strip().strip('"')[:9]), longest_s)
    return None
