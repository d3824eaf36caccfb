"""Look around while a batch runs: controls, error budget, ramp, clocks, news. Twice a second, between two turns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.batch.budget import ErrorBudget, Tally
from flowlaunch.batch.events import PASSING_KINDS, RunEvent, event_at
from flowlaunch.batch.ledger import Change, place_of
from flowlaunch.batch.states import UNKNOWN_ENDS, Event, RowState
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowlaunch._core.steps import Moment
    from flowlaunch.batch.doorbell import Watch
    from flowlaunch.batch.durations import Durations
    from flowlaunch.batch.ledger import Controls, Count, Outcome, Result
    from flowlaunch.batch.ramp import Ramp
    from flowlaunch.batch.runner import Runner
    from flowlaunch.batch.slots import SlotLane
    from flowlaunch.batch.tracker import Tracker
    from flowlaunch.batch.workplace import Workplace

__all__ = ["Governance", "Overseer"]

LOOK_S: Final = 0.5
IDLE_LOOK_S: Final = 2.0
"""The same while an open-ended batch has nothing to do: new rows ring."""
PROGRESS_S: Final = 1.0
BEAT_S: Final = 5.0
JUMP_S: Final = 2.0
"""Difference between the two clocks, since the last look, that is taken for a jump or a sleep."""
SLEPT_S: Final = 15.0
UNBOUNDED: Final = 1 << 30
BY: Final = "runner"
LEFT: Final = frozenset({Event.ACCEPTED, Event.REFUSED, Event.LOST})


@dataclass(frozen=True, slots=True)
class Governance:
    """How this run is governed.

    `accepts_failures`: a person resumed the batch knowing what went wrong; only what goes wrong from now on counts.
    `waits_when_paused`: a pause asked for from outside is waited out; one of the error budget ends the run.
    """

    rate_per_minute: float | None
    concurrency: int
    share: Callable[[int], int]
    max_failed: float | int | None = 0.05
    max_in_doubt: int | None = 10
    accepts_failures: bool = False
    seen: Tally | None = None
    waits_when_paused: bool = True
    track_share: float = 0.4
    is_awaited: Callable[[int], bool] = lambda _row_id: False


class Overseer:
    """Keeps one run within what was asked of it, and tells what happens."""

    def __init__(
        self,
        place: Workplace,
        rules: Governance,
        ramp: Ramp | None,
        *,
        durations: Durations,
        tracker: Tracker | None,
        look_lane: SlotLane | None,
        on_event: Callable[[RunEvent], None] | None,
        watch: Watch | None = None,
    ) -> None:
        self._place, self._rules, self._ramp = place, rules, ramp
        self._durations, self._tracker, self._look_lane = durations, tracker, look_lane
        self._on_event = on_event
        self._watch = watch
        self._budget: ErrorBudget | None = None
        self._news: list[RunEvent] = []
        self._controls: Controls | None = None
        self._last: Moment | None = None
        self._told_s = self._beat_s = float("-inf")
        self.tally = Tally()
        self.counts: dict[RowState, int] = {}
        self.next_look_s = float("-inf")
        self.next_due_us: int | None = None
        self.late_slots = 0
        self.wake: Callable[[], None] = _asleep
        self.is_paused = False
        self.was_cancelled = False

    # what the runner asks ------------------------------------------------------------------------------------

    def allowance(self, runner: Runner) -> int:
        """Return how many more rows may leave, by pause and ramp."""
        if self.is_paused:
            return 0
        left = None if self._ramp is None else self._ramp.allowance(self._left(runner))
        return UNBOUNDED if left is None else left

    def followed(self, outcome: Outcome, now: Moment) -> Outcome:
        """Return an accepted row's outcome with the instant of its first look, by this run or a later one."""
        is_urgent = self._tracker is not None and self._tracker.is_urgent
        is_awaited = self._rules.is_awaited(outcome.row_id)
        wait_s = self._durations.next_look_s(0.0, is_urgent=is_urgent, is_awaited=is_awaited)
        return msgspec.structs.replace(outcome, look_at_us=self._ledger_us(now.unix_s + wait_s))

    def written(self, results: Sequence[Outcome]) -> None:
        """Take in outcomes that are on the disk now."""
        tally = self.tally
        for outcome in results:
            if outcome.event is Event.ACCEPTED:
                tally.launched += 1
            elif outcome.event is Event.REFUSED:
                tally.refused += 1
            elif outcome.event is Event.LOST:
                tally.in_doubt += 1
        if self._tracker is not None and any(self._rules.is_awaited(outcome.row_id) for outcome in results):
            self._tracker.wake()  # its next look may lie before the one that it rests for
        if self._watch is not None:
            self._watch.written(results)

    def ended(self, results: Sequence[Result]) -> None:
        """Take in executions whose end is on the disk now; a ramp looks at them at once."""
        for result in results:
            if result.event is None:
                row = place_of(result.row_id)[1]
                self.tell("end-unknown", f"row {row}: {result.error_message}", row=row, reason=result.reason)
                self.tally.ends_unknown += 1
                continue
            self.tally.launched -= 1
            self.tally.completed += result.event is Event.COMPLETED
            self.tally.failed += result.event is Event.FAILED
        if self._watch is not None:
            self._watch.ended(results)
        if self.is_ramping:
            self.next_look_s = float("-inf")
            self.wake()

    @property
    def is_ramping(self) -> bool:
        """Whether rows wait for the first ones to end well."""
        return self._ramp is not None and not self._ramp.is_over

    async def is_followed_up(self) -> bool:
        """Whether no end is left to learn; asked when nothing is left to launch."""
        if self._tracker is None or self._tracker.lost is not None:
            return True
        if not self._tracker.is_idle:
            return False
        place = self._place
        return await place.writer.call(place.ledger.next_look_us, place.batch_id) is None

    def tell(self, kind: str, message: str = "", **fields: Any) -> None:
        """Tell something now, and have it recorded with the next look around."""
        event = event_at(kind, round(self._place.clock.now().unix_s * 1e6), message, **fields)
        if kind not in PASSING_KINDS:
            self._news.append(event)
        if self._on_event is not None:
            self._on_event(event)

    async def record_news(self) -> None:
        """Write what was told and is not in the ledger yet; a full disk loses it, nothing else."""
        news, self._news = self._news, []
        if news:
            await self._place.writer.call(self._record, news)

    # looking around ------------------------------------------------------------------------------------------

    async def look_around(self, runner: Runner) -> None:
        """Read controls and counts and act on them, if it is time to."""
        place = self._place
        now = place.clock.now()
        await self._watch_clocks(runner, now)
        if now.mono_s < self.next_look_s:
            return
        self.next_look_s = now.mono_s + (IDLE_LOOK_S if self._is_idle(runner) else LOOK_S)
        controls, counts = await place.writer.call(self._read, now.mono_s)
        self._count(counts)
        await self._heed(controls, runner)
        await self._judge(runner, now)
        self._share_rates()
        self._progress(runner, now)
        await self.record_news()

    def _read(self, now_s: float) -> tuple[Controls, tuple[Count, ...]]:
        ledger = self._place.ledger
        if now_s - self._beat_s >= min(BEAT_S, self._place.worker.stale_after_s / 4):
            self._beat_s = now_s
            ledger.beat(self._place.worker)
        return ledger.controls(self._place.batch_id), ledger.counts(self._place.batch_id)

    def _record(self, news: list[RunEvent]) -> None:
        try:
            for event in news:
                facts = {"message": event.message, **event.fields}
                row_id = facts.pop("row_id", None)
                self._place.ledger.add_event(self._place.batch_id, event.kind, row_id=row_id, **facts)
        except LedgerError:
            return

    def _is_idle(self, runner: Runner) -> bool:
        return self._place.ends_when == "never" and not (
            runner.desk.in_flight or runner.desk.rows or self.counts.get(RowState.PENDING)
        )

    def _left(self, runner: Runner) -> int:
        """Count the rows that left or are about to, the unwritten outcomes of this run among them."""
        unwritten = sum(outcome.event in LEFT for outcome in runner.desk.outcomes)
        return self.tally.left + runner.desk.in_flight + unwritten

    def _count(self, counts: Sequence[Count]) -> None:
        self.counts = {}
        for count in counts:
            self.counts[count.state] = self.counts.get(count.state, 0) + count.rows
        given_up = sum(one.rows for one in counts if one.state is RowState.LAUNCHED and one.reason in UNKNOWN_ENDS)
        self.tally = Tally.of(self.counts, ends_unknown=given_up)
        if self._budget is None:
            seen = self.tally if self._rules.accepts_failures else Tally(in_doubt=self.tally.in_doubt)
            self._budget = self._new_budget(self._rules.seen or seen)

    def _new_budget(self, seen: Tally) -> ErrorBudget:
        baseline = replace(seen)
        return ErrorBudget(self._rules.max_failed, self._rules.max_in_doubt, baseline)

    async def _heed(self, controls: Controls, runner: Runner) -> None:
        before, self._controls = self._controls, controls
        concurrency = controls.concurrency or self._rules.concurrency
        self._place.concurrency = self._rules.share(concurrency)
        if before is not None and before.version == controls.version:
            return
        place, rules = self._place, self._rules
        rate = controls.rate_per_minute if controls.rate_per_minute is not None else rules.rate_per_minute
        self._rate = rate
        if before is not None and (concurrency != self._concurrency_before or rate != self._rate_before):
            self.tell("changed", f"{_rate_text(rate)}, {concurrency} at a time", rate_per_minute=rate,
                      concurrency=concurrency)  # fmt: skip
        self._rate_before, self._concurrency_before = rate, concurrency
        await self._heed_pause(controls, runner)
        if controls.cancelled and not self.was_cancelled:
            self.was_cancelled = True
            await runner.put_down()
            rows = await place.writer.call(place.ledger.cancel_rows, place.batch_id, None, by=BY)
            self.tell("cancelled", f"{rows} rows were cancelled", rows=rows)

    async def _heed_pause(self, controls: Controls, runner: Runner) -> None:
        if controls.paused == self.is_paused:
            return
        self.is_paused = controls.paused
        if not controls.paused:
            self._budget = self._new_budget(self.tally)
            self.tell("unpaused")
            return
        await runner.put_down()
        self.tell("paused", controls.pause_reason or "paused by hand", by=controls.paused_by)
        if not self._rules.waits_when_paused or controls.paused_by == BY:
            runner.end("paused", controls.pause_reason or "paused by hand")

    async def _judge(self, runner: Runner, now: Moment) -> None:
        """Pause when too much went wrong; go on to the next stage of the ramp when it went well."""
        assert self._budget is not None  # noqa: S101 - made with the first count
        breach = self._budget.breach(self.tally)
        if breach and not self.is_paused:
            place = self._place
            change = Change(paused=True, pause_reason=breach)
            await self._heed(
                await place.writer.call(place.ledger.control, place.batch_id, by=BY, change=change), runner
            )
        if self._ramp is not None and not self._ramp.is_over:
            left = self._left(runner)
            known = self.tally.judged + self.tally.in_doubt + self.tally.ends_unknown
            if self._ramp.advance(left, known, now.mono_s, is_within_budget=breach is None):
                size = self._ramp.sizes[self._ramp.stage]
                text = "all rows may leave" if size is None else f"{size} rows may leave"
                self.tell("ramp", text, stage=self._ramp.stage + 1, rows=size)
            if self._tracker is not None:
                self._tracker.is_urgent = not self._ramp.is_over

    def _share_rates(self) -> None:
        """Leave the looks their share while both want slots, and all of it to one while the other wants none."""
        lane, looks = self._place.lane, self._look_lane
        if lane.budget_per_minute is None:
            return
        rate = min(self._rate or lane.budget_per_minute, lane.budget_per_minute)
        is_launching = self.counts.get(RowState.PENDING, 0) > 0 and not self.is_paused
        is_looking = self._tracker is not None and self._tracker.is_behind
        lane.rate_per_minute = rate * (1 - self._rules.track_share) if is_looking else rate
        if looks is not None:
            looks.rate_per_minute = rate * self._rules.track_share if is_launching else rate

    async def _watch_clocks(self, runner: Runner, now: Moment) -> None:
        last, self._last = self._last, now
        if last is None:
            return
        passed_s, wall_s = now.mono_s - last.mono_s, now.unix_s - last.unix_s
        if abs(wall_s - passed_s) < JUMP_S and passed_s < SLEPT_S:
            return
        await runner.put_down()
        if self._tracker is not None:
            self._tracker.wake()
        if self._look_lane is not None:
            await self._look_lane.give_back()
        was_set = abs(wall_s - passed_s) >= JUMP_S
        text = (
            f"the wall clock moved {wall_s:.1f} s while {passed_s:.1f} s passed"
            if was_set
            else f"this machine or process stood still for {passed_s:.1f} s"
        )
        self.tell("clock-jump", text, wall_s=round(wall_s, 3), passed_s=round(passed_s, 3))

    def _progress(self, runner: Runner, now: Moment) -> None:
        if now.mono_s - self._told_s < PROGRESS_S:
            return
        self._told_s = now.mono_s
        lane = self._place.lane
        speed = runner.gauge.per_minute(now.mono_s)
        pending = self.counts.get(RowState.PENDING, 0)
        self.tell(
            "progress",
            counts={state.value: rows for state, rows in self.counts.items()},
            launched_per_minute=round(speed, 1),
            budget_per_minute=lane.budget_per_minute,
            share_used=round(speed / lane.budget_per_minute, 4) if lane.budget_per_minute else None,
            launched=runner.desk.launched,
            in_flight=runner.desk.in_flight,
            in_hand=runner.desk.in_flight + len(runner.desk.rows),
            eta_s=runner.gauge.eta_s(now.mono_s, pending),
            waiting_for=self._waiting_for(runner, now, pending),
            next_opening_us=self.next_due_us,
        )

    def _ledger_us(self, unix_s: float) -> int:
        return self._place.ledger.instant(round(unix_s * 1e6))

    def _waiting_for(self, runner: Runner, now: Moment, pending: int) -> str:
        """Say what holds the next row back."""
        causes = (
            ("pause", self.is_paused),
            ("outage", runner.health.is_out),
            ("push-back", now.mono_s < runner.health.silent_until_s),
            ("ends", not pending),
            ("ramp", self.allowance(runner) == 0),
            ("window", not runner.desk.rows and (self.next_due_us or 0) > self._ledger_us(now.unix_s)),
            ("pace", self._place.lane.budget_per_minute is not None),
        )
        return next((name for name, holds in causes if holds), "")

    _rate: float | None = None
    _rate_before: float | None = None
    _concurrency_before = 0


def _asleep() -> None:
    """Wake nobody."""


def _rate_text(rate: float | None) -> str:
    return "no pace" if rate is None else f"{rate:g} a minute"
