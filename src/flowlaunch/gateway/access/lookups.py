"""Look keys up beside the event loop: each once at a time, few at once, and none while the database is away."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from flowlaunch.errors import LedgerError
from flowlaunch.gateway.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Lookups"]

T = TypeVar("T")
MOST_READS: Final = 4
"""Reads at once: threads of their own, which other work that hangs does not hold."""
MOST_WAITING: Final = 256
PATIENCE_S: Final = 5.0
"""How long a request waits for its key; the read itself may go on."""
AWAY_S: Final = 2.0
"""How long a database that failed is not asked; who comes meanwhile is answered at once."""
logger = logging.getLogger("flowlaunch.gateway.access")


class Lookups(Generic[T]):
    """Runs `find`, which may block, for one event loop."""

    def __init__(self, find: Callable[[str], T]) -> None:
        self._find = find
        self._threads = ThreadPoolExecutor(MOST_READS, "find-keys")
        self._reading: dict[str, asyncio.Future[T]] = {}
        self._closed_until_s = 0.0

    async def find(self, name: str) -> T:
        """Return what is found under a name.

        Raises:
            Problem: 503 with Retry-After: the database is away, or too many wait for it.

        """
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if now_s < self._closed_until_s or (name not in self._reading and len(self._reading) >= MOST_WAITING):
            raise _away()
        if self._closed_until_s:  # one tries; the others are answered at once until it knows
            self._closed_until_s = now_s + PATIENCE_S
        reading = self._reading.get(name)
        if reading is None:
            reading = self._reading[name] = loop.run_in_executor(self._threads, self._find, name)
            reading.add_done_callback(partial(self._ended, name, loop))
        try:
            return await asyncio.wait_for(asyncio.shield(reading), PATIENCE_S)
        except TimeoutError as error:
            self._close(loop, f"no answer within {PATIENCE_S:g} s")
            raise _away() from error
        except LedgerError as error:
            raise _away() from error

    def close(self) -> None:
        """Begin no more reads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ended(self, name: str, loop: asyncio.AbstractEventLoop, reading: asyncio.Future[T]) -> None:
        self._reading.pop(name, None)
        error = None if reading.cancelled() else reading.exception()
        if isinstance(error, LedgerError):
            self._close(loop, error.message)
        elif error is None and self._closed_until_s:
            self._closed_until_s = 0.0
            logger.info("keys can be read again")

    def _close(self, loop: asyncio.AbstractEventLoop, why: str) -> None:
        if not self._closed_until_s:
            logger.warning("keys cannot be read: %s", why)
        self._closed_until_s = loop.time() + AWAY_S


def _away() -> Problem:
    return Problem(
        503, "storage-away", "The gateway's ledger does not answer",
        "Keys cannot be read now. Nothing was done; ask again soon.", retry_after_s=AWAY_S,
    )  # fmt: skip
