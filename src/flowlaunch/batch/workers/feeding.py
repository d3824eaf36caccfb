"""Feeding: one worker at a time looks over the batches and enqueues the jobs that are missing."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.job import recorded_options
from flowlaunch.batch.ledger import Change, crew, handovers
from flowlaunch.batch.states import RowState
from flowlaunch.batch.tracker import FARTHEST_US
from flowlaunch.batch.workers.judging import ANY, OPENING, chunks_of, judge
from flowlaunch.batch.workers.queue import FOLLOW, LAUNCH, STALE_S, ChunkOrder
from flowlaunch.errors import LedgerError, LedgerUnreachableError

if TYPE_CHECKING:
    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.batch.ledger.crew import Process
    from flowlaunch.batch.ledger.handovers import Handover
    from flowlaunch.batch.work import WorkOptions
    from flowlaunch.batch.workers.judging import Judgement
    from flowlaunch.batch.workers.queue import JobQueue, JobStanding

__all__ = ["BY", "LOOK_S", "Feeder"]

LOOK_S: Final = 1.0
DUTY: Final = "feed"
DUTY_S: Final = 4.0
"""How long nobody else feeds: so long is a stopped process missed."""
RECLAIM_S: Final = 2.0
BY: Final = "runner"
FOR_ALL: Final = frozenset({ANY, OPENING, FOLLOW})
log = logging.getLogger("flowlaunch.workers")


class Feeder:
    """Keeps enough jobs enqueued for every batch of the workers, and judges each batch as a whole."""

    def __init__(
        self, ledger: Ledger, queue: JobQueue, me: str, clock: AsyncClock, *, stale_after_s: float = STALE_S
    ) -> None:
        self._ledger, self._queue, self._me, self._clock = ledger, queue, me, clock
        self._stale_after_s = stale_after_s
        self._known: dict[int, Batch] = {}
        self._reclaimed_s = float("-inf")
        self._waiting: frozenset[int] = frozenset()
        self.taken_over = 0

    async def run(self) -> None:
        """Feed whenever it is this process's turn, until cancelled."""
        while True:
            try:
                await self.look()
            except LedgerUnreachableError as error:  # whoever gives the signs of life tells that
                log.info("looking for work: %s", error.message)
            except LedgerError as error:
                log.warning("looking for work: %s", error.message)
            await self._clock.sleep(LOOK_S)

    async def look(self) -> bool:
        """Look over all batches once; False when it is another process's turn."""
        store = self._ledger.store
        if not await asyncio.to_thread(crew.hold_duty, store, DUTY, self._me, DUTY_S):
            return False
        now_s = self._clock.now().mono_s
        if now_s - self._reclaimed_s >= RECLAIM_S:
            self._reclaimed_s = now_s
            self.taken_over += await self._queue.reclaim(self._stale_after_s)
        found = await self._queue.standing()
        held, processes = await asyncio.to_thread(lambda: (handovers.under_way(store), crew.present(store)))
        since_us = await asyncio.to_thread(store.now_us) - round(self._stale_after_s * 1e6)
        alive = [one for one in processes if one.heartbeat_us >= since_us and not one.is_draining]
        self._tell_who_waits(held, alive)
        jobs = await self._swept(found, {one.process_id for one in alive})
        for one in held:
            await self._feed(one, [job for job in jobs if job.batch_id == one.batch_id], alive)
        return True

    async def _swept(self, jobs: tuple[JobStanding, ...], alive: set[str]) -> list[JobStanding]:
        """Take back what waits for workers that are gone or about to go, or for a time of other clocks.

        Returns the other jobs.
        """
        farthest_us = await asyncio.to_thread(self._now_us) + FARTHEST_US
        vain = [
            one
            for one in jobs
            if not one.is_running
            and ((one.worker and one.worker not in alive) or (one.task == FOLLOW and (one.at_us or 0) > farthest_us))
        ]
        for one in vain:
            await self._queue.withdraw(one)
        return [one for one in jobs if one not in vain]

    async def _feed(self, held: Handover, jobs: list[JobStanding], alive: list[Process]) -> None:
        try:
            for order, task in await asyncio.to_thread(self._orders, held, jobs, alive):
                offer = self._queue.offer_following if task == FOLLOW else self._queue.offer_chunk
                await offer(order)
        except LedgerError as error:
            log.warning("batch %d: %s", held.batch_id, error.message)

    def _orders(self, held: Handover, jobs: list[JobStanding], alive: list[Process]) -> list[tuple[ChunkOrder, str]]:
        """Judge one batch, note what changed, and return the jobs that it lacks."""
        batch, options = self._batch(held)
        now_us = self._now_us()
        next_look_us = self._next_look_us(held, options)
        if not held.is_open and next_look_us is None:
            return []
        judgement = judge(held, options, now_us)
        self._note(held, judgement)
        if held.cancelled and held.rows(RowState.PENDING, RowState.HELD):
            self._ledger.cancel_rows(held.batch_id, None, by=BY)
        if self._has_ended(batch, held, next_look_us, is_told=options.ends_when != "never"):
            return []
        running = {one.chunk for one in jobs if one.task == LAUNCH and one.is_running}
        found: list[tuple[ChunkOrder, str]] = []
        if not judgement.pause:
            chunks = chunks_of(
                held,
                options,
                due_us=self._ledger.next_due_us(held.batch_id) if held.rows(RowState.PENDING) else None,
                until_left=judgement.until_left,
                workers=[
                    one.process_id for one in alive if any(mine.client_key == held.client_key for mine in one.clients)
                ],
                enqueued={one.chunk for one in jobs if one.task == LAUNCH},
                is_any_running=bool(running),
                now_us=now_us,
            )
            until_left = judgement.until_left
            found = [(self._order(held, name, chunks.rows, until_left, chunks.at_us), LAUNCH) for name in chunks.names]
        if next_look_us is not None and not any(one.task == FOLLOW for one in jobs):
            at_us = next_look_us if now_us < next_look_us <= now_us + FARTHEST_US else None
            found.append((self._order(held, FOLLOW, 0, None, at_us), FOLLOW))
        return found

    def _order(self, held: Handover, chunk: str, rows: int, until_left: int | None, at_us: int | None) -> ChunkOrder:
        return ChunkOrder(
            batch_id=held.batch_id, client_key=held.client_key, chunk=chunk, rows=rows, until_left=until_left,
            worker="" if chunk in FOR_ALL else chunk, priority=held.priority, at_us=at_us,
        )  # fmt: skip

    def _batch(self, held: Handover) -> tuple[Batch, WorkOptions]:
        batch = self._known.get(held.batch_id)
        if batch is None or batch.loaded_us is None:
            batch = self._known[held.batch_id] = self._ledger.batch(held.batch_id)
        return batch, recorded_options(batch, None, held.overrides)

    def _note(self, held: Handover, judgement: Judgement) -> None:
        changed = dict(judgement.changed)
        if held.done_us is not None:  # rows were asked for again, or came and went between two looks
            changed["done_us"] = None
        if judgement.pause:
            change = Change(paused=True, pause_reason=judgement.pause)
            self._ledger.control(held.batch_id, by=BY, change=change)
            self._ledger.add_event(held.batch_id, "paused", message=judgement.pause, by=BY)
        if judgement.ramped:
            self._ledger.add_event(held.batch_id, "ramp", message=judgement.ramped)
        if changed:
            handovers.note(self._ledger.store, held.batch_id, changed)

    def _next_look_us(self, held: Handover, options: WorkOptions) -> int | None:
        if not (options.track and held.rows(RowState.LAUNCHED)):
            return None
        return self._ledger.next_look_us(held.batch_id)

    def _has_ended(self, batch: Batch, held: Handover, next_look_us: int | None, *, is_told: bool) -> bool:
        """Record that nothing is left to launch and no end left to learn; of an open-ended batch nobody is told."""
        if held.rows(RowState.PENDING, RowState.LAUNCHING) or next_look_us is not None or batch.loaded_us is None:
            return False
        if held.done_us is None and handovers.end(self._ledger.store, held.batch_id) and is_told:
            kind = "cancelled" if held.cancelled else "finished"
            self._ledger.add_event(held.batch_id, kind, message="")
        return True

    def _tell_who_waits(self, held: tuple[Handover, ...], alive: list[Process]) -> None:
        """Log batches whose OAuth client no live worker has, each once."""
        known = {one.client_key for process in alive for one in process.clients}
        waiting = {one.batch_id: one.profile for one in held if one.is_open and one.client_key not in known}
        for batch_id in waiting.keys() - self._waiting:
            name = waiting[batch_id] or "default"
            log.warning("batch %d waits for a worker that has the OAuth client of profile %r", batch_id, name)
        self._waiting = frozenset(waiting)

    def _now_us(self) -> int:
        return self._ledger.store.now_us()
