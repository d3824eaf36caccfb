"""Follow launched rows to their end, and archive how they ended before the platform forgets it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch.batch.durations import LONGEST_S
from flowlaunch.batch.ledger import Result
from flowlaunch.batch.slots import AHEAD_S
from flowlaunch.batch.states import Event
from flowlaunch.errors import (
    AuthenticationError,
    FlowlaunchError,
    LedgerBusyError,
    LedgerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch._core.steps import Moment
    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.durations import Durations
    from flowlaunch.batch.ledger import LaunchedRow, Ledger
    from flowlaunch.batch.permits import Permits
    from flowlaunch.batch.slots import SlotLane
    from flowlaunch.batch.writer import Writer
    from flowlaunch.models import Execution

__all__ = ["Tracker", "result_of"]

READ_S: Final = 15.0
MISSING_GRACE_S: Final = 60.0
"""How long a 404 is taken for an execution that the platform's readers do not show yet (guess: no figure is public)."""
TROUBLE_S: Final = 10.0
"""Pause before an execution is read again whose reading failed; it doubles with each failure in a row."""
LONGEST_TROUBLE_S: Final = 300.0
MOST_FAILURES: Final = 12
"""Failures in a row (about half an hour) after which one execution's end is given up, while others can be read."""
SILENCE_S: Final = 3_600.0
"""Time without a single read that succeeded, though some were tried, after which this run follows no more ends."""
OLDEST_S: Final = 72 * 3_600.0
"""Age at which an execution that still runs is followed no more (guess: the longest time of a flow is not public)."""
FLUSH_S: Final = 0.25
FLUSH_AT: Final = 200
IDLE_S: Final = 0.5
SOONEST_S: Final = 0.01
BACKLOG_US: Final = 1_000_000
FARTHEST_US: Final = round((LONGEST_S + 60.0) * 1e6)
FOREVER_US: Final = 1 << 62
LASTING: Final = (AuthenticationError, PermissionDeniedError)


class _Failing(msgspec.Struct):
    """How often an execution could not be read in a row, and since when."""

    since_s: float
    times: int = 0


