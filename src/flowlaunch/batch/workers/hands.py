"""The hands of a worker: do one chunk of a batch, or follow its executions for a while."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch.batch.job import recorded_options
from flowlaunch.batch.ledger import Change, handovers
from flowlaunch.batch.ledger.crew import HandStanding
from flowlaunch.batch.ledger.handovers import Baseline
from flowlaunch.batch.permits import client_key, govern
from flowlaunch.batch.slots import SlotLane
from flowlaunch.batch.states import RowState
from flowlaunch.batch.stop import Stop
from flowlaunch.batch.tracker import Tracker
from flowlaunch.batch.work import learnt, work_on
from flowlaunch.batch.workers.feeding import BY
from flowlaunch.batch.workers.judging import may_leave, ramp_sizes, seen_of, share_of
from flowlaunch.batch.workers.queue import STALE_S, ChunkOrder
from flowlaunch.batch.writer import Writer
from flowlaunch.errors import (
    FlowlaunchError,
    LedgerBusyError,
    LedgerError,
    LedgerFencedError,
    LedgerUnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.doorbell import Watch
    from flowlaunch.batch.durations import Durations
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.batch.ledger.handovers import Handover
    from flowlaunch.batch.work import BatchOutcome, WorkOptions
    from flowlaunch.batch.workers.queue import JobQueue

__all__ = ["Hands"]

FOLLOW_S: Final = 30.0
"""A worker follows a batch's executions for so long; then another one may."""
QUIET_US: Final = 3_000_000
"""Following ends when the next look is further away than this; the feeder enqueues it again in time."""
LOOK_S: Final = 0.5
LATER_US: Final = 5_000_000
UNREADABLE_US: Final = 300_000_000
LEARN_AGAIN_S: Final = 60.0
log = logging.getLogger("flowlaunch.workers")


@dataclass(slots=True)
class Hand:
    """One job at hand."""

    stop: Stop
    standing: HandStanding


@dataclass(slots=True)
class Known:
    """What this process remembers of a batch between jobs."""

    batch: Batch
    durations: Durations
    learnt_at_s: float


