"""A worker's start, which comes to an end even when the database takes connections and says nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

from flowlaunch.errors import LedgerError, LedgerUnreachableError

if TYPE_CHECKING:
    from types import TracebackType

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.batch.ledger.store import Store
    from flowlaunch.batch.stop import Stop

__all__ = ["Start"]

BEGIN_S: Final = 30.0
"""As long as a start may take: it asks some dozens of questions, and may make the tables."""
ASKED_S: Final = 5.0
"""As long as it may still take when the worker is to end: nothing of its work has begun."""
OPENING_S: Final = 2.0
"""How long those who wait for a broken connection may take to notice."""


class Start:
    """Breaks off what a worker's start waits for, when that takes too long."""

    def __init__(self, stop: Stop, clock: AsyncClock) -> None:
        self._stop, self._clock = stop, clock
        self._asked = asyncio.Event()
        self._limit = asyncio.timeout(None)
        self._store: Store | None = None
        self._is_broken = False

    def watch(self, store: Store) -> None:
        """Take in the store whose connections are broken off, from any thread."""
        self._store = store
        if self._is_broken:
            store.break_off(for_good=True)

    async def __aenter__(self) -> Self:
        self._stop.on_request(self._asked.set)
        if self._stop.level:
            self._asked.set()
        await self._limit.__aenter__()
        self._watching = asyncio.get_running_loop().create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watching.cancel()
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise self._silent() from late
        if self._is_broken and isinstance(error, LedgerError):
            raise self._silent() from error

    async def _watch(self) -> None:
        await self._clock.wait(self._asked, BEGIN_S)
        if self._asked.is_set():
            await self._clock.sleep(ASKED_S)
        self._is_broken = True
        if self._store is not None:
            self._store.break_off(for_good=True)
        await self._clock.sleep(OPENING_S)
        self._limit.reschedule(asyncio.get_running_loop().time())

    def _silent(self) -> LedgerUnreachableError:
        place = self._store.place if self._store is not None else "the ledger"
        return LedgerUnreachableError(
            f"begin to work: {place} takes connections and does not answer",
            hint="Check that the server, and what is between it and here, is not overloaded; start the worker again.",
        )
