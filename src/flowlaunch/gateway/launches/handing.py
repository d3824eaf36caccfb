"""Have the workers of the ledger launch: in the place of the engine, when the ledger is in PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.ledger import handovers
from flowlaunch.batch.workers.queue import ChunkOrder, opened_queue
from flowlaunch.batch.workers.standing import workers_with
from flowlaunch.errors import FlowlaunchError
from flowlaunch.gateway.launches.engine import SCAN_S, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.work import WorkOptions
    from flowlaunch.batch.workers.queue import JobQueue

__all__ = ["HandingEngine"]

ROWS: Final = 500
"""Rows that one notification lets a worker launch; it goes on by itself while there are more."""
HANDED_ON: Final = (  # beside the ramp, and what decides about rows whose calling window shuts while they wait
    "pace_per_minute", "pace_share", "concurrency", "max_failed", "max_in_doubt", "track", "track_share", "timeout_s",
    "token_input", "ends_when",
)  # fmt: skip
log = logging.getLogger("flowlaunch.gateway")


class HandingEngine:
    """Hands the batches that launches are in to workers, and notifies these of new rows within milliseconds.

    Attributes:
        troubles: batch id -> why nobody works on it: there is no worker with the OAuth client.

    """

    def __init__(
        self,
        ledger: Ledger,
        place: str,
        client_key: str,
        clock: AsyncClock,
        *,
        options_of: Callable[[int], WorkOptions | None],
        batch_ids: Callable[[], tuple[int, ...]],
        profile: str = "",
    ) -> None:
        self._ledger, self._place, self._client_key, self._clock = ledger, place, client_key, clock
        self._options_of, self._batch_ids, self._profile = options_of, batch_ids, profile
        self._handed: dict[int, dict[str, Any]] = {}
        self._woken: set[int] = set()
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._workers = 0
        self.troubles: dict[int, Trouble] = {}

    def start(self) -> None:
        """Begin: what an earlier process accepted is handed over too."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self, batch_id: int) -> None:
        """Have a batch's new rows launched at once."""
        self._woken.add(batch_id)
        self._bell.set()

    @property
    def is_running(self) -> bool:
        """Whether launches are handed on."""
        return self._task is not None and not self._task.done()

    def works_on(self, batch_id: int) -> bool:
        """Tell whether somebody works on a batch."""
        return batch_id in self._handed and self._workers > 0

    def hurry(self) -> None:
        """Do nothing: nothing is in flight here."""

    async def stop(self, wait_s: float) -> None:
        """End the handing over; the workers go on."""
        del wait_s
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                async with opened_queue(self._ledger, self._place) as queue:
                    await self._hand_on(queue)
            except FlowlaunchError as error:
                log.warning("handing launches to workers: %s", error.message)
            await self._clock.sleep(1.0)

    async def _hand_on(self, queue: JobQueue) -> None:
        looked_s = float("-inf")
        while True:
            if self._clock.now().mono_s - looked_s >= SCAN_S:
                looked_s = self._clock.now().mono_s
                await self._look_over()
            self._bell.clear()
            for batch_id in tuple(self._woken):
                await asyncio.to_thread(self.hand_over, batch_id)
                self._woken.discard(batch_id)
                order = ChunkOrder(batch_id=batch_id, client_key=self._client_key, rows=ROWS)
                await queue.offer_chunk(order)
            await self._clock.wait(self._bell, SCAN_S)

    async def _look_over(self) -> None:
        """Hand over what was not yet, with what routes say now, and see whether there is anybody to work."""
        present = await asyncio.to_thread(self._batch_ids)
        self._handed = {batch_id: given for batch_id, given in self._handed.items() if batch_id in present}
        for batch_id in present:
            await asyncio.to_thread(self.hand_over, batch_id)
        self._workers = await asyncio.to_thread(workers_with, self._ledger, self._client_key)
        if self._workers:
            self.troubles.clear()
            return
        message = "no live worker has this OAuth client: start one with `flowlaunch worker run`"
        since_us = round(self._clock.now().unix_s * 1e6)
        for batch_id in self._handed:
            self.troubles.setdefault(batch_id, Trouble("no-worker", message, since_us))

    def hand_over(self, batch_id: int) -> None:
        """Hand a batch to the workers, or tell them how it is to be worked on now: they need no gateway for it then."""
        options = self._options_of(batch_id)
        if options is None:
            return
        overrides = {name: getattr(options, name) for name in HANDED_ON} | {
            "ramp": list(options.ramp),
            "reopen": options.reopen.recorded() if options.reopen is not None else None,
        }
        if self._handed.get(batch_id) != overrides:
            handovers.give(
                self._ledger.store, batch_id, client_key=self._client_key, profile=self._profile, overrides=overrides
            )
            self._handed[batch_id] = overrides
