"""Work on the batches that launches are in: one run for each, begun when there is something to do."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.doorbell import Doorbell
from flowlaunch.batch.stop import Stop
from flowlaunch.batch.work import row_counts, work_on
from flowlaunch.errors import FlowlaunchError, LedgerBusyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.doorbell import Watch
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.work import BatchOutcome, WorkOptions

__all__ = ["Engine", "Trouble"]

SCAN_S: Final = 5.0
"""How often batches are looked over: for rows that others added, and for runs with nothing to do."""
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
BUSY: Final = ("pending", "launching")
ENDS_FOR_GOOD: Final = frozenset({"finished", "cancelled", "paused"})
"""How a run ends that nobody has to repeat: whoever resumes or adds rows wakes the engine."""
log = logging.getLogger("flowlaunch.gateway")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a batch is not being worked on now: it is tried again by itself."""

    code: str
    message: str
    since_us: int


@dataclass(slots=True)
class Run:
    """One batch that is worked on."""

    stop: Stop = field(default_factory=Stop)
    doorbell: Doorbell = field(default_factory=Doorbell)
    task: asyncio.Task[None] | None = None
    idle_since_s: float | None = None
    is_wanted_again: bool = False


class Engine:
    """Launches and follows what is in the ledger, as long as it runs.

    Attributes:
        troubles: batch id -> why it is not worked on.

    """

    def __init__(
        self,
        ledger: Ledger,
        client: AsyncClient,
        clock: AsyncClock,
        *,
        options_of: Callable[[int], WorkOptions | None],
        batch_ids: Callable[[], tuple[int, ...]],
        watch: Watch,
        idle_s: float = 300.0,
    ) -> None:
        """Take what it needs: `options_of` says how to work on a batch, or None when nobody is to; in a thread."""
        self._ledger, self._client, self._clock = ledger, client, clock
        self._options_of, self._batch_ids, self._watch, self._idle_s = options_of, batch_ids, watch, idle_s
        self._runs: dict[int, Run] = {}
        self._scanner: asyncio.Task[None] | None = None
        self._stopping = False
        self.troubles: dict[int, Trouble] = {}

    def start(self) -> None:
        """Begin: what an earlier process left is taken up at once."""
        self._scanner = asyncio.get_running_loop().create_task(self._scan())

    def wake(self, batch_id: int) -> None:
        """Have a batch's new rows launched at once."""
        if self._stopping or self._scanner is None:
            return
        run = self._runs.get(batch_id)
        if run is None:
            run = self._runs[batch_id] = Run()
            run.task = asyncio.get_running_loop().create_task(self._keep_working(batch_id, run))
        run.idle_since_s = None
        run.is_wanted_again = bool(run.stop.level)  # it is on its way out: another one follows
        run.doorbell.ring()

    @property
    def is_running(self) -> bool:
        """Whether it looks for rows to launch."""
        return self._scanner is not None and not self._scanner.done() and not self._stopping

    def works_on(self, batch_id: int) -> bool:
        """Tell whether this process works on a batch."""
        return batch_id in self._runs

    def hurry(self) -> None:
        """End at once: what is in flight comes to be in doubt."""
        for run in list(self._runs.values()):
            run.stop.request("the gateway stops")
            run.stop.request("at once")

    async def stop(self, wait_s: float) -> None:
        """Finish what is in flight and give the batches back; after `wait_s` end at once."""
        self._stopping = True
        if self._scanner is not None:
            self._scanner.cancel()
            with suppress(asyncio.CancelledError):
                await self._scanner
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        for _urgency in range(2):
            for run in list(self._runs.values()):
                run.stop.request("the gateway stops")
            if tasks:
                await asyncio.wait(tasks, timeout=wait_s)

    async def _scan(self) -> None:
        while True:
            try:
                await self._look_over()
            except FlowlaunchError as error:
                log.warning("looking for rows to launch: %s", error.message)
            await self._clock.sleep(SCAN_S)

    async def _look_over(self) -> None:
        counts = await asyncio.to_thread(self._counts)
        now_s = self._clock.now().mono_s
        for batch_id, (waiting, followed) in counts.items():
            run = self._runs.get(batch_id)
            if waiting or followed:
                if run is None:
                    self.wake(batch_id)
                else:
                    run.idle_since_s = None
            elif run is not None and not run.stop.level:
                run.idle_since_s = run.idle_since_s or now_s
                if now_s - run.idle_since_s >= self._idle_s:
                    run.stop.request("idle")

    def _counts(self) -> dict[int, tuple[int, bool]]:
        """Return rows to launch, and whether there are executions to follow, of each batch."""
        found = {}
        for batch_id in self._batch_ids():
            counts = row_counts(self._ledger, batch_id)
            is_paused = self._ledger.controls(batch_id).paused
            waiting = 0 if is_paused else sum(counts.get(state, 0) for state in BUSY)
            is_followed = bool(counts.get("launched")) and self._ledger.next_look_us(batch_id) is not None
            found[batch_id] = (waiting, is_followed)
        return found

    async def _keep_working(self, batch_id: int, run: Run) -> None:
        """Work on a batch until it is idle or the engine stops, however often a run fails."""
        pause_s = FIRST_PAUSE_S
        try:
            while not run.stop.level:
                began_s = self._clock.now().mono_s
                error = await self._work(batch_id, run)
                if error is None:
                    return
                if self._clock.now().mono_s - began_s > LONGEST_PAUSE_S:
                    pause_s = FIRST_PAUSE_S
                if is_elsewhere(error):
                    self.troubles.pop(batch_id, None)
                    await self._pause(run, SCAN_S)
                    continue
                self._note(batch_id, error)
                await self._pause(run, pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
        finally:
            self._runs.pop(batch_id, None)
            if run.is_wanted_again:
                self.wake(batch_id)

    async def _work(self, batch_id: int, run: Run) -> FlowlaunchError | None:
        """Run once; return why it has to be run again, or None."""

        def all_is_well(_event: RunEvent) -> None:
            self.troubles.pop(batch_id, None)

        try:
            options = await asyncio.to_thread(self._options_of, batch_id)
            if options is None:
                return None
            outcome = await work_on(
                self._ledger, batch_id, options, client=self._client, clock=self._clock, stop=run.stop,
                doorbell=run.doorbell, watch=self._watch, on_event=all_is_well,
            )  # fmt: skip
        except FlowlaunchError as error:
            return error
        except Exception:
            log.exception("the run of batch %d failed", batch_id)
            return FlowlaunchError("the run failed unexpectedly; the log has the details", code="unexpected")
        return self._again(outcome, run)

    @staticmethod
    def _again(outcome: BatchOutcome, run: Run) -> FlowlaunchError | None:
        if run.stop.level or outcome.ended in ENDS_FOR_GOOD:
            return None
        return outcome.error or FlowlaunchError(outcome.reason or f"the run ended: {outcome.ended}", code="ended")

    def _note(self, batch_id: int, error: FlowlaunchError) -> None:
        now_us = round(self._clock.now().unix_s * 1e6)
        known = self.troubles.get(batch_id)
        since_us = known.since_us if known is not None and known.code == error.code else now_us
        self.troubles[batch_id] = Trouble(error.code, error.message, since_us)
        log.warning("batch %d is not worked on: %s", batch_id, error.message)

    async def _pause(self, run: Run, pause_s: float) -> None:
        """Wait, and no longer once the engine stops."""
        asked = asyncio.Event()
        run.stop.on_request(asked.set)
        await self._clock.wait(asked, pause_s)


def is_elsewhere(error: FlowlaunchError) -> bool:
    """Tell whether another gateway works on the batch: it may end, and then this one takes over."""
    return isinstance(error, LedgerBusyError) and error.pid is not None
