"""Wait for executions, on tasks: the lines of the waiting room for threads, with `await` and no lock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flowlaunch._core.board import Board, Watch, wait_ended
from flowlaunch.errors import FlowlaunchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.models import Execution

READ_S = 10.0
"""Longest time for one reading."""
READERS = 8
"""How many waiting tasks may read at once; the rest rest."""


class AsyncWaiter:
    """The waiting room of one client."""

    def __init__(self, board: Board, clock: AsyncClock, read: Callable[[str, float], Awaitable[Execution]]) -> None:
        self._board, self._clock, self._read = board, clock, read
        self._bells: dict[asyncio.Event, Watch] = {}
        self._readers = 0
        self._sentinel: asyncio.Event | None = None

    async def wait(
        self, execution_id: str, wait_s: float, on_status: Callable[[Execution], None] | None = None
    ) -> Execution:
        """Return the execution once it has ended; raise DeadlineError after `wait_s`."""
        ends_s = self._clock.now().mono_s + wait_s
        bell = asyncio.Event()
        watch = self._board.join(execution_id, self._clock.now().mono_s)
        self._bells[bell] = watch
        if self._sentinel is not None:
            self._sentinel.set()  # it may have to be up earlier now
        try:
            return await self._watch(watch, bell, ends_s, wait_s, on_status)
        finally:
            del self._bells[bell]
            self._board.leave(watch)
            self._ring_one()

    async def _watch(
        self,
        watch: Watch,
        bell: asyncio.Event,
        ends_s: float,
        wait_s: float,
        on_status: Callable[[Execution], None] | None,
    ) -> Execution:
        told = None
        while True:
            latest = watch.latest
            if latest is not None and on_status is not None and latest.status != told:
                told = latest.status
                on_status(latest)
            if watch.error is not None:
                raise watch.error
            if latest is not None and latest.is_final:
                return latest
            now_s = self._clock.now().mono_s
            if now_s >= ends_s:
                raise wait_ended(watch, wait_s)
            await self._take_turn(watch, bell, now_s, ends_s)

    async def _take_turn(self, watch: Watch, bell: asyncio.Event, now_s: float, ends_s: float) -> None:
        """Read what is due, or rest: one task, the sentinel, until something is due, the others until rung for."""
        bell.clear()
        if watch.is_settled:
            return
        due = self._board.next_due() if self._readers < READERS else None
        due_s = self._board.due_s(due) if due is not None else ends_s
        if due is not None and due_s <= now_s:
            self._readers += 1
            self._board.begin(due, now_s)
            self._ring_one()
        elif due is not None and self._sentinel is None:
            self._sentinel = bell
            due = None
        else:
            due, due_s = None, ends_s
        if due is not None:
            await self._read_one(due, min(READ_S, ends_s - now_s))
            return
        try:
            await self._clock.wait(bell, max(0.0, min(ends_s, due_s) - now_s))
        finally:
            if self._sentinel is bell:
                self._sentinel = None

    async def _read_one(self, watch: Watch, timeout_s: float) -> None:
        read: Execution | FlowlaunchError | None = None
        try:
            read = await self._read(watch.execution_id, timeout_s)
        except FlowlaunchError as error:
            read = error
        finally:
            self._readers -= 1
            if read is None:  # an interrupt: the next waiter reads it again
                watch.is_being_read = False
            else:
                self._board.record(watch, read, self._clock.now().mono_s)
            for bell, watched in self._bells.items():
                if watched is watch:
                    bell.set()
            self._ring_one()

    def _ring_one(self) -> None:
        """Wake one resting task to look at the schedule, unless the sentinel does."""
        if self._sentinel is not None:
            self._sentinel.set()
            return
        bell = next((bell for bell in self._bells if not bell.is_set()), None)
        if bell is not None:
            bell.set()