class Tracker:
    """Reads executions when they are likely to have ended, within its own lane of the pace.

    Attributes:
        is_behind: whether looks wait for slots; the launches then leave it its share.
        is_urgent: whether someone waits for the ends (a ramp): looks are then early rather than few.
        lost: why ends cannot be read at all, or None.

    """

    def __init__(
        self,
        ledger: Ledger,
        writer: Writer,
        batch_id: int,
        *,
        client: AsyncClient,
        permits: Permits,
        lane: SlotLane,
        clock: AsyncClock,
        durations: Durations,
        readers: int,
        keeps_outputs: bool = True,
        on_results: Callable[[list[Result]], None] | None = None,
        is_awaited: Callable[[int], bool] | None = None,
    ) -> None:
        self._ledger, self._writer, self._batch_id = ledger, writer, batch_id
        self._client, self._permits, self._lane, self._clock = client, permits, lane, clock
        self._durations = durations
        self._readers = max(1, readers)
        self._keeps_outputs = keeps_outputs
        self._on_results, self._is_awaited = on_results, is_awaited
        self._due: deque[LaunchedRow] = deque()
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._results: list[Result] = []
        self._later: list[tuple[int, int]] = []
        self._bell = asyncio.Event()
        self._flushed_s = float("-inf")
        self._ask_again_s = float("-inf")
        self._failing: dict[int, _Failing] = {}
        self._answered_s = float("-inf")
        self._silent_since_s: float | None = None
        self.is_behind = False
        self.is_urgent = False
        self.lost: FlowlaunchError | None = None
        self.looks = 0

    async def run(self) -> None:
        """Follow until cancelled, or until reading turns out to be impossible."""
        try:
            while self.lost is None:
                try:
                    await self._turn()
                except LedgerBusyError:
                    await self._clock.sleep(IDLE_S)
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def flush(self) -> None:
        """Write what was learnt and is not in the ledger yet."""
        results, self._results = self._results, []
        later, self._later = self._later, []
        self._flushed_s = self._clock.now().mono_s
        try:
            await self._writer.call(self._write, results, later)
        except LedgerError:
            self._results[:0], self._later[:0] = results, later
            raise
        if results and self._on_results is not None:
            self._on_results(results)
        self._busy.difference_update(result.row_id for result in results)
        self._busy.difference_update(row_id for row_id, _at_us in later)

    def _write(self, results: list[Result], later: list[tuple[int, int]]) -> None:
        if results:
            self._ledger.record_results(self._batch_id, results)
        if later:
            self._ledger.look_later(later)

    def wake(self) -> None:
        """Look around again: the clock was set, or rows were launched."""
        self._ask_again_s = float("-inf")
        self._bell.set()

    @property
    def reading(self) -> int:
        """How many executions are being read."""
        return len(self._tasks)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being read and everything learnt is written."""
        return not (self._tasks or self._results or self._later or self._due)

    async def _turn(self) -> None:
        self._bell.clear()
        now = self._clock.now()
        own_us, now_us = round(now.unix_s * 1e6), self._now_us()
        written = len(self._results) + len(self._later)
        if written and (written >= FLUSH_AT or now.mono_s - self._flushed_s >= FLUSH_S or not self._tasks):
            await self.flush()
        if not self._due and now.mono_s >= self._ask_again_s:
            await self._find_due(now.mono_s, now_us)
        room = min(self._readers - len(self._tasks), len(self._due))
        slots = await self._lane.take(room, own_us)
        for slot_us in slots:
            self._start(self._due.popleft(), slot_us)
        self.is_behind = bool(self._due) and self._due[0].look_at_us < now_us - BACKLOG_US
        if not slots:
            await self._clock.wait(self._bell, self._rest_s(now, room))

    async def _find_due(self, now_s: float, now_us: int) -> None:
        limit = 4 * self._readers + len(self._busy)
        found = await self._writer.call(self._ledger.to_look_at, self._batch_id, due_us=now_us, limit=limit)
        self._due.extend(row for row in found if row.row_id not in self._busy)
        self._busy.update(row.row_id for row in self._due)
        if not self._due:
            next_us = await self._writer.call(self._ledger.next_look_us, self._batch_id)
            if next_us is not None and next_us > now_us + FARTHEST_US:  # the clock was set back: looks are overdue
                await self._pull_in(limit)
                return
            ahead_s = IDLE_S if next_us is None else (next_us - now_us) / 1e6
            self._ask_again_s = now_s + min(max(ahead_s, SOONEST_S), IDLE_S)

    async def _pull_in(self, limit: int) -> None:
        """Take looks that lie further ahead than looks can lie."""
        found = await self._writer.call(self._ledger.to_look_at, self._batch_id, due_us=FOREVER_US, limit=limit)
        self._due.extend(row for row in found if row.row_id not in self._busy)
        self._busy.update(row.row_id for row in self._due)

    def _rest_s(self, now: Moment, room: int) -> float:
        if self._results or self._later:
            return FLUSH_S / 4
        if room > 0:
            own_us = round(now.unix_s * 1e6)
            return min(IDLE_S, max(0.002, (self._lane.next_us(own_us) - own_us) / 1e6))
        return IDLE_S if self._tasks else min(IDLE_S, max(0.002, self._ask_again_s - now.mono_s))

    def _start(self, row: LaunchedRow, slot_us: int) -> None:
        task = asyncio.get_running_loop().create_task(self._look(row, slot_us))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._bell.set()

    async def _look(self, row: LaunchedRow, slot_us: int) -> None:
        ahead_s = slot_us / 1e6 - self._clock.now().unix_s
        if 0 < ahead_s <= AHEAD_S:
            await self._clock.sleep(ahead_s)
        if ahead_s > AHEAD_S or self._lane.is_late(slot_us, round(self._clock.now().unix_s * 1e6)):
            await self._lane.give_back([slot_us])
            self._later.append((row.row_id, self._now_us()))
            return
        self._permits.grant()
        self.looks += 1
        try:
            seen = await self._client.status(row.execution_id, timeout_s=READ_S)
        except FlowlaunchError as error:
            self._failed(row, error)
            return
        self._seen(row, seen)

    def _seen(self, row: LaunchedRow, seen: Execution) -> None:
        self._answered(row)
        now_us = self._now_us()
        if seen.is_final:
            self._durations.learn(_duration_s(row, seen, now_us))
            self._results.append(result_of(row, seen, keeps_outputs=self._keeps_outputs))
            return
        age_s = max(0.0, (now_us - row.launched_us) / 1e6)
        if age_s >= OLDEST_S:
            self._give_up(row, "still-running", f"it still ran after {OLDEST_S / 3_600:.0f} hours")
            return
        is_awaited = self._is_awaited is not None and self._is_awaited(row.row_id)
        look_s = self._durations.next_look_s(age_s, is_urgent=self.is_urgent, is_awaited=is_awaited)
        self._look_again(row, look_s - age_s)

    def _answered(self, row: LaunchedRow) -> None:
        self._answered_s, self._silent_since_s = self._clock.now().mono_s, None
        self._failing.pop(row.row_id, None)

    def _failed(self, row: LaunchedRow, error: FlowlaunchError) -> None:
        if isinstance(error, NotFoundError):
            self._answered(row)
            age_s = (self._now_us() - row.launched_us) / 1e6
            if age_s >= MISSING_GRACE_S:
                self._give_up(row, "gone", "the platform knows no such execution any more")
            else:
                self._look_again(row, max(1.0, age_s / 2))
            return
        now_s = self._clock.now().mono_s
        if self._silent_since_s is None:
            self._silent_since_s = now_s
        if isinstance(error, LASTING) or now_s - self._silent_since_s >= SILENCE_S:
            self.lost = error
        if isinstance(error, RateLimitedError):
            self._look_again(row, max(TROUBLE_S, min(60.0, error.retry_after_s or 0.0)))
            return
        failing = self._failing.setdefault(row.row_id, _Failing(since_s=now_s))
        failing.times += 1
        if failing.times >= MOST_FAILURES and self._answered_s > failing.since_s:
            self._give_up(row, "unreadable", f"it could not be read {failing.times} times in a row: {error.message}")
            return
        self._look_again(row, min(LONGEST_TROUBLE_S, TROUBLE_S * 2.0 ** (failing.times - 1)))

    def _give_up(self, row: LaunchedRow, reason: str, why: str) -> None:
        """End following a row whose end cannot be learnt; it stays launched, with the reason."""
        self._failing.pop(row.row_id, None)
        message = f"its end is unknown: {why}"
        self._results.append(
            Result(row_id=row.row_id, execution_id=row.execution_id, event=None, reason=reason, error_message=message)
        )

    def _look_again(self, row: LaunchedRow, wait_s: float) -> None:
        self._later.append((row.row_id, self._now_us() + round(wait_s * 1e6)))

    def _now_us(self) -> int:
        return self._ledger.instant(round(self._clock.now().unix_s * 1e6))


def result_of(row: LaunchedRow, seen: Execution, *, keeps_outputs: bool = True) -> Result:
    """Return what the ledger keeps of an execution that ended."""
    error = seen.error
    reason = "" if seen.succeeded else (error.code if error is not None and error.code else seen.status.lower())
    return Result(
        row_id=row.row_id,
        execution_id=row.execution_id,
        event=Event.COMPLETED if seen.succeeded else Event.FAILED,
        status=seen.status,
        reason=reason,
        completion_reason=seen.completion_reason,
        error_code=error.code if error is not None else "",
        error_message=error.message if error is not None else "",
        outputs=msgspec.json.encode(seen.output_data) if keeps_outputs and seen.output_data else None,
        started_us=_us(seen.launched_at.timestamp()) if seen.launched_at else None,
        ended_us=_us(seen.completed_at.timestamp()) if seen.completed_at else None,
    )


def _duration_s(row: LaunchedRow, seen: Execution, now_us: int) -> float:
    """Return how long an execution took; by the platform's clock where it told both ends."""
    if seen.launched_at is not None and seen.completed_at is not None:
        return max(0.0, (seen.completed_at - seen.launched_at).total_seconds())
    return max(0.0, (now_us - row.launched_us) / 1e6)


def _us(unix_s: float) -> int:
    return round(unix_s * 1e6)
