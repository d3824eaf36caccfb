"""Run a batch: intents to disk, requests out, outcomes to disk, until nothing is left to launch.

One turn of the loop is one transaction: the outcomes that came in and the intents of the next rows. Only when it
is on the disk do their requests leave, each at its slot. Whatever kills the process, every row that may have been
sent is `launching` in the ledger, and only those that were about to be.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.dispatch import Sent, Sign, judged
from flowlaunch.batch.gauge import Gauge
from flowlaunch.batch.health import Health
from flowlaunch.batch.slots import AHEAD_S
from flowlaunch.batch.states import Event
from flowlaunch.errors import (
    FlowlaunchError,
    LedgerBusyError,
    LedgerError,
    LedgerFullError,
    LedgerUnreachableError,
    RateLimitedError,
)

if TYPE_CHECKING:
    from flowlaunch.batch.ledger import ChunkRow, Outcome
    from flowlaunch.batch.overseer import Overseer
    from flowlaunch.batch.workplace import Workplace

__all__ = ["Runner"]

GATHER_S: Final = 0.004
"""How long outcomes wait for company before they are written, while there is nothing to send."""
CHUNK_S: Final = 10.0
"""A chunk is what leaves in so many seconds: what others cannot cancel, and what a dead runner kept."""
LEAST_CHUNK: Final = 20
LARGEST_CHUNK: Final = 2_000
SOONEST_LOOK_US: Final = 10_000
LATEST_LOOK_US: Final = 500_000
"""When the ledger is asked for rows again that has none which are due."""
STORAGE_TRIES: Final = 6
STORAGE_FIRST_S: Final = 0.5
STORAGE_LONGEST_S: Final = 20.0


@dataclass(slots=True)
class Desk:
    """What the runner has in hand."""

    rows: deque[ChunkRow] = field(default_factory=deque)
    outcomes: list[Outcome] = field(default_factory=list)
    in_flight: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    none_due_until_us: int = 0
    launched: int = 0
    taken: int = 0
    unused_slots: list[int] = field(default_factory=list)


class Runner:
    """Launches the rows of one batch that this process holds."""

    def __init__(self, place: Workplace, overseer: Overseer) -> None:
        self._place = place
        self._overseer = overseer
        self.desk = Desk()
        self.health = Health()
        self.gauge = Gauge()
        self.bell = asyncio.Event()
        self.ended = ""
        self.reason = ""
        self.error: FlowlaunchError | None = None
        self._storage_failures = 0
        self._is_away = False
        self._rings = 0
        place.stop.on_request(self.bell.set)

    async def run(self) -> None:
        """Work until the batch is through, or someone or something ends it; `ended` and `reason` tell."""
        while not self.ended:
            try:
                await self._turn()
            except LedgerBusyError as error:
                self._busy(error, [])
                await self._place.clock.sleep(STORAGE_FIRST_S)
                if self._place.stop.level:
                    self.end("stopped", self._place.stop.reason or "asked to stop")
            except LedgerError as error:  # a full disk among them: no intent was written, nothing of it was sent
                self._storage_failed(error, [])
        await self._drain()

    def end(self, how: str, reason: str = "", error: FlowlaunchError | None = None) -> None:
        """End after this turn; the first reason counts."""
        if not self.ended:
            self.ended, self.reason, self.error = how, reason, error
        self.bell.set()

    def hear_of_rows(self) -> None:
        """Look for rows and controls at once: someone has added some."""
        self._rings += 1
        self.desk.none_due_until_us = 0
        self._overseer.next_look_s = float("-inf")
        self.bell.set()

    # one turn ------------------------------------------------------------------------------------------------

    async def _turn(self) -> None:
        self.bell.clear()
        await self._overseer.look_around(self)
        if self._place.stop.level and not self.ended:
            self._overseer.tell("stopping", f"{self.desk.in_flight} launches in flight are finished first")
            self.end("stopped", self._place.stop.reason or "asked to stop")
        if self.ended:
            return
        group = await self._next_group()
        if group or self._is_time_to_write():
            if not await self._write([row for row, _slot_us in group]):
                self.desk.rows.extendleft(row for row, _slot_us in reversed(group))
                return
            for row, slot_us in group:
                self._start(row, slot_us)
        if not group:
            await self._rest()

    async def _next_group(self) -> list[tuple[ChunkRow, int]]:
        """Return the rows to send now, each with its slot; rows whose window shut are put back on the way."""
        place, desk = self._place, self.desk
        now = place.clock.now()
        room = min(self.health.room(now.mono_s, desk.in_flight, place.concurrency), self._overseer.allowance(self))
        if room <= 0 or (place.is_unpaced and 0 < room < place.concurrency // 4 and desk.in_flight):
            return []
        now_us = round(now.unix_s * 1e6)
        if len(desk.rows) < room:
            await self._take_rows(room, now_us)
        slots = await place.lane.take(min(room, len(desk.rows)), now_us)
        asked_us = round(place.clock.now().unix_s * 1e6)  # a database may have taken its time
        group: list[tuple[ChunkRow, int]] = []
        for slot_us in slots:
            row = self._next_row(max(slot_us, asked_us))
            if row is None:
                desk.unused_slots.append(slot_us)
            else:
                group.append((row, slot_us))
        if desk.unused_slots:
            unused, desk.unused_slots = desk.unused_slots, []
            await place.lane.give_back(unused)
        return group

    def _next_row(self, at_us: int) -> ChunkRow | None:
        while self.desk.rows:
            row = self.desk.rows.popleft()
            postponed = self._place.calendar.judge(row, self._place.ledger.instant(at_us))
            if postponed is None:
                return row
            self.desk.outcomes.append(postponed)
        return None

    async def _take_rows(self, room: int, now_us: int) -> None:
        place, desk = self._place, self.desk
        if now_us < desk.none_due_until_us:
            return
        rate = place.lane.rate_per_minute
        size = LARGEST_CHUNK if rate is None else min(LARGEST_CHUNK, max(LEAST_CHUNK, room, int(rate / 60 * CHUNK_S)))
        if place.most_rows is not None:
            size = min(size, place.most_rows - desk.taken)
        rings = self._rings
        chunk = await place.writer.call(place.ledger.take_chunk, place.worker, size) if size > 0 else None
        if chunk is not None:
            if chunk.abandoned:
                self._overseer.tell("recovered-rows", f"{chunk.abandoned} rows of a dead runner are in doubt now")
            desk.rows.extend(chunk.rows)
            desk.taken += len(chunk.rows)
            return
        due_us = await place.writer.call(place.ledger.next_due_us, place.batch_id)
        self._overseer.next_due_us = due_us
        if rings == self._rings:
            ahead_us = LATEST_LOOK_US if due_us is None else due_us - place.ledger.instant(now_us)
            desk.none_due_until_us = now_us + min(max(ahead_us, SOONEST_LOOK_US), LATEST_LOOK_US)
        if not (desk.rows or desk.in_flight or desk.outcomes):
            await self._end_when_done(due_us)

    async def _end_when_done(self, due_us: int | None) -> None:
        """End with nothing in hand: cancelled, through, or idle when that is enough."""
        ends_when = self._place.ends_when
        if ends_when == "idle":
            self.end("cancelled" if self._overseer.was_cancelled else "finished" if due_us is None else "idle")
            return
        may_end = due_us is None and (ends_when == "through" or self._overseer.was_cancelled)
        if may_end and await self._overseer.is_followed_up():
            self.end("cancelled" if self._overseer.was_cancelled else "finished")

    def _is_time_to_write(self) -> bool:
        outcomes, in_flight = len(self.desk.outcomes), self.desk.in_flight
        return bool(outcomes) and (outcomes >= self._place.concurrency // 4 or not in_flight or self._place.is_patient)

    async def _rest(self) -> None:
        place, desk = self._place, self.desk
        now = place.clock.now()
        now_us = round(now.unix_s * 1e6)
        if desk.outcomes:
            await place.clock.wait(self.bell, GATHER_S)
            if desk.outcomes:
                await self._write([])
            return
        waits = [self._overseer.next_look_s - now.mono_s]
        if desk.rows and desk.in_flight < place.concurrency:
            waits.append((place.lane.next_us(now_us) - now_us) / 1e6)
        if not desk.rows:
            waits.append((desk.none_due_until_us - now_us) / 1e6)
        if now.mono_s < self.health.silent_until_s:
            waits = [max(waits[0], 0.0), self.health.silent_until_s - now.mono_s]
        await place.clock.wait(self.bell, max(0.001, min(waits)))

    # the ledger ----------------------------------------------------------------------------------------------

    async def _write(self, intents: list[ChunkRow]) -> bool:
        """Write outcomes and intents together; tell whether the intents may be sent."""
        place, desk = self._place, self.desk
        results, desk.outcomes = desk.outcomes, []
        if not intents and not results:
            return True
        try:
            await place.writer.call(place.ledger.commit, place.worker, intents, results)
        except LedgerFullError as error:
            self._storage_failed(error, [] if error.saved else results)
            return False
        except LedgerBusyError as error:
            self._busy(error, results)
            await place.clock.sleep(STORAGE_FIRST_S)
            return False
        except LedgerError as error:
            desk.outcomes[:0] = results
            self.end("stopped", error.message, error)
            return False
        self._storage_failures, self._is_away = 0, False
        self._overseer.written(results)
        if any(outcome.event is Event.NOT_SENT for outcome in results):
            desk.none_due_until_us = 0
        return True

    def _storage_failed(self, error: FlowlaunchError, unwritten: list[Outcome]) -> None:
        self.desk.outcomes[:0] = unwritten
        if not self._storage_failures:
            self._overseer.tell("storage", error.message, code=error.code)
        self._storage_failures += 1
        self.end("stopped", error.message, error)

    def _busy(self, error: LedgerBusyError, unwritten: list[Outcome]) -> None:
        self.desk.outcomes[:0] = unwritten
        self._is_away = self._place.outlasts_outages and isinstance(error, LedgerUnreachableError)
        self._storage_failures += not self._is_away
        if self._storage_failures >= STORAGE_TRIES:
            self.end("stopped", error.message, error)

    async def _drain(self) -> None:
        """Finish what is in flight, write what it came to, and give back what was not used."""
        desk, place = self.desk, self._place
        while desk.in_flight and place.stop.level < 2 and not self._is_fenced():
            self.bell.clear()
            if desk.in_flight:
                await place.clock.wait(self.bell, 1.0)
        for task in tuple(desk.tasks):
            task.cancel()
        await asyncio.gather(*desk.tasks, return_exceptions=True)
        if self._is_fenced():
            return
        await self._write_out()
        await self.put_down()

    async def _write_out(self) -> None:
        """Write what is left to write, trying again for a while, or for as long as the ledger's database is away."""
        tries, wait_s = STORAGE_TRIES, STORAGE_FIRST_S
        while not await self._write([]):
            tries -= not self._is_away
            if not tries or (self._is_away and self._place.stop.level > 1):
                unwritten = len(self.desk.outcomes)
                self._overseer.tell("unwritten", f"{unwritten} outcomes are not in the ledger", rows=unwritten)
                return
            await self._place.clock.sleep(STORAGE_FIRST_S if self._is_away else wait_s)
            wait_s = min(STORAGE_LONGEST_S, wait_s * 2)

    async def put_down(self) -> None:
        """Give back rows and slots in hand: others may want them."""
        desk, place = self.desk, self._place
        rows, desk.rows = list(desk.rows), deque()
        try:
            if rows:
                await place.writer.call(place.ledger.give_back, place.worker, rows)
            await place.lane.give_back()
        except LedgerError as error:
            self.end("stopped", error.message, error)
        desk.none_due_until_us = 0

    def _is_fenced(self) -> bool:
        return self.error is not None and self.error.code == "ledger-fenced"

    # one row -------------------------------------------------------------------------------------------------

    def _start(self, row: ChunkRow, slot_us: int) -> None:
        self.desk.in_flight += 1
        task = asyncio.get_running_loop().create_task(self._send(row, slot_us))
        self.desk.tasks.add(task)
        task.add_done_callback(self.desk.tasks.discard)

    async def _send(self, row: ChunkRow, slot_us: int) -> None:
        try:
            unsent = await self._until_slot(row, slot_us)
            self._came_back(unsent or await self._place.dispatcher.send(row))
        except asyncio.CancelledError:
            self._came_back(
                Sent(row.outcome(Event.LOST, reason="stopped-in-flight", message="stopped while it was in flight"),
                     Sign.AGAIN)
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - whatever it is, the row must not be forgotten
            self._came_back(judged(row, error))

    async def _until_slot(self, row: ChunkRow, slot_us: int) -> Sent | None:
        """Wait for the row's slot; return what to write when it must not be sent after all."""
        place = self._place
        if place.is_unpaced:
            return None
        ahead_s = slot_us / 1e6 - place.clock.now().unix_s
        if 0 < ahead_s <= AHEAD_S:
            await place.clock.sleep(ahead_s)
        now_us = round(place.clock.now().unix_s * 1e6)
        why = ""
        if ahead_s > AHEAD_S:
            why = "clock-set-back"
        elif self.ended or self._overseer.is_paused:
            why = "stopped-before-sending"
        elif place.lane.is_late(slot_us, now_us):
            why = "late-slot"
            self._overseer.late_slots += 1
        elif place.calendar.judge(row, place.ledger.instant(now_us)) is not None:
            why = "window-shut"
        elif place.clock.now().mono_s < self.health.silent_until_s:
            why = "pushed-back"
        if not why:
            return None
        self.desk.unused_slots.append(slot_us)
        return Sent(row.outcome(Event.NOT_SENT, reason=why), Sign.AGAIN)

    def _came_back(self, sent: Sent) -> None:
        desk = self.desk
        now = self._place.clock.now()
        desk.in_flight -= 1
        outcome = sent.outcome
        if outcome.event is Event.ACCEPTED:
            desk.launched += 1
            self.gauge.add(now.mono_s)
            outcome = self._overseer.followed(outcome, now)
        desk.outcomes.append(outcome)
        self._heed(sent, now.mono_s)
        if len(desk.outcomes) >= max(1, self._place.concurrency // 4) or not desk.in_flight:
            self.bell.set()

    def _heed(self, sent: Sent, now_s: float) -> None:
        """Take in what an answer says about the service."""
        if sent.sign is Sign.FATAL and isinstance(sent.error, FlowlaunchError):
            self.end("stopped", sent.error.message, sent.error)
        elif sent.sign is Sign.THROTTLED:
            wait_s = sent.error.retry_after_s if isinstance(sent.error, RateLimitedError) else None
            if wait_s is None:
                self.health.note(Sign.UNREACHABLE, now_s)
        else:
            change = self.health.note(sent.sign, now_s)
            if change:
                self._overseer.tell(change, _of(sent), retry_s=max(0.0, self.health.silent_until_s - now_s))
        if sent.outcome.event in {Event.LOST, Event.REFUSED}:
            kind = "in-doubt" if sent.outcome.event is Event.LOST else "refused"
            self._overseer.tell(kind, sent.outcome.message, row_id=sent.outcome.row_id, reason=sent.outcome.reason)


def _of(sent: Sent) -> str:
    error: Any = sent.error
    return str(getattr(error, "message", "") or "")