class Hands:
    """Does the jobs of one worker process.

    Attributes:
        crew: OAuth client's key -> the live workers that have it, in the order in which the feeder sees them.
        unwritten: outcomes that could not be written before a chunk was ended.
        trouble: why the last job could not be done, or "".

    """

    def __init__(
        self,
        ledger: Ledger,
        queue: JobQueue,
        clients: Mapping[str, AsyncClient],
        clock: AsyncClock,
        *,
        me: str = "",
        on_event: Callable[[int, RunEvent], None] | None = None,
        stale_after_s: float = STALE_S,
        watch: Watch | None = None,
    ) -> None:
        self._ledger, self._queue, self._clients, self._clock = ledger, queue, clients, clock
        self._on_event = on_event
        self._me, self._stale_after_s, self._watch = me, stale_after_s, watch
        self._at_work: list[Hand] = []
        self._known: dict[int, Known] = {}
        self._stop_level = 0
        self._reason = ""
        self.crew: Mapping[str, Sequence[str]] = {}
        self._launched = self.unwritten = 0
        self.trouble = ""

    def begin_anew(self, reason: str) -> None:
        """Have every job at hand end in order and be begun anew: the queue takes none before those have ended."""
        for hand in self._at_work:
            if not hand.stop.level:
                hand.stop.request(reason)

    def request_stop(self, reason: str) -> None:
        """Have every job end: at first in order, then at once."""
        self._stop_level, self._reason = min(2, self._stop_level + 1), self._reason or reason
        for hand in self._at_work:
            hand.stop.request(reason)

    def standing(self) -> tuple[HandStanding, ...]:
        """Return what is being done now."""
        return tuple(hand.standing for hand in self._at_work)

    @property
    def launched(self) -> int:
        """How many rows were launched so far, by what is at hand and before."""
        return self._launched + sum(hand.standing.launched for hand in self._at_work)

    # a chunk -------------------------------------------------------------------------------------------------

    async def launch(
        self, batch_id: int, chunk: str, client_key: str, rows: int = 0, until_left: int | None = None, worker: str = ""
    ) -> None:
        """Launch up to `rows` due rows of a batch, and see to it that the next chunk follows."""
        client = self._clients.get(client_key)
        held = await self._handover(batch_id)
        if client is None or held is None or self._stop_level:
            return
        order = ChunkOrder(
            batch_id=batch_id, client_key=client_key, chunk=chunk, worker=worker, rows=rows, until_left=until_left,
            priority=held.priority,
        )  # fmt: skip
        with self._in_hand(batch_id, "launch") as hand:
            outcome = await self._worked(held, client, order, hand)
        if outcome is not None and outcome.ended == "idle" and worker == self._me and not self._stop_level:
            await self._go_on(order)

    async def _worked(self, held: Handover, client: AsyncClient, order: ChunkOrder, hand: Hand) -> BatchOutcome | None:
        known = await self._know(held.batch_id)
        options = recorded_options(
            known.batch,
            None,
            {
                **held.overrides,
                "is_shared": True, "ends_when": "idle", "most_rows": may_leave(held, order.until_left, order.rows),
                "track": False, "ramp": (), "seen": seen_of(held.baseline or Baseline()), "waits_when_paused": False,
                "stale_after_s": self._stale_after_s, "outlasts_outages": True, "share": self._share_of(order),
            },
        )  # fmt: skip

        def hear(event: RunEvent) -> None:
            if event.kind == "progress":
                hand.standing = HandStanding(
                    batch_id=held.batch_id, job="launch", in_hand=event.fields["in_hand"],
                    per_minute=event.fields["launched_per_minute"], launched=event.fields["launched"],
                )  # fmt: skip
            elif event.kind == "unwritten":
                self.unwritten += event.fields["rows"]
            if self._on_event is not None:
                self._on_event(held.batch_id, event)

        try:
            outcome = await work_on(
                self._ledger, held.batch_id, options, client=client, clock=self._clock, on_event=hear, stop=hand.stop,
                watch=self._watch, durations=known.durations,
            )  # fmt: skip
        except LedgerError as error:
            await self._could_not(order, error)
            return None
        hand.standing = msgspec.structs.replace(hand.standing, launched=outcome.launched)
        if outcome.error is not None:
            await self._could_not(order, outcome.error)
            return None
        self.trouble = ""
        return outcome

    def _share_of(self, order: ChunkOrder) -> Callable[[int], int] | None:
        """Return what divides a batch's concurrency among its workers; a stage of a ramp is one worker's at a time."""
        if order.until_left is not None:
            return None

        def share(concurrency: int) -> int:
            mine = share_of(concurrency, order.batch_id, self.crew.get(order.client_key, ()), self._me)
            at_it = [one for one in self.standing() if (one.batch_id, one.job) == (order.batch_id, "launch")]
            return max(1, mine // max(1, len(at_it)))

        return share

    async def _could_not(self, order: ChunkOrder, error: FlowlaunchError) -> None:
        """Take in why a chunk ended early: wait, leave it, or pause the batch for all."""
        self.trouble = f"batch {order.batch_id}: {error.message}"
        log.warning("%s", self.trouble)
        if isinstance(error, (LedgerFencedError, LedgerUnreachableError)):
            return
        if isinstance(error, LedgerBusyError):  # a process works on it alone
            later_us = await self._now_us() + LATER_US
            await self._queue.offer_chunk(msgspec.structs.replace(order, at_us=later_us))
            return
        if isinstance(error, LedgerError):
            await self._clock.sleep(LATER_US / 1e6)
            return
        await asyncio.to_thread(self._pause, order.batch_id, error)

    def _pause(self, batch_id: int, error: FlowlaunchError) -> None:
        if self._ledger.controls(batch_id).paused:
            return
        change = Change(paused=True, pause_reason=error.message)
        self._ledger.control(batch_id, by=BY, change=change)
        self._ledger.add_event(batch_id, "paused", message=error.message, by=BY, code=error.code)

    async def _go_on(self, order: ChunkOrder) -> None:
        """Enqueue the next chunk of this number at once, if rows are due: the feeder looks but once a second."""
        try:
            due_us = await asyncio.to_thread(self._ledger.next_due_us, order.batch_id)
            if due_us is not None and due_us <= await self._now_us():
                await self._queue.offer_chunk(order)
        except LedgerError as error:
            log.info("batch %d: %s", order.batch_id, error.message)

    # following -----------------------------------------------------------------------------------------------

    async def follow(self, batch_id: int, chunk: str, client_key: str) -> None:
        """Follow a batch's executions until none is to be looked at soon."""
        client = self._clients.get(client_key)
        held = await self._handover(batch_id)
        if client is None or held is None or self._stop_level:
            return
        with self._in_hand(batch_id, "follow") as hand:
            try:
                lost = await self._followed(held, client, hand)
            except LedgerError as error:
                self.trouble = f"batch {batch_id}: {error.message}"
                log.warning("%s", self.trouble)
                return
        if lost is not None:
            await self._cannot_follow(held, chunk, lost)

    async def _followed(self, held: Handover, client: AsyncClient, hand: Hand) -> FlowlaunchError | None:
        """Run a tracker; return why ends cannot be read at all, or None."""
        known = await self._know(held.batch_id)
        options = recorded_options(known.batch, None, held.overrides)
        writer = Writer()
        budget = options.pace_per_minute * options.pace_share if options.pace_per_minute is not None else None
        lane = SlotLane(self._ledger, writer, client_key(client), f"look:{held.batch_id}", budget)
        tracker = Tracker(
            self._ledger, writer, held.batch_id, client=client, permits=govern(client), lane=lane, clock=self._clock,
            durations=known.durations, readers=round(options.concurrency * options.track_share) or 1,
            keeps_outputs=known.batch.spec.outputs == "keep",
            on_results=self._watch.ended if self._watch is not None else None,
        )  # fmt: skip
        tracking = asyncio.get_running_loop().create_task(tracker.run())
        ended = asyncio.Event()
        hand.stop.on_request(ended.set)
        tracking.add_done_callback(lambda _task: ended.set())
        try:
            await self._oversee(held, options, tracker, lane, hand, ended)
        finally:
            tracking.cancel()
            with suppress(asyncio.CancelledError):
                await tracking
            with suppress(LedgerError):
                await tracker.flush()
                await lane.give_back()
            writer.close()
        return tracker.lost

    async def _oversee(
        self, held: Handover, options: WorkOptions, tracker: Tracker, lane: SlotLane, hand: Hand, ended: asyncio.Event
    ) -> None:
        """Give the tracker its share of the pace until its time is up, or nothing is to be looked at soon."""
        until_s = self._clock.now().mono_s + FOLLOW_S
        now: Handover | None = held
        while now is not None and not ended.is_set() and self._clock.now().mono_s < until_s:
            sizes = ramp_sizes(now, options)
            tracker.is_urgent = sizes[min(now.stage, len(sizes) - 1)] is not None
            if lane.budget_per_minute is not None:
                rate = min(now.rate_per_minute or lane.budget_per_minute, lane.budget_per_minute)
                is_launching = now.rows(RowState.PENDING) > 0 and not now.paused
                lane.rate_per_minute = rate * options.track_share if is_launching else rate
            hand.standing = HandStanding(batch_id=held.batch_id, job="follow", in_hand=tracker.reading)
            await self._clock.wait(ended, LOOK_S)
            next_us = await asyncio.to_thread(self._ledger.next_look_us, held.batch_id)
            is_quiet = next_us is None or next_us > await self._now_us() + QUIET_US
            if is_quiet and tracker.is_idle:
                return
            now = await self._handover(held.batch_id)

    async def _cannot_follow(self, held: Handover, chunk: str, lost: FlowlaunchError) -> None:
        """Tell that ends cannot be read, and try again later; a batch with nothing else to do ends without them."""
        await asyncio.to_thread(
            self._ledger.add_event, held.batch_id, "tracking-lost", message=lost.message, code=lost.code
        )
        self.trouble = f"batch {held.batch_id}: {lost.message}"
        now = await self._handover(held.batch_id)
        if now is not None and not now.rows(RowState.PENDING, RowState.LAUNCHING):
            await asyncio.to_thread(handovers.end, self._ledger.store, held.batch_id)
            return
        await self._queue.offer_following(
            ChunkOrder(
                batch_id=held.batch_id, client_key=held.client_key, chunk=chunk, priority=held.priority,
                at_us=await self._now_us() + UNREADABLE_US,
            )
        )  # fmt: skip

    # what both need ------------------------------------------------------------------------------------------

    @contextmanager
    def _in_hand(self, batch_id: int, job: str) -> Iterator[Hand]:
        hand = Hand(Stop(), HandStanding(batch_id=batch_id, job=job))
        self._at_work.append(hand)
        try:
            yield hand
        finally:
            self._at_work.remove(hand)
            self._launched += hand.standing.launched

    async def _handover(self, batch_id: int) -> Handover | None:
        return await asyncio.to_thread(handovers.find, self._ledger.store, batch_id)

    async def _know(self, batch_id: int) -> Known:
        """Return what is known of a batch; how long its flow takes is learnt anew from time to time."""
        known = self._known.get(batch_id)
        now_s = self._clock.now().mono_s
        if known is None or now_s - known.learnt_at_s > LEARN_AGAIN_S:
            durations = await asyncio.to_thread(learnt, self._ledger, batch_id)
            if known is None:
                batch = await asyncio.to_thread(self._ledger.batch, batch_id)
                known = Known(batch, durations, now_s)
            self._known[batch_id] = replace(known, durations=durations, learnt_at_s=now_s)
        return self._known[batch_id]

    async def _now_us(self) -> int:
        """Return the present instant; the server is asked for it from time to time, and may be away."""
        return await asyncio.to_thread(self._ledger.store.now_us)
