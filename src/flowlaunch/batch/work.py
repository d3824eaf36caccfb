"""Work on a batch that is in the ledger: launch what is due, follow what was launched, end in order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.batch.budget import ErrorBudget
from flowlaunch.batch.calendar import Calendar
from flowlaunch.batch.dispatch import Dispatcher
from flowlaunch.batch.durations import Durations
from flowlaunch.batch.ledger import RowFilter
from flowlaunch.batch.overseer import Governance, Overseer
from flowlaunch.batch.permits import client_key, govern
from flowlaunch.batch.ramp import DEFAULT_RAMP, Ramp, stage_sizes
from flowlaunch.batch.runner import Runner
from flowlaunch.batch.slots import SlotLane, spend_slots
from flowlaunch.batch.states import FINAL_STATES, RowState
from flowlaunch.batch.stop import Stop
from flowlaunch.batch.tracker import Tracker
from flowlaunch.batch.workplace import Workplace
from flowlaunch.batch.writer import Writer
from flowlaunch.errors import FlowlaunchError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.budget import Tally
    from flowlaunch.batch.doorbell import Doorbell, Watch
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger import Batch, Ledger, Worker
    from flowlaunch.batch.rules import Reopener

__all__ = ["BatchOutcome", "WorkOptions", "work_on"]

WATCH_FLOW_S: Final = 61.0
"""How often the flow's published version is read; the client believes an answer for a minute."""
LEARN_FROM: Final = 500
NEVER_SENT: Final = frozenset({RowState.PENDING, RowState.HELD, RowState.CANCELLED, RowState.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOptions:
    """How to work on a batch.

    Attributes:
        pace_per_minute: requests a minute that the OAuth client may send; None: no pace.
        pace_share: part of it that is used; the ledger's slots leave 0.8 % of that for late requests.
        concurrency: launches in flight at once: what is in doubt at most when the process is killed.
        share: how many of so many launches at once are this run's; None: all of them. It changes as others come and go.
        ramp: stages, see `ramp.stage_sizes`; empty: all at once.
        max_failed: share (float) or number (int) of ended rows that may fail or be refused; None: any.
        max_in_doubt: rows that may come to be in doubt in this run; None: any.
        track_share: part of the pace that following executions may take while there are rows to launch.
        waits_when_paused: wait for `resume` while someone has paused the batch, instead of ending.
        accepts_failures: someone looked at what went wrong so far: it counts no more.
        token_input: input that gets the row's launch token.
        reopen: decides about rows whose calling window shut before they were sent.
        is_awaited: whether somebody waits for the end of the row of that id: it is looked at sooner.
        ends_when: `through`: nothing is left to launch or to follow; `idle`: no row is due now; `never`: the batch is
            open-ended and others add rows to it.
        most_rows: take no more rows than this in one run.
        is_shared: other runs, on any machine, work on the batch at the same time: begin and end are nothing to
            tell, and what concerns the whole batch (ramp, following) is the duty of somebody else.
        seen: what had gone wrong in the batch and counts no more; None: what the first look finds.
        stale_after_s: silence after which another of these runs is held for dead.
        outlasts_outages: while the ledger's database is away, keep what came of launches and wait, however long: until
            asked to stop. Else the run ends after some tries.

    """

    pace_per_minute: float | None = 300.0
    pace_share: float = 1.0
    concurrency: int = 16
    share: Callable[[int], int] | None = field(default=None, repr=False)
    ramp: tuple[str, ...] = DEFAULT_RAMP
    max_failed: float | int | None = 0.05
    max_in_doubt: int | None = 10
    track: bool = True
    track_share: float = 0.4
    waits_when_paused: bool = True
    accepts_failures: bool = False
    timeout_s: float = 30.0
    token_input: str | None = None
    reopen: Reopener | None = field(default=None, repr=False)
    is_awaited: Callable[[int], bool] | None = field(default=None, repr=False)
    ends_when: Literal["through", "idle", "never"] = "through"
    most_rows: int | None = None
    is_shared: bool = False
    seen: Tally | None = None
    stale_after_s: float = 20.0
    outlasts_outages: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """How one run of a batch ended.

    Attributes:
        ended: `finished`, `idle` (see `ends_when`), `stopped` (asked to, or by an error), `paused` or `cancelled`.
        reason: why, for people; empty when it finished.
        error: the error that stopped it, or None.
        counts: rows by state, of the whole batch.
        launched: rows launched by this run.

    """

    batch_id: int
    ended: str
    reason: str = ""
    error: FlowlaunchError | None = None
    counts: dict[str, int] = field(default_factory=dict)
    launched: int = 0
    elapsed_s: float = 0.0

    @property
    def has_unlaunched(self) -> bool:
        """Whether rows of the batch were not launched, apart from those that the rules left out."""
        return any(self.counts.get(state.value, 0) for state in NEVER_SENT)

    @property
    def has_doubt(self) -> bool:
        """Whether rows are in doubt."""
        return bool(self.counts.get(RowState.IN_DOUBT.value, 0))


async def work_on(
    ledger: Ledger,
    batch_id: int,
    options: WorkOptions,
    *,
    client: AsyncClient,
    clock: AsyncClock | None = None,
    on_event: Callable[[RunEvent], None] | None = None,
    stop: Stop | None = None,
    doorbell: Doorbell | None = None,
    watch: Watch | None = None,
    durations: Durations | None = None,
) -> BatchOutcome:
    """Work on a batch until it is through, stopped, paused or cancelled.

    The client's own pace is replaced: what it sends meanwhile, the ledger's slots allow. `doorbell` tells of new rows
    at once, `watch` is told what is on the disk, `durations` says how long the flow takes when others follow it.

    Raises:
        LedgerBusyError: another process works on this batch.

    """
    time = clock or SystemAsyncClock()
    began_s = time.now().mono_s
    async with AsyncExitStack() as stack:
        writer = Writer()
        stack.callback(writer.close)
        worker = await writer.call(_started, ledger, batch_id, options)
        run = await _assembled(
            stack, ledger, writer, worker, options, client, time, on_event, stop or Stop(), watch, durations
        )
        if doorbell is not None:
            stack.callback(doorbell.on_ring(run.runner.hear_of_rows))
        await run.go(client)
        await run.leave()
        counts = await writer.call(row_counts, ledger, batch_id)
    runner = run.runner
    return BatchOutcome(
        batch_id=batch_id,
        ended=runner.ended,
        reason=runner.reason,
        error=runner.error,
        counts=counts,
        launched=runner.desk.launched,
        elapsed_s=time.now().mono_s - began_s,
    )


def _started(ledger: Ledger, batch_id: int, options: WorkOptions) -> Worker:
    if options.is_shared:
        return ledger.start_work(batch_id, shared=True, stale_after_s=options.stale_after_s)
    return ledger.start_work(batch_id)


@dataclass(slots=True)
class Run:
    """One run put together."""

    place: Workplace
    runner: Runner
    overseer: Overseer
    tracker: Tracker | None
    look_lane: SlotLane | None
    batch: Batch
    worker: Worker
    is_shared: bool = False

    async def go(self, client: AsyncClient) -> None:
        """Run the runner, the tracker and the watch on the flow until the runner has ended."""
        if not self.is_shared:
            self.overseer.tell("started", f"batch {self.place.batch_id}: {self.batch.spec.flow_name or 'flow'}")
        loop = asyncio.get_running_loop()
        beside = [loop.create_task(self._watch_flow(client))] if not self.is_shared else []
        if self.tracker is not None:
            beside.append(loop.create_task(self._track(self.tracker)))
        try:
            await self.runner.run()
        finally:
            for task in beside:
                task.cancel()
            for ended in await asyncio.gather(*beside, return_exceptions=True):
                if isinstance(ended, Exception) and not self.runner.error:
                    raise ended

    async def leave(self) -> None:
        """Write what is left to write and give the batch back."""
        ledger, writer, runner = self.place.ledger, self.place.writer, self.runner
        lost = self.tracker.lost if self.tracker is not None else None
        if lost is not None:
            self.overseer.tell("tracking-lost", lost.message, code=lost.code)
        if runner.ended in {"finished", "stopped"} and not self.is_shared:
            self.overseer.tell(runner.ended, runner.reason, launched=runner.desk.launched)
        with suppress(LedgerError):
            if self.tracker is not None:
                await self.tracker.flush()
        with suppress(LedgerError):
            if self.look_lane is not None:
                await self.look_lane.give_back()
            await self.overseer.record_news()
        with suppress(LedgerError):
            await writer.call(ledger.stop_work, self.worker)

    async def _track(self, tracker: Tracker) -> None:
        try:
            await tracker.run()
        except LedgerError as error:
            self.runner.end("stopped", error.message, error)
        except Exception as error:
            self.runner.end("stopped", f"following executions failed: unexpected {type(error).__name__}")
            raise
        if tracker.lost is not None and self.overseer.is_ramping:
            self.runner.end("stopped", f"nobody can judge the ramp: {tracker.lost.message}", tracker.lost)

    async def _watch_flow(self, client: AsyncClient) -> None:
        """Tell once when the flow was published anew; the batch keeps to its version."""
        spec, time = self.batch.spec, self.place.clock
        while spec.flow_version:
            await time.sleep(WATCH_FLOW_S)
            try:
                lane = self.place.lane
                await spend_slots(self.place.ledger, client_key(client), lane.budget_per_minute, 1, time)
                flow = await client.find_flow(spec.flow_id)
            except FlowlaunchError:
                continue
            now = flow.published_version.id if flow.published_version is not None else ""
            if now and now != spec.flow_version:
                text = f"version {now} was published; the batch goes on with version {spec.flow_version}"
                self.overseer.tell("flow-republished", text, published=now, pinned=spec.flow_version)
                return


async def _assembled(
    stack: AsyncExitStack,
    ledger: Ledger,
    writer: Writer,
    worker: Worker,
    options: WorkOptions,
    client: AsyncClient,
    time: AsyncClock,
    on_event: Callable[[RunEvent], None] | None,
    stop: Stop,
    watch: Watch | None,
    durations: Durations | None,
) -> Run:
    batch = await writer.call(ledger.batch, worker.batch_id)
    key = client_key(client)
    budget = options.pace_per_minute * options.pace_share if options.pace_per_minute is not None else None
    pushed: set[asyncio.Task[None]] = set()

    def push_back(seconds: float) -> None:
        now_s = time.now().mono_s
        if now_s + seconds > runner.health.silent_until_s:
            runner.health.hold(now_s, seconds)
            overseer.tell("pushed-back", f"the service wants silence for {seconds:g} s", seconds=seconds)
            task = asyncio.get_running_loop().create_task(lane.push_back(seconds))
            pushed.add(task)
            task.add_done_callback(pushed.discard)

    permits = govern(client)
    stack.callback(permits.listen(push_back))
    lane = SlotLane(ledger, writer, key, f"launch:{batch.batch_id}", budget)
    dispatcher = Dispatcher(
        client,
        permits,
        flow_id=batch.spec.flow_id,
        version=batch.spec.flow_version,
        timeout_s=options.timeout_s,
        token_input=options.token_input,
    )
    place = Workplace(
        ledger=ledger, writer=writer, worker=worker, batch_id=batch.batch_id, clock=time, lane=lane,
        dispatcher=dispatcher, calendar=Calendar(options.reopen), stop=stop, concurrency=1,
        ends_when=options.ends_when, most_rows=options.most_rows, outlasts_outages=options.outlasts_outages,
    )  # fmt: skip
    durations = durations or Durations()
    tracker = look_lane = None
    if options.track:
        await writer.call(_learn, ledger, batch.batch_id, durations)
        look_lane = SlotLane(ledger, writer, key, f"look:{batch.batch_id}", budget)
        tracker = Tracker(
            ledger, writer, batch.batch_id, client=client, permits=permits, lane=look_lane, clock=time,
            durations=durations, readers=round(options.concurrency * options.track_share) or 1,
            keeps_outputs=batch.spec.outputs == "keep", on_results=lambda found: overseer.ended(found),  # noqa: PLW0108 - made below
            is_awaited=options.is_awaited,
        )  # fmt: skip
    ramp = await writer.call(_ramp, ledger, batch.batch_id, options) if options.track else None
    overseer = Overseer(
        place, _governance(options), ramp,
        durations=durations, tracker=tracker, look_lane=look_lane, on_event=on_event, watch=watch,
    )  # fmt: skip
    runner = Runner(place, overseer)
    overseer.wake = runner.bell.set
    if not options.track and not options.is_shared and stage_sizes(options.ramp, 1_000_000) != (None,):
        overseer.tell("tracking-off", "ends are not followed, so the ramp is off")
    return Run(place, runner, overseer, tracker, look_lane, batch, worker, options.is_shared)


def _governance(options: WorkOptions) -> Governance:
    ErrorBudget(options.max_failed, options.max_in_doubt)
    return Governance(
        rate_per_minute=options.pace_per_minute,
        concurrency=options.concurrency,
        share=options.share or _all_of_it,
        max_failed=options.max_failed,
        max_in_doubt=options.max_in_doubt,
        accepts_failures=options.accepts_failures,
        seen=options.seen,
        waits_when_paused=options.waits_when_paused,
        track_share=options.track_share,
        is_awaited=options.is_awaited or _nobody_waits,
    )


def _nobody_waits(_row_id: int) -> bool:
    return False


def _all_of_it(concurrency: int) -> int:
    return concurrency


def _ramp(ledger: Ledger, batch_id: int, options: WorkOptions) -> Ramp | None:
    """Return the ramp for the rows that may leave; None when all may leave at once."""
    unsendable = (FINAL_STATES - {RowState.COMPLETED, RowState.FAILED, RowState.REFUSED}) | {RowState.HELD}
    rows = sum(count.rows for count in ledger.counts(batch_id) if count.state not in unsendable)
    sizes = stage_sizes(options.ramp, rows) if options.ramp else (None,)
    return Ramp(sizes) if sizes != (None,) else None


def _learn(ledger: Ledger, batch_id: int, durations: Durations) -> None:
    """Learn how long the flow takes from what an earlier run archived."""
    ended = RowFilter(states=(RowState.COMPLETED, RowState.FAILED))
    for row in ledger.rows(batch_id, ended, limit=LEARN_FROM):
        if row.result_started_us is not None and row.result_ended_us is not None:
            durations.learn((row.result_ended_us - row.result_started_us) / 1e6)


def learnt(ledger: Ledger, batch_id: int) -> Durations:
    """Return how long the flow takes by what a batch archived so far."""
    durations = Durations()
    _learn(ledger, batch_id, durations)
    return durations


def row_counts(ledger: Ledger, batch_id: int) -> dict[str, int]:
    """Return the rows of a batch by state."""
    counts: dict[str, int] = {}
    for count in ledger.counts(batch_id):
        counts[count.state.value] = counts.get(count.state.value, 0) + count.rows
    return counts
